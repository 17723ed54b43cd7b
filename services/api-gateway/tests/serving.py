"""A real server in front of the gateway, and what it says to raw bytes."""

import asyncio
import contextlib
import json

from api_gateway.http_server import GatewayServer

QUICK = {"stream_conflation_s": 0, "stream_heartbeat_s": 60}


async def until(is_true):
    for _ in range(2_000):
        if is_true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come")


@contextlib.asynccontextmanager
async def served(gateway):
    """The port of a real server on this machine."""
    server = GatewayServer(gateway.clock, gateway.app, gateway.settings, gateway.metrics, "127.0.0.1", 0)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving


async def said(port, text, then=b""):
    """What the server answers to raw bytes, until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text)
    with contextlib.suppress(ConnectionError):
        await writer.drain()
    if then:
        writer.write(then)
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


def problem_in(answer, status):
    """The document of the last response, which closes its connection."""
    head, _, body = answer.rpartition(b"\r\n\r\n")
    head = head[head.rindex(b"HTTP/1.1 ") :]
    assert head.startswith(b"HTTP/1.1 %d " % status)
    for header in (b"content-type: application/problem+json", b"connection: close", b"x-request-id: "):
        assert b"\r\n" + header in head
    problem = json.loads(body)
    assert problem["status"] == status
    assert problem["message"]
    return problem["code"]
