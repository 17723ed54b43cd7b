"""What a server asks of its callers and tells of itself: a token, message sizes, health."""

import asyncio
import contextlib
from contextlib import asynccontextmanager

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kernel.eventlog.port import LogFailed
from kernel.refused import Kind, Refused
from kernel.rpc import MESSAGE_BYTES_MAX, Registrar, connect, serve
from trading.v1 import market_data_pb2
from trading.v1.market_data_pb2_grpc import (
    MarketDataServiceServicer,
    MarketDataServiceStub,
    add_MarketDataServiceServicer_to_server,
)

SERVICE = "trading.v1.MarketDataService"
TOKEN = "right"


class Book(MarketDataServiceServicer):
    """A depth of 1000 asks for an answer that is larger than a message may be."""

    async def GetBook(self, request, context):
        size = MESSAGE_BYTES_MAX + 1 if request.depth == 1000 else 1
        return market_data_pb2.GetBookResponse(symbol="A" * size)

    async def StreamTopOfBook(self, request, context):
        yield market_data_pb2.StreamTopOfBookResponse()


@asynccontextmanager
async def served(**options):
    """The address of a server with these options."""
    registrar = Registrar()
    add_MarketDataServiceServicer_to_server(Book(), registrar)
    server, port = await serve(registrar, "127.0.0.1:0", **options)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


async def outcome(call):
    """`answered`, or the refusal's code and kind."""
    try:
        await call
    except Refused as refused:
        return refused.code, refused.kind
    return "answered"


UNKNOWN = ("unauthenticated", Kind.UNAUTHENTICATED)


@pytest.mark.parametrize(
    ("sentence", "asked", "shown", "expected"),
    [
        ("a server without a token answers everyone", None, None, "answered"),
        ("a server without a token does not mind one", None, TOKEN, "answered"),
        ("who shows the token is answered", TOKEN, TOKEN, "answered"),
        ("who shows no token is refused", TOKEN, None, UNKNOWN),
        ("who shows another token is refused", TOKEN, "wrong", UNKNOWN),
        ("the beginning of the token is not the token", TOKEN, "righ", UNKNOWN),
    ],
)
def test_token(sentence, asked, shown, expected):
    async def scenario():
        async with served(token=asked) as address, connect(address, token=shown) as channel:
            stub = MarketDataServiceStub(channel)
            unary = await outcome(stub.GetBook(market_data_pb2.GetBookRequest(symbol="A", depth=1)))
            invalid = await outcome(stub.GetBook(market_data_pb2.GetBookRequest(symbol="A", depth=0)))
            stream = aiter(stub.StreamTopOfBook(market_data_pb2.StreamTopOfBookRequest(symbol="A", depth=1)))
            return unary, await outcome(anext(stream)), invalid

    unary, stream, invalid = asyncio.run(scenario())
    assert (unary, stream) == (expected, expected), sentence
    assert invalid == (UNKNOWN if expected == UNKNOWN else ("invalid_request", Kind.INVALID)), "before its request"


@pytest.mark.parametrize("stream", [False, True])
def test_bytes_that_are_no_message_are_the_callers_fault(stream):
    async def scenario():
        async with served() as address, grpc.aio.insecure_channel(address) as channel:
            name = "StreamTopOfBook" if stream else "GetBook"
            begin = channel.unary_stream if stream else channel.unary_unary
            call = begin(f"/trading.v1.MarketDataService/{name}")(b"\xff\xff\xff")
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await (call.read() if stream else call)
            assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert dict(error.value.trailing_metadata())["refused-code"] == "invalid_request"

    asyncio.run(scenario())


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))  # with empty settings


async def idle_connection(address):
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(PREFACE)
    return reader, writer


async def answered(address):
    """The outcome of one call on a connection of its own."""
    async with connect(address) as channel:
        asked = market_data_pb2.GetBookRequest(symbol="A", depth=1)
        return await outcome(MarketDataServiceStub(channel).GetBook(asked))


def test_connections_beyond_the_most_are_closed_unheard_until_one_of_the_others_goes():
    async def scenario():
        async with served(connections_max=3) as address:
            idle = [await idle_connection(address) for _ in range(3)]
            for reader, _ in idle:
                assert await reader.readexactly(9), "its settings: it has been taken"
            late, _ = await idle_connection(address)
            with contextlib.suppress(ConnectionError):  # a reset, where something was sent that nobody reads
                assert await asyncio.wait_for(late.read(), 5) == b""
            for _, writer in idle:
                writer.close()
            outcomes = [await answered(address)]
            for _ in range(100):
                if outcomes[-1] == "answered":
                    return
                await asyncio.sleep(0.1)
                outcomes.append(await answered(address))
            pytest.fail(f"nobody was let in again: {set(outcomes)}")

    asyncio.run(scenario())


def test_a_connection_without_a_call_is_closed_and_its_caller_comes_back_by_itself():
    async def scenario():
        async with served(idle_s=1) as address, connect(address) as channel:
            stub, asked = MarketDataServiceStub(channel), market_data_pb2.GetBookRequest(symbol="A", depth=1)
            assert await outcome(stub.GetBook(asked)) == "answered"
            reader, _ = await idle_connection(address)
            await asyncio.wait_for(reader.read(), 10)
            assert await outcome(stub.GetBook(asked)) == "answered"

    asyncio.run(scenario())


@pytest.mark.parametrize("token", ["", " "])
def test_nobody_is_served_under_an_empty_token(token):
    with pytest.raises(ValueError, match="empty token"):
        asyncio.run(serve(Registrar(), "127.0.0.1:0", token=token))


@pytest.mark.parametrize(
    ("sentence", "symbol", "depth"),
    [
        ("a request that is too large", "A" * (MESSAGE_BYTES_MAX + 1), 1),
        ("an answer that is too large", "A", 1000),
    ],
)
def test_a_message_that_is_too_large_is_refused_as_that(sentence, symbol, depth):
    async def scenario():
        async with served() as address, connect(address) as channel:
            asked = market_data_pb2.GetBookRequest(symbol=symbol, depth=depth)
            return await outcome(MarketDataServiceStub(channel).GetBook(asked))

    assert asyncio.run(scenario()) == ("message_too_large", Kind.TOO_LARGE)


SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.mark.parametrize("service", ["", SERVICE])
def test_health_is_what_the_services_say_of_themselves(service):
    waits_for = ["the engine replays"]

    async def ready():
        if isinstance(waits_for[0], Exception):
            raise waits_for[0]
        return waits_for[0]

    async def scenario():
        async with served(ready=ready, token=TOKEN) as address, grpc.aio.insecure_channel(address) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            asked = health_pb2.HealthCheckRequest(service=service)
            watched = aiter(health.Watch(asked))
            seen = [(await health.Check(asked)).status, (await anext(watched)).status]
            waits_for[0] = None
            seen += [(await health.Check(asked)).status, (await anext(watched)).status]
            waits_for[0] = LogFailed("away")
            seen += [(await health.Check(asked)).status, (await anext(watched)).status]
            return seen

    assert asyncio.run(scenario()) == [NOT_SERVING, NOT_SERVING, SERVING, SERVING, NOT_SERVING, NOT_SERVING]


def test_a_server_that_is_told_nothing_is_healthy_and_knows_no_other_service():
    async def scenario():
        async with served() as address, grpc.aio.insecure_channel(address) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            assert (await health.Check(health_pb2.HealthCheckRequest(service=SERVICE))).status == SERVING
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await health.Check(health_pb2.HealthCheckRequest(service="elsewhere"))
            return refusal.value.code()

    assert asyncio.run(scenario()) is grpc.StatusCode.NOT_FOUND
