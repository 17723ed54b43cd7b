"""Read models against the log: rebuilt in memory up to the stored checkpoint, then compared row by row."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import msgspec

from kernel.eventlog.history import history
from kernel.eventlog.port import EventLog
from kernel.projection import Table, View, ViewStore
from kernel.runtime import Runtime
from trading_platform.verify.difference import Differences, Progress

TEXT_CHARACTERS_MAX = 300


@runtime_checkable
class TellsChanges(Protocol):
    """A view that gathers what changed for those who listen; nobody does here."""

    def take_changes(self) -> object: ...


class NotCompared(Exception):
    """The file holds nothing that could be compared with the log; the message says why. It is rebuilt at a start."""


class Stored(NamedTuple):
    """Which version of a view the file holds, and up to which position."""

    version: int
    position: int


def open_stored(path: Path) -> sqlite3.Connection:
    """The file of a stopped service, read only."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def stored_in(connection: sqlite3.Connection, view: View) -> Stored | None:
    """None if the file has no checkpoint of the view: nothing was committed yet, or somebody removed it."""
    if not _has_table(connection, "checkpoint"):
        return None
    row = connection.execute("SELECT version, position FROM checkpoint WHERE view = ?", (view.name,)).fetchone()
    return Stored(*row) if row else None


async def compare(
    runtime: Runtime, log: EventLog, view: View, path: Path, progress: Progress
) -> tuple[str, Differences]:
    """Rebuild `view` and compare it with the file at `path`; returns what was done, in a few words, and differences.

    NotCompared where the file is of another version of the view, or lacks the checkpoint that the log asks for."""
    differences = Differences()
    with closing(open_stored(path)) as connection:
        try:
            stored = stored_in(connection, view)
        except sqlite3.DatabaseError as error:
            differences.add("file", f"{path} cannot be read ({error}): delete it, a start makes it again")
            return "stopped", differences
        if stored is not None and stored.version != view.version:
            raise NotCompared(f"holds version {stored.version}, and {view.version} is current")
        head = await log.head()
        if stored is not None and stored.position > head:
            differences.add("checkpoint", f"stands at {stored.position}, beyond the log's head {head}")
            return f"at {stored.position}", differences
        until = stored.position if stored is not None else 0
        with closing(await rebuilt(runtime, log, view, until, progress)):
            rows = sum(_compare_table(connection, table, differences) for table in view.tables)
    if stored is None and not differences.count:
        await _expect_no_rows(runtime, log, view, head, progress)
        return f"no rows, as the log gives none up to {head:,}", differences
    return f"{rows:,} rows at {until:,}", differences


async def _expect_no_rows(runtime: Runtime, log: EventLog, view: View, head: int, progress: Progress) -> None:
    """A view commits nothing until an event concerns it; NotCompared if one in the log did."""
    with closing(await rebuilt(runtime, log, view, head, progress)):
        rows = sum(1 for table in view.tables for _ in table.everything())
    if rows:
        raise NotCompared(f"has no checkpoint and no rows, and the log gives {rows:,} rows at {head:,}")


async def rebuilt(runtime: Runtime, log: EventLog, view: View, until: int, progress: Progress) -> ViewStore:
    """A store in memory that holds the fold of the log up to `until`."""
    store = ViewStore(view, None)
    async for events in history(runtime, log, 0, until):
        for event in events:
            view.apply(event)
        store.commit(store.take(), events[-1].position)
        if isinstance(view, TellsChanges):
            view.take_changes()
        progress(events[-1].position, until)
    return store


def _compare_table(connection: sqlite3.Connection, table: Table[Any], differences: Differences) -> int:
    """Walk both tables in the order of their keys; returns how many rows the log gives."""
    columns = ", ".join(["key", "row", *table.columns])
    kept: Iterator[tuple[Any, ...]] = iter(())
    if _has_table(connection, table.name):
        kept = connection.execute(f"SELECT {columns} FROM {table.name} ORDER BY key")
    count = 0
    found = next(kept, None)
    for expected in _expected(table):
        count += 1
        while found is not None and found[0] < expected[0]:
            differences.add(f"table {table.name}, row {found[0]}", "is there, and the log does not give it")
            found = next(kept, None)
        if found is None or found[0] > expected[0]:
            differences.add(f"table {table.name}, row {expected[0]}", f"is missing, expected {_short(expected[1:])}")
            continue
        if found != expected:
            told = f"holds {_short(found[1:])}, expected {_short(expected[1:])}"
            differences.add(f"table {table.name}, row {expected[0]}", told)
        found = next(kept, None)
    while found is not None:
        differences.add(f"table {table.name}, row {found[0]}", "is there, and the log does not give it")
        found = next(kept, None)
    return count


def _has_table(connection: sqlite3.Connection, name: str) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,))
    return found.fetchone() is not None


def _expected(table: Table[Any]) -> Iterator[tuple[Any, ...]]:
    """The rows as the store writes them: key, JSON, and the columns beside it."""
    for key, row in table.everything():
        yield key, msgspec.json.encode(row).decode(), *(pick(row) for pick in table.columns.values())


def _short(values: tuple[Any, ...]) -> str:
    text = " | ".join(str(value) for value in values)
    return text if len(text) <= TEXT_CHARACTERS_MAX else f"{text[:TEXT_CHARACTERS_MAX]}…"
