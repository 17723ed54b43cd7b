"""How fast a SQLite log is on this machine: appends by many and by one, reading in order, verifying.

Every append is durable before it counts. Events look like the engine's: some 400 bytes of JSON, command ids that are
fingerprints (which is what an index likes least), an order's stream each. Latency is what a caller waits.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from kernel.event import Append, NewEvent
from kernel.eventlog.history import history
from kernel.eventlog.port import EventLog, Writer
from kernel.eventlog.sqlite import SqliteLog
from kernel.eventlog.verify import verify
from kernel.ids import KIND_ACCOUNT, KIND_INSTRUMENT, KIND_ORDER, core_id_text, derived_id
from kernel.runtime import Runtime

ACCOUNT = core_id_text(KIND_ACCOUNT, 1)
INSTRUMENT = core_id_text(KIND_INSTRUMENT, 1)
DATA = msgspec.json.encode(
    {
        "order_id": core_id_text(KIND_ORDER, 1),
        "client_order_id": "0192a0c4-7f2e-7c11-b5a7-1f0c5d9e8a44",
        "account_id": ACCOUNT,
        "symbol": "GOOG",
        "side": "BUY",
        "type": "LIMIT",
        "time_in_force": "DAY",
        "quantity": "100",
        "price": "580.1",
        "protection_price": None,
        "status": "PENDING",
        "cum_quantity": "0",
        "leaves_quantity": "100",
        "rests": {"price": "580.1", "quantity": "100", "priority": 1},
        "postings": [[ACCOUNT, "USD", "hold", "58010", "58010"]],
    }
)


class Load(msgspec.Struct, frozen=True):
    """So many callers, each with one request at a time of so many commands; their events in turn as in `events`."""

    callers: int
    commands: int
    events: tuple[int, ...]

    @property
    def name(self) -> str:
        events = sum(self.events[number % len(self.events)] for number in range(self.commands))
        return f"{self.callers} callers, {self.commands} commands with {events} events a request"


# On average 2.5 events a command, as when half of the orders fill.
LOADS = (Load(64, 1, (1,)), Load(1, 100, (1, 3, 2, 4)), Load(2, 100, (1, 3, 2, 4)))


class Measured(msgspec.Struct, frozen=True):
    """One case: `value` in `unit`; the wait of a caller in milliseconds where callers wait."""

    case: str
    value: int
    unit: str
    events: int
    p50_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None


async def measure(
    runtime: Runtime, folder: Path, seconds: float, started: Callable[[str], None] = lambda case: None
) -> list[Measured]:
    """Run every case on a fresh log in `folder`, each append case for `seconds`; `started` is told each case's name."""
    path = folder / "bench.db"
    measured: list[Measured] = []
    async with _opened(runtime, path) as log:
        writer = await log.acquire("engine", ["Order"])
        orders = Orders(runtime)
        for load in LOADS:
            started(load.name)
            measured.append(await _append(runtime, log, writer, orders, load, seconds))
    async with _opened(runtime, path) as log:
        started("read in order after opening")
        measured.append(await _read(runtime, log))
        started("verify")
        measured.append(await _verify(runtime, log))
    return measured


class Orders:
    """Commands for orders that never were before."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._count = 0

    def request(self, load: Load) -> list[Append]:
        return [self._command(load.events[number % len(load.events)]) for number in range(load.commands)]

    def _command(self, events: int) -> Append:
        self._count += 1
        order_id = core_id_text(KIND_ORDER, self._count)
        now_ns = self._runtime.now_ns()
        return Append(
            events=tuple(
                [
                    NewEvent(
                        event_id=f"0192a0c4-7f2e-7000-8{index:03x}-{self._count:012x}",
                        aggregate_id=order_id,
                        aggregate_type="Order",
                        event_type="OrderCreated",
                        event_version=index + 1,
                        event_data=DATA,
                        occurred_at_ns=now_ns,
                        account_id=ACCOUNT,
                        instrument_id=INSTRUMENT,
                    )
                    for index in range(events)
                ]
            ),
            correlation_id=order_id,
            command_id=derived_id(ACCOUNT, str(self._count)),
            request_hash="8d5e1c7a90b24f63a1d0c2e4f6789abc",
        )


async def _append(
    runtime: Runtime, log: EventLog, writer: Writer, orders: Orders, load: Load, seconds: float
) -> Measured:
    waited_ns: list[int] = []
    before = await log.head()
    start_ns = runtime.monotonic_ns()
    end_ns = start_ns + int(seconds * 1e9)

    async def call() -> None:
        while (sent_ns := runtime.monotonic_ns()) < end_ns:
            await log.append(orders.request(load), writer)
            waited_ns.append(runtime.monotonic_ns() - sent_ns)

    await asyncio.gather(*(call() for _ in range(load.callers)))
    took_ns = runtime.monotonic_ns() - start_ns
    appended = await log.head() - before
    waited_ns.sort()
    return Measured(
        case=load.name,
        value=_per_second(appended, took_ns),
        unit="events/s",
        events=appended,
        p50_ms=_milliseconds(waited_ns[len(waited_ns) // 2]),
        p99_ms=_milliseconds(waited_ns[len(waited_ns) * 99 // 100]),
        max_ms=_milliseconds(waited_ns[-1]),
    )


async def _read(runtime: Runtime, log: EventLog) -> Measured:
    start_ns = runtime.monotonic_ns()
    events = 0
    async for batch in history(runtime, log, 0, await log.head()):
        events += len(batch)
    value = _per_second(events, runtime.monotonic_ns() - start_ns)
    return Measured("read in order after opening", value, "events/s", events)


async def _verify(runtime: Runtime, log: EventLog) -> Measured:
    start_ns = runtime.monotonic_ns()
    verified = await verify(runtime, log, lambda done, of: None)
    value = _per_second(verified.events, runtime.monotonic_ns() - start_ns)
    return Measured("verify", value, "events/s", verified.events)


@asynccontextmanager
async def _opened(runtime: Runtime, path: Path) -> AsyncIterator[SqliteLog]:
    log = await SqliteLog.open(runtime, path)
    try:
        yield log
    finally:
        await log.close()


def _per_second(events: int, took_ns: int) -> int:
    return events * 1_000_000_000 // max(took_ns, 1)


def _milliseconds(nanoseconds: int) -> float:
    return round(nanoseconds / 1e6, 3)
