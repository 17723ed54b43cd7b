"""`trading bench start`: a platform with a long log is ready again, and the engine folds that log from its first event.

The log is made by the engine itself. Its snapshot stands 100,000 events behind the head; the read models stand where
the platform that made the log left them when it stopped.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from grpc.aio import Channel

from kernel.eventlog.sqlite import SqliteLog
from kernel.runtime import Runtime
from kernel.settings import load
from trading_engine.core import Core
from trading_engine.recovery import replay
from trading_engine.settings import TradingEngineSettings
from trading_platform.bench import engine, market
from trading_platform.bench.child import child
from trading_platform.bench.report import Result, milliseconds, per_second

SNAPSHOT_BEHIND_EVENTS = 100_000

Progress = Callable[[str, int, int], None]


async def run(runtime: Runtime, folder: Path, events: int, runs: int, progress: Progress) -> list[Result]:
    """Make the log, start on it so many times, then replay it cold in this process."""
    await _make(runtime, folder, events, progress)
    waits_ns = []
    for number in range(runs):
        progress("starts", number, runs)
        async with child(runtime, folder) as platform:
            waits_ns.append(platform.ready_ns)
    progress("starts", runs, runs)
    result = await _replayed(runtime, folder)
    details = {"events": result.details["events"], "snapshot_behind": SNAPSHOT_BEHIND_EVENTS, "runs": runs}
    told = details | {"best_ms": milliseconds(min(waits_ns)), "worst_ms": milliseconds(max(waits_ns))}
    median_ns = sorted(waits_ns)[len(waits_ns) // 2]
    case = "from the command to ready, all services and views"
    return [Result("start", case, median_ns // 1_000_000, "ms", "at most 5,000", told), result]


async def _make(runtime: Runtime, folder: Path, events: int, progress: Progress) -> None:
    every = {"TRADING_ENGINE_SNAPSHOT_EVERY_EVENTS": str(max(events - SNAPSHOT_BEHIND_EVENTS, 1))}
    async with (
        child(runtime, folder, environment=every) as platform,
        market.channel_to(platform.grpc, folder) as channel,
    ):
        await market.open_market(channel)
        await _fill(channel, events, progress)
        await market.lags_ms(runtime, channel)


async def _fill(channel: Channel, events: int, progress: Progress) -> None:
    send = await engine.submitting(channel)
    number = 0
    while (head := await market.head_of(channel)) < events:
        progress("events", head, events)
        await send(number)
        number += 1
    progress("events", events, events)


async def _replayed(runtime: Runtime, folder: Path) -> Result:
    """Fold the engine's events from the first one, without a snapshot, in this process."""
    log = await SqliteLog.open(runtime, folder / "main.log.sqlite")
    try:
        core = Core(load(TradingEngineSettings).log_number)
        began_ns = runtime.monotonic_ns()
        count = await replay(runtime, log, core)
        took_ns = runtime.monotonic_ns() - began_ns
        details: dict[str, Any] = {"events": count, "ms": milliseconds(took_ns)}
        value = per_second(count, took_ns)
        return Result("start", "cold engine replay", value, "events/s", "at least 200,000", details)
    finally:
        await log.close()
