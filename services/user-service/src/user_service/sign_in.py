"""Signing in with a password: throttled by address and by client, and equally slow whether the address is known."""

from kernel.refused import Kind, Refused
from kernel.runtime import Runtime
from user_service import private_store
from user_service.directory import Directory
from user_service.passwords import CHARACTERS_MAX
from user_service.persons import Person
from user_service.private_store import PrivateStore
from user_service.settings import UserServiceSettings
from user_service.throttle import Throttle


class SignIn:
    """`with_password` is the only way in from a password."""

    def __init__(
        self, runtime: Runtime, directory: Directory, store: PrivateStore, settings: UserServiceSettings
    ) -> None:
        self._runtime = runtime
        self._directory = directory
        self._store = store
        window_ns = settings.failures_window_s * 1_000_000_000
        self._by_address = Throttle(settings.address_failures_max, window_ns)
        self._by_client = Throttle(settings.client_failures_max, window_ns)

    async def with_password(self, email: str, password: str, client: str) -> Person:
        """The person; Refused(invalid_credentials) without saying which of the two was wrong.

        client: the network address that asks."""
        now_ns = self._runtime.now_ns()
        email_id = self._directory.email_id(email)
        self._by_client.begin(client, now_ns)
        try:
            self._by_address.begin(email_id, now_ns)
        except Refused:
            self._by_client.take_back(client)
            raise
        try:
            person = await self._check(email, password[: CHARACTERS_MAX + 1])
        except Refused:  # busy: nobody's failure
            self._by_client.take_back(client)
            self._by_address.take_back(email_id)
            raise
        if person is None:
            told = "the e-mail address or the password is wrong"
            raise Refused("invalid_credentials", told, Kind.UNAUTHENTICATED)
        self._by_client.take_back(client)
        self._by_address.forget(email_id)
        return person

    async def _check(self, email: str, password: str) -> Person | None:
        person, _ = await self._directory.find_by_email(email, None)
        user_id = person.user_id if person else ""
        stored = await self._runtime.in_thread(private_store.LANE, self._store.password_hash, user_id)
        if not await self._directory.passwords.verify(stored, password) or person is None or stored is None:
            return None
        if self._directory.passwords.is_outdated(stored):
            renewed = await self._directory.passwords.hash(password)
            await self._runtime.in_thread(
                private_store.LANE, self._store.replace_password_hash, user_id, stored, renewed
            )
        return person
