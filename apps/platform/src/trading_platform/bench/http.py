"""`trading bench http`: orders over REST, one a request, authenticated, durable before the answer, half filling.

All services run in a child process; the load comes from this one, on the same cores, over 64 keep-alive connections,
each with a user of its own: half of them sell and half of them buy, at one price.
"""

import asyncio
from array import array
from collections import Counter, deque
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
from grpc.aio import Channel

from kernel.runtime import Runtime
from trading_platform.bench import load, market
from trading_platform.bench.child import NO_RATE_LIMIT, Child, child
from trading_platform.bench.load import Connection, Orders
from trading_platform.bench.process import Costs
from trading_platform.bench.report import Result, per_second, percentiles_ms
from user_service.bootstrap import InitialUser, bootstrap

CONNECTIONS = 64
PACED_ORDERS_PER_S = 800
READ_BACKS = 10_000
WARM_UP_S = 3
PASSWORD = "correct horse battery staple"  # noqa: S105 - of users that live as long as a bench
ENVIRONMENT = {**NO_RATE_LIMIT, "USER_SERVICE_ACCESS_TOKEN_S": "86400"}
SECOND_NS = 1_000_000_000
LAST_ANSWERS_WITHIN_S = 30.0


class Trader(NamedTuple):
    """A connection and the requests of its user."""

    connection: Connection
    orders: Orders
    read_before: bytes
    read_after: bytes


class Tally:
    """What came back: waits of the orders that were accepted, and how every answer began."""

    def __init__(self) -> None:
        self.waits_ns = array("q")
        self.statuses: Counter[int] = Counter()
        self.filled = 0
        self.broken: list[str] = []

    def take(self, answer: bytes, waited_ns: int) -> None:
        status = load.status_of(answer)
        self.statuses[status] += 1
        self.waits_ns.append(waited_ns)
        if b'"status":"EXECUTED"' in answer:
            self.filled += 1

    def details(self) -> dict[str, Any]:
        errors = sum(count for status, count in self.statuses.items() if status != 201) + len(self.broken)
        told = {"orders": self.statuses[201], "filled": self.filled, "errors": errors}
        others = {f"status_{status}": count for status, count in self.statuses.items() if status != 201}
        why = {"broken": self.broken[0]} if self.broken else {}
        return told | others | why | percentiles_ms(self.waits_ns)


async def run(runtime: Runtime, folder: Path, seconds: int, started: Any) -> list[Result]:
    """The closed loop, the paced one, and reading back what was just created."""
    results = []
    async with (
        child(runtime, folder, environment=ENVIRONMENT) as platform,
        market.channel_to(platform.grpc, folder) as channel,
    ):
        started("users")
        await market.open_market(channel)
        traders = await traders_of(runtime, platform, channel)
        await closed_loop(runtime, traders, WARM_UP_S)
        started("closed loop")
        results.append(await _closed(runtime, platform, channel, traders, seconds))
        started("paced")
        results.append(await _paced(runtime, platform, channel, traders, seconds))
        started("create and read back")
        results.append(await _read_back(runtime, traders))
        for trader in traders:
            trader.connection.close()
    return results


async def traders_of(runtime: Runtime, platform: Child, channel: Channel) -> list[Trader]:
    """Users with funded accounts, each signed in with its password, and a connection for each."""
    people = [
        InitialUser(f"bench-{number}@example.com", f"Bench {number}", PASSWORD, ("USER", "TRADER"))
        for number in range(CONNECTIONS)
    ]
    made = await bootstrap(runtime, channel, people, accounts_wait_s=60)
    for user in made:
        await market.fund(channel, user.account_id)
    connections = await load.connected(platform.http, CONNECTIONS)
    traders = []
    async with httpx2.AsyncClient(base_url=f"http://{platform.http}") as client:
        for number, (person, connection) in enumerate(zip(people, connections, strict=True)):
            token = await _token(client, person.email)
            side = "SELL" if number % 2 else "BUY"
            body = (
                f'{{"symbol":"{market.SYMBOL}","side":"{side}","type":"LIMIT",'
                f'"quantity":"{market.QUANTITY}","price":"{market.PRICE}"'
            )
            orders = load.orders_of(platform.http, token, "bench", body)
            traders.append(Trader(connection, orders, *load.reading_of(platform.http, token)))
    return traders


async def _token(client: httpx2.AsyncClient, email: str) -> str:
    form = {"grant_type": "password", "client_id": "trading-cli", "username": email, "password": PASSWORD}
    answer = await client.post("/realms/trading-platform/protocol/openid-connect/token", data=form)
    if answer.status_code != 200:
        raise market.MarketFailed(f"no token for {email}: {answer.status_code} {answer.text[:200]}")
    return str(answer.json()["access_token"])


async def _closed(runtime: Runtime, platform: Child, channel: Channel, traders: list[Trader], seconds: int) -> Result:
    costs = Costs(platform.pid)
    began_ns = runtime.monotonic_ns()
    tally = await closed_loop(runtime, traders, seconds)
    took_ns = runtime.monotonic_ns() - began_ns
    details = tally.details() | costs.per_order(tally.statuses[201]) | await market.lags_ms(runtime, channel)
    value = per_second(tally.statuses[201], took_ns)
    reference = "at least 1,500, p99 under 80 ms, views within 1,000 ms"
    return Result("http", f"closed loop, {len(traders)} connections", value, "orders/s", reference, details)


async def closed_loop(runtime: Runtime, traders: list[Trader], seconds: int) -> Tally:
    """Every connection sends its next order when the last was answered."""
    tally = Tally()
    ends_ns = runtime.monotonic_ns() + seconds * SECOND_NS
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    under_way = len(traders)

    def ended() -> None:
        nonlocal under_way
        under_way -= 1
        if not under_way:
            over.set_result(None)

    def start(trader: Trader) -> None:
        sent_ns = runtime.monotonic_ns()

        def answered(answer: bytes) -> None:
            nonlocal sent_ns
            now_ns = runtime.monotonic_ns()
            tally.take(answer, now_ns - sent_ns)
            if now_ns < ends_ns:
                sent_ns = now_ns
                trader.connection.send(trader.orders.next())
            else:
                ended()

        def failed(reason: str) -> None:
            tally.broken.append(reason)
            ended()

        trader.connection.answered, trader.connection.failed = answered, failed
        trader.connection.send(trader.orders.next())

    for trader in traders:
        start(trader)
    await asyncio.wait_for(over, seconds + LAST_ANSWERS_WITHIN_S)
    return tally


async def _paced(runtime: Runtime, platform: Child, channel: Channel, traders: list[Trader], seconds: int) -> Result:
    costs = Costs(platform.pid)
    tally = await paced(runtime, traders, PACED_ORDERS_PER_S, seconds)
    details = tally.details() | costs.per_order(tally.statuses[201]) | await market.lags_ms(runtime, channel)
    value = tally.statuses[201] // seconds
    case = f"paced at {PACED_ORDERS_PER_S} orders/s, from the intended send time"
    return Result("http", case, value, "orders/s", "p99 under 25 ms", details)


async def paced(runtime: Runtime, traders: list[Trader], per_s: int, seconds: int) -> Tally:
    """Orders at their intended times, whatever the platform does; one that finds no free connection waits for one.

    A wait counts from the intended time, so a stall is felt by every order that should have been sent in it."""
    tally = Tally()
    free: deque[Trader] = deque(traders)
    due: deque[int] = deque()
    count = per_s * seconds
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def sent(trader: Trader, intended_ns: int) -> None:
        def answered(answer: bytes) -> None:
            tally.take(answer, runtime.monotonic_ns() - intended_ns)
            free.append(trader)
            if due:
                sent(free.popleft(), due.popleft())
            elif len(tally.waits_ns) == count:
                over.set_result(None)

        def failed(reason: str) -> None:
            tally.broken.append(reason)
            if not over.done():
                over.set_result(None)

        trader.connection.answered, trader.connection.failed = answered, failed
        trader.connection.send(trader.orders.next())

    began_ns = runtime.monotonic_ns()
    next_order = 0
    while next_order < count and not over.done():
        intended_ns = began_ns + next_order * SECOND_NS // per_s
        early_ns = intended_ns - runtime.monotonic_ns()
        if early_ns > 0:
            await runtime.sleep(early_ns / 1e9)
            continue
        next_order += 1
        if free:
            sent(free.popleft(), intended_ns)
        else:
            due.append(intended_ns)
    await asyncio.wait_for(over, seconds + LAST_ANSWERS_WITHIN_S)
    return tally


async def _read_back(runtime: Runtime, traders: list[Trader]) -> Result:
    began_ns = runtime.monotonic_ns()
    statuses = await read_back(traders, READ_BACKS)
    took_ns = runtime.monotonic_ns() - began_ns
    details = {
        "created": statuses["created"],
        "found": statuses["found"],
        "errors": READ_BACKS - statuses["found"],
        "pairs_per_second": per_second(READ_BACKS, took_ns),
    }
    not_found = statuses["404"]
    return Result("http", "create, then read back by id", not_found, "not found (404)", "0", details)


async def read_back(traders: list[Trader], count: int) -> Counter[str]:
    """Create an order and read it back at once without naming a position, so many times over all connections."""
    seen: Counter[str] = Counter()
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    started = 0

    def create(trader: Trader) -> None:
        nonlocal started
        if started == count:
            return
        started += 1

        def created(answer: bytes) -> None:
            if load.status_of(answer) != 201:
                done(trader, f"create: {load.status_of(answer)}")
                return
            seen["created"] += 1
            trader.connection.answered = found
            trader.connection.send(trader.read_before + load.order_id_in(answer) + trader.read_after)

        def found(answer: bytes) -> None:
            status = load.status_of(answer)
            done(trader, "found" if status == 200 else str(status))

        trader.connection.answered, trader.connection.failed = created, lambda reason: done(trader, reason)
        trader.connection.send(trader.orders.next())

    def done(trader: Trader, how: str) -> None:
        seen[how] += 1
        seen["ended"] += 1
        if seen["ended"] == count:
            over.set_result(None)
        else:
            create(trader)

    for trader in traders:
        create(trader)
    await asyncio.wait_for(over, count / 10 + LAST_ANSWERS_WITHIN_S)
    return seen
