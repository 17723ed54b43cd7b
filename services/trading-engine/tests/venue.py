"""A small venue for tests: commands with short names, and a running sequencer on a log in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kernel.eventlog.memory import MemoryLog
from kernel.eventlog.port import EventLog
from kernel.ids import KIND_ACCOUNT, core_id_text, derived_id
from kernel.runtime import SystemRuntime
from kernel.telemetry import Metrics
from trading.v1 import engine_pb2, types_pb2
from trading_engine.sequencer import Sequencer
from trading_engine.settings import TradingEngineSettings

USER = "somebody"
# In a fresh log: 1 external, 2 house, 3 the clearing account of the first instrument.
ALICE = core_id_text(KIND_ACCOUNT, 1 << 48 | 4)
BOB = core_id_text(KIND_ACCOUNT, 1 << 48 | 5)


def command(name: str, **body: object) -> engine_pb2.Command:
    return engine_pb2.Command(command_id=derived_id("test", name), user_id=USER, correlation_id=name, **body)


def limit(
    name: str, account: str, side: str, quantity: str, price: str, time_in_force: str = "GTC"
) -> engine_pb2.Command:
    place = engine_pb2.PlaceOrder(
        account_id=account,
        symbol="AAPL",
        side=types_pb2.Side.Value(f"SIDE_{side}"),
        type=types_pb2.ORDER_TYPE_LIMIT,
        time_in_force=types_pb2.TimeInForce.Value(f"TIME_IN_FORCE_{time_in_force}"),
        quantity=quantity,
        price=price,
        client_order_id=name,
    )
    return command(name, place_order=place)


def cancel(name: str, account: str, placed: str) -> engine_pb2.Command:
    body = engine_pb2.CancelOrder(account_id=account, placed_by_command_id=derived_id("test", placed))
    return command(name, cancel_order=body)


def replace(name: str, account: str, placed: str, quantity: str = "", price: str = "") -> engine_pb2.Command:
    body = engine_pb2.ReplaceOrder(
        account_id=account, placed_by_command_id=derived_id("test", placed), quantity=quantity, price=price
    )
    return command(name, replace_order=body)


OPENING = [
    command("usd", list_asset=engine_pb2.ListAsset(asset="USD", scale=10, kind=engine_pb2.ASSET_KIND_CURRENCY)),
    command("share", list_asset=engine_pb2.ListAsset(asset="AAPL", scale=0, kind=engine_pb2.ASSET_KIND_SECURITY)),
    command(
        "listing",
        list_instrument=engine_pb2.ListInstrument(
            symbol="AAPL",
            base="AAPL",
            quote="USD",
            price_unit="0.01",
            lot_unit="1",
            max_price="100000",
            max_quantity="100000",
            protection="0.05",
            calendar="24x7",
        ),
    ),
    command("alice", open_account=engine_pb2.OpenAccount(user_id="alice")),
    command("bob", open_account=engine_pb2.OpenAccount(user_id="bob")),
    command("cash", deposit=engine_pb2.Deposit(account_id=ALICE, asset="USD", amount="10000")),
    command("cash too", deposit=engine_pb2.Deposit(account_id=BOB, asset="USD", amount="10000")),
    command("shares", deposit=engine_pb2.Deposit(account_id=BOB, asset="AAPL", amount="100")),
]


@asynccontextmanager
async def sequencing(
    log: EventLog | None = None, settings: TradingEngineSettings | None = None
) -> AsyncIterator[Sequencer]:
    """A sequencer that runs until the block ends; its log is in memory unless one is given."""
    runtime = SystemRuntime()
    log = log or MemoryLog(runtime)
    sequencer = Sequencer(runtime, log, settings or TradingEngineSettings(), Metrics())
    task = runtime.spawn(sequencer.run(), "sequencer")
    try:
        while sequencer.failure is not None and not task.done():
            await runtime.sleep(0)
        if task.done():
            task.result()
        yield sequencer
    finally:
        task.cancel()
        runtime.close()
