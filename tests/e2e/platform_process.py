"""A whole platform with its demo market, as `make run` starts it, in a process of its own."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

READY_WITHIN_S = 120


@dataclass(frozen=True)
class Running:
    url: str
    passwords: dict[str, str]


@contextmanager
def demo_platform(folder: Path) -> Iterator[Running]:
    """Start `trading up --demo` on a free port with its data in `folder`; stop it by its process id."""
    trading = Path(sys.executable).parent / "trading"
    told = folder / "told.txt"
    with told.open("w") as output:
        process = subprocess.Popen(
            [trading, "up", "--demo", "--data", folder / "data", "--http", "127.0.0.1:0"],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            url = _address(process, told)
            yield Running(url, json.loads((folder / "data" / "demo.json").read_text()))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def _address(process: "subprocess.Popen[bytes]", told: Path) -> str:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the platform ended: {told.read_text()}"
        if "stop with ctrl-c" in told.read_text():
            found = re.search(r"terminal\s+(http://\S+)", told.read_text())
            assert found, told.read_text()
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"not ready within {READY_WITHIN_S} s: {told.read_text()}")
