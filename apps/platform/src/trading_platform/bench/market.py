"""The market of a bench: one instrument, accounts with more than they can spend, and a book with some depth.

Sellers and buyers meet at one price. Each order that finds the other side there fills at once, each that does not
rests: as there are as many of the ones as of the others, half of all orders fill when they arrive.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from grpc.aio import Channel

from kernel.ids import derived_id
from kernel.rpc import connect
from kernel.runtime import Runtime
from trading.v1 import engine_pb2, eventlog_pb2, market_data_pb2, risk_pb2, trading_pb2, types_pb2
from trading.v1.engine_pb2_grpc import EngineServiceStub
from trading.v1.eventlog_pb2_grpc import EventLogServiceStub
from trading.v1.market_data_pb2_grpc import MarketDataServiceStub
from trading.v1.risk_pb2_grpc import RiskServiceStub
from trading.v1.trading_pb2_grpc import OrderServiceStub
from trading_platform.bench.report import milliseconds
from trading_platform.grpc_token import token_in

SYMBOL = "BENCH"
PRICE = "100"
QUANTITY = "1"
DEPTH_LEVELS = 50
DOLLARS = "1000000000000"
SHARES = "1000000000"
OPEN_ORDERS_MAX = 1_000_000
SELLERS, BUYERS = "bench-sellers", "bench-buyers"
POLL_S = 0.005
CAUGHT_UP_WITHIN_S = 120.0


class MarketFailed(Exception):
    """The platform refused what the bench needs; the message says what."""


@asynccontextmanager
async def channel_to(address: str, folder: Path) -> AsyncIterator[Channel]:
    """folder: the data folder of the platform that listens there; it has started."""
    channel = connect(address, token_in(folder))
    try:
        yield channel
    finally:
        await channel.close(None)


async def open_market(channel: Channel) -> None:
    """List the instrument, and let an account of its own fill the book on both sides of the price."""
    usd = engine_pb2.ListAsset(asset="USD", scale=10, kind=engine_pb2.ASSET_KIND_CURRENCY)
    share = engine_pb2.ListAsset(asset=SYMBOL, scale=0, kind=engine_pb2.ASSET_KIND_SECURITY)
    terms = engine_pb2.ListInstrument(
        symbol=SYMBOL,
        base=SYMBOL,
        quote="USD",
        price_unit="0.01",
        lot_unit="1",
        max_price="1000000",
        max_quantity="1000000",
        protection="0.05",
        calendar="24x7",
    )
    await execute(channel, "list-usd", list_asset=usd)
    await execute(channel, "list-share", list_asset=share)
    await execute(channel, "list-instrument", list_instrument=terms)
    background = await funded_account(channel, "bench-background")
    levels = [(types_pb2.SIDE_BUY, 9_900 - level) for level in range(DEPTH_LEVELS)]
    levels += [(types_pb2.SIDE_SELL, 10_100 + level) for level in range(DEPTH_LEVELS)]
    for side, cents in levels:
        order = order_of(background, side, f"{cents // 100}.{cents % 100:02d}")
        await execute(channel, f"background-{side}-{cents}", place_order=order)


async def funded_account(channel: Channel, user_id: str) -> str:
    """Open an account for `user_id` with cash and shares; returns its id."""
    opened = await execute(channel, f"open-{user_id}", open_account=engine_pb2.OpenAccount(user_id=user_id))
    await fund(channel, opened.aggregate_id)
    return opened.aggregate_id


async def fund(channel: Channel, account_id: str) -> None:
    for asset, amount in (("USD", DOLLARS), (SYMBOL, SHARES)):
        deposit = engine_pb2.Deposit(account_id=account_id, asset=asset, amount=amount)
        await execute(channel, f"fund-{account_id}-{asset}", deposit=deposit)
    limits = engine_pb2.ChangeLimits(account_id=account_id, max_open_orders=OPEN_ORDERS_MAX)
    await execute(channel, f"limits-{account_id}", change_limits=limits)


async def execute(channel: Channel, what: str, **body: Any) -> engine_pb2.CommandResult:
    command = engine_pb2.Command(command_id=derived_id("bench", what), correlation_id="bench", **body)
    stub: Any = EngineServiceStub(channel)
    answer: engine_pb2.ExecuteResponse = await stub.Execute(engine_pb2.ExecuteRequest(command=command))
    if answer.result.refused:
        raise MarketFailed(f"{what}: {answer.result.refused}: {answer.result.message}")
    return answer.result


def order_of(account_id: str, side: types_pb2.Side.ValueType, price: str = PRICE) -> engine_pb2.PlaceOrder:
    return engine_pb2.PlaceOrder(
        account_id=account_id,
        symbol=SYMBOL,
        side=side,
        type=types_pb2.ORDER_TYPE_LIMIT,
        time_in_force=types_pb2.TIME_IN_FORCE_GTC,
        quantity=QUANTITY,
        price=price,
    )


async def head_of(channel: Channel) -> int:
    stub: Any = EventLogServiceStub(channel)
    answer: eventlog_pb2.GetHeadResponse = await stub.GetHead(eventlog_pb2.GetHeadRequest(log="main"))
    return answer.position


async def lags_ms(runtime: Runtime, channel: Channel) -> dict[str, Any]:
    """How long each read model needs, from now, to cover the log's present head; the longest is `view_lag_ms`."""
    orders: Any = OrderServiceStub(channel)
    market: Any = MarketDataServiceStub(channel)
    risk: Any = RiskServiceStub(channel)
    asked: Sequence[tuple[str, Any, Any]] = (
        ("orders", orders.GetViewPosition, trading_pb2.GetViewPositionRequest()),
        ("market_data", market.GetMarketDataPosition, market_data_pb2.GetMarketDataPositionRequest()),
        ("risk", risk.GetRiskPosition, risk_pb2.GetRiskPositionRequest()),
    )
    head = await head_of(channel)
    began_ns = runtime.monotonic_ns()

    async def until_covered(ask: Any, request: Any) -> Any:
        while (await ask(request)).position.position < head:
            if runtime.monotonic_ns() - began_ns > CAUGHT_UP_WITHIN_S * 1e9:
                raise MarketFailed(f"a read model did not reach {head} within {CAUGHT_UP_WITHIN_S:.0f} s")
            await runtime.sleep(POLL_S)
        return milliseconds(runtime.monotonic_ns() - began_ns)

    waits_ms = await asyncio.gather(*(until_covered(ask, request) for _, ask, request in asked))
    by_view = {f"{name}_lag_ms": waited for (name, _, _), waited in zip(asked, waits_ms, strict=True)}
    return {"view_lag_ms": max(waits_ms)} | by_view
