"""Refuses to go on where the private store was lost: without its keys every person in the log is erased for ever.

A store that has been found to fit the log says so with a mark. One without it may not be empty where the log has users.
"""

from pathlib import Path

from kernel.eventlog.port import EventLog, LogFailed
from kernel.projection import Projection
from kernel.runtime import Runtime
from user_service import private_store
from user_service.private_store import PrivateStore
from user_service.views import UsersView

RETRY_S = 1
FITS = "fits-the-log"


class PersonsLost(RuntimeError):
    """The private store is missing or another log's."""


class Fit:
    """Whether the private store is the log's; `is_known` once it was found to be."""

    def __init__(
        self, runtime: Runtime, log: EventLog, projection: Projection, store: PrivateStore, *, is_accepted: bool
    ) -> None:
        self.is_known = False
        self._runtime = runtime
        self._log = log
        self._projection = projection
        self._store = store
        self._is_accepted = is_accepted

    async def check(self) -> None:
        """PersonsLost unless the store fits the log, or its loss is accepted; waits for a log that is away."""
        store, in_thread = self._store, self._runtime.in_thread
        if store.path is not None and not await in_thread(private_store.LANE, store.has_secret, FITS):
            users = await self._users()
            keys = await in_thread(private_store.LANE, store.count_persons)
            if keys < users and (store.is_new or not keys) and not self._is_accepted:
                raise PersonsLost(told(store.path, users, keys))
            await in_thread(private_store.LANE, store.secret, FITS, b"1")
        self.is_known = True

    async def _users(self) -> int:
        """Those of the log as it is now who were not erased."""
        view = self._projection.view
        assert isinstance(view, UsersView)
        while True:
            try:
                await self._projection.reached(await self._log.head())
                return view.users.count("email_id != ''")
            except LogFailed:
                await self._runtime.sleep(RETRY_S)


def told(path: Path, users: int, keys: int) -> str:
    return (
        f"{path} holds the keys of {keys} of the log's {users} users: without them their names and addresses are "
        "lost for ever. Restore the file from its backup; to go on without these persons, set "
        "USER_SERVICE_ACCEPT_LOST_PERSONS=true"
    )
