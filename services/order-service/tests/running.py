"""An order service on a real engine and a log in memory, called through the generated interface."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import order_service.service
from kernel.eventlog.memory import MemoryLog
from kernel.ids import derived_id
from kernel.rpc import LocalChannel, Registrar
from kernel.runtime import SystemRuntime
from kernel.telemetry import Metrics
from order_service.settings import OrderServiceSettings
from trading.v1 import engine_pb2, trading_pb2, types_pb2
from trading.v1.engine_pb2_grpc import EngineServiceStub
from trading.v1.trading_pb2_grpc import OrderServiceStub, TradingServiceStub


@dataclass
class Venue:
    """Stubs of a running order service, and two people with an account each: Alice has cash, Bob also has shares."""

    orders: Any
    trading: Any
    engine: Any
    log: MemoryLog
    accounts: dict[str, str]

    async def submit(self, user: str, *requests: trading_pb2.OrderRequest) -> list[engine_pb2.CommandResult]:
        response = await self.orders.Submit(trading_pb2.SubmitRequest(user_id=user, requests=requests))
        return list(response.results)

    async def execute(self, name: str, **body: Any) -> engine_pb2.CommandResult:
        command = engine_pb2.Command(command_id=derived_id("test", name), correlation_id=name, **body)
        return (await self.engine.Execute(engine_pb2.ExecuteRequest(command=command))).result


def limit(side: str, quantity: str, price: str, client_order_id: str = "", account_id: str = "") -> Any:
    place = engine_pb2.PlaceOrder(
        account_id=account_id,
        symbol="AAPL",
        side=types_pb2.Side.Value(f"SIDE_{side}"),
        type=types_pb2.ORDER_TYPE_LIMIT,
        time_in_force=types_pb2.TIME_IN_FORCE_GTC,
        quantity=quantity,
        price=price,
        client_order_id=client_order_id,
    )
    return trading_pb2.OrderRequest(place=place)


@asynccontextmanager
async def venue(folder: Path | None = None, **settings: int) -> AsyncIterator[Venue]:
    """Everything runs in this process; the read model is in memory unless a folder is given. settings: the order
    service's own."""
    # The engine and the market data are a test's peers here, not dependencies.
    import market_data.service
    import trading_engine.service
    from market_data.settings import MarketDataSettings
    from trading_engine.settings import TradingEngineSettings

    runtime = SystemRuntime()
    log = MemoryLog(runtime)
    registrar = Registrar()
    channel = LocalChannel(registrar)
    metrics = Metrics()
    engine = trading_engine.service.build(runtime, log, lambda _: channel, TradingEngineSettings(), None, metrics)
    own = OrderServiceSettings(**settings)
    orders = order_service.service.build(runtime, log, lambda _: channel, own, folder, metrics)
    market = market_data.service.build(runtime, log, lambda _: channel, MarketDataSettings(), None, metrics)
    tasks = []
    for service in (engine, orders, market):
        service.register(registrar)
        tasks += [runtime.spawn(main(), title) for title, main in service.mains.items()]
    while await engine.ready() is not None:
        await runtime.sleep(0)
    opened = Venue(OrderServiceStub(channel), TradingServiceStub(channel), EngineServiceStub(channel), log, {})
    await _open(opened)
    try:
        yield opened
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await market.close()
        await orders.close()
        runtime.close()


async def _open(opened: Venue) -> None:
    currency, security = engine_pb2.ASSET_KIND_CURRENCY, engine_pb2.ASSET_KIND_SECURITY
    await opened.execute("usd", list_asset=engine_pb2.ListAsset(asset="USD", scale=10, kind=currency))
    await opened.execute("share", list_asset=engine_pb2.ListAsset(asset="AAPL", scale=0, kind=security))
    terms = engine_pb2.ListInstrument(
        symbol="AAPL",
        base="AAPL",
        quote="USD",
        price_unit="0.01",
        lot_unit="1",
        max_price="100000",
        max_quantity="100000",
        protection="0.05",
        calendar="24x7",
    )
    await opened.execute("listing", list_instrument=terms)
    terms.symbol = "MSFT"
    await opened.execute("second asset", list_asset=engine_pb2.ListAsset(asset="MSFT", scale=0, kind=security))
    terms.base = "MSFT"
    await opened.execute("second listing", list_instrument=terms)
    for user in ("alice", "bob"):
        account = await opened.execute(f"open {user}", open_account=engine_pb2.OpenAccount(user_id=user))
        opened.accounts[user] = account.aggregate_id
        cash = engine_pb2.Deposit(account_id=account.aggregate_id, asset="USD", amount="10000")
        await opened.execute(f"cash {user}", deposit=cash)
    shares = engine_pb2.Deposit(account_id=opened.accounts["bob"], asset="AAPL", amount="100")
    await opened.execute("shares", deposit=shares)
