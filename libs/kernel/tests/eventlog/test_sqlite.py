"""What only a file can do: be owned, tampered with, full, private, or no log at all."""

import asyncio
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import asynccontextmanager, closing

import pytest

from kernel.eventlog.port import Corrupt, LogFailed, LogLocked
from kernel.eventlog.sqlite import CHECKPOINT_EVENTS, TAIL_VERIFIED_EVENTS, SqliteLog
from kernel.eventlog.sqlite_schema import COLUMNS
from kernel.eventlog.verify import verify
from kernel.runtime import SystemRuntime

from .makers import TYPES, command, event, single


@asynccontextmanager
async def file_log(path, name="main"):
    runtime = SystemRuntime()
    try:
        log = await SqliteLog.open(runtime, path, name)
        yield log
        await log.close()
    finally:
        runtime.close()


async def filled(path, events=5):
    async with file_log(path) as log:
        writer = await log.acquire("engine", TYPES)
        requests = [
            command(
                f"{n}",
                event(f"o{n}", 1, data=b'{"quantity":"1"}', account_id="account", instrument_id="i", user_id="u"),
                causation_id="cause",
                traceparent="trace",
            )
            for n in range(events)
        ]
        await log.append(requests, writer)


async def verified(path):
    async with file_log(path) as log:
        return await verify(SystemRuntime(), log, lambda done, of: None)


def change(path, *statements):
    """As somebody with the file and a SQLite shell would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


NO_GUARD = [
    "DROP TRIGGER events_are_not_updated",
    "DROP TRIGGER events_are_not_deleted",
    "DROP TRIGGER events_are_not_replaced",
    "PRAGMA ignore_check_constraints = ON",
]


def replace(**changes):
    """INSERT OR REPLACE of a copy of position 2, with some columns changed."""
    columns = ", ".join(changes.get(name, name) for name in COLUMNS)
    return f"REPLACE INTO events SELECT {columns} FROM events WHERE position = 2"


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE events SET event_data = x'7b7d' WHERE position = 2", "never updated"),
        ("UPDATE OR REPLACE events SET position = 3 WHERE position = 2", "never updated"),
        ("DELETE FROM events WHERE position = 2", "never deleted"),
        ("DELETE FROM events", "never deleted"),
        (replace(event_data="x'7b7d'"), "never replaced"),
        (replace(position="6", command_id="'new'"), "never replaced"),
        ("INSERT INTO events SELECT * FROM events WHERE position = 2 ON CONFLICT DO UPDATE SET user_id = 'x'", "never"),
    ],
)
def test_no_statement_changes_an_event(tmp_path, statement, told):
    path = tmp_path / "main.db"
    asyncio.run(filled(path))
    with pytest.raises(sqlite3.IntegrityError, match=told):
        change(path, statement)
    assert asyncio.run(verified(path)).events == 5


CHANGED = {name: f"UPDATE events SET {name} = 'changed' WHERE position = 2" for name in COLUMNS} | {
    name: f"UPDATE events SET {name} = {name} + 9999 WHERE position = 2"
    for name in COLUMNS
    if name in ("position", "event_version", "schema_version", "command_index", "command_count", "hash_version")
    or name.endswith("_ns")
} | {name: f"UPDATE events SET {name} = x'7b7d' WHERE position = 2" for name in ("event_data", "hash")}  # fmt: skip


@pytest.mark.parametrize(
    ("what", "statement"),
    [
        *CHANGED.items(),
        ("an optional text removed", "UPDATE events SET user_id = NULL WHERE position = 2"),
        ("an event removed", "DELETE FROM events WHERE position = 2"),
        ("the first event removed", "DELETE FROM events WHERE position = 1"),
        ("a text that is none", "UPDATE events SET user_id = CAST(x'ff' AS TEXT) WHERE position = 2"),
        ("the hash and data of its neighbour", "UPDATE events SET hash = (SELECT hash FROM events WHERE position = 3)"),
    ],
    ids=lambda value: value if " " not in value else None,
)
def test_tampering_with_the_file_is_found_and_located(tmp_path, what, statement):
    path = tmp_path / "main.db"
    asyncio.run(filled(path, TAIL_VERIFIED_EVENTS + 100))
    change(path, *NO_GUARD, statement)
    with pytest.raises(Corrupt, match=r"position"):
        asyncio.run(verified(path))


def test_facts_around_a_missing_position_are_not_told(tmp_path):
    path = tmp_path / "main.db"
    asyncio.run(filled(path, TAIL_VERIFIED_EVENTS + 100))
    change(path, *NO_GUARD, "DELETE FROM events WHERE position = 7")

    async def read():
        async with file_log(path) as log:
            await log.facts(0, 20, TYPES)

    with pytest.raises(Corrupt, match=r"main\.db: position 7 is missing"):
        asyncio.run(read())


@pytest.mark.parametrize(
    "statement", ["UPDATE events SET user_id = 'x' WHERE position = 5", "DELETE FROM events WHERE position = 4"]
)
def test_tampering_with_the_newest_events_is_found_when_the_log_is_opened(tmp_path, statement):
    path = tmp_path / "main.db"
    asyncio.run(filled(path))
    change(path, *NO_GUARD, statement)
    with pytest.raises(Corrupt, match=r"main\.db: position"):
        asyncio.run(filled(path))


def test_a_log_that_is_shorter_than_a_follower_has_seen_is_not_opened(tmp_path):
    path = tmp_path / "main.db"
    asyncio.run(filled(path))
    change(path, "INSERT INTO checkpoints VALUES ('view', 5)", *NO_GUARD, "DELETE FROM events WHERE position = 5")
    with pytest.raises(Corrupt, match="it was cut"):
        asyncio.run(verified(path))


def test_a_second_log_on_the_same_file_is_refused_with_process_and_path(tmp_path):
    path = tmp_path / "main.db"

    async def scenario():
        async with file_log(path) as log:
            with pytest.raises(LogLocked, match=rf"process {os.getpid()} owns it .*main\.db\.lock"):
                await SqliteLog.open(SystemRuntime(), path)
            await log.acquire("engine", TYPES)
        async with file_log(path) as log:  # released by close
            assert (await log.acquire("engine", TYPES)).epoch == 2

    asyncio.run(scenario())


HOLDER = """
import asyncio, sys, pathlib
from kernel.eventlog.sqlite import SqliteLog
from kernel.runtime import SystemRuntime
async def main():
    await SqliteLog.open(SystemRuntime(), pathlib.Path(sys.argv[1]))
    print("open", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def test_a_second_process_is_refused_until_the_first_is_gone_however_it_goes(tmp_path):
    path = tmp_path / "main.db"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(LogLocked, match=f"process {holder.pid} owns it"):
            asyncio.run(filled(path))
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    asyncio.run(filled(path))
    assert asyncio.run(verified(path)).events == 5


def test_a_full_file_fails_every_waiting_caller_and_the_log_goes_on_when_there_is_room(tmp_path):
    path = tmp_path / "main.db"

    async def scenario():
        async with file_log(path) as log:
            writer = await log.acquire("engine", TYPES)
            connection = log._store._writer
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages + 20}")
            kept = 0
            with pytest.raises(LogFailed, match=rf"{path}: commit of positions \d+ to \d+ failed: .*full"):
                while True:
                    [outcome] = await log.append([command(f"{kept}", event(f"o{kept}", 1, data=b"x" * 9_000))], writer)
                    kept = outcome.last
            told = await asyncio.gather(
                *(log.append(single(f"n{n}"), writer) for n in range(4)), return_exceptions=True
            )
            assert [type(each) for each in told] == [LogFailed] * 4  # though these small ones might fit
            assert await log.head() == kept
            successor = await log.acquire("engine", TYPES)
            [outcome] = await log.append(single("after"), successor)
            assert outcome.first == kept + 1
        assert (await verified(path)).events == kept + 1

    asyncio.run(scenario())


def test_a_disk_that_is_full_within_a_commit_fails_all_of_it(tmp_path):
    """The operating system refuses the write here, not SQLite's own limit."""
    path = tmp_path / "main.db"

    async def scenario():
        async with file_log(path) as log:
            writer = await log.acquire("engine", TYPES)
            await log.append(single("before"), writer)
            unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
            ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, unlimited[1]))
            try:
                large = [command(f"{n}", event(f"o{n}", 1, data=b"x" * 9_000)) for n in range(100)]
                with pytest.raises(LogFailed, match=r"commit of positions 2 to 101 failed"):
                    await log.append(large, writer)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
                signal.signal(signal.SIGXFSZ, ignored)
            writer = await log.acquire("engine", TYPES)
            assert await log.head() == 1
            assert [outcome.first_time for outcome in await log.append(large, writer)] == [True] * 100
        assert (await verified(path)).events == 101

    asyncio.run(scenario())


def test_files_are_for_their_owner_only(tmp_path):
    path = tmp_path / "deep" / "main.db"
    before = os.umask(0)
    try:
        asyncio.run(filled(path))
        path.chmod(0o644)

        async def look():
            async with file_log(path) as log:
                await log.acquire("engine", TYPES)
                await log.load_snapshots("engine", "1")
                return {each.name: oct(each.stat().st_mode & 0o777) for each in path.parent.iterdir()}

        modes = asyncio.run(look())
    finally:
        os.umask(before)
    assert set(modes.values()) == {"0o600"} and {"main.db", "main.db-wal", "main.db.lock"} <= set(modes)


def no_database(path):
    path.write_bytes(b"something else entirely" * 100)


def another_database(path):
    change(path, "CREATE TABLE notes (text TEXT)")


def a_later_schema(path):
    asyncio.run(filled(path))
    change(path, "UPDATE log SET schema_version = 99")


def another_log(path):
    asyncio.run(filled(path))
    change(path, "UPDATE log SET name = 'other'")


def a_folder(path):
    path.mkdir()


@pytest.mark.parametrize(
    ("prepare", "told"),
    [
        (no_database, "not a database"),
        (another_database, "no event log"),
        (a_later_schema, "schema 99, this program reads 1 and 2"),
        (another_log, "holds log other, not main"),
        (a_folder, "directory"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason_and_left_alone(tmp_path, prepare, told):
    path = tmp_path / "main.db"
    prepare(path)
    before = path.is_file() and path.read_bytes()
    with pytest.raises(LogFailed, match=told) as refused:
        asyncio.run(filled(path))
    assert str(path) in str(refused.value)
    assert (path.is_file() and path.read_bytes()) == before


def test_everything_is_there_again_after_reopening(tmp_path):
    path = tmp_path / "main.db"

    async def scenario():
        async with file_log(path) as log:
            writer = await log.acquire("engine", TYPES)
            first = await log.append(single("a"), writer)
            await log.save_checkpoint("view", 1)
        async with file_log(path) as log:
            assert await log.head() == 1 and await log.load_checkpoint("view") == 1
            successor = await log.acquire("engine", TYPES)
            assert successor.epoch == 2
            [again] = await log.append(single("a"), successor)
            assert (again.first_time, again.events) == (False, first[0].events)
            [more] = await log.append(single("b", "order-a", 2), successor)
            assert more.first == 2 and more.events[0].recorded_at_ns >= first[0].events[0].recorded_at_ns
        assert (await verified(path)).events == 2

    asyncio.run(scenario())


def test_the_write_ahead_log_is_copied_while_appends_go_on_and_does_not_grow_for_ever(tmp_path):
    path = tmp_path / "main.db"

    async def scenario():
        async with file_log(path) as log:
            writer = await log.acquire("engine", TYPES)
            sizes = []
            for start in range(0, 6 * CHECKPOINT_EVENTS, 500):
                requests = [command(f"{n}", event(f"o{n}", 1)) for n in range(start, start + 500)]
                await log.append(requests, writer)
                sizes.append(path.with_name("main.db-wal").stat().st_size)
            assert max(sizes[len(sizes) // 2 :]) < 3 * max(sizes[: len(sizes) // 4])
            assert path.stat().st_size > 5 << 20

    asyncio.run(scenario())


REMOVED = {
    "the file and all beside it": lambda path: [found.unlink() for found in path.parent.glob(path.name + "*")],
    "the whole folder": lambda path: shutil.rmtree(path.parent),
    "the lock": lambda path: path.with_name(path.name + ".lock").unlink(),
    "the write-ahead log": lambda path: path.with_name(path.name + "-wal").unlink(),
    "the file, by another": lambda path: (path.rename(path.with_name("away")), path.write_bytes(b"")),
}


@pytest.mark.parametrize("remove", REMOVED.values(), ids=REMOVED)
def test_nothing_is_acknowledged_by_a_log_whose_files_were_removed(tmp_path, remove):
    path = tmp_path / "data" / "main.db"

    async def test():
        async with file_log(path) as log:
            writer = await log.acquire("engine", TYPES)
            await log.append(single("before", "o1", 1), writer)
            await asyncio.sleep(0.02)  # a folder tells when it changed in steps of some milliseconds
            remove(path)
            with pytest.raises(LogFailed, match="was removed or replaced while open"):
                await log.append(single("after", "o2", 1), writer)
            with pytest.raises(LogFailed, match="was removed or replaced while open"):
                await log.acquire("engine", TYPES)  # which opens anew what failed, and must not make an empty log
            with pytest.raises(LogFailed, match="was removed or replaced while open"):
                await log.watch_files()

    asyncio.run(test())


def test_a_log_whose_files_were_removed_leaves_those_of_its_successor_alone(tmp_path):
    path = tmp_path / "main.db"

    async def test():
        async with file_log(path) as first:
            await first.acquire("engine", TYPES)
            REMOVED["the file and all beside it"](path)
            async with file_log(path) as second:
                writer = await second.acquire("engine", TYPES)
                await second.append(single("kept", "o1", 1), writer)
                await first.close()
                assert path.with_name("main.db-wal").stat().st_size
                await second.append(single("kept too", "o2", 1), writer)

    asyncio.run(test())
    assert asyncio.run(verified(path)).events == 2


def test_a_folder_in_which_other_files_come_and_go_is_no_concern(tmp_path):
    path = tmp_path / "main.db"

    async def test():
        async with file_log(path) as log:
            writer = await log.acquire("engine", TYPES)
            for number in range(1, 4):
                (tmp_path / f"other {number}").touch()
                await asyncio.sleep(0.01)
                await log.append(single(f"{number}", f"o{number}", 1), writer)

    asyncio.run(test())
