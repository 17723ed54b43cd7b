"""Erasing a person: the key that opens his texts is destroyed, so that every copy of the log is unreadable about him.

Orders and money stay: they are the account's, and the log is never changed. The event comes first and the key goes
then; a service that stopped in between finishes later.
"""

from kernel.eventlog.port import LogFailed
from kernel.projection import Projection
from kernel.refused import Kind, Refused
from kernel.runtime import Runtime
from kernel.telemetry import logger
from user_service import address, events, user
from user_service.directory import Directory
from user_service.journal import Cause, Change, Journal
from user_service.password_change import PasswordChanges
from user_service.sessions import Sessions
from user_service.views import UsersView

_log = logger(events.ROLE)


class Erasure:
    """Returns the position after which every read shows it. Erasing whoever is erased changes nothing."""

    def __init__(
        self,
        runtime: Runtime,
        journal: Journal,
        projection: Projection,
        view: UsersView,
        directory: Directory,
        sessions: Sessions,
        password_changes: PasswordChanges,
    ) -> None:
        self._runtime = runtime
        self._journal = journal
        self._projection = projection
        self._view = view
        self._directory = directory
        self._sessions = sessions
        self._password_changes = password_changes

    async def own(self, user_id: str, current_password: str) -> int:
        """Refused(wrong_password) if it is another: what cannot be undone is not for whoever finds an open session."""
        await self._password_changes.proven(user_id, current_password)
        return await self.of(user_id, user_id)

    async def of(self, user_id: str, erased_by: str) -> int:
        """Refused(not_found) for nobody, own_admin_role for an administrator who would erase himself."""
        await self._projection.reached()
        row = self._view.users.get(user_id)
        if row is None:
            raise Refused("not_found", "there is no such user", Kind.NOT_FOUND)
        email_id = row.email_id

        async def decide() -> list[Change]:
            state, version = await self._journal.load(user, user_id)
            erased = user.decide(state, user.Erase(erased_by))
            if not erased:
                return []
            claim, claimed = await self._journal.load(address, email_id)
            released = address.decide(claim, address.ReleaseEmail(email_id, user_id))
            return [Change(events.USER, user_id, version, erased), Change(events.EMAIL, email_id, claimed, released)]

        appended = await self._journal.change(decide, Cause(erased_by))
        await self._forget(user_id)
        _log.info("a person was erased", user_id=user_id, erased_by=erased_by)
        return await self._projection.reached(appended.last if appended else None)

    async def finish(self) -> None:
        """Destroy the keys of those whose erasure was written, and not done before the service stopped."""
        try:
            await self._projection.reached()
        except (Refused, LogFailed) as failure:
            _log.warning("erasures wait for the log", error=str(failure))
            return
        for row in self._view.erased():
            if await self._directory.persons.key_of(row.user_id) is not None:
                await self._forget(row.user_id)

    async def _forget(self, user_id: str) -> None:
        await self._directory.persons.forget(user_id)
        await self._sessions.tell()
