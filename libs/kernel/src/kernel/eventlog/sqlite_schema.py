"""The SQLite file of a log: its tables, its statements, and the way rows come and go.

Rows cross into and out of SQLite in one step of a statement, however many they are: Python's sqlite3 gives up its
interpreter lock for each step and must win it back, which under a busy main thread takes milliseconds. So a commit is
one INSERT over a VALUES list, and a read is one row that aggregates the events (their data and hashes as two blobs,
all else as JSON).
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from kernel.event import Event
from kernel.eventlog.facts import Facts
from kernel.eventlog.port import Corrupt

SCHEMA_VERSION = 2
APPLICATION_ID = 0x54524C47  # "TRLG": lets `file` and others recognise a log
HASH_BYTES = 32
# JSON functions and ->> came with 3.38.
SQLITE_VERSION_MIN = (3, 38, 0)

_NOT_REPLACED = """CREATE TRIGGER events_are_not_replaced BEFORE INSERT ON events
    WHEN EXISTS (SELECT 1 FROM events WHERE position = NEW.position)
    OR EXISTS (SELECT 1 FROM events WHERE aggregate_id = NEW.aggregate_id AND event_version = NEW.event_version)
    BEGIN SELECT RAISE(ABORT, 'events are never replaced'); END;"""
# Ids move here some time after their events were written: see `sqlite_commands`.
_COMMANDS = """CREATE TABLE commands (
    command_id TEXT PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER commands_are_not_updated BEFORE UPDATE ON commands
    BEGIN SELECT RAISE(ABORT, 'command ids are used for ever'); END;
CREATE TRIGGER commands_are_not_deleted BEFORE DELETE ON commands
    BEGIN SELECT RAISE(ABORT, 'command ids are used for ever'); END;"""

SCHEMA = f"""
BEGIN IMMEDIATE;
PRAGMA application_id = {APPLICATION_ID};
CREATE TABLE log (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    schema_version INTEGER NOT NULL,
    name TEXT NOT NULL,
    commands_moved_to INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE events (
    log TEXT NOT NULL,
    position INTEGER PRIMARY KEY CHECK (position > 0),
    event_id TEXT NOT NULL,
    aggregate_id TEXT NOT NULL,
    aggregate_type TEXT NOT NULL,
    event_type TEXT NOT NULL,
    event_version INTEGER NOT NULL CHECK (event_version > 0),
    schema_version INTEGER NOT NULL,
    event_data BLOB NOT NULL,
    account_id TEXT,
    instrument_id TEXT,
    user_id TEXT,
    correlation_id TEXT NOT NULL,
    causation_id TEXT,
    command_id TEXT,
    command_index INTEGER NOT NULL,
    command_count INTEGER NOT NULL,
    request_hash TEXT,
    traceparent TEXT,
    occurred_at_ns INTEGER NOT NULL,
    recorded_at_ns INTEGER NOT NULL,
    hash_version INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = {HASH_BYTES})
) STRICT;
CREATE UNIQUE INDEX events_by_aggregate ON events (aggregate_id, event_version);
CREATE TRIGGER events_are_not_updated BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are never updated'); END;
CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
-- INSERT OR REPLACE deletes what is in its way without asking the trigger above.
{_NOT_REPLACED}
{_COMMANDS}
CREATE TABLE writers (
    role TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL,
    aggregate_types TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoints (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

# A file of schema 1 kept the ids in an index of the events.
MIGRATION = f"""
BEGIN IMMEDIATE;
DROP INDEX events_by_command;
DROP TRIGGER events_are_not_replaced;
{_NOT_REPLACED}
{_COMMANDS}
INSERT INTO commands SELECT command_id, position FROM events
    WHERE command_index = 0 AND command_id IS NOT NULL ORDER BY command_id;
ALTER TABLE log ADD COLUMN commands_moved_to INTEGER NOT NULL DEFAULT 0;
UPDATE log SET schema_version = {SCHEMA_VERSION},
    commands_moved_to = (SELECT coalesce(max(position), 0) FROM events);
COMMIT;
"""

COLUMNS = tuple(field.name for field in msgspec.structs.fields(Event))
# Rows of one VALUES list: a statement is prepared once for each of these sizes, and padded up to it.
STATEMENT_ROWS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
STATEMENT_ROWS_MAX = STATEMENT_ROWS[-1]

# What all events of a commit share is bound once, as the first parameters.
_SHARED = ("log", "recorded_at_ns", "hash_version")
_OWN = tuple(name for name in COLUMNS if name not in _SHARED)
_OPTIONAL = ("account_id", "instrument_id", "user_id", "causation_id", "command_id", "request_hash", "traceparent")
_PADDING: tuple[object, ...] = (0,) * len(_OWN)


def _insert(rows: int) -> str:
    """An INSERT of `rows` rows: ?1 to ?3 are what they share, then each row's own values.

    An absent text is bound as '' (a present one is never empty); the padding has position 0: see `inserts`.
    """
    values = {name: f"?{index}" for index, name in enumerate(_SHARED, 1)}
    values |= {name: f"column{index}" for index, name in enumerate(_OWN, 1)}
    values |= {name: f"nullif({values[name]}, '')" for name in _OPTIONAL}
    row = f"({','.join('?' * len(_OWN))})"
    return (
        f"INSERT INTO events SELECT {', '.join(values[name] for name in COLUMNS)} "
        f"FROM (VALUES {','.join([row] * rows)}) WHERE {values['position']} > 0"
    )


_INSERTS = {rows: _insert(rows) for rows in STATEMENT_ROWS}

_PLAIN = ", ".join(name for name in COLUMNS if name not in ("event_data", "hash"))
_AGGREGATED = f"""
SELECT count(*), CAST(json_group_array(json_array({_PLAIN}, length(event_data))) AS BLOB),
    CAST(group_concat(event_data, '') AS BLOB), CAST(group_concat(hash, '') AS BLOB)
"""
READ = f"{_AGGREGATED} FROM (SELECT * FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?)"
# One row again. {types} is a list of parameters.
READ_FACTS = """SELECT count(*),
    CAST(group_concat(event_type || ' ' || event_id || ' ' || event_version || ' ' || length(event_data), char(10))
        FILTER (WHERE aggregate_type IN ({types})) AS BLOB),
    CAST(group_concat(event_data, '') FILTER (WHERE aggregate_type IN ({types})) AS BLOB)
    FROM (SELECT aggregate_type, event_type, event_id, event_version, event_data FROM events
        WHERE position > ?1 AND position <= ?2 ORDER BY position)"""
READ_STREAM = f"""{_AGGREGATED} FROM (SELECT * FROM events WHERE aggregate_id = ? AND event_version > ?
    ORDER BY event_version LIMIT ?)"""
# {wanted} is a VALUES list of keys: see `lookups`. (Not json_each: it ends a text at U+0000.)
_WHOLE_COMMANDS = """CROSS JOIN events AS e
        ON e.position BETWEEN first.position AND first.position + first.command_count - 1 ORDER BY e.position)"""
READ_COMMANDS = f"""WITH wanted(key) AS ({{wanted}}) {_AGGREGATED} FROM (SELECT e.* FROM wanted
    CROSS JOIN commands ON commands.command_id = wanted.key
    CROSS JOIN events AS first ON first.position = commands.position {_WHOLE_COMMANDS}"""
READ_COMMANDS_AT = f"""WITH wanted(position) AS ({{wanted}}) {_AGGREGATED} FROM (SELECT e.* FROM wanted
    CROSS JOIN events AS first ON first.position = wanted.position {_WHOLE_COMMANDS}"""
USED_COMMANDS = """WITH wanted(key) AS ({wanted})
    SELECT count(*) FROM wanted CROSS JOIN commands ON commands.command_id = wanted.key"""
# Those that have not moved to their table.
GATHERED_COMMANDS = """SELECT CAST(json_group_array(json_array(command_id, position)) AS BLOB)
    FROM (SELECT command_id, position FROM events
        WHERE position > (SELECT commands_moved_to FROM log) AND command_index = 0 AND command_id IS NOT NULL
        ORDER BY position)"""
COMMANDS_MOVED_TO = "UPDATE log SET commands_moved_to = ?"
VERSIONS = """WITH wanted(key) AS ({wanted})
    SELECT json_group_array(coalesce((SELECT max(event_version) FROM events WHERE aggregate_id = wanted.key), 0))
    FROM wanted"""

_decode = msgspec.json.Decoder(list[list[Any]]).decode


def inserts(events: Sequence[Event]) -> Iterator[tuple[str, list[object]]]:
    """The statements, with their parameters, that insert `events` (of one commit) in as few steps as can be.

    sqlite3 binds int, str and bytearray at once, but looks up an adapter for every None and bytes.
    """
    for start in range(0, len(events), STATEMENT_ROWS_MAX):
        chunk = events[start : start + STATEMENT_ROWS_MAX]
        rows = next(size for size in STATEMENT_ROWS if size >= len(chunk))
        parameters: list[object] = [chunk[0].log, chunk[0].recorded_at_ns, chunk[0].hash_version]
        for event in chunk:
            parameters += (
                event.position,
                event.event_id,
                event.aggregate_id,
                event.aggregate_type,
                event.event_type,
                event.event_version,
                event.schema_version,
                bytearray(event.event_data),
                event.account_id or "",
                event.instrument_id or "",
                event.user_id or "",
                event.correlation_id,
                event.causation_id or "",
                event.command_id or "",
                event.command_index,
                event.command_count,
                event.request_hash or "",
                event.traceparent or "",
                event.occurred_at_ns,
                bytearray(event.hash),
            )
        parameters += _PADDING * (rows - len(chunk))
        yield _INSERTS[rows], parameters


def command_inserts(rows: Sequence[tuple[str, int]]) -> Iterator[tuple[str, list[object]]]:
    """The statements, with their parameters, that insert `rows` of the table of command ids."""
    for start in range(0, len(rows), STATEMENT_ROWS_MAX):
        chunk = rows[start : start + STATEMENT_ROWS_MAX]
        size = next(size for size in STATEMENT_ROWS if size >= len(chunk))
        values = ",".join(["(?,?)"] * size)
        statement = (
            f"INSERT INTO commands SELECT column1, column2 FROM (VALUES {values}) WHERE column2 > 0 "
            # A move that was interrupted begins anew; another position would be refused by the trigger.
            "ON CONFLICT DO UPDATE SET position = excluded.position WHERE position <> excluded.position"
        )
        yield statement, [*(value for row in chunk for value in row), *[0] * (2 * (size - len(chunk)))]


def gathered_commands(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    """The ids that are not in their table yet, with the position of their command's first event."""
    (text,) = connection.execute(GATHERED_COMMANDS).fetchone()
    return msgspec.json.decode(text, type=list[tuple[str, int]])


def lookups(statement: str, keys: Sequence[str] | Sequence[int]) -> Iterator[tuple[str, list[str | int | None]]]:
    """The statements, with their parameters, that look up `keys`; the last is padded with keys that match nothing."""
    for start in range(0, len(keys), STATEMENT_ROWS_MAX):
        chunk = keys[start : start + STATEMENT_ROWS_MAX]
        rows = next(size for size in STATEMENT_ROWS if size >= len(chunk))
        wanted = f"VALUES {','.join(['(?)'] * rows)}"
        yield statement.format(wanted=wanted), [*chunk, *[None] * (rows - len(chunk))]


def read_events(connection: sqlite3.Connection, statement: str, parameters: Sequence[object]) -> list[Event]:
    """The events that an aggregating statement finds; Corrupt if a stored row is none."""
    count, text, data, hashes = connection.execute(statement, parameters).fetchone()
    if count == 0:
        return []
    try:
        rows = _decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Corrupt(f"a stored text is none ({error})") from error
    if len(hashes) != count * HASH_BYTES:
        raise Corrupt(f"a stored hash is not {HASH_BYTES} bytes long")
    events: list[Event] = []
    data_at = hash_at = 0
    for *before, length in rows:
        data_end = data_at + length
        fields = (*before[:8], data[data_at:data_end], *before[8:], hashes[hash_at : hash_at + HASH_BYTES])
        events.append(Event(*fields))
        data_at = data_end
        hash_at += HASH_BYTES
    return events


def read_facts(
    connection: sqlite3.Connection, after: int, until: int, aggregate_types: Sequence[str]
) -> tuple[int, Facts]:
    """How many events there are from after+1 to `until`, and those of the given types."""
    types = ", ".join(f"?{number}" for number in range(3, 3 + len(aggregate_types)))
    row = connection.execute(READ_FACTS.format(types=types), (after, until, *aggregate_types)).fetchone()
    count, heads, data = row
    return count, Facts(after + 1, until, heads or b"", data or b"")
