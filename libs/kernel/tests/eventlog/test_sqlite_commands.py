"""Command ids of a file: from memory to their table, and known for ever on the way."""

import asyncio
import random
import sqlite3
from contextlib import closing

import pytest

from kernel.eventlog import sqlite_commands
from kernel.eventlog.port import LogFailed
from kernel.eventlog.sqlite_commands import CommandIds
from kernel.eventlog.store import Taken

from .makers import TYPES, command, event, single
from .test_sqlite import change, file_log, filled, verified

GATHERED = 16


@pytest.fixture(autouse=True)
def few_are_gathered(monkeypatch):
    monkeypatch.setattr(sqlite_commands, "GATHERED_COMMANDS", GATHERED)
    monkeypatch.setattr(sqlite_commands, "MOVED_AT_ONCE", 3)


def key_of(number):
    return f"{number * 2_654_435_761 % (1 << 32):08x}"


def in_table(path):
    with closing(sqlite3.connect(path)) as connection:
        (moved_to,) = connection.execute("SELECT commands_moved_to FROM log").fetchone()
        return dict(connection.execute("SELECT * FROM commands").fetchall()), moved_to


def forget(log):
    """What a long run does to the log's memory of recent commands."""
    log._known.forget()


@pytest.mark.parametrize("seed", range(4))
def test_every_id_answers_for_ever_wherever_it_is(tmp_path, seed):
    path = tmp_path / "main.db"
    source = random.Random(seed)
    first: dict[str, int] = {}

    async def session():
        async with file_log(path) as log:
            writer = await log.acquire("engine", TYPES)
            for _ in range(4):
                new = [key_of(len(first) + n) for n in range(source.randint(1, 9))]
                if first and source.random() < 0.5:
                    known = source.choice(list(first))
                    forget(log)
                    if source.random() < 0.5:
                        assert set(await log.outcomes([known, "never"])) == {known}
                    [again] = await log.append(single(known), writer)
                    assert (again.first, again.first_time) == (first[known], False)
                if source.random() < 0.5:
                    assert await log.outcomes(new) == {}
                told = await log.append([command(key, event(f"order-{key}", 1)) for key in new], writer)
                assert all(outcome.first_time for outcome in told)
                first.update((key, outcome.first) for key, outcome in zip(new, told, strict=True))
            assert {key: each.first for key, each in (await log.outcomes(list(first))).items()} == first

    for _ in range(4):  # each ends wherever a move is
        asyncio.run(session())
        table, moved_to = in_table(path)
        assert table.items() <= first.items()
        assert {key for key, position in first.items() if position <= moved_to} <= table.keys()
        assert len(first) - len(table) < 100
    assert asyncio.run(verified(path)).events == len(first)


def test_a_file_of_schema_1_is_taken_over(tmp_path):
    path = tmp_path / "main.db"
    asyncio.run(filled(path))
    change(
        path,
        "DROP TABLE commands",
        "CREATE UNIQUE INDEX events_by_command ON events (command_id) WHERE command_index = 0",
        "ALTER TABLE log DROP COLUMN commands_moved_to",
        "UPDATE log SET schema_version = 1",
    )
    asyncio.run(filled(path))  # the same commands
    assert asyncio.run(verified(path)).events == 5
    assert in_table(path) == ({f"{n}": n + 1 for n in range(5)}, 5)


@pytest.mark.parametrize("statement", ["UPDATE commands SET position = 1", "DELETE FROM commands"])
def test_no_statement_frees_an_id(tmp_path, statement):
    path = tmp_path / "main.db"
    asyncio.run(filled(path, 3 * GATHERED))
    asyncio.run(appended(path, "later"))
    with pytest.raises(sqlite3.IntegrityError, match="used for ever"):
        change(path, statement)


async def appended(path, key):
    async with file_log(path) as log:
        return await log.append(single(key), await log.acquire("engine", TYPES))


def test_a_table_that_contradicts_the_events_is_found(tmp_path):
    path = tmp_path / "main.db"
    asyncio.run(filled(path, 3 * GATHERED))
    asyncio.run(appended(path, "later"))
    change(path, "INSERT INTO commands VALUES ('forged', 2)")
    with pytest.raises(LogFailed, match="position 2 is not of the command"):
        asyncio.run(appended(path, "forged"))


def test_what_was_not_kept_is_taken_back_and_moves_later():
    ids = CommandIds()
    ids.committed(ids.enter(chained(1, GATHERED)))
    position = GATHERED + 1
    lost = [ids.enter(chained(position, 2)), ids.enter(chained(position + 2, 2))]
    assert lost[0].moved and lost[1].moved
    for entry in lost:
        ids.take_back(entry)
    assert ids.find(key_of(position)) is None
    moved = []
    while ids.find(key_of(1)) is not None or len(moved) < GATHERED:
        entry = ids.enter(chained(position, 1))
        ids.committed(entry)
        moved += entry.moved
        position += 1
    assert sorted(moved) == sorted((key_of(n), n) for n in range(1, GATHERED + 1))
    assert entry.moved_to == GATHERED


def test_a_position_is_not_told_as_moved_for_a_command_that_did_not_come_to_stand_there():
    ids = CommandIds()
    lost = [ids.enter(chained(1, GATHERED)), ids.enter(chained(GATHERED + 1, 1))]  # the second begins a move
    for entry in lost:
        ids.take_back(entry)
    entry = ids.enter(chained(1, 1))
    assert entry.moved_to in (None, 0)


def test_an_id_in_memory_is_taken_at_once():
    ids = CommandIds([(key_of(1), 1)])
    with pytest.raises(Taken):
        ids.enter(chained(1, 1))


def test_only_what_was_not_looked_up_is_looked_up():
    ids = CommandIds()
    ids.note_absent({key_of(1), key_of(2)}, ids.version)
    assert ids.enter(chained(1, 3)).unknown == [key_of(3)]


class Chained:
    """As much of an event as its command id needs."""

    def __init__(self, position):
        self.position, self.command_index, self.command_id = position, 0, key_of(position)


def chained(first, count):
    return [Chained(first + n) for n in range(count)]
