"""The `trading` command as a process of its own, as a person or a script runs it."""

import asyncio
import os
import re
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

TRADING = (sys.executable, "-m", "trading_platform")
WITHIN_S = 60


def ran(*arguments, variables=(), **how):
    """What the command said and its exit code, once it has ended."""
    environment = os.environ | dict(variables)
    kept = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "timeout": WITHIN_S} | how
    return subprocess.run([*TRADING, *map(str, arguments)], check=False, env=environment, **kept)


class Up:
    """A platform that runs: its process, its HTTP port, and what it said so far."""

    def __init__(self, process):
        self.process = process
        self.said = ""

    async def until(self, told):
        async with asyncio.timeout(WITHIN_S):
            while told not in self.said:
                line = await self.process.stdout.readline()
                assert line, self.said
                self.said += line.decode()

    async def ended(self):
        """The exit code, and all that was said."""
        async with asyncio.timeout(WITHIN_S):
            self.said += (await self.process.stdout.read()).decode()
            return await self.process.wait(), self.said

    @property
    def port(self):
        return int(re.findall(r"metrics +http://127\.0\.0\.1:(\d+)", self.said)[0])

    @property
    def open_files(self):
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))


@asynccontextmanager
async def up(folder, *arguments, files=None):
    """files: the soft and the hard limit of open files, set by a shell: this process has threads, and may not fork."""
    command = (*TRADING, "up", "--data", str(folder), "--http", "127.0.0.1:0", *arguments)
    if files:
        limited = f'ulimit -Sn {files[0]} && ulimit -Hn {files[1]} && exec "$@"'
        command = ("sh", "-c", limited, "sh", *command)
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    running = Up(process)
    try:
        await running.until("stop with")
        yield running
    finally:
        if process.returncode is None:
            process.terminate()
        await running.ended()
