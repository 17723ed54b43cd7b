"""The demo market: a few instruments, makers that quote around a wandering price, and takers that trade against them.

They use order-service like everyone. One seed gives one course of prices and orders; all numbers are ticks and lots.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from rich.console import Console

from kernel.ids import derived_id
from kernel.money import canonical, decimal, parse
from kernel.refused import Refused
from kernel.runtime import Runtime
from kernel.telemetry import logger
from trading.v1 import engine_pb2, market_data_pb2, trading_pb2, types_pb2
from trading.v1.engine_pb2_grpc import EngineServiceStub
from trading.v1.market_data_pb2_grpc import MarketDataServiceStub
from trading.v1.trading_pb2_grpc import OrderServiceStub
from trading_platform.onlookers import Onlookers
from trading_platform.platform import Platform

STEP_S = 0.5
IDLE_STEPS = 20  # while nobody looks: the log would grow by ten million events a day for no one
QUOTES_OPEN_MAX = 24
QUOTES_A_STEP = 2
BACKFILL_STEPS = 240
BACKFILL_STEP_NS = 2_000_000_000
MAKERS, TAKERS = 2, 2
TRADER, ADMINISTRATOR = "trader@example.com", "admin@example.com"


_log = logger("demo")


class Listed(NamedTuple):
    """An instrument of the demo: its terms, where its price starts and how it moves, in ticks and lots."""

    symbol: str
    base: str
    base_scale: int
    base_kind: engine_pb2.AssetKind.ValueType
    tick: str
    lot: str
    start_ticks: int
    step_ticks: int
    lots_max: int


SECURITY, CURRENCY = engine_pb2.ASSET_KIND_SECURITY, engine_pb2.ASSET_KIND_CURRENCY
INSTRUMENTS = (
    Listed("AAPL", "AAPL", 0, SECURITY, "0.01", "1", 18_950, 3, 200),
    Listed("MSFT", "MSFT", 0, SECURITY, "0.01", "1", 41_210, 5, 150),
    Listed("BTC-USD", "BTC", 14, CURRENCY, "0.01", "0.0001", 6_412_050, 900, 5_000),
    Listed("ETH-USD", "ETH", 14, CURRENCY, "0.01", "0.001", 345_075, 60, 4_000),
)
FUNDS = {"USD": "100000000", "AAPL": "100000", "MSFT": "100000", "BTC": "1000", "ETH": "10000"}
TRADER_FUNDS = {"USD": "100000", "AAPL": "100", "BTC": "0.5"}


def opened_at_ns(runtime: Runtime) -> int:
    """When a fresh demo venue opens: early enough for the minutes of trading before now."""
    return runtime.now_ns() - (BACKFILL_STEPS + 1) * BACKFILL_STEP_NS


@dataclass
class Participant:
    """A maker or a taker: its account, and the client order ids of the quotes that still rest."""

    user_id: str
    quotes: dict[str, deque[str]] = field(default_factory=dict)  # by symbol, oldest first


class Demo:
    """Opens the market once, then trades until cancelled. Restarting goes on where the log stands."""

    def __init__(self, platform: Platform, folder: Path, seed: int) -> None:
        self._platform = platform
        self._secrets = folder / "demo.json"
        self._random = Random(seed)
        self._seed = seed
        self._engine = EngineServiceStub(platform.channels("trading-engine"))
        self._orders = OrderServiceStub(platform.channels("order-service"))
        self._market_data = MarketDataServiceStub(platform.channels("market-data"))
        self._mid = {listed.symbol: listed.start_ticks for listed in INSTRUMENTS}
        self._makers = [Participant(f"demo-maker-{number}") for number in range(1, MAKERS + 1)]
        self._takers = [Participant(f"demo-taker-{number}") for number in range(1, TAKERS + 1)]
        self._session = ""
        self._count = 0
        self._passwords: dict[str, str] = {}
        self._onlookers = Onlookers(platform.runtime, platform.metrics)

    async def open(self) -> None:
        """List, open accounts, fund them; a fresh log also gets some minutes of trading before now."""
        fresh = await self._list()
        for participant in (*self._makers, *self._takers):
            account_id = await self._account(participant.user_id)
            await self._fund(account_id, FUNDS)
        self._session = f"{self._seed}-{await self._platform.log.head()}"
        if fresh:
            await self._backfill()
        else:
            await self._resume()
        await self._users()

    async def run(self) -> None:
        """Trade until cancelled. Refusals (a suspended account, a closed session, a busy engine) are everyday life."""
        runtime = self._platform.runtime
        following = [runtime.spawn(self._follow(maker), maker.user_id) for maker in self._makers]
        try:
            while True:
                try:
                    await self._step(0)
                except Refused as refused:
                    _log.warning("a step of the demo market was refused", code=refused.code, reason=refused.message)
                await self._pause()
                for task in following:
                    if task.done():
                        task.result()  # it ends by failing only
        finally:
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)

    async def _pause(self) -> None:
        """Until the next step: soon while somebody looks, else later, and soon again when somebody comes."""
        for _ in range(IDLE_STEPS):
            await self._platform.runtime.sleep(STEP_S)
            if self._onlookers.there():
                return

    def tell(self, console: Console, url: str) -> None:
        """Demo users, and a line that places an order and works."""
        for email, password in self._passwords.items():
            console.print(f"sign in   [bold]{email}[/] / [bold]{password}[/]")
        token = f"{url}/realms/trading-platform/protocol/openid-connect/token"
        form = f"grant_type=password&client_id=trading-cli&username={TRADER}&password={self._passwords[TRADER]}"
        console.print("\nbuy ten shares (copy both lines):", style="dim")
        script = "import json,sys;print(json.load(sys.stdin)['access_token'])"
        console.print(f"TOKEN=$(curl -s {token} -d '{form}' | python3 -c \"{script}\")", soft_wrap=True, markup=False)
        order = '{"symbol":"AAPL","side":"BUY","type":"MARKET","quantity":"10"}'
        console.print(
            f'curl -s {url}/v1/orders -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" '
            f"-d '{order}'\n",
            soft_wrap=True,
            markup=False,
        )

    # ---- opening

    async def _list(self) -> bool:
        """List assets and instruments; True if the log had none of them yet."""
        usd = engine_pb2.ListAsset(asset="USD", scale=10, kind=CURRENCY)
        fresh = (await self._execute("list-USD", list_asset=usd)).first_time
        for listed in INSTRUMENTS:
            asset = engine_pb2.ListAsset(asset=listed.base, scale=listed.base_scale, kind=listed.base_kind)
            await self._execute(f"list-{listed.base}", list_asset=asset)
            terms = engine_pb2.ListInstrument(
                symbol=listed.symbol,
                base=listed.base,
                quote="USD",
                price_unit=listed.tick,
                lot_unit=listed.lot,
                max_price="10000000",
                max_quantity="1000000",
                protection="0.02",
                calendar="24x7",
            )
            await self._execute(f"list-{listed.symbol}-instrument", list_instrument=terms)
        return fresh

    async def _account(self, user_id: str) -> str:
        opened = await self._execute(f"open-{user_id}", open_account=engine_pb2.OpenAccount(user_id=user_id))
        return opened.aggregate_id

    async def _fund(self, account_id: str, funds: dict[str, str]) -> None:
        for asset, amount in funds.items():
            deposit = engine_pb2.Deposit(account_id=account_id, asset=asset, amount=amount)
            await self._execute(f"fund-{account_id}-{asset}", deposit=deposit)

    async def _execute(self, what: str, **body: Any) -> engine_pb2.CommandResult:
        """One administrative command, the same one at every start."""
        command_id = derived_id("demo", what)
        command = engine_pb2.Command(
            command_id=command_id, correlation_id=command_id, source_time_ns=self._past_ns(BACKFILL_STEPS), **body
        )
        answer: engine_pb2.ExecuteResponse = await self._engine.Execute(engine_pb2.ExecuteRequest(command=command))
        if answer.result.refused:
            raise RuntimeError(f"demo market: {what}: {answer.result.refused}: {answer.result.message}")
        return answer.result

    def _past_ns(self, steps: int) -> int:
        return self._platform.runtime.now_ns() - steps * BACKFILL_STEP_NS

    async def _backfill(self) -> None:
        """Trade the minutes before now: time is data, so the log takes them as they would have been."""
        for step in range(BACKFILL_STEPS, 0, -1):
            await self._step(self._past_ns(step))

    async def _resume(self) -> None:
        """Go on at the last prices, without the quotes of the run before."""
        listing: market_data_pb2.ListInstrumentsResponse = await self._market_data.ListInstruments(
            market_data_pb2.ListInstrumentsRequest(
                at_least=types_pb2.LogPosition(log=self._platform.log.name, position=await self._platform.log.head())
            )
        )
        by_symbol = {instrument.symbol: instrument for instrument in listing.instruments}
        for listed in INSTRUMENTS:
            last = by_symbol[listed.symbol].last_price
            if last:
                self._mid[listed.symbol] = int(parse(last) / parse(listed.tick))
        every = trading_pb2.OrderRequest(cancel_all=engine_pb2.CancelAllOrders())
        for maker in self._makers:
            await self._orders.Submit(trading_pb2.SubmitRequest(user_id=maker.user_id, requests=[every]))

    async def _users(self) -> None:
        """The people of the demo; their passwords are made at first start and kept beside the data."""
        from user_service.bootstrap import InitialUser, bootstrap

        runtime = self._platform.runtime
        if self._secrets.exists():
            self._passwords = _passwords_in(self._secrets)
        else:
            self._passwords = {email: runtime.random_bytes(9).hex() for email in (TRADER, ADMINISTRATOR)}
            self._secrets.touch(mode=0o600)
            self._secrets.write_text(json.dumps(self._passwords))
        people = [
            InitialUser(TRADER, "Demo Trader", self._passwords[TRADER], ("USER", "TRADER")),
            InitialUser(ADMINISTRATOR, "Demo Administrator", self._passwords[ADMINISTRATOR], ("ADMIN",)),
        ]
        made = await bootstrap(runtime, self._platform.channels("user-service"), people)
        await self._fund(made[0].account_id, TRADER_FUNDS)

    # ---- trading

    async def _step(self, source_time_ns: int) -> None:
        """One step of every instrument: prices wander, makers renew some quotes, sometimes a taker trades."""
        for listed in INSTRUMENTS:
            low = listed.start_ticks // 2
            moved = self._mid[listed.symbol] + self._random.randint(-listed.step_ticks, listed.step_ticks)
            self._mid[listed.symbol] = max(low, moved)
        for maker in self._makers:
            requests = [request for listed in INSTRUMENTS for request in self._quotes(maker, listed)]
            await self._submit(maker, requests, source_time_ns)
        taker = self._random.choice(self._takers)
        takes = [self._take(listed) for listed in INSTRUMENTS if self._random.randrange(3) == 0]
        await self._submit(taker, takes, source_time_ns)

    def _quotes(self, maker: Participant, listed: Listed) -> list[trading_pb2.OrderRequest]:
        requests = []
        quotes = maker.quotes.setdefault(listed.symbol, deque())
        while len(quotes) > QUOTES_OPEN_MAX:
            cancel = trading_pb2.CancelRequest(client_order_id=quotes.popleft())
            requests.append(trading_pb2.OrderRequest(cancel=cancel))
        spread = listed.step_ticks
        for side, sign in ((types_pb2.SIDE_BUY, -1), (types_pb2.SIDE_SELL, 1)):
            for _ in range(QUOTES_A_STEP):
                away = 1 + spread + min(self._random.randrange(8 * spread), self._random.randrange(8 * spread))
                placed = self._order(listed, side, self._mid[listed.symbol] + sign * away, types_pb2.TIME_IN_FORCE_GTC)
                quotes.append(placed.place.client_order_id)
                requests.append(placed)
        return requests

    def _take(self, listed: Listed) -> trading_pb2.OrderRequest:
        side, sign = self._random.choice(((types_pb2.SIDE_BUY, 1), (types_pb2.SIDE_SELL, -1)))
        limit = self._mid[listed.symbol] + sign * 6 * listed.step_ticks
        return self._order(listed, side, limit, types_pb2.TIME_IN_FORCE_IOC)

    def _order(
        self, listed: Listed, side: types_pb2.Side.ValueType, ticks: int, time_in_force: types_pb2.TimeInForce.ValueType
    ) -> trading_pb2.OrderRequest:
        self._count += 1
        place = engine_pb2.PlaceOrder(
            symbol=listed.symbol,
            side=side,
            type=types_pb2.ORDER_TYPE_LIMIT,
            time_in_force=time_in_force,
            quantity=canonical(decimal(self._random.randint(1, listed.lots_max), parse(listed.lot))),
            price=canonical(decimal(ticks, parse(listed.tick))),
            client_order_id=f"demo-{self._session}-{self._count}",
        )
        return trading_pb2.OrderRequest(place=place)

    async def _submit(self, who: Participant, requests: list[trading_pb2.OrderRequest], source_time_ns: int) -> None:
        if not requests:
            return
        for request in requests:
            request.source_time_ns = source_time_ns
        submit = trading_pb2.SubmitRequest(user_id=who.user_id, correlation_id="demo", requests=requests)
        response: trading_pb2.SubmitResponse = await self._orders.Submit(submit)
        for result in response.results:
            if result.order.client_order_id and result.order.leaves_quantity == "0":
                self._forget(who, result.order)

    async def _follow(self, maker: Participant) -> None:
        """Learn which quotes were hit, as any client does: from the account's stream."""
        asked = trading_pb2.StreamOrdersRequest(user_id=maker.user_id)
        while True:
            try:
                async for frame in self._orders.StreamOrders(asked):
                    for order in frame.orders:
                        if order.leaves_quantity == "0":
                            self._forget(maker, order)
            except Refused:
                await self._platform.runtime.sleep(STEP_S)

    def _forget(self, who: Participant, order: types_pb2.Order) -> None:
        quotes = who.quotes.get(order.symbol)
        if quotes and order.client_order_id in quotes:
            quotes.remove(order.client_order_id)


def _passwords_in(path: Path) -> dict[str, str]:
    """Of the demo's people, by address; OSError if the file does not tell them."""
    try:
        found = json.loads(path.read_text())
        return {email: str(found[email]) for email in (TRADER, ADMINISTRATOR)}
    except (ValueError, TypeError, KeyError):
        told = f"{path} does not hold the passwords of the demo's people: restore it, or use another folder (--data)"
        raise OSError(told) from None
