"""Read models: `apply(event)` over tables, with the checkpoint in the same transaction as the rows.

A `View` folds events into `Table`s. A `Projection` feeds it from the log and commits each batch's rows together with
the position they cover, so a crash can neither skip an event nor apply it twice. A view that meets an event it cannot
apply stops with its checkpoint where it was; it never skips.
"""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from kernel.event import Event
from kernel.eventlog.port import EventLog, LogFailed
from kernel.refused import Kind, Refused
from kernel.runtime import Runtime

BATCH_EVENTS_MAX = 512
CACHED_ROWS_MAX = 20_000
WAIT_S = 5.0
PAUSE_S = 0.01
CATCHING_UP_EVENTS = 256

IDLE_EVENTS_MAX = 10_000

Change = tuple[str, str]  # a statement, and the rows it writes as JSON
Row = TypeVar("Row", bound=msgspec.Struct)
Column = Callable[[Any], str | int | None]


class Table(Generic[Row]):
    """Rows of one type by a text key, kept as JSON with some columns beside them for queries.

    `get` and `put` see this batch's changes at once; `select` sees what is committed.
    cached_rows_max: committed rows kept in memory for `get`; 0 for a fold that remembers what it needs itself.
    """

    def __init__(
        self,
        name: str,
        row: type[Row],
        columns: Mapping[str, Column] | None = None,
        cached_rows_max: int = CACHED_ROWS_MAX,
    ) -> None:
        self.name = name
        self.row = row
        self.columns = dict(columns or {})
        self._cached_rows_max = cached_rows_max
        self._decoder = msgspec.json.Decoder(row)
        self._changed: dict[str, Row | None] = {}
        self._cached: dict[str, Row] = {}
        self._leaving: frozenset[str] = frozenset()  # deleted, and perhaps still in the file
        self._reader: sqlite3.Connection | None = None

    def get(self, key: str) -> Row | None:
        if key in self._changed:
            return self._changed[key]
        row = self._cached.get(key)
        if row is None and self._reader is not None and key not in self._leaving:
            found = self._reader.execute(f"SELECT row FROM {self.name} WHERE key = ?", (key,)).fetchone()
            if found is not None:
                row = self._cached[key] = self._decoder.decode(found[0])
        return row

    def put(self, key: str, row: Row) -> None:
        self._changed[key] = row

    def delete(self, key: str) -> None:
        self._changed[key] = None

    def select(self, where: str = "", parameters: Sequence[Any] = (), tail: str = "") -> list[Row]:
        """Committed rows; `where` and `tail` are SQL over `key` and the declared columns, written by the view."""
        assert self._reader is not None, "the store is not open"
        clause = f"WHERE {where} " if where else ""
        found = self._reader.execute(f"SELECT row FROM {self.name} {clause}{tail}", parameters)
        return [self._decoder.decode(text) for (text,) in found]

    def count(self, where: str) -> int:
        """How many committed rows there are that `where` holds for."""
        assert self._reader is not None, "the store is not open"
        (found,) = self._reader.execute(f"SELECT count(*) FROM {self.name} WHERE {where}").fetchone()
        return int(found)

    def everything(self) -> Iterator[tuple[str, Row]]:
        assert self._reader is not None, "the store is not open"
        for key, text in self._reader.execute(f"SELECT key, row FROM {self.name} ORDER BY key"):
            yield key, self._decoder.decode(text)

    def _open(self, writer: sqlite3.Connection, reader: sqlite3.Connection, indexes: Sequence[Sequence[str]]) -> None:
        self._reader = reader
        columns = "".join(f", {column}" for column in self.columns)
        writer.execute(
            f"CREATE TABLE IF NOT EXISTS {self.name} (key TEXT PRIMARY KEY, row TEXT NOT NULL{columns}) WITHOUT ROWID"
        )
        for index in indexes:
            name = f"{self.name}_by_{'_'.join(word.split()[0] for word in index)}"
            writer.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {self.name} ({', '.join(index)})")

    def _take(self) -> list[Change]:
        """What changed since the last call, as statements with their rows in JSON. Forgets it as a change.

        What the last call gave is committed by now."""
        self._leaving = frozenset(key for key, row in self._changed.items() if row is None)
        if not self._changed:
            return []
        written: list[list[Any]] = []
        if len(self._cached) > self._cached_rows_max:
            self._cached.clear()
        for key, row in self._changed.items():
            if row is None:
                self._cached.pop(key, None)
            else:
                self._cached[key] = row
                written.append([key, msgspec.json.encode(row).decode(), *(pick(row) for pick in self.columns.values())])
        self._changed = {}
        taken: tuple[tuple[str, Sequence[Any]], ...] = (
            (self._upsert, written),
            (self._delete, sorted(self._leaving)),
        )
        return [(statement, msgspec.json.encode(rows).decode()) for statement, rows in taken if rows]

    @cached_property
    def _upsert(self) -> str:
        # One statement step writes a whole batch: Python's sqlite3 gives up the GIL once, not once a row.
        picks = ", ".join(f"value ->> {number}" for number in range(2 + len(self.columns)))
        names = ", ".join(["key", "row", *self.columns])
        updates = ", ".join(f"{name} = excluded.{name}" for name in ["row", *self.columns])
        return (
            f"INSERT INTO {self.name} ({names}) SELECT {picks} FROM json_each(?) WHERE true "
            f"ON CONFLICT (key) DO UPDATE SET {updates}"
        )

    @cached_property
    def _delete(self) -> str:
        return f"DELETE FROM {self.name} WHERE key IN (SELECT value FROM json_each(?))"


class View(Protocol):
    """A read model. `version` changes when its rows would come out differently; the store is then rebuilt."""

    name: str
    version: int

    @property
    def tables(self) -> Sequence[Table[Any]]: ...

    @property
    def indexes(self) -> Mapping[str, Sequence[Sequence[str]]]:
        """For each table the columns of its indexes."""

    def opened(self) -> None:
        """The tables are open: load what the fold keeps in memory."""

    def apply(self, event: Event) -> None: ...


class ViewFailed(Exception):
    """A view cannot be written. Nothing is lost: it can be rebuilt from the log."""


class ViewStore:
    """The SQLite file of a service's view; in memory when there is no path. Rebuildable, so commits need no flush."""

    def __init__(self, view: View, path: Path | None) -> None:
        self.view = view
        self._where = f"view {view.name} in {path or 'memory'}"
        target = str(path) if path else ":memory:"
        if path:  # private before SQLite writes to it; what lies beside it gets the same mode
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            path.chmod(0o600)
        self._writer = sqlite3.connect(target, isolation_level=None, check_same_thread=False)
        try:
            self.checkpoint = self._opened(target, path)
        except sqlite3.DatabaseError as error:
            self._writer.close()
            told = f"{self._where} cannot be read ({error}): delete the file, it is made again from the log"
            raise ViewFailed(told) from error
        try:
            view.opened()
        except msgspec.DecodeError as error:
            told = f"{self._where} holds a row that cannot be read ({error}): delete the file, it is made again"
            raise ViewFailed(told) from error

    def _opened(self, target: str, path: Path | None) -> int:
        """Make the tables ready; the position that they cover."""
        view = self.view
        self._reader = self._writer
        if path:
            self._writer.execute("PRAGMA journal_mode = WAL")
            self._writer.execute("PRAGMA synchronous = NORMAL")
            self._reader = sqlite3.connect(target, isolation_level=None, check_same_thread=False)
        self._writer.execute("CREATE TABLE IF NOT EXISTS checkpoint (view TEXT PRIMARY KEY, version INT, position INT)")
        row = self._writer.execute("SELECT version, position FROM checkpoint WHERE view = ?", (view.name,)).fetchone()
        if row is None or row[0] != view.version:  # rows without a checkpoint follow from nothing
            for table in view.tables:
                self._writer.execute(f"DROP TABLE IF EXISTS {table.name}")
            row = None
        for table in view.tables:
            table._open(self._writer, self._reader, view.indexes.get(table.name, ()))
        return int(row[1]) if row else 0

    def commit(self, changes: Sequence[Change], position: int) -> None:
        """Write the rows and the checkpoint in one transaction. Runs on the store's thread.

        ViewFailed says what could not be written and where; the view then stays as it was."""
        try:
            self._commit(changes, position)
        except sqlite3.Error as error:
            told = f"{self._where}: commit up to position {position} failed: {error}"
            raise ViewFailed(f"{told}; mend the cause (is the disk full?) and start again") from error

    def _commit(self, changes: Sequence[Change], position: int) -> None:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            for statement, rows in changes:
                self._writer.execute(statement, (rows,))
            self._writer.execute(
                "INSERT INTO checkpoint VALUES (?, ?, ?) ON CONFLICT (view) DO UPDATE "
                "SET version = excluded.version, position = excluded.position",
                (self.view.name, self.view.version, position),
            )
            self._writer.execute("COMMIT")
            self.checkpoint = position
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise

    def take(self) -> list[Change]:
        """What the tables changed since the last call."""
        return [change for table in self.view.tables for change in table._take()]

    def close(self) -> None:
        self._writer.close()
        if self._reader is not self._writer:
            self._reader.close()


def parts_at_command_ends(events: Sequence[Event], size: int) -> Iterator[Sequence[Event]]:
    """`events` in parts of about `size`, none of which ends within a command: nobody may see a view there."""
    start = 0
    while start < len(events):
        stop = min(start + size, len(events))
        while stop < len(events) and not events[stop - 1].ends_command:
            stop += 1
        yield events[start:stop]
        start = stop


class Projection:
    """Keeps one view at the head of the log, and lets readers wait for a position.

    A transaction costs much the same for one order as for fifty, so between two of them the view lets `PAUSE_S` pass,
    unless somebody waits for a position that it does not have yet or there is much to catch up with. What comes after
    a quiet time is shown at once.
    """

    def __init__(self, runtime: Runtime, log: EventLog, store: ViewStore) -> None:
        self.position = store.checkpoint
        self.view = store.view
        self.on_commit: list[Callable[[Sequence[Event]], None]] = []
        self._runtime = runtime
        self._log = log
        self._store = store
        self._moved = asyncio.Event()
        self._wanted = 0  # the furthest position that was waited for
        self._resumed = asyncio.Event()
        self._failure: BaseException | None = None

    async def run(self) -> None:
        """Follow the log until cancelled. Any failure stops the view where its checkpoint is."""
        try:
            async for batch in self._log.subscribe(self.position):
                for part in parts_at_command_ends(batch, BATCH_EVENTS_MAX):
                    await self._apply(part)
                if len(batch) < CATCHING_UP_EVENTS:
                    await self._pause()
        except BaseException as failure:
            self._failure = failure
            self._wake()
            raise

    async def _apply(self, events: Sequence[Event]) -> None:
        for event in events:
            self.view.apply(event)
        position = events[-1].position
        changes = self._store.take()
        # Events that changed no row need no transaction: reading them again changes no row either.
        if changes or position - self._store.checkpoint >= IDLE_EVENTS_MAX:
            await self._runtime.in_thread(f"view-{self.view.name}", self._store.commit, changes, position)
        self.position = position
        self._wake()
        for listener in self.on_commit:
            listener(events)

    async def _pause(self) -> None:
        """Let events gather for one transaction, until somebody wants them."""
        self._resumed.clear()
        if self._wanted > self.position:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PAUSE_S):
                await self._resumed.wait()

    def _wake(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def reached(self, position: int | None = None, wait_s: float = WAIT_S) -> int:
        """Wait until the view covers `position`, or the log's head as read on arrival; returns the view's position.

        Refused (unavailable) when it takes longer than `wait_s`, the view has stopped, or the log is away."""
        try:
            wanted = await self._log.head() if position is None else position
        except LogFailed as failed:
            told = f"the log cannot answer now: {failed}"
            raise Refused("unavailable", told, Kind.UNAVAILABLE, retry_after_s=1) from failed
        if self.position >= wanted:
            return self.position
        self._wanted = max(self._wanted, wanted)
        self._resumed.set()
        try:
            async with asyncio.timeout(wait_s):
                while self.position < wanted:
                    if self._failure is not None:
                        raise Refused(
                            "view_stopped", f"the {self.view.name} view stopped: {self._failure}", Kind.UNAVAILABLE
                        )
                    await self._moved.wait()
        except TimeoutError:
            told = f"the {self.view.name} view is at {self.position} and did not reach {wanted} within {wait_s} s"
            raise Refused("position_not_reached", told, Kind.UNAVAILABLE, retry_after_s=1) from None
        return self.position

    async def close(self) -> None:
        await self._runtime.in_thread(f"view-{self.view.name}", self._store.close)
