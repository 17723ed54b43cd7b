"""Copying the write-ahead log into the main file beside the commits, so that a commit seldom waits for it.

SQLite can begin its write-ahead log anew only when all of it has been copied, and commits go on while a copy runs. So
two rounds run on a thread of their own, the second with little left to do, and the last frames are copied in the
writer's thread, between two commits. A round that fails (a full disk) loses nothing: the next one tries again.
"""

import sqlite3
from pathlib import Path

ROUNDS_BESIDE = 2


class Checkpointer:
    """Owns the connection of the checkpoint thread. Every method blocks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def copy_beside(self) -> None:
        """Copy all that is in the write-ahead log now; commits go on meanwhile."""
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA synchronous = FULL")
        for _ in range(ROUNDS_BESIDE):
            copy_log(self._connection)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def copy_log(connection: sqlite3.Connection) -> None:
    """Copy what no reader still needs; never waits for one."""
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
