"""One seed's story: a venue opens, people trade, things break, all comes to rest, and then it must all be true."""

import asyncio
import gc
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from joserfc.jwk import RSAKey

from kernel.eventlog.memory import MemoryLog, MemoryStore
from kernel.ids import derived_id
from kernel.refused import Kind, Refused
from kernel.service import ASGIApp
from kernel.simulation.loop import Process, Stalled
from kernel.simulation.runtime import SimulatedRuntime, Simulation
from tests.simulation import checks
from tests.simulation.cluster import Build, Cluster
from tests.simulation.grpc_venue import GrpcVenue
from tests.simulation.http_venue import PASSWORD, HttpVenue
from tests.simulation.ledger import Ledger
from tests.simulation.trader import SYMBOLS, Trader, Venue
from tests.simulation.watchers import AccountWatcher, BookWatcher
from trading.v1 import engine_pb2, market_data_pb2, user_pb2
from trading.v1.engine_pb2_grpc import EngineServiceStub
from trading.v1.market_data_pb2_grpc import MarketDataServiceStub
from trading.v1.user_pb2_grpc import UserServiceStub
from trading_platform.platform import SERVICES

TRADERS = 4
BY_REST = 2  # of the traders
STEPS = 25
CRASHES_MAX = 30  # enough of them, often enough, and nobody would ever be answered
REST_S = 30.0
WHOLE_S = 1_200.0
TURNS_MAX = 400_000
FUNDS = {"USD": "2000", "BTC": "5", "ETH": "5"}
ASSETS = {"USD": 10, "BTC": 14, "ETH": 14}
TERMS = {"BTC-USD": ("0.01", "0.001"), "ETH-USD": ("0.01", "0.001"), "ETH-BTC": ("0.00001", "0.001")}
ENGINE_SETTINGS = {"snapshot_every_events": 60, "batch_commands_max": 8}
PUBLIC_URL = "http://venue.test"
KEY = RSAKey.generate_key(2048).as_pem(private=True).decode()  # signs tokens, which no story is about
SETTINGS: dict[str, dict[str, Any]] = {
    "trading-engine": ENGINE_SETTINGS,
    "user-service": {
        "public_url": PUBLIC_URL,
        "signing_key_pem": KEY,
        "argon2_memory_kib": 8,
        "argon2_passes": 1,
        "password_grant_clients": "trading-cli",
    },
    "api-gateway": {"issuer": f"{PUBLIC_URL}/realms/trading-platform", "rate_limit_tokens": 100_000},
}
MEMORY = Path("/dev/shm")  # a simulated disk needs no real one, where there is a choice


@dataclass
class Story:
    """What a run of a seed came to."""

    seed: int
    wrong: list[str]
    fingerprint: str
    log_hash: str
    events: int = 0
    commits: int = 0
    crashes: int = 0
    turns: int = 0
    counted: dict[str, int] = field(default_factory=dict)


@dataclass
class Plant:
    """What is built in place of the real thing; nothing, when the platform itself is tested."""

    builds: Mapping[str, Build] = field(default_factory=dict)
    store: Callable[[], MemoryStore] = MemoryStore


class Scenario:
    """Everything of one seed."""

    def __init__(self, seed: int, folder: Path, plant: Plant) -> None:
        self.simulation = Simulation(seed, TURNS_MAX)
        self.draw = self.simulation.random("scenario")
        together = self.draw.random() < 0.5
        store = plant.store()
        self.cluster = Cluster(self.simulation, folder, SERVICES, together, plant.builds, store, SETTINGS)
        self.network = self.cluster.network
        self.engine = EngineServiceStub(self.network.channel("trading-engine"))
        self.users = UserServiceStub(self.network.channel("user-service"))
        self.market = MarketDataServiceStub(self.network.channel("market-data"))
        self.ledger = Ledger()
        self.wrong: list[str] = []
        self.traders: list[Trader] = []
        self.books: list[BookWatcher] = []
        self.streams: list[AccountWatcher] = []
        self.folder = folder

    async def play(self) -> None:
        """The whole story; it ends at once when a process stops for a reason that no fault explains."""
        story = asyncio.create_task(self._story())
        async with asyncio.timeout(WHOLE_S):
            await asyncio.wait((story, self.cluster.broken), return_when=asyncio.FIRST_COMPLETED)
        if story.done():
            story.result()

    async def _story(self) -> None:
        self.cluster.start()
        await self._open_venue()
        self._watch()
        self._break_things()
        fate = asyncio.create_task(self._crashes())
        days = asyncio.create_task(self._trading_days())
        await asyncio.gather(*(trader.trade(STEPS) for trader in self.traders))
        await days
        fate.cancel()
        await self._rest()
        await self._check()

    async def _open_venue(self) -> None:
        for asset, scale in ASSETS.items():
            listed = engine_pb2.ListAsset(asset=asset, scale=scale, kind=engine_pb2.ASSET_KIND_CURRENCY)
            await self._execute(f"list {asset}", list_asset=listed)
        for symbol, (price_unit, lot_unit) in TERMS.items():
            base, _, quote = symbol.partition("-")
            terms = engine_pb2.ListInstrument(
                symbol=symbol,
                base=base,
                quote=quote,
                price_unit=price_unit,
                lot_unit=lot_unit,
                max_price="100000",
                max_quantity="1000",
                protection="0.05",
                calendar="24x7",
            )
            await self._execute(f"list {symbol}", list_instrument=terms)
        for number in range(TRADERS):
            await self._open_trader(number)

    async def _open_trader(self, number: int) -> None:
        """By REST comes who registered; a program that uses gRPC is given an account without a user."""
        by_rest = number < BY_REST
        if by_rest:
            email = f"trader-{number}@example.com"
            user_id, account_id = await self._register(email)
            venue: Venue = HttpVenue(self.network, self._site, email)
        else:
            user_id = f"program-{number}"
            opened = await self._execute(f"open {user_id}", open_account=engine_pb2.OpenAccount(user_id=user_id))
            account_id, venue = opened.aggregate_id, GrpcVenue(self.network)
        await self._fund(account_id)
        self.traders.append(Trader(self.simulation, venue, user_id, account_id, by_rest))
        self.streams.append(AccountWatcher(self.network, user_id, account_id))

    def _site(self) -> ASGIApp:
        site = self.cluster.services["api-gateway"].http
        assert site is not None, "the gateway is a site"
        return site

    async def _register(self, email: str) -> tuple[str, str]:
        """The new user and its account, which the engine opens a moment later."""
        asked = user_pb2.CreateUserRequest(
            email=email, password=PASSWORD, name="Trader", roles=["USER", "TRADER"], idempotency_key=email
        )
        user_id = account_id = ""
        while not account_id:
            try:
                if not user_id:
                    user_id = (await self.users.CreateUser(asked)).user.id
                account_id = (await self.users.GetUser(user_pb2.GetUserRequest(user_id=user_id))).user.account_id
            except Refused as refused:
                if refused.kind is not Kind.UNAVAILABLE:
                    raise
            await asyncio.sleep(0.1)
        return user_id, account_id

    async def _fund(self, account_id: str) -> None:
        for asset, amount in FUNDS.items():
            paid = engine_pb2.Deposit(account_id=account_id, asset=asset, amount=amount)
            await self._execute(f"deposit {account_id} {asset}", deposit=paid)
        if self.draw.random() < 0.3:
            limits = engine_pb2.ChangeLimits(account_id=account_id, max_order_quantity="0.04", max_open_orders=6)
            await self._execute(f"limits {account_id}", change_limits=limits)

    async def _execute(self, name: str, **body: Any) -> engine_pb2.CommandResult:
        """Ask until there is an answer."""
        command_id = derived_id("scenario", name)
        command = engine_pb2.Command(command_id=command_id, correlation_id=command_id, **body)
        while True:
            try:
                result = (await self.engine.Execute(engine_pb2.ExecuteRequest(command=command))).result
                assert not result.refused, f"{name}: {result.refused}"
                return result
            except Refused as refused:
                if refused.kind is not Kind.UNAVAILABLE:
                    raise
            await asyncio.sleep(0.1)

    def _watch(self) -> None:
        self.books = [BookWatcher(self.network, symbol) for symbol in SYMBOLS]
        for watcher in (*self.books, *self.streams):
            self.simulation.start(Process("watcher"), watcher.follow(), "watcher")

    def _break_things(self) -> None:
        draw, cluster = self.draw, self.cluster
        self.simulation.delay_max_s = draw.choice((0.0, 0.02, 0.3, 3.0))
        cluster.faults.lost = draw.choice((0, 20, 100))
        cluster.faults.unknown = draw.choice((0, 20, 100))
        self.network.loss = draw.choice((0, 0, 30))
        cluster.restarts_s = draw.choice((0.0, 0.5, 5.0))

    async def _crashes(self) -> None:
        pause_s = self.draw.choice((0.3, 1.5, 6.0))
        for _ in range(CRASHES_MAX):
            await asyncio.sleep(pause_s * 2 * self.draw.random())
            self.cluster.crash(self.draw.choice(list(self.cluster.units)))

    async def _trading_days(self) -> None:
        """Some instruments close, which ends their day orders, and open again."""
        for number in range(self.draw.choice((0, 1, 3))):
            await asyncio.sleep(3.0 * self.draw.random())
            symbol = self.draw.choice(SYMBOLS)
            for session in (engine_pb2.SESSION_CLOSED, engine_pb2.SESSION_CONTINUOUS):
                change = engine_pb2.ChangeSession(symbol=symbol, session=session, reason="drawn")
                await self._execute(f"session {number} {session}", change_session=change)
                await asyncio.sleep(0.5 * self.draw.random())

    async def _rest(self) -> None:
        """No more faults; half of the time everything starts once more, from what is on the disks."""
        self.simulation.delay_max_s = 0.0
        self.cluster.faults.lost = self.cluster.faults.unknown = self.network.loss = 0
        if self.draw.random() < 0.5:
            for unit in self.cluster.units:
                self.cluster.crash(unit)
        await asyncio.sleep(REST_S)
        await self.cluster.ready()
        await asyncio.sleep(REST_S)

    async def _check(self) -> None:
        runtime = SimulatedRuntime(self.simulation)
        books = [await self._book(symbol) for symbol in SYMBOLS]
        live = await self.engine.GetStateHash(engine_pb2.GetStateHashRequest())
        for unit in self.cluster.units:
            self.simulation.crash(self.cluster.processes[unit])
        self.cluster.store.abandon()
        log = MemoryLog(runtime, "main", self.cluster.store)
        events = await self.cluster.store.read(0, await log.head(), await log.head())
        for event in events:
            self.ledger.feed(event)
        self.wrong += self.ledger.finish()
        for trader in self.traders:
            self.wrong += trader.wrong + checks.kept_promises(trader.promises, self.ledger)
        self.wrong += await checks.sound_log(runtime, log)
        self.wrong += await checks.same_state(runtime, log, live.state_hash)
        self.wrong += checks.same_views(SERVICES, self.folder, events)
        for symbol, (market, engine) in zip(SYMBOLS, books, strict=True):
            self.wrong += checks.same_books(market, engine, self.ledger, symbol)
        for watcher in (*self.books, *self.streams):
            self.wrong += watcher.check(self.ledger)

    async def _book(self, symbol: str) -> tuple[Any, Any]:
        market = await self.market.GetBook(market_data_pb2.GetBookRequest(symbol=symbol, depth=1000))
        engine = await self.engine.GetEngineBook(engine_pb2.GetEngineBookRequest(symbol=symbol, depth=1000))
        return market, engine


def tell(seed: int, plant: Plant | None = None) -> Story:
    """Play one seed, from nothing, and say what came of it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))  # thousands of crashes say nothing
    root = str(MEMORY) if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="simulation-", dir=root) as name:
        scenario = Scenario(seed, Path(name), plant or Plant())
        simulation = scenario.simulation
        wrong: list[str] = []
        try:
            simulation.run(scenario.play)
        except (Stalled, TimeoutError) as error:
            wrong.append(f"it never came to rest: {type(error).__name__}: {error}")
        except Exception as error:
            wrong.append(f"a client met {type(error).__name__}: {error}")
        wrong += scenario.wrong + simulation.failures
        events = scenario.cluster.store._events
        story = Story(seed, wrong, simulation.loop.fingerprint, events[-1].hash.hex() if events else "")
        story.events, story.crashes, story.turns = len(events), scenario.cluster.crashes, simulation.loop.turns
        for event in events:
            story.counted[event.event_type] = story.counted.get(event.event_type, 0) + 1
    gc.collect()
    return story
