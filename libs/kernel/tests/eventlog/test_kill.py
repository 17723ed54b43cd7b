"""A process killed at any moment, and a disk that forgets what was not flushed: what was acknowledged is there."""

import asyncio
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kernel.eventlog.sqlite import SqliteLog
from kernel.eventlog.verify import verify
from kernel.runtime import SystemRuntime

HERE = Path(__file__).parent
ACKNOWLEDGED_MAX = 200


def run_and_kill(path, run, chance, synchronous="FULL", environment=()):
    """Start the writer, kill it at a random moment, and return {command id: (first, last)} of what it acknowledged."""
    arguments = [sys.executable, HERE / "killed_writer.py", path, str(run), synchronous]
    environment = os.environ | dict(environment)
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment)
    heard = b""
    try:
        # One in five is killed while it starts, opens the log or appends its first events.
        early = chance.random() < 0.2
        enough = 0 if early else chance.randint(1, ACKNOWLEDGED_MAX)
        while heard.count(b"\n") < enough:
            more = os.read(process.stdout.fileno(), 65_536)
            assert more, f"the writer ended by itself with {process.wait()}"
            heard += more
        time.sleep(chance.random() * (0.6 if early else 0.02))
    finally:
        process.kill()
        heard += process.communicate()[0]
    # The last line may have been cut by the kill.
    lines = heard[: heard.rfind(b"\n") + 1].decode().splitlines()
    return {key: (int(first), int(last)) for key, first, last in map(str.split, lines)}


async def lost(path, acknowledged):
    """Open what is left, verify all of it, and return the acknowledged commands that are not where they should be."""
    runtime = SystemRuntime()
    log = await SqliteLog.open(runtime, path)
    try:
        await verify(runtime, log, lambda done, of: None)  # also that every command is whole
        found = await log.outcomes(list(acknowledged))
        return [
            key for key, span in acknowledged.items() if key not in found or (found[key].first, found[key].last) != span
        ]
    finally:
        await log.close()
        runtime.close()


@pytest.mark.parametrize("rounds", [20, pytest.param(400, marks=pytest.mark.soak)])
def test_a_kill_at_any_moment_loses_nothing_acknowledged_and_leaves_no_half_command(tmp_path, rounds):
    chance = random.Random(9)
    path = tmp_path / "main.db"
    acknowledged = {}
    for run in range(rounds):
        acknowledged |= run_and_kill(path, run, chance)
        assert asyncio.run(lost(path, acknowledged)) == [], f"round {run}"
    assert len(acknowledged) > 20 * rounds


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory):
    """The layer of unsynced.c, compiled."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        assert not os.environ.get("CI"), "a C compiler is needed to test that acknowledgements follow a flush"
        pytest.skip("no C compiler (cc) on this machine")
    library = tmp_path_factory.mktemp("unsynced") / "unsynced.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O2", "-Wall", "-o", library, HERE / "unsynced.c", "-ldl", "-lpthread"],
        check=True,
    )
    return library


def power_cuts(folder, library, rounds, keep_percent, synchronous):
    """Run, cut the power, go on with what the disk holds; return the acknowledged commands that were ever missing."""
    chance = random.Random(4)
    disk = folder / "disk"
    disk.mkdir()
    acknowledged = {}
    for run in range(rounds):
        live = folder / f"live-{run}"
        shutil.copytree(disk, live)
        environment = {"LD_PRELOAD": library, "LIVE": live, "DISK": disk, "KEEP_PERCENT": str(keep_percent)}
        environment = {name: str(value) for name, value in environment.items()}
        acknowledged |= run_and_kill(live / "main.db", run, chance, synchronous, environment.items())
        seen = folder / f"seen-{run}"
        shutil.copytree(disk, seen)
        missing = asyncio.run(lost(seen / "main.db", acknowledged))
        if missing:
            return missing
        shutil.rmtree(live)
        shutil.rmtree(seen)
    assert len(acknowledged) > 20 * rounds
    return []


@pytest.mark.parametrize("rounds", [6, pytest.param(100, marks=pytest.mark.soak)])
@pytest.mark.parametrize("keep_percent", [0, 50])
def test_what_was_acknowledged_had_been_flushed(tmp_path, forgetful, rounds, keep_percent):
    assert power_cuts(tmp_path, forgetful, rounds, keep_percent, "FULL") == []


@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
def test_a_log_that_acknowledges_before_the_flush_is_found_out(tmp_path, forgetful, synchronous):
    assert power_cuts(tmp_path, forgetful, 3, 0, synchronous) != []
