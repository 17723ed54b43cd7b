"""Connections that cost nothing must not take the descriptors of the log and the read models."""

import asyncio
import contextlib
import re
import resource
import signal
import sys
from pathlib import Path

import pytest

from trading_platform.open_files import FILES_RESERVED, connections_within

FILES = 400


@pytest.mark.parametrize(
    ("files", "wanted", "granted"),
    [(1_024, 10_000, 1_024 - FILES_RESERVED), (1 << 20, 10_000, 10_000), (320, 10_000, 64), (1_024, 10, 10)],
)
def test_connections_leave_files_for_the_log(files, wanted, granted):
    assert connections_within(files, wanted) == granted


def test_too_few_files_to_serve_anybody_are_refused():
    with pytest.raises(OSError, match=r"may open 200 files, and needs at least 320.*ulimit -n"):
        connections_within(200, 10_000)


async def started(folder, soft, hard):
    """A platform that may open so many files, and where its HTTP is."""

    def limited():
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    command = (sys.executable, "-m", "trading_platform", "up", "--data", str(folder), "--http", "127.0.0.1:0")
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, preexec_fn=limited
    )
    said = b""
    async with asyncio.timeout(60):
        while b"stop with" not in said:
            line = await process.stdout.readline()
            assert line, said.decode()
            said += line
    (port,) = re.findall(rb"metrics +http://127\.0\.0\.1:(\d+)", said)
    return process, int(port), said.decode()


def open_files(pid):
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def ready(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer


def test_the_soft_limit_is_raised_and_idle_connections_beyond_the_hard_one_leave_the_platform_alive(tmp_path):
    async def test():
        process, port, said = await started(tmp_path, 64, FILES)
        assert '"event": "connections_max_capped"' in said
        assert f'"connections_max": {FILES - FILES_RESERVED}' in said
        idle = []
        try:
            for _ in range(FILES + 100):
                with contextlib.suppress(OSError):
                    idle.append(await asyncio.open_connection("127.0.0.1", port))
            await asyncio.sleep(1)
            assert process.returncode is None
            assert open_files(process.pid) < FILES
            for _, writer in idle:
                writer.close()
            await asyncio.sleep(1)
            assert (await ready(port)).startswith(b"HTTP/1.1 200")
        finally:
            process.send_signal(signal.SIGTERM)
            said += (await process.stdout.read()).decode()
            assert await process.wait() == 0, said

    asyncio.run(test())


def test_a_hard_limit_that_leaves_nothing_is_said_at_start(tmp_path):
    async def test():
        with pytest.raises(AssertionError, match="may open 200 files"):
            await started(tmp_path, 200, 200)

    asyncio.run(test())
