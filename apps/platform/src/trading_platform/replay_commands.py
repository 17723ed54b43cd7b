"""`trading replay`: recorded days through an embedded platform in a temporary folder."""

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from kernel.eventlog.port import Corrupt
from kernel.eventlog.sqlite import SqliteLog
from kernel.eventlog.verify import verify
from kernel.runtime import SystemRuntime
from kernel.telemetry import configure_logs
from trading_platform.lobster import day
from trading_platform.lobster.replay import Replay, ReplayFailed
from trading_platform.settings import PlatformSettings
from trading_platform.termination import TERMINATED, Terminated, cleaning_up

DIFFERENT, USAGE, FAILED = 1, 2, 3
EXPECTED_PER_MILLE_MIN = 999
SERVICES = "trading-engine,market-data,order-service"

app = typer.Typer(no_args_is_help=True)
told = Console(stderr=True, highlight=False)


@app.callback()
def replay() -> None:
    """Send recorded days through a platform of their own."""


@app.command()
def lobster(
    sample: Annotated[Path, typer.Argument(help="A LOBSTER zip: messages, and the book after each.")],
    as_json: Annotated[bool, typer.Option("--json", help="Only the line for machines; no progress.")] = False,
) -> None:
    """Replay a LOBSTER day and compare the book after every message with the file.

    Exit code 1 when a row differs, the log does not verify, the replayed state has another hash, or of the executions
    on known levels more than one in a thousand hit another order than the file says.
    """
    configure_logs("WARNING")
    try:
        told_day = day.read(sample)
        report = uvloop.run(_cleaning_up(told_day, quiet=as_json))
    except Terminated:
        raise typer.Exit(TERMINATED) from None
    except day.NotLobster as error:
        told.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(USAGE) from None
    except ReplayFailed as error:
        told.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(FAILED) from None
    difference = report.pop("first_difference")
    if difference:
        told.print(str(difference), style="red", markup=False, soft_wrap=True)
    typer.echo(json.dumps(report))
    if not same(report):
        raise typer.Exit(DIFFERENT)


def same(report: Mapping[str, Any]) -> bool:
    """Whether the venue did what the exchange did, and the log tells it again.

    Of the executions on known levels a few may hit another order: the file does not show all that the exchange knew."""
    expected = report["executions_expected"] * 1_000 >= report["executions_known"] * EXPECTED_PER_MILLE_MIN
    hashes = report["state_hash_live"] == report["state_hash_replayed"]
    return expected and hashes and bool(report["log_verified"]) and report["rows_equal"] == report["rows"]


async def _cleaning_up(sample: day.Day, quiet: bool) -> dict[str, Any]:
    with cleaning_up():
        return await replayed_day(sample, quiet)


async def replayed_day(sample: day.Day, quiet: bool) -> dict[str, Any]:
    """Run the replay on an embedded platform, then verify its log and fold it again from the start."""
    from trading_platform.platform import running, until_ready

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bars = Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=told, disable=quiet)
    with tempfile.TemporaryDirectory(prefix="trading-replay-") as folder, bars:
        # Stamps never go back: the venue opens on the day that is replayed.
        overrides = {"trading-engine": {"opened_at_ns": sample.messages[0].time_ns}}
        settings = PlatformSettings(data=Path(folder), services=SERVICES, grpc="127.0.0.1:0")
        async with running(settings, overrides) as platform:
            await until_ready(platform)
            rows = bars.add_task("rows", total=len(sample.rows))
            replay = Replay(
                platform.runtime, sample, platform.channels, lambda done, _: bars.update(rows, completed=done)
            )
            began_ns = platform.runtime.monotonic_ns()
            outcome = await replay.run()
            seconds = (platform.runtime.monotonic_ns() - began_ns) / 1e9
            live = await replay.state_hash()
            events = await platform.log.head()
        checking = bars.add_task("log", total=events)
        verified, replayed = False, ""
        try:
            told_again = await _from_disk(settings, lambda done, _: bars.update(checking, completed=done))
            verified, replayed = told_again[0] == events, told_again[1]
        except Corrupt as error:
            outcome.first_difference = outcome.first_difference or f"the log does not verify: {error}"
    return {
        "rows": outcome.rows,
        "rows_equal": outcome.rows_equal,
        "levels_seeded": replay.seeded,
        "levels_dropped": replay.dropped,
        "executions": outcome.executions,
        "executions_known": outcome.executions_known,
        "executions_expected": outcome.executions_expected,
        "orders_per_second": round(outcome.commands / seconds),
        "seconds": round(seconds, 1),
        "events": events,
        "log_verified": verified,
        "state_hash_live": live,
        "state_hash_replayed": replayed,
        "first_difference": outcome.first_difference,
    }


async def _from_disk(settings: PlatformSettings, progress: Callable[[int, int], None]) -> tuple[int, str]:
    """How many events the log of a stopped platform holds, and the state hash that they fold to; Corrupt says where."""
    from trading_engine.recovery import replayed_hash

    runtime = SystemRuntime()
    try:
        log = await SqliteLog.open(runtime, settings.data / f"{settings.log_name}.log.sqlite", settings.log_name)
        try:
            return (await verify(runtime, log, progress)).events, await replayed_hash(runtime, log)
        finally:
            await log.close()
    finally:
        runtime.close()
