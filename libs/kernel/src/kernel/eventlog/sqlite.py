"""The log in one SQLite file: WAL, synchronous=FULL, one writer thread, two reader threads, one owning process.

Beside the file stand `.lock` (held by the owner for its life, so that a second process is refused and a killed one
leaves nothing behind) and `.snapshots` (folds that can be made again, kept apart so that writing one never delays a
commit). An acknowledged commit has been flushed: in WAL mode with synchronous=FULL, SQLite flushes at each commit.
"""

import asyncio
import ctypes
import fcntl
import os
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import msgspec

from kernel.event import GENESIS_HASH, Event
from kernel.eventlog.facts import Facts
from kernel.eventlog.local import LocalLog
from kernel.eventlog.port import Corrupt, LogFailed, LogLocked, Snapshot, Writer
from kernel.eventlog.sqlite_checkpoint import Checkpointer, copy_log
from kernel.eventlog.sqlite_commands import CommandIds, Entry
from kernel.eventlog.sqlite_presence import Presence
from kernel.eventlog.sqlite_schema import (
    COMMANDS_MOVED_TO,
    MIGRATION,
    READ,
    READ_COMMANDS,
    READ_COMMANDS_AT,
    READ_STREAM,
    SCHEMA,
    SCHEMA_VERSION,
    SQLITE_VERSION_MIN,
    USED_COMMANDS,
    VERSIONS,
    command_inserts,
    gathered_commands,
    inserts,
    lookups,
    read_events,
    read_facts,
)
from kernel.eventlog.sqlite_snapshots import SnapshotFile
from kernel.eventlog.store import Opened, Taken
from kernel.eventlog.verify import Chain
from kernel.runtime import Runtime

TAIL_VERIFIED_EVENTS = 1_000
READERS = 2
# The write-ahead log is copied into the main file after so many events (20 to 40 MB): hot pages are copied only once.
CHECKPOINT_EVENTS = 10_000
# What a burst leaves of the write-ahead log on the disk.
WAL_BYTES_KEPT = 64 << 20
CACHE_KIB = 32_768
STATEMENTS_MAX = 128
LOOK_EVERY_S = 1

# What to do about a failure, by the lane that it happened in.
HINTS = {
    "write": "; nothing more is appended until the cause is mended (is the disk full?) and the log is opened anew",
    "snapshots": "; the file beside the log that ends in .snapshots may be deleted, they can be made again",
}

T = TypeVar("T")


class SqliteStore:
    """One file. Writes go through the lane `log-<name>-write`, reads through `log-<name>-read-0` and `-1` in turn."""

    def __init__(self, runtime: Runtime, path: Path, name: str) -> None:
        self._runtime = runtime
        self._path = path
        self._name = name
        self._lock: int | None = None
        self._writer: sqlite3.Connection | None = None
        self._readers: dict[int, sqlite3.Connection] = {}
        self._turn = 0
        self._head = 0  # the last position that is durable, known to the writer's lane
        self._ids = CommandIds()
        self._snapshots = SnapshotFile(path.with_name(path.name + ".snapshots"))
        self._checkpointer = Checkpointer(path)
        self._checkpoint: asyncio.Task[None] | None = None
        self._events_since_checkpoint = 0
        self._owned: Presence | None = None  # the file and its lock, for life
        self._opened_files: Presence | None = None  # also what SQLite keeps beside the file while it is open

    async def reopen(self) -> Opened:
        await self._close_beside()
        return await self._on_writer("open", self._open)

    def commit(self, events: Sequence[Event]) -> Coroutine[Any, Any, None]:
        try:
            entry = self._ids.enter(events)
        except Taken as taken:
            return _refused(taken)
        # Given to the writer at once: a busy loop may come to await it only when the writer has waited for long.
        begun = self._runtime.begin(self._lane("write"), self._commit, events, entry)
        return self._committed(events, begun, self._ids, entry)

    async def _committed(
        self, events: Sequence[Event], begun: "asyncio.Future[None]", ids: CommandIds, entry: Entry
    ) -> None:
        try:
            await self._outcome("write", f"commit of positions {events[0].position} to {events[-1].position}", begun)
        except BaseException:
            ids.take_back(entry)
            raise
        ids.committed(entry)
        self._events_since_checkpoint += len(events)
        if self._events_since_checkpoint >= CHECKPOINT_EVENTS and self._checkpoint is None:
            self._checkpoint = self._runtime.spawn(self._copy_log(), f"checkpoint of {self._name}")

    async def check_files(self) -> None:
        """LogFailed if a file was removed or replaced."""
        if self._opened_files is not None:
            await self._on_writer("look for its files", self._opened_files.check)

    async def versions(self, aggregate_ids: Sequence[str]) -> dict[str, int]:
        return await self._on_writer("look up versions", self._versions, aggregate_ids)

    async def commands(self, command_ids: Sequence[str]) -> list[Event]:
        ids, version = self._ids, self._ids.version
        positions = [position for key in command_ids if (position := ids.find(key)) is not None]
        others = {key for key in command_ids if ids.find(key) is None} if positions else set(command_ids)
        what = f"look up {len(command_ids)} commands"
        events = await self._on_reader(what, self._commands, sorted(others), positions)
        ids.note_absent(others.difference([event.command_id for event in events]), version)
        return events

    async def read(self, after: int, until: int, limit: int) -> list[Event]:
        events = await self._on_reader(f"read after {after}", self._read, after, until, limit)
        expected = min(until - after, limit)
        if len(events) != expected or events[-1].position != after + expected:
            missing = next(
                (n for n, event in enumerate(events, after + 1) if event.position != n), after + len(events) + 1
            )
            raise Corrupt(f"{self._where}: position {missing} is missing, the head is {until} or later")
        return events

    async def facts(self, after: int, until: int, aggregate_types: Collection[str]) -> Facts:
        what = f"read facts after {after}"
        count, facts = await self._on_reader(what, read_facts, after, until, sorted(aggregate_types))
        if count != until - after:
            await self.read(after, until, until - after)  # which tells what is missing
        return facts

    async def read_stream(self, aggregate_id: str, after_version: int, limit: int) -> list[Event]:
        what = f"read stream {aggregate_id}"
        return await self._on_reader(what, read_events, READ_STREAM, (aggregate_id, after_version, limit))

    async def save_writer(self, writer: Writer) -> None:
        types = msgspec.json.encode(writer.aggregate_types).decode()
        await self._write(
            "INSERT INTO writers VALUES (?, ?, ?) ON CONFLICT (role) "
            "DO UPDATE SET epoch = excluded.epoch, aggregate_types = excluded.aggregate_types",
            (writer.role, writer.epoch, types),
        )

    async def save_checkpoint(self, name: str, position: int) -> None:
        await self._write(
            "INSERT INTO checkpoints VALUES (?, ?) ON CONFLICT (name) "
            "DO UPDATE SET position = max(position, excluded.position)",
            (name, position),
        )

    async def load_checkpoint(self, name: str) -> int:
        return await self._on_reader(f"load checkpoint {name}", self._load_checkpoint, name)

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        await self._on_snapshots("save a snapshot", self._snapshots.save, snapshot)

    async def load_snapshots(self, kind: str, schema: str) -> list[Snapshot]:
        return await self._on_snapshots("load snapshots", self._snapshots.load, kind, schema)

    async def close(self) -> None:
        await self._on_snapshots("close", self._snapshots.close)
        await self._close_beside()
        await self._on_writer("close", self._close_writer)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def _copy_log(self) -> None:
        try:
            await self._in_lane("checkpoint", "checkpoint", self._checkpointer.copy_beside)
            await self._on_writer("checkpoint", self._copy_rest)
            self._events_since_checkpoint = 0
        except LogFailed:
            # Nothing is lost, the write-ahead log only grows on: the next round tries again, and a disk that is
            # really full fails the next commit.
            self._events_since_checkpoint = CHECKPOINT_EVENTS // 2
        finally:
            self._checkpoint = None

    async def _close_beside(self) -> None:
        if self._checkpoint is not None:
            await self._checkpoint
        await self._in_lane("checkpoint", "close", self._checkpointer.close)
        for turn in range(READERS):
            await self._in_lane(f"read-{turn}", "close", self._close_reader, turn)

    # What follows runs in a lane.

    def _copy_rest(self) -> None:
        copy_log(self._connection(self._writer))

    def _open(self) -> Opened:
        if sqlite3.sqlite_version_info < SQLITE_VERSION_MIN:
            raise LogFailed(f"SQLite {sqlite3.sqlite_version} is too old: 3.38 or later is needed")
        for files in (self._owned, self._opened_files):
            if files is not None:
                files.check()  # an empty log must not take the place of one that was removed
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = self._beside(".lock")
        if self._lock is None:
            self._lock = _locked(lock, self._name)
        self._close_writer()
        _touch_private(self._path)
        self._owned = self._owned or Presence((self._path, lock))
        self._writer = connection = _connect(self._path)
        is_new = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
        if not is_new:
            self._check_identity(connection)  # before anything is written
        if connection.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
            raise LogFailed(f"{self._where}: this file system does not take SQLite's write-ahead log")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES_KEPT}")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        if is_new:
            self._create(connection)
        _flush_folder(self._path.parent)
        opened = self._opened(connection)
        self._ids = CommandIds(gathered_commands(connection))
        self._opened_files = Presence((self._path, lock, self._beside("-wal"), self._beside("-shm")))
        return opened

    def _create(self, connection: sqlite3.Connection) -> None:
        connection.executescript(SCHEMA)
        connection.execute("INSERT INTO log VALUES (1, ?, ?, 0)", (SCHEMA_VERSION, self._name))
        connection.execute("COMMIT")

    def _check_identity(self, connection: sqlite3.Connection) -> None:
        try:
            schema, name = connection.execute("SELECT schema_version, name FROM log").fetchone()
        except sqlite3.OperationalError as error:
            raise LogFailed(f"{self._where}: the file is a SQLite database, but no event log ({error})") from error
        if name != self._name:
            raise LogFailed(f"{self._where}: the file holds log {name}, not {self._name}")
        if schema == 1:
            connection.executescript(MIGRATION)
        elif schema != SCHEMA_VERSION:
            raise LogFailed(f"{self._where}: the file has schema {schema}, this program reads 1 and {SCHEMA_VERSION}")

    def _opened(self, connection: sqlite3.Connection) -> Opened:
        (head,) = connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()
        (followed,) = connection.execute("SELECT coalesce(max(position), 0) FROM checkpoints").fetchone()
        if followed > head:
            raise Corrupt(f"{self._where}: the log ends at {head}, but a follower had reached {followed}: it was cut")
        writers = tuple(
            Writer(role, epoch, msgspec.json.decode(types, type=tuple[str, ...]))
            for role, epoch, types in connection.execute("SELECT role, epoch, aggregate_types FROM writers")
        )
        before = max(0, head - TAIL_VERIFIED_EVENTS)
        events = read_events(connection, READ, (max(0, before - 1), head, TAIL_VERIFIED_EVENTS + 1))
        # The first of them is not verified itself, only built upon, unless it is the first of all.
        chain = Chain(self._name, before, events.pop(0).hash if before else GENESIS_HASH)
        try:
            for event in events:
                chain.follow(event)
        except Corrupt as error:
            raise Corrupt(f"{self._where}: {error}") from error
        if chain.position != head:
            raise Corrupt(f"{self._where}: position {chain.position + 1} is missing, the head is {head}")
        self._head = head
        return Opened(head, chain.hash, events[-1].recorded_at_ns if events else 0, writers)

    def _commit(self, events: Sequence[Event], entry: Entry) -> None:
        self._insert(events, entry)
        self._glance()

    def _insert(self, events: Sequence[Event], entry: Entry) -> None:
        connection = self._connection(self._writer)
        if events[0].position != self._head + 1:
            raise LogFailed(f"{self._where}: position {self._head + 1} is missing before {events[0].position}")
        for lookup in lookups(USED_COMMANDS, entry.unknown):
            if connection.execute(*lookup).fetchone() != (0,):
                raise Taken("a command id")
        statements = [*inserts(events), *command_inserts(entry.moved)]
        if entry.moved_to is not None:
            statements.append((COMMANDS_MOVED_TO, [entry.moved_to]))
        try:
            if len(statements) == 1:
                connection.execute(*statements[0])  # one step inserts and commits
            else:
                connection.execute("BEGIN IMMEDIATE")
                for statement, parameters in statements:
                    connection.execute(statement, parameters)
                connection.execute("COMMIT")
        except sqlite3.IntegrityError as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise Taken(str(error)) from error
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._head = events[-1].position

    def _versions(self, aggregate_ids: Sequence[str]) -> dict[str, int]:
        connection = self._connection(self._writer)
        versions: list[int] = []
        for statement, keys in lookups(VERSIONS, aggregate_ids):
            (found,) = connection.execute(statement, keys).fetchone()
            versions += msgspec.json.decode(found, type=list[int])
        return dict(zip(aggregate_ids, versions, strict=False))  # the padding comes last

    def _commands(
        self, reader: sqlite3.Connection, command_ids: Sequence[str], positions: Sequence[int]
    ) -> list[Event]:
        """The events of commands by their ids in the table, and by the positions of their first events."""
        found = [read_events(reader, *lookup) for lookup in lookups(READ_COMMANDS, command_ids)]
        asked = set(command_ids)
        for event in (event for events in found for event in events):
            if event.command_id not in asked:
                raise Corrupt(f"{self._where}: position {event.position} is not of the command that its table says")
        found += [read_events(reader, *lookup) for lookup in lookups(READ_COMMANDS_AT, positions)]
        return sorted([event for events in found for event in events], key=lambda event: event.position)

    def _read(self, reader: sqlite3.Connection, after: int, until: int, limit: int) -> list[Event]:
        try:
            return read_events(reader, READ, (after, until, limit))
        except Corrupt:
            for position in range(after + 1, min(until, after + limit) + 1):
                try:
                    read_events(reader, READ, (position - 1, position, 1))
                except Corrupt as error:
                    raise Corrupt(f"{self._where}: position {position}: {error}") from error
            raise

    def _load_checkpoint(self, reader: sqlite3.Connection, name: str) -> int:
        row = reader.execute("SELECT position FROM checkpoints WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else 0

    def _with_reader(self, turn: int, call: Callable[..., T], *arguments: object) -> T:
        if self._lock is None:
            raise LogFailed(f"{self._where} is closed")  # never read a file that another process may own by now
        reader = self._readers.get(turn)
        if reader is None:
            reader = self._readers[turn] = _connect(self._path)
            reader.execute("PRAGMA query_only = ON")
        return call(reader, *arguments)

    def _close_reader(self, turn: int) -> None:
        reader = self._readers.pop(turn, None)
        if reader is not None:
            reader.close()

    def _connection(self, connection: sqlite3.Connection | None) -> sqlite3.Connection:
        if connection is None:
            raise LogFailed(f"{self._where} is closed")
        return connection

    def _close_writer(self) -> None:
        if self._writer is None:
            return
        if self._opened_files is not None and not self._opened_files.holds():
            _never_closed(self._writer)
        else:
            self._writer.close()
        self._writer = self._opened_files = None

    def _execute(self, statement: str, parameters: Sequence[object]) -> None:
        self._connection(self._writer).execute(statement, parameters)
        self._glance()

    def _glance(self) -> None:
        if self._opened_files is not None:
            self._opened_files.glance()

    def _beside(self, suffix: str) -> Path:
        return self._path.with_name(self._path.name + suffix)

    @property
    def _where(self) -> str:
        return f"log {self._name} in {self._path}"

    async def _write(self, statement: str, parameters: Sequence[object]) -> None:
        await self._on_writer("write", self._execute, statement, parameters)

    async def _on_writer(self, what: str, call: Callable[..., T], *arguments: object) -> T:
        return await self._in_lane("write", what, call, *arguments)

    async def _on_reader(self, what: str, call: Callable[..., T], *arguments: object) -> T:
        turn = self._turn = (self._turn + 1) % READERS
        return await self._in_lane(f"read-{turn}", what, self._with_reader, turn, call, *arguments)

    async def _on_snapshots(self, what: str, call: Callable[..., T], *arguments: object) -> T:
        return await self._in_lane("snapshots", what, call, *arguments)

    async def _in_lane(self, lane: str, what: str, call: Callable[..., T], *arguments: object) -> T:
        return await self._outcome(lane, what, self._runtime.in_thread(self._lane(lane), call, *arguments))

    def _lane(self, lane: str) -> str:
        return f"log-{self._name}-{lane}"

    async def _outcome(self, lane: str, what: str, begun: Awaitable[T]) -> T:
        try:
            return await begun
        except (sqlite3.Error, OSError) as error:
            raise LogFailed(f"{self._where}: {what} failed: {error}{HINTS.get(lane, '')}") from error


class SqliteLog(LocalLog):
    """The event log in a SQLite file that this process owns."""

    _store: SqliteStore

    @classmethod
    async def open(cls, runtime: Runtime, path: Path, name: str = "main") -> "SqliteLog":
        """Open or create the log `name` at `path` (mode 0600), and verify its tail.

        LogLocked if another process owns it, Corrupt if its end contradicts itself, LogFailed if the file cannot be
        used; each says what and where.
        """
        store = SqliteStore(runtime, path, name)
        try:
            return cls(runtime, name, store, await store.reopen())
        except BaseException:
            await store.close()
            raise

    async def watch_files(self) -> NoReturn:
        """Runs for ever; LogFailed once a file of the log was removed or replaced, also while nothing is appended."""
        while True:
            await self._store.check_files()
            await self._runtime.sleep(LOOK_EVERY_S)


async def _refused(taken: Taken) -> None:
    raise taken


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=STATEMENTS_MAX)


def _never_closed(connection: sqlite3.Connection) -> None:
    """The last connection removes the write-ahead log by its name, which may be another process's by now: keep this one
    until the process ends, whatever Python does to its objects then."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def _touch_private(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    """Make the names of new files durable too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _locked(path: Path, name: str) -> int:
    """An open descriptor that holds the lock; the kernel releases it when the process ends, however it ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "of unknown id"
        os.close(descriptor)
        raise LogLocked(f"log {name}: process {owner} owns it (lock {path}); stop it, or use another folder") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
    return descriptor
