"""What the command does where its standard streams are closed, full or not read."""

import asyncio
import contextlib
import os
import signal
import subprocess
from pathlib import Path

import pytest

from kernel.eventlog.sqlite import SqliteLog
from kernel.runtime import SystemRuntime

from .commands import TRADING, WITHIN_S, ran, up

LOST = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A platform that never did anything."""
    folder = tmp_path_factory.mktemp("data")

    async def made():
        runtime = SystemRuntime()
        log = await SqliteLog.open(runtime, folder / "main.log.sqlite")
        await log.close()
        runtime.close()

    asyncio.run(made())
    return folder


COMMANDS = {
    "text": ("--help",),
    "json": ("verify", "--json", "--data", "FOLDER"),
    "checks": ("verify", "--data", "FOLDER"),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_output_that_nobody_reads_or_that_finds_no_room_has_its_own_exit_code(folder, command):
    arguments = [str(folder) if word == "FOLDER" else word for word in command]
    reads, writes = os.pipe()
    os.close(reads)
    with contextlib.closing(os.fdopen(writes, "wb")) as gone, Path("/dev/full").open("wb") as full:
        for nowhere in (gone, full):
            ended = ran(*arguments, stdout=nowhere, stderr=nowhere)
            assert ended.returncode == LOST
    ended = ran(*arguments)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_opened_on_nothing(folder, closed):
    line = f'exec "$@" {closed}'
    ended = subprocess.run(["sh", "-c", line, "sh", *TRADING, "verify", "--data", str(folder)], check=False)
    assert ended.returncode == 0


@pytest.mark.parametrize("after_s", [0.05, 0.3, 0.8])
def test_an_interrupt_while_it_starts_leaves_no_trace(tmp_path, after_s):
    process = subprocess.Popen(
        [*TRADING, "up", "--data", str(tmp_path), "--http", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(after_s)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=WITHIN_S)[0].decode()
    assert "Traceback" not in said or after_s < 0.1, said


def test_a_platform_whose_output_is_not_read_any_more_ends_with_that_code(tmp_path):
    async def test():
        async with up(tmp_path) as platform:
            assert platform.process.returncode is None

    asyncio.run(test())
