"""A command that starts a platform leaves none behind, and no folder either where it is asked to end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

WITHIN_S = 60


def until(true, what):
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {WITHIN_S} s")


def platforms_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if b"trading_platform" in Path(f"/proc/{child}/cmdline").read_bytes()]


def lives(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def is_at_work(folder: Path) -> bool:
    """Whether the platform has begun to write its log."""
    return any(folder.glob("trading-bench-*/alone/main.log.sqlite"))


@pytest.mark.parametrize(
    ("sentence", "number", "exit_code", "left"),
    [
        ("asked to end, it ends its platform and removes its folder", signal.SIGTERM, 143, 0),
        ("killed, it takes its platform along", signal.SIGKILL, -9, 1),
    ],
)
def test_a_bench_that_is_ended(tmp_path, sentence, number, exit_code, left):
    command = [sys.executable, "-m", "trading_platform", "bench", "engine", "--seconds", "60", "--json"]
    with subprocess.Popen(command, env=os.environ | {"TMPDIR": str(tmp_path)}) as bench:
        (platform,) = until(lambda: platforms_of(bench.pid), "the start of a platform")
        until(lambda: is_at_work(tmp_path), "its first event")
        bench.send_signal(number)
        assert bench.wait(WITHIN_S) == exit_code
    until(lambda: not lives(platform), "the end of the platform")
    assert len(list(tmp_path.glob("trading-bench-*"))) == left
