"""`trading bench engine`: orders in batches over gRPC, each durable before its answer, half of them filling.

The client keeps several batches under way from this process; the platform runs in a child process on the same cores.
"""

from array import array
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from grpc.aio import Channel

from kernel.ids import derived_id
from kernel.runtime import Runtime
from trading.v1 import engine_pb2, trading_pb2, types_pb2
from trading.v1.engine_pb2_grpc import EngineServiceStub
from trading.v1.trading_pb2_grpc import OrderServiceStub
from trading_platform.bench import market
from trading_platform.bench.child import child
from trading_platform.bench.process import Costs
from trading_platform.bench.report import Result, per_second, percentiles_ms

BATCH_ORDERS = 250
BATCHES_UNDER_WAY = 8
WARM_UP_S = 3
DEADLINE_S = 60.0

Results = Sequence[engine_pb2.CommandResult]
Send = Callable[[int], Awaitable[Results]]


async def alone(runtime: Runtime, folder: Path, seconds: int) -> Result:
    """The engine and the log, nothing else: ExecuteBatch."""
    async with (
        child(runtime, folder, services="trading-engine") as platform,
        market.channel_to(platform.grpc, folder) as channel,
    ):
        await market.open_market(channel)
        counts = await _flooded(runtime, platform.pid, await executing(channel), seconds)
    return Result("engine", "engine and log alone, ExecuteBatch", *counts.rate(), "at least 15,000", counts.details())


async def all_services(runtime: Runtime, folder: Path, seconds: int) -> Result:
    """Every service in one process: Submit of order-service, and how far the read models are behind at the end."""
    async with child(runtime, folder) as platform, market.channel_to(platform.grpc, folder) as channel:
        await market.open_market(channel)
        counts = await _flooded(runtime, platform.pid, await submitting(channel), seconds)
        lags = await market.lags_ms(runtime, channel)
    details = counts.details() | lags
    return Result("engine", "all services, Submit", *counts.rate(), "at least 3,000, views within 1,000 ms", details)


async def executing(channel: Channel) -> Send:
    """A function that sends the numbered batch to the engine."""
    stub: Any = EngineServiceStub(channel)
    sides = [
        (await market.funded_account(channel, user), side)
        for user, side in ((market.SELLERS, types_pb2.SIDE_SELL), (market.BUYERS, types_pb2.SIDE_BUY))
    ]
    orders = [market.order_of(account_id, side) for account_id, side in sides]

    async def send(number: int) -> Results:
        commands = [
            engine_pb2.Command(
                command_id=derived_id("bench-batch", f"{number}/{at}"),
                correlation_id="bench",
                place_order=orders[at % 2],
            )
            for at in range(BATCH_ORDERS)
        ]
        asked = engine_pb2.ExecuteBatchRequest(commands=commands)
        answer: engine_pb2.ExecuteBatchResponse = await stub.ExecuteBatch(asked, timeout=DEADLINE_S)
        return answer.results

    return send


async def submitting(channel: Channel) -> Send:
    """A function that sends the numbered batch to order-service, for a user with an account for either side."""
    stub: Any = OrderServiceStub(channel)
    sides = [
        (await _second_account(channel, number), side)
        for number, side in enumerate((types_pb2.SIDE_SELL, types_pb2.SIDE_BUY))
    ]
    orders = [market.order_of(account_id, side) for account_id, side in sides]

    async def send(number: int) -> Results:
        requests = [
            trading_pb2.OrderRequest(idempotency_key=f"{number}/{at}", place=orders[at % 2])
            for at in range(BATCH_ORDERS)
        ]
        asked = trading_pb2.SubmitRequest(user_id=market.SELLERS, correlation_id="bench", requests=requests)
        answer: trading_pb2.SubmitResponse = await stub.Submit(asked, timeout=DEADLINE_S)
        return answer.results

    return send


async def _second_account(channel: Channel, number: int) -> str:
    opening = engine_pb2.OpenAccount(user_id=market.SELLERS)
    opened = await market.execute(channel, f"open-{number}", open_account=opening)
    await market.fund(channel, opened.aggregate_id)
    return opened.aggregate_id


class Counts:
    """What one flood did, after its warm-up."""

    def __init__(self) -> None:
        self.orders = 0
        self.filled = 0
        self.errors = 0
        self.took_ns = 0
        self.waits_ns = array("q")
        self.costs: dict[str, int] = {}

    def rate(self) -> tuple[int, str]:
        return per_second(self.orders, self.took_ns), "orders/s"

    def details(self) -> dict[str, Any]:
        told = {"orders": self.orders, "filled": self.filled, "errors": self.errors, "batch_orders": BATCH_ORDERS}
        return told | percentiles_ms(self.waits_ns) | self.costs


async def _flooded(runtime: Runtime, platform: int, send: Send, seconds: int) -> Counts:
    """Keep batches under way for so many seconds after the warm-up."""
    counts = Counts()
    began_ns = runtime.monotonic_ns() + WARM_UP_S * 1_000_000_000
    ends_ns = began_ns + seconds * 1_000_000_000
    numbers = iter(range(1 << 62))
    costs = Costs(platform)
    sent = 0

    async def keep_sending() -> None:
        nonlocal sent
        while (sent_ns := runtime.monotonic_ns()) < ends_ns:
            results = await send(next(numbers))
            answered_ns = runtime.monotonic_ns()
            sent += len(results)
            if sent_ns < began_ns:
                continue
            counts.waits_ns.append(answered_ns - sent_ns)
            counts.errors += sum(1 for result in results if result.refused)
            counts.filled += sum(1 for result in results if result.fills)
            counts.orders += len(results)

    senders = [runtime.spawn(keep_sending(), "sender") for _ in range(BATCHES_UNDER_WAY)]
    for sender in senders:
        await sender
    counts.took_ns = runtime.monotonic_ns() - began_ns
    counts.costs = costs.per_order(sent)
    return counts
