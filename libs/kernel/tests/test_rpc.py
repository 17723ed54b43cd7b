"""Calls: a service in this process and one over the network cannot be told apart."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from kernel.refused import Kind, Refused
from kernel.rpc import LocalChannel, Registrar, connect, serve
from trading.v1 import market_data_pb2
from trading.v1.market_data_pb2_grpc import (
    MarketDataServiceServicer,
    MarketDataServiceStub,
    add_MarketDataServiceServicer_to_server,
)


class Oracle(MarketDataServiceServicer):
    """Answers, streams, refuses and is slow, as asked by the symbol."""

    def __init__(self):
        self.began, self.ended = asyncio.Event(), asyncio.Event()

    async def GetBook(self, request, context):
        if request.symbol == "REFUSED":
            raise Refused("market_closed", "Come back tomorrow.", Kind.UNPROCESSABLE, retry_after_s=7, order_id="o-1")
        if request.symbol == "SLOW":
            await asyncio.sleep(30)
        if request.symbol == "STEADY":
            self.began.set()
            await asyncio.sleep(0.3)
            self.ended.set()
        return market_data_pb2.GetBookResponse(symbol=request.symbol, seq=request.depth)

    async def StreamTopOfBook(self, request, context):
        if request.symbol in ("SLOW", "BUSY"):
            try:
                self.began.set()
                for number in range(1_000_000):
                    await asyncio.sleep(30 if request.symbol == "SLOW" and number else 0)
                    yield market_data_pb2.StreamTopOfBookResponse()
            finally:
                self.ended.set()
        for number in range(3):
            frame = market_data_pb2.TopOfBook(symbol=request.symbol, time_ns=number)
            yield market_data_pb2.StreamTopOfBookResponse(frames=[frame])
        raise Refused("slow_consumer", "Too slow.", Kind.RATE_LIMITED)


@asynccontextmanager
async def local(encoded):
    registrar, oracle = Registrar(), Oracle()
    add_MarketDataServiceServicer_to_server(oracle, registrar)
    stub = MarketDataServiceStub(LocalChannel(registrar, encoded))
    stub.oracle = oracle
    yield stub


@asynccontextmanager
async def network(_):
    registrar, oracle = Registrar(), Oracle()
    add_MarketDataServiceServicer_to_server(oracle, registrar)
    server, port = await serve(registrar, "127.0.0.1:0")
    channel = connect(f"127.0.0.1:{port}")
    stub = MarketDataServiceStub(channel)
    stub.oracle = oracle
    try:
        yield stub
    finally:
        await channel.close()
        await server.stop(0)


@pytest.fixture(params=[(local, False), (local, True), (network, None)], ids=["local", "encoded", "network"])
def over(request):
    """Run a scenario with a stub on each kind of channel."""
    way, encoded = request.param

    def run(scenario):
        async def whole():
            async with way(encoded) as stub:
                return await scenario(stub)

        return asyncio.run(whole())

    return run


def test_a_call_is_answered(over):
    async def scenario(stub):
        return (await stub.GetBook(market_data_pb2.GetBookRequest(symbol="AAPL", depth=5))).seq

    assert over(scenario) == 5


def test_a_refusal_keeps_its_code_kind_message_patience_and_order(over):
    async def scenario(stub):
        with pytest.raises(Refused) as refusal:
            await stub.GetBook(market_data_pb2.GetBookRequest(symbol="REFUSED", depth=5))
        return refusal.value

    refused = over(scenario)
    assert (refused.code, refused.kind, refused.message, refused.retry_after_s, refused.order_id) == (
        "market_closed",
        Kind.UNPROCESSABLE,
        "Come back tomorrow.",
        7,
        "o-1",
    )


def test_a_request_that_breaks_the_contract_is_refused_before_the_service_sees_it(over):
    async def scenario(stub):
        with pytest.raises(Refused) as refusal:
            await stub.GetBook(market_data_pb2.GetBookRequest(symbol="AAPL", depth=0))
        return refusal.value

    refused = over(scenario)
    assert (refused.code, refused.kind) == ("invalid_request", Kind.INVALID)
    assert "depth" in refused.message


def test_a_stream_gives_all_and_then_its_refusal(over):
    async def scenario(stub):
        seen = []
        with pytest.raises(Refused) as refusal:
            async for response in stub.StreamTopOfBook(market_data_pb2.StreamTopOfBookRequest(symbol="A", depth=1)):
                seen.append(response.frames[0].time_ns)
        return seen, refusal.value.code

    assert over(scenario) == ([0, 1, 2], "slow_consumer")


def test_a_call_has_a_deadline(over):
    async def scenario(stub):
        with pytest.raises(Refused) as refusal:
            await stub.GetBook(market_data_pb2.GetBookRequest(symbol="SLOW", depth=1), timeout=0.1)
        return refusal.value

    refused = over(scenario)
    assert (refused.code, refused.kind) == ("unavailable", Kind.UNAVAILABLE)


@pytest.mark.parametrize("symbol", ["SLOW", "BUSY"])
def test_a_stream_that_is_given_a_deadline_ends_there(over, symbol):
    async def scenario(stub):
        seen = 0
        with pytest.raises(Refused) as refusal:
            asked = market_data_pb2.StreamTopOfBookRequest(symbol=symbol, depth=1)
            async for _ in stub.StreamTopOfBook(asked, timeout=0.2):
                seen += 1
        await asyncio.wait_for(stub.oracle.ended.wait(), 5)
        return seen, refusal.value

    seen, refused = over(scenario)
    assert seen >= 1
    assert (refused.code, refused.kind) == ("unavailable", Kind.UNAVAILABLE)


@pytest.mark.parametrize("way_to_leave", ["its reader closes it", "its reader breaks off", "its reader is cancelled"])
def test_a_stream_ends_where_its_servicer_is_too_when(over, way_to_leave):
    async def read(stub, begun):
        async for _ in stub.StreamTopOfBook(market_data_pb2.StreamTopOfBookRequest(symbol="SLOW", depth=1)):
            begun.set()
            if way_to_leave == "its reader breaks off":
                break

    async def scenario(stub):
        if way_to_leave == "its reader closes it":
            stream = aiter(stub.StreamTopOfBook(market_data_pb2.StreamTopOfBookRequest(symbol="SLOW", depth=1)))
            await anext(stream)
            await stream.aclose()
        else:
            begun = asyncio.Event()
            reading = asyncio.ensure_future(read(stub, begun))
            await begun.wait()
            if way_to_leave == "its reader is cancelled":
                reading.cancel()
            await asyncio.wait([reading])
        await asyncio.wait_for(stub.oracle.ended.wait(), 5)

    over(scenario)


@pytest.mark.parametrize("way_to_leave", ["its caller is cancelled", "its deadline passes"])
def test_a_call_that_has_begun_goes_on_when(over, way_to_leave):
    async def scenario(stub):
        asked = market_data_pb2.GetBookRequest(symbol="STEADY", depth=1)
        if way_to_leave == "its deadline passes":
            with pytest.raises(Refused):
                await stub.GetBook(asked, timeout=0.1)
        else:
            calling = asyncio.ensure_future(stub.GetBook(asked))
            await stub.oracle.began.wait()
            calling.cancel()
            await asyncio.wait([calling])
            assert calling.cancelled()
        assert not stub.oracle.ended.is_set()
        await asyncio.wait_for(stub.oracle.ended.wait(), 5)

    over(scenario)


def test_an_address_where_nobody_listens_is_unavailable():
    async def scenario():
        channel = connect("127.0.0.1:1")
        stub = MarketDataServiceStub(channel)
        with pytest.raises(Refused) as refusal:
            await stub.GetBook(market_data_pb2.GetBookRequest(symbol="AAPL", depth=1))
        await channel.close()
        return refusal.value

    assert asyncio.run(scenario()).kind is Kind.UNAVAILABLE
