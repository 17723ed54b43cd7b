"""Changing a password: one's own with the current one, somebody's by an administrator, and the one that was given once.

Nothing of it stands in the log, as nothing of a password does; who did it when is told there in a line of the log file.
"""

import base64

from kernel.refused import Kind, Refused
from kernel.runtime import Runtime
from kernel.telemetry import logger
from user_service import events, passwords, private_store
from user_service.directory import Directory
from user_service.persons import Person
from user_service.private_store import PrivateStore
from user_service.sessions import Sessions
from user_service.settings import UserServiceSettings
from user_service.sign_in import SignedIn
from user_service.throttle import Throttle

ONE_TIME_BYTES = 15
GROUP_CHARACTERS = 6

_log = logger(events.ROLE)


class PasswordChanges:
    """Each way ends every session of the user but the one that asks: whoever has the old password is out."""

    def __init__(
        self,
        runtime: Runtime,
        directory: Directory,
        store: PrivateStore,
        sessions: Sessions,
        settings: UserServiceSettings,
    ) -> None:
        self._runtime = runtime
        self._directory = directory
        self._store = store
        self._sessions = sessions
        self._one_time_ns = settings.one_time_password_s * 1_000_000_000
        self._failures = Throttle(settings.address_failures_max, settings.failures_window_s * 1_000_000_000)

    async def change(self, user_id: str, current: str, new: str, kept_session: str) -> None:
        """kept_session: `sid` of the token that asks, empty to end all. Refused (wrong_password) if `current` is not
        the password, too_many_attempts if that happened too often."""
        person = await self.proven(user_id, current)
        await self._set(person, new, kept_session)
        _log.info("a password was changed", user_id=user_id)

    async def proven(self, user_id: str, password: str) -> Person:
        """The user, who has shown the password once more."""
        person, _ = await self._directory.find(user_id, None)
        self._failures.begin(user_id, self._runtime.now_ns())
        try:
            fits = await self._directory.has_password(user_id, password)
        except Refused:  # busy: nobody's failure
            self._failures.take_back(user_id)
            raise
        if not fits:
            raise Refused("wrong_password", "the current password is another one", Kind.UNPROCESSABLE)
        self._failures.forget(user_id)
        return person

    async def reset(self, user_id: str, reset_by: str) -> tuple[str, int]:
        """A password for one sign-in, at which the user chooses another, and when it expires; the old one is gone."""
        if user_id == reset_by:
            told = "an administrator changes the own password with the current one"
            raise Refused("own_password", told, Kind.UNPROCESSABLE)
        person, _ = await self._directory.find(user_id, None)
        _check_present(person)
        letters = base64.b32encode(self._runtime.random_bytes(ONE_TIME_BYTES)).decode().lower()
        groups = [letters[at : at + GROUP_CHARACTERS] for at in range(0, len(letters), GROUP_CHARACTERS)]
        password, until_ns = "-".join(groups), self._runtime.now_ns() + self._one_time_ns
        await self._store_hash(user_id, password, until_ns, "")
        _log.info("a password was reset", user_id=user_id, reset_by=reset_by)
        return password, until_ns

    async def choose(self, signed_in: SignedIn, new: str) -> bool:
        """In place of the one that was given for one sign-in; False if that is not the user's any more."""
        person = signed_in.person
        until_ns = await self._runtime.in_thread(private_store.LANE, self._store.one_time_until_ns, person.user_id)
        if until_ns is None or until_ns != signed_in.one_time_until_ns:
            return False
        await self._set(person, new, "")
        _log.info("a password was chosen after a reset", user_id=person.user_id)
        return True

    async def _set(self, person: Person, new: str, kept_session: str) -> None:
        _check_present(person)
        passwords.check_strength(new, person.email)
        if await self._directory.has_password(person.user_id, new):
            raise Refused("weak_password", "the new password is the old one; choose another", Kind.INVALID)
        await self._store_hash(person.user_id, new, None, kept_session)

    async def _store_hash(self, user_id: str, password: str, one_time_until_ns: int | None, kept_session: str) -> None:
        hashed, now_ns = await self._directory.passwords.hash(password), self._runtime.now_ns()
        call = self._store.set_password
        row = (user_id, hashed, one_time_until_ns, kept_session, now_ns)
        await self._runtime.in_thread(private_store.LANE, call, *row)
        await self._sessions.tell()


def _check_present(person: Person) -> None:
    if person.erased:
        raise Refused("not_found", "there is no such user", Kind.NOT_FOUND)
