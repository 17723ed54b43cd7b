"""Over real sockets: clients that are slow, that send without end, or that do not read."""

import asyncio
import contextlib
import json
import re
import socket

import httpx2
import pytest
import websockets

from .running import READER, TRADER, run
from .services import SYMBOL
from .serving import QUICK, problem_in, said, served, until


def test_a_request_is_answered_and_connections_are_counted():
    async def test(gateway):
        async with served(gateway) as port:
            token = TRADER["Authorization"]
            text = f"GET /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nConnection: close\r\n\r\n"
            answer = await said(port, text.encode())
            assert answer.startswith(b"HTTP/1.1 200 OK")
            assert b"\r\nx-ratelimit-remaining: 9999\r\n" in answer
            assert b"server:" not in answer
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(0.05)
            assert b'active_connections{service="api-gateway"} 1.0' in gateway.metrics.exposition()
            writer.close()

    run(test)


def test_answers_follow_their_requests_on_one_connection_and_it_closes_when_asked():
    """Bodies that come with their head, in two pieces and after a question, answers without one, pipelined requests."""
    head = f"Host: x\r\nAuthorization: {TRADER['Authorization']}\r\n"
    order = json.dumps({"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "quantity": "1", "price": "10"})
    post = f"POST /v1/orders HTTP/1.1\r\n{head}Content-Length: {len(order)}\r\n"

    async def test(gateway):
        async with served(gateway) as port:
            first = f"{post}\r\n{order}" + f"HEAD /v1/public/time HTTP/1.1\r\n{head}\r\n" + f"{post}\r\n{order[:9]}"
            then = f"{order[9:]}{post}Expect: 100-continue\r\n\r\n{order}GET /v1/public/time HTTP/1.0\r\n{head}\r\n"
            answers = await said(port, first.encode(), then.encode())
            statuses = [status for status in re.findall(rb"HTTP/1\.1 (\d+)", answers) if status != b"100"]
            assert statuses == [b"201", b"200", b"201", b"201", b"200"]
            assert answers.count(b'"order_id"') == 3
            assert b"\r\nconnection: close\r\n" in answers

    run(test)


HEADS = [
    *("/v1/public/time", "/v1/orders", f"/v1/market-data/{SYMBOL}/quote", "/v1/orders/not-one", "/v1/nothing"),
    *("/v1/market-data/stream?symbols=BTC-USD", "/health", "/metrics", "/docs", "/openapi.yaml", "/docs/start.js"),
]
# What may change from one request to the next.
OF_THE_MOMENT = {"date", "x-request-id", "x-ratelimit-remaining", "x-ratelimit-reset", "transfer-encoding"}


@pytest.mark.parametrize("path", HEADS)
def test_head_is_answered_as_get_without_a_body(path):
    async def test(gateway):
        async with served(gateway) as port, httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            async with client.stream("GET", path, headers=READER) as got:
                status, headers = got.status_code, dict(got.headers)
            followed = len(gateway.market.streams)
            told = await client.head(path, headers=READER)
            assert (told.status_code, told.content) == (status, b"")
            lengths = {"content-length"} if path in ("/metrics", "/v1/nothing", "/v1/orders/not-one") else set()
            kept = {name: text for name, text in headers.items() if name not in OF_THE_MOMENT | lengths}
            assert {name: told.headers.get(name) for name in kept} == kept
            assert len(gateway.market.streams) == followed

    run(test)


def test_a_page_of_another_origin_may_read_an_answer():
    async def test(gateway):
        async with served(gateway) as port:
            text = "GET /v1/public/time HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\nConnection: close\r\n\r\n"
            answer = await said(port, text.encode())
            assert answer.startswith(b"HTTP/1.1 200 OK")
            assert b"\r\naccess-control-allow-origin: https://a.example\r\n" in answer

    run(test, cors_origins="https://a.example")


def test_a_head_that_does_not_end_is_closed():
    async def test(gateway):
        async with served(gateway) as port:
            answers = await asyncio.gather(said(port, b""), said(port, b"GET /v1/orders HTTP/1.1\r\nHost: x\r\nX-"))
            assert [problem_in(answer, 408) for answer in answers] == ["request_timeout"] * 2

    run(test, head_timeout_s=1)


def test_a_head_without_bounds_is_refused():
    async def test(gateway):
        async with served(gateway) as port:
            answer = await said(port, b"GET /v1/orders HTTP/1.1\r\nX-Fill: ", b"a" * 300_000)
            assert answer == b"" or problem_in(answer, 431) == "head_too_large"

    run(test, head_bytes_max=10_000)


def test_a_body_that_does_not_come_is_408():
    async def test(gateway):
        async with served(gateway) as port:
            head = f"POST /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: {TRADER['Authorization']}\r\n"
            answer = await said(port, head.encode() + b"Content-Length: 100\r\n\r\n{")
            assert answer.startswith(b"HTTP/1.1 408")
            assert b'"code":"request_timeout"' in answer

    run(test, body_timeout_s=0.2)


def test_garbage_is_400():
    async def test(gateway):
        async with served(gateway) as port:
            assert problem_in(await said(port, b"\x16\x03\x01 hello\r\n\r\n"), 400) == "invalid_request"

    run(test)


def test_a_websocket_works_and_a_frame_over_the_limit_closes_it():
    async def test(gateway):
        async with served(gateway) as port:
            url = f"ws://127.0.0.1:{port}/v1/stream"
            async with websockets.connect(url, additional_headers=READER) as client:
                assert json.loads(await client.recv())["type"] == "authenticated"
                await client.send(json.dumps({"op": "subscribe", "channel": "quotes", "symbol": SYMBOL}))
                assert json.loads(await client.recv())["type"] == "snapshot"
                await client.send(" " * 20_000)
                with contextlib.suppress(websockets.ConnectionClosed):
                    await client.recv()
                assert client.close_code == 1009

    run(test, **QUICK)


def test_a_websocket_where_none_is_gets_a_problem(caplog):
    async def test(gateway):
        async with served(gateway) as port:
            head = "GET /v1/nowhere HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            head += f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {'a' * 22}==\r\n\r\n"
            answer = await said(port, head.encode())
            assert answer.startswith(b"HTTP/1.1 404 Not Found\r\n")
            assert problem_in(answer, 404) == "not_found"
            assert not caplog.records

    run(test)


def test_a_websocket_that_does_not_read_is_closed_with_4408_and_does_not_hold_memory():
    async def test(gateway):
        async with served(gateway) as port:
            # Small buffers, so that what is not read comes back to the gateway soon.
            narrow = socket.socket()
            narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
            narrow.setblocking(False)
            await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", port))
            url = f"ws://127.0.0.1:{port}/v1/stream"
            async with websockets.connect(url, sock=narrow, additional_headers=READER, max_queue=1) as client:
                await client.recv()
                await client.send(json.dumps({"op": "subscribe", "channel": "book", "symbol": SYMBOL}))
                await client.recv()
                (request, frames) = gateway.market.streams[0]
                wide = gateway.market.frame(request, 11, bids=[(str(price), "1") for price in range(1, 2_000)])
                sent = 0
                while not gateway.market.closed_streams:
                    frames.put_nowait(wide)
                    sent += 1
                    await asyncio.sleep(0)
                heard = 0
                with contextlib.suppress(websockets.ConnectionClosed):
                    while True:
                        await client.recv()
                        heard += 1
                assert client.close_code == 4408
                assert heard < sent

    run(test, stream_queue_frames_max=20, **QUICK)


def test_a_websocket_that_never_reads_again_is_cut():
    async def test(gateway):
        async with served(gateway) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_024)
            key = READER["Authorization"]
            head = "GET /v1/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            head += f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {'a' * 22}==\r\nAuthorization: {key}\r\n\r\n"
            writer.write(head.encode())
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
            writer.transport.pause_reading()
            gateway.clock.move_on(400)  # the token is over: the gateway closes and waits for no answer
            await until(lambda: b'active_connections{service="api-gateway"} 0.0' in gateway.metrics.exposition())
            writer.transport.abort()

    run(test, stream_conflation_s=0, stream_heartbeat_s=0.05)


def test_a_server_that_closes_ends_its_streams_at_once_and_in_order(caplog):
    async def test(gateway):
        async with served(gateway) as port:
            client = await websockets.connect(f"ws://127.0.0.1:{port}/v1/stream", additional_headers=READER)
            await client.recv()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            query, token = f"symbols={SYMBOL}&channels=quotes", READER["Authorization"]
            head = f"GET /v1/market-data/stream?{query} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n"
            writer.write(head.encode())
            await reader.readuntil(b"event: quotes")
            started = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - started < 2
        assert (await reader.read()).endswith(b"\r\n0\r\n\r\n")
        await client.wait_closed()
        assert client.close_code == 1012
        assert not [record for record in caplog.records if record.levelname == "ERROR"]
        writer.close()

    run(test, **QUICK)


def test_an_event_stream_over_a_socket():
    async def test(gateway):
        async with served(gateway) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            token = READER["Authorization"]
            query = f"symbols={SYMBOL}&channels=quotes"
            writer.write(
                f"GET /v1/market-data/stream?{query} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"text/event-stream" in head
            assert b"event: quotes" in await reader.readuntil(b"\n\n")
            writer.close()
            await until(lambda: gateway.market.closed_streams)

    run(test, **QUICK)
