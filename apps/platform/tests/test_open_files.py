"""Connections that cost nothing must not take the descriptors of the log and the read models."""

import asyncio
import contextlib
import re

import pytest

from trading_platform.open_files import FILES_RESERVED, connections_within, grpc_connections_within

from .commands import up

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


async def ready(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer


def test_the_soft_limit_is_raised_and_idle_connections_beyond_the_hard_one_leave_the_platform_alive(tmp_path):
    async def test():
        async with up(tmp_path, files=(64, FILES)) as platform:
            assert '"event": "connections_max_capped"' in platform.said
            assert f'"connections_max": {FILES - FILES_RESERVED}' in platform.said
            idle = []
            for _ in range(FILES + 100):
                with contextlib.suppress(OSError):
                    idle.append(await asyncio.open_connection("127.0.0.1", platform.port))
            await asyncio.sleep(1)
            assert platform.process.returncode is None
            assert platform.open_files < FILES
            for _, writer in idle:
                writer.close()
            await asyncio.sleep(1)
            assert (await ready(platform.port)).startswith(b"HTTP/1.1 200")

    asyncio.run(test())


def test_idle_grpc_connections_leave_files_for_the_log_and_for_people(tmp_path):
    async def test():
        async with up(tmp_path, "--grpc", "127.0.0.1:0", files=(FILES, FILES)) as platform:
            grpc = int(re.findall(r"grpc +127\.0\.0\.1:(\d+)", platform.said)[0])
            before, idle = platform.open_files, []
            for _ in range(FILES + 100):
                with contextlib.suppress(OSError):
                    idle.append(await asyncio.open_connection("127.0.0.1", grpc))
                    idle[-1][1].write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0)))
            await asyncio.sleep(1)
            assert platform.open_files - before < 2 * grpc_connections_within(FILES)
            assert (await ready(platform.port)).startswith(b"HTTP/1.1 200")
            for _, writer in idle:
                writer.close()

    asyncio.run(test())


@pytest.mark.parametrize(("files", "granted"), [(320, 16), (400, 36), (1 << 20, 1_000)])
def test_grpc_may_take_a_quarter_of_the_connections(files, granted):
    assert grpc_connections_within(files) == granted
    assert connections_within(files, 1 << 20, granted) == files - FILES_RESERVED - granted


def test_a_hard_limit_that_leaves_nothing_is_said_at_start(tmp_path):
    async def test():
        with pytest.raises(AssertionError, match="may open 200 files"):
            async with up(tmp_path, files=(200, 200)):
                pass

    asyncio.run(test())
