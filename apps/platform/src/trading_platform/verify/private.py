"""The private store against the log: are the keys there without which its users are lost?"""

import sqlite3
from contextlib import closing
from pathlib import Path

from kernel.eventlog.history import history
from kernel.eventlog.port import EventLog
from kernel.runtime import Runtime
from trading_platform.verify.difference import Differences, Progress
from trading_platform.verify.views import open_stored
from user_service.lost_persons import FITS, told

STORE = "user-service/private.db"


async def compare(runtime: Runtime, log: EventLog, path: Path, progress: Progress) -> tuple[str, Differences]:
    """A user without a key may have been erased; where no user has one, the store is not the log's."""
    users, differences = await _users(runtime, log, progress), Differences()
    try:
        keys, fits = _stored(path)
    except sqlite3.DatabaseError as error:
        differences.add(STORE, f"{path} cannot be read ({error}): restore it from its backup")
        return "stopped", differences
    held = len(users & keys)
    if users and not held and not fits:
        differences.add(STORE, told(path, len(users), held))
    return f"the keys of {held:,} of {len(users):,} users", differences


def _stored(path: Path) -> tuple[set[str], bool]:
    """Whose keys the file holds, and whether it once fitted the log; of no file none."""
    if not path.is_file():
        return set(), False
    with closing(open_stored(path)) as connection:
        keys = {user_id for (user_id,) in connection.execute("SELECT user_id FROM person_keys")}
        fits = connection.execute("SELECT 1 FROM secrets WHERE name = ?", (FITS,)).fetchone() is not None
        return keys, fits


async def _users(runtime: Runtime, log: EventLog, progress: Progress) -> set[str]:
    head, users = await log.head(), set()
    async for events in history(runtime, log, 0, head):
        users |= {event.aggregate_id for event in events if event.event_type == "UserRegistered"}
        progress(events[-1].position, head)
    return users
