"""A platform in a process of its own, started as people start it: `trading up`. It ends with the process that began it,
even if that is killed: its standard input is a pipe that closes then.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from kernel.runtime import Runtime
from trading_platform.platform import bound

READY_WITHIN_S = 300.0
STOPS_WITHIN_S = 60.0
READY = "stop with ctrl-c"
# Its users have no browser.
VARIABLES = {"TRADING_PLATFORM_LOG_LEVEL": "WARNING", "USER_SERVICE_PASSWORD_GRANT_CLIENTS": "trading-cli"}
# The token is that of its own folder.
NOT_PASSED_ON = "TRADING_PLATFORM_GRPC_TOKEN"
# A bench measures the platform, not its patience with one client.
NO_RATE_LIMIT = {
    "API_GATEWAY_RATE_LIMIT_TOKENS": "1000000000",
    "API_GATEWAY_RATE_LIMIT_REFILL_TOKENS": "1000000000",
}


class ChildFailed(Exception):
    """The platform did not start, or ended; the message says what it said last."""


@dataclass(frozen=True)
class Child:
    """grpc: host:port of the interface between services. ready_ns: from the start of the process to being ready."""

    pid: int
    grpc: str
    http: str
    ready_ns: int


@asynccontextmanager
async def child(
    runtime: Runtime,
    folder: Path,
    *arguments: str,
    services: str = "all",
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Child]:
    """Start, wait until it is ready, hand over, and end it by its process id. Its errors go to our standard error.

    environment: variables besides our own. ChildFailed if it does not get ready."""
    grpc, http = bound("127.0.0.1:0"), bound("127.0.0.1:0")
    began_ns = runtime.monotonic_ns()
    inherited = {name: value for name, value in os.environ.items() if name != NOT_PASSED_ON}
    command = ("-m", "trading_platform", "up", "--while-input", "--services", services, "--data", str(folder))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(*command, "--grpc", grpc, "--http", http, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**inherited, **VARIABLES, **(environment or {})},
    )
    try:
        await _until_ready(process)
        yield Child(process.pid, grpc, http, runtime.monotonic_ns() - began_ns)
        if process.returncode is not None:
            raise ChildFailed(f"the platform ended while it was measured, with exit code {process.returncode}")
    finally:
        await _end(process)


async def _until_ready(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None, "the child's output is a pipe"
    said = ""
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            while READY not in said:
                line = await process.stdout.readline()
                if not line:
                    code = await process.wait()
                    raise ChildFailed(f"the platform ended with exit code {code} before it was ready: {said.strip()}")
                said = line.decode(errors="replace")
    except TimeoutError:
        raise ChildFailed(f"the platform was not ready within {READY_WITHIN_S:.0f} s") from None


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOPS_WITHIN_S):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
