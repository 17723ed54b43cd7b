"""Signing in with a password: throttled, and equally slow whether the address is known.

Failures are counted three ways. By e-mail address and network together: a stranger who guesses locks out himself. By
network: nobody tries many addresses. By address from everywhere, which bounds a guesser with many networks; it does not
hold up networks from which the address was signed in to before, so that strangers cannot lock its owner out.
"""

from collections import OrderedDict
from dataclasses import dataclass

from kernel.refused import Kind, Refused
from kernel.runtime import Runtime
from user_service import private_store
from user_service.directory import Directory
from user_service.network import network_of
from user_service.passwords import CHARACTERS_MAX
from user_service.persons import Person
from user_service.private_store import PrivateStore
from user_service.settings import UserServiceSettings
from user_service.throttle import KEYS_MAX, Throttle


@dataclass(frozen=True, slots=True)
class SignedIn:
    """one_time_until_ns: when the password expires, if it was given for one sign-in: another has to be chosen before
    anything else."""

    person: Person
    one_time_until_ns: int | None

    @property
    def must_choose(self) -> bool:
        return self.one_time_until_ns is not None


class SignIn:
    """`with_password` is the only way in from a password."""

    def __init__(
        self, runtime: Runtime, directory: Directory, store: PrivateStore, settings: UserServiceSettings
    ) -> None:
        self._runtime = runtime
        self._directory = directory
        self._store = store
        window_ns = settings.failures_window_s * 1_000_000_000
        self._by_pair = Throttle(settings.address_failures_max, window_ns)
        self._by_network = Throttle(settings.client_failures_max, window_ns)
        self._by_address = Throttle(settings.address_failures_everywhere_max, window_ns)
        self._signed_in_from: OrderedDict[str, None] = OrderedDict()

    async def with_password(self, email: str, password: str, client: str) -> SignedIn:
        """Who it is; Refused(invalid_credentials) without saying which of the two was wrong.

        client: the network address that asks."""
        counted = self._begin(self._directory.email_id(email), network_of(client))
        try:
            signed_in = await self._check(email, password[: CHARACTERS_MAX + 1])
        except Refused:  # busy: nobody's failure
            _take_back(counted)
            raise
        if signed_in is None:
            told = "the e-mail address or the password is wrong"
            raise Refused("invalid_credentials", told, Kind.UNAUTHENTICATED)
        _take_back(counted)
        _, pair = counted[-1]
        self._by_pair.forget(pair)
        self._remember(pair)
        return signed_in

    def _begin(self, email_id: str, network: str) -> list[tuple[Throttle, str]]:
        """Count an attempt wherever it counts, the pair last; Refused if one has to wait, and then none counts it."""
        pair = f"{email_id}|{network}"
        counting = [(self._by_network, network), (self._by_pair, pair)]
        if pair not in self._signed_in_from:
            counting.insert(1, (self._by_address, email_id))
        counted: list[tuple[Throttle, str]] = []
        now_ns = self._runtime.now_ns()
        try:
            for throttle, key in counting:
                throttle.begin(key, now_ns)
                counted.append((throttle, key))
        except Refused:
            _take_back(counted)
            raise
        return counted

    def _remember(self, pair: str) -> None:
        self._signed_in_from[pair] = None
        self._signed_in_from.move_to_end(pair)
        while len(self._signed_in_from) > KEYS_MAX:
            self._signed_in_from.popitem(last=False)

    async def _check(self, email: str, password: str) -> SignedIn | None:
        person, _ = await self._directory.find_by_email(email, None)
        user_id = person.user_id if person else ""
        stored = await self._runtime.in_thread(private_store.LANE, self._store.password_hash, user_id)
        if not await self._directory.passwords.verify(stored, password) or person is None or stored is None:
            return None
        one_time = await self._runtime.in_thread(private_store.LANE, self._store.one_time_until_ns, user_id)
        if one_time is not None and one_time <= self._runtime.now_ns():
            return None
        if self._directory.passwords.is_outdated(stored):
            renewed = await self._directory.passwords.hash(password)
            await self._runtime.in_thread(
                private_store.LANE, self._store.replace_password_hash, user_id, stored, renewed
            )
        return SignedIn(person, one_time)


def _take_back(counted: list[tuple[Throttle, str]]) -> None:
    for throttle, key in counted:
        throttle.take_back(key)
