"""Snapshots in a SQLite file of their own: they can be made again, so they may never delay or endanger the log."""

import os
import sqlite3
from pathlib import Path

from kernel.eventlog.port import SNAPSHOTS_KEPT, Snapshot

SCHEMA = """
CREATE TABLE IF NOT EXISTS snapshots (
    kind TEXT NOT NULL,
    schema TEXT NOT NULL,
    position INTEGER NOT NULL,
    state_hash TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (kind, schema, position)
) STRICT
"""


class SnapshotFile:
    """Opened at first use. Every method blocks, and all are called from one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def save(self, snapshot: Snapshot) -> None:
        connection = self._open()
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(
                "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?)",
                (snapshot.kind, snapshot.schema, snapshot.position, snapshot.state_hash, snapshot.data),
            )
            connection.execute(
                "DELETE FROM snapshots WHERE kind = ?1 AND schema = ?2 AND position NOT IN (SELECT position "
                "FROM snapshots WHERE kind = ?1 AND schema = ?2 ORDER BY position DESC LIMIT ?3)",
                (snapshot.kind, snapshot.schema, SNAPSHOTS_KEPT),
            )
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def load(self, kind: str, schema: str) -> list[Snapshot]:
        rows = self._open().execute(
            "SELECT kind, schema, position, state_hash, data FROM snapshots "
            "WHERE kind = ? AND schema = ? ORDER BY position DESC",
            (kind, schema),
        )
        return [Snapshot(*row) for row in rows]

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(SCHEMA)
            self._connection = connection
        return self._connection
