"""Over real sockets: what costs no credentials has a bound, and is told as a problem like all others."""

import asyncio
import contextlib
import json
import re

import pytest
import websockets
from websockets.frames import Frame, Opcode

from .running import READER, TRADER, run
from .services import SYMBOL
from .serving import QUICK, problem_in, said, served, until

PUBLIC = b"GET /v1/public/time HTTP/1.1\r\nHost: x\r\n"


def test_many_requests_in_one_piece_are_each_measured_alone():
    async def test(gateway):
        async with served(gateway) as port:
            answers = await said(port, (PUBLIC + b"\r\n") * 500 + PUBLIC + b"Connection: close\r\n\r\n")
            assert re.findall(rb"HTTP/1\.1 (\d+)", answers) == [b"200"] * 501

    run(test, head_bytes_max=1_000)


@pytest.mark.parametrize("size", [900, 2_000])
def test_a_head_is_refused_by_its_own_size_however_it_comes(size):
    async def test(gateway):
        async with served(gateway) as port:
            head = PUBLIC + b"Connection: close\r\nX-Fill: "
            head += b"a" * (size - len(head) - 4) + b"\r\n\r\n"
            answers = await asyncio.gather(
                said(port, head), said(port, head[:100], head[100:]), said(port, PUBLIC + b"\r\n" + head)
            )
            last = [re.findall(rb"HTTP/1\.1 (\d+)", answer)[-1] for answer in answers]
            assert last == [b"200" if size <= 1_000 else b"431"] * 3
            if size > 1_000:
                assert {problem_in(answer, 431) for answer in answers} == {"head_too_large"}

    run(test, head_bytes_max=1_000)


def test_what_came_before_a_fault_is_answered_and_nothing_after_it_is_done():
    head = f"Host: x\r\nAuthorization: {TRADER['Authorization']}\r\n"
    order = json.dumps({"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "quantity": "1", "price": "10"})
    post = f"POST /v1/orders HTTP/1.1\r\n{head}Content-Length: {len(order)}\r\n\r\n{order}"
    faults = {
        "garbage\r\n\r\n": (400, "invalid_request"),
        "GET / HTTP/1.1\r\nX: " + "a" * 5_000: (431, "head_too_large"),
    }

    async def test(gateway):
        async with served(gateway) as port:
            for fault, (status, code) in faults.items():
                answers = await said(port, (post * 2 + fault + post).encode())
                assert re.findall(rb"HTTP/1\.1 (\d+)", answers) == [b"201", b"201", b"%d" % status]
                assert problem_in(answers, status) == code
            assert len(gateway.orders.orders) == 4

    run(test, head_bytes_max=3_000)


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
ENDLESS_BYTES = 20_000_000
WITHOUT_END = {
    "trailers": (CHUNKED + b"0\r\n", b"a: " + b"b" * 1_000 + b"\r\n"),
    "one trailer": (CHUNKED + b"0\r\na: ", b"b" * 1_000),
    "a chunk's extension": (CHUNKED + b"2;", b"b" * 1_000),
}


async def sent_until_cut(port, begin, more):
    """How many bytes the server takes before it ends the connection."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    authorization = f"Authorization: {TRADER['Authorization']}\r\n".encode()
    writer.write(begin.replace(b"\r\n", b" HTTP/1.1\r\nHost: x\r\n" + authorization, 1))
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < ENDLESS_BYTES:
            writer.write(more * 50)
            await writer.drain()
            sent += 50 * len(more)
            await asyncio.sleep(0)
    writer.transport.abort()
    return sent


@pytest.mark.parametrize(("begin", "more"), WITHOUT_END.values(), ids=WITHOUT_END)
def test_what_surrounds_a_body_has_a_bound_too(begin, more):
    async def test(gateway):
        async with served(gateway) as port:
            heads = (b"GET /v1/public/time\r\n", b"POST /v1/orders\r\n")
            sent = await asyncio.gather(*(sent_until_cut(port, head + begin, more) for head in heads))
            assert max(sent) < ENDLESS_BYTES

    run(test, head_bytes_max=10_000)


def test_a_trailer_is_no_header():
    async def test(gateway):
        async with served(gateway) as port:
            trailer = f"authorization: {TRADER['Authorization']}\r\nconnection: close\r\n\r\n".encode()
            text = b"GET /v1/users/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + CHUNKED + b"0\r\n" + trailer
            assert (await said(port, text)).startswith(b"HTTP/1.1 401")

    run(test)


OWING = {
    "nothing but line ends after an answer": (PUBLIC + b"\r\n", b"\r\n"),
    "the rest of a body that nobody reads": (PUBLIC + b"Content-Length: 100000\r\n\r\n", b"x"),
}


@pytest.mark.parametrize(("begin", "more"), OWING.values(), ids=OWING)
def test_a_client_that_keeps_owing_is_closed_however_busy_it_looks(begin, more):
    async def test(gateway):
        async with served(gateway) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(begin)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            closed = asyncio.ensure_future(reader.read())
            async with asyncio.timeout(8):
                while not closed.done():
                    writer.write(more)
                    await asyncio.sleep(0.1)
            await asyncio.gather(closed, return_exceptions=True)

    run(test, head_timeout_s=1, keep_alive_s=1)


def test_a_websocket_that_begins_with_a_body_is_refused_at_once():
    async def test(gateway):
        async with served(gateway) as port:
            upgrade = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {'a' * 22}==\r\n"
            head = f"/v1/stream HTTP/1.1\r\nHost: x\r\n{upgrade}Sec-WebSocket-Version: 13\r\n"
            for text in (f"POST {head}Content-Length: 5\r\n\r\nhello", f"GET {head}Content-Length: 5\r\n\r\nhello"):
                assert problem_in(await said(port, text.encode()), 400) == "invalid_request"
            for text in (f"GET {head}\r\n".replace(upgrade[-28:], "x\r\n"), f"GET {head}\r\n".replace("13", "99")):
                assert problem_in(await said(port, text.encode()), 400) == "invalid_request"
            answer = await said(port, f"GET {head}X-Long: {'a' * 20_000}\r\n\r\n".encode())
            assert problem_in(answer, 400) == "invalid_request"

    run(test)


def test_too_many_connections_are_told_so_and_beyond_a_few_are_closed():
    async def test(gateway):
        async with served(gateway) as port:
            idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
            answer = await said(port, PUBLIC + b"\r\n")
            assert problem_in(answer, 503) == "busy"
            assert b"\r\nretry-after: 1\r\n" in answer
            upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + b"a" * 22 + b"==\r\n"
            head = b"GET /v1/stream HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Version: 13\r\n" + upgrade + b"\r\n"
            assert problem_in(await said(port, head), 503) == "busy"
            idle += [await asyncio.open_connection("127.0.0.1", port) for _ in range(60)]
            assert await said(port, PUBLIC + b"\r\n") == b""
            for _, writer in idle:
                writer.close()
            await until(lambda: b'active_connections{service="api-gateway"} 0.0' in gateway.metrics.exposition())
            assert (await said(port, PUBLIC + b"Connection: close\r\n\r\n")).startswith(b"HTTP/1.1 200")

    run(test, connections_max=3)


def framed(opcode, data, *, fin=True):
    return Frame(opcode, data, fin=fin).serialize(mask=True, extensions=[])


FLOODS = {
    "control pings": framed(Opcode.PING, b"") * 1_000,
    "pongs that nobody asked for": framed(Opcode.PONG, b"") * 1_000,
    "rubbish": framed(Opcode.TEXT, b"x") * 1_000,
    "pings": framed(Opcode.TEXT, b'{"op":"ping"}') * 1_000,
    "tokens": framed(Opcode.TEXT, json.dumps({"op": "auth", "token": READER["Authorization"][7:]}).encode()) * 1_000,
    "pieces of a frame": framed(Opcode.TEXT, b"", fin=False) + framed(Opcode.CONT, b"", fin=False) * 1_000,
}


async def flooded(port, flood, headers):
    """The code with which the server closes."""
    client = await websockets.connect(f"ws://127.0.0.1:{port}/v1/stream", additional_headers=headers)
    async with client:
        client.transport.write(flood)
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                await client.recv()
        return client.close_code


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_a_flood_of_frames_ends_its_connection(flood):
    async def test(gateway):
        async with served(gateway) as port:
            signed_in, stranger = await asyncio.gather(flooded(port, flood, READER), flooded(port, flood, {}))
            assert signed_in == 4429
            assert stranger in (4429, 4401)  # the first frame of a stranger must authenticate

    run(test, **QUICK)


def test_a_text_frame_that_is_no_text_closes_with_1007_and_leaves_no_trace_in_the_log(caplog, capfd):
    async def test(gateway):
        async with served(gateway) as port:
            client = await websockets.connect(f"ws://127.0.0.1:{port}/v1/stream", additional_headers=READER)
            async with client:
                await client.recv()
                await client.send(b"\xff\xfe", text=True)
                with contextlib.suppress(websockets.ConnectionClosed):
                    await client.recv()
                assert client.close_code == 1007

    run(test, **QUICK)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert "Traceback" not in capfd.readouterr().err
