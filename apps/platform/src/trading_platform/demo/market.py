"""The demo market as a whole: opened once, then traded until it is cancelled."""

from pathlib import Path

from rich.console import Console

from kernel.refused import Refused
from kernel.telemetry import logger
from trading.v1 import market_data_pb2, types_pb2
from trading.v1.engine_pb2_grpc import EngineServiceStub
from trading.v1.market_data_pb2_grpc import MarketDataServiceStub
from trading.v1.trading_pb2_grpc import OrderServiceStub
from trading_platform.demo.instruments import FUNDS, TRADER_FUNDS
from trading_platform.demo.opening import BACKFILL_STEPS, Opening, past_ns
from trading_platform.demo.people import People
from trading_platform.demo.trading import Trading
from trading_platform.onlookers import Onlookers
from trading_platform.platform import Platform

STEP_S = 0.5
IDLE_STEPS = 20  # while nobody looks: the log would grow by ten million events a day for no one

_log = logger("demo")


class Demo:
    """Opens the market once, then trades until cancelled. Restarting goes on where the log stands."""

    def __init__(self, platform: Platform, folder: Path, seed: int) -> None:
        self._platform = platform
        self._seed = seed
        self._market_data = MarketDataServiceStub(platform.channels("market-data"))
        self._opening = Opening(platform.runtime, EngineServiceStub(platform.channels("trading-engine")))
        self._trading = Trading(platform.runtime, OrderServiceStub(platform.channels("order-service")), seed)
        self._people = People(platform.runtime, folder)
        self._onlookers = Onlookers(platform.runtime, platform.metrics)

    async def open(self) -> None:
        """List, open accounts, fund them; a fresh log also gets some minutes of trading before now."""
        fresh = await self._opening.list_all()
        for user_id in self._trading.user_ids:
            await self._opening.fund(await self._opening.account(user_id), FUNDS)
        self._trading.session = f"{self._seed}-{await self._platform.log.head()}"
        if fresh:
            await self._backfill()
        else:
            await self._resume()
        trader = await self._people.register(self._platform.channels("user-service"))
        await self._opening.fund(trader, TRADER_FUNDS)

    async def run(self) -> None:
        """Trade until cancelled. Refusals (a suspended account, a closed session, a busy engine) are everyday life."""
        async with self._trading.following() as tasks:
            while True:
                try:
                    await self._trading.step(0)
                except Refused as refused:
                    _log.warning("a step of the demo market was refused", code=refused.code, reason=refused.message)
                await self._pause()
                for task in tasks:
                    if task.done():
                        task.result()

    def tell(self, console: Console, url: str) -> None:
        self._people.tell(console, url)

    async def _pause(self) -> None:
        """Until the next step: soon while somebody looks, else later, and soon again when somebody comes."""
        for _ in range(IDLE_STEPS):
            await self._platform.runtime.sleep(STEP_S)
            if self._onlookers.there():
                return

    async def _backfill(self) -> None:
        """Trade the minutes before now: time is data, so the log takes them as they would have been."""
        for step in range(BACKFILL_STEPS, 0, -1):
            await self._trading.step(past_ns(self._platform.runtime, step))

    async def _resume(self) -> None:
        head = types_pb2.LogPosition(log=self._platform.log.name, position=await self._platform.log.head())
        listing: market_data_pb2.ListInstrumentsResponse = await self._market_data.ListInstruments(
            market_data_pb2.ListInstrumentsRequest(at_least=head)
        )
        await self._trading.resume(listing.instruments)
