"""The first administrator: made at the start from the settings, since only an administrator makes administrators.

Who has the address already keeps roles and password: addresses are not verified, so nobody is raised by them.
"""

from kernel.eventlog.port import LogFailed
from kernel.refused import Kind, Refused
from kernel.runtime import Runtime
from kernel.telemetry import logger
from user_service import address, events, passwords
from user_service.directory import Directory
from user_service.settings import UserServiceSettings

CREATED_BY = "settings"
NAME = "Administrator"
ADMIN = "ADMIN"
RETRY_S = 0.5

_log = logger(events.ROLE)


class FirstAdministrator:
    """ValueError says what is wrong with the two settings, before anything starts.

    waits: whether the settings name somebody who is not there yet."""

    def __init__(self, runtime: Runtime, directory: Directory, settings: UserServiceSettings) -> None:
        self._runtime = runtime
        self._directory = directory
        self._email = settings.first_admin_email
        self._password = settings.first_admin_password
        self.waits = bool(self._email)
        _check(self._email, self._password)

    async def make(self) -> None:
        """Create the user, unless the address has one; waits for a log that is away."""
        while self.waits:
            try:
                await _made(self._directory, self._email, self._password)
                self.waits = False
                return
            except (Refused, LogFailed) as failure:
                if isinstance(failure, Refused) and failure.kind is not Kind.UNAVAILABLE:
                    raise
                _log.warning("the first administrator waits", error=str(failure))
            await self._runtime.sleep(RETRY_S)


def _check(email: str, password: str) -> None:
    if bool(email) != bool(password):
        raise ValueError("USER_SERVICE_FIRST_ADMIN_EMAIL and USER_SERVICE_FIRST_ADMIN_PASSWORD belong together")
    if not email:
        return
    if not address.is_address(email):
        raise ValueError(f"USER_SERVICE_FIRST_ADMIN_EMAIL: expected an address such as ada@example.com, got {email!r}")
    try:
        passwords.check_strength(password, email)
    except Refused as refused:
        raise ValueError(f"USER_SERVICE_FIRST_ADMIN_PASSWORD: {refused.message}") from None


async def _made(directory: Directory, email: str, password: str) -> None:
    person, _ = await directory.find_by_email(email, None)
    if person is None:
        person, _ = await directory.create(email, password, NAME, (ADMIN,), CREATED_BY, "")
        _log.info("the first administrator was made", user_id=person.user_id)
    elif ADMIN not in person.roles:
        told = "USER_SERVICE_FIRST_ADMIN_EMAIL belongs to a user who is no administrator: name another address"
        _log.warning(told, user_id=person.user_id)
