"""`trading replay`: recorded days through an embedded platform in a temporary folder."""

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from kernel.eventlog.verify import verify
from kernel.telemetry import configure_logs
from trading_platform.lobster import day
from trading_platform.lobster.replay import Replay, ReplayFailed

DIFFERENT, USAGE, FAILED = 1, 2, 3
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

    Exit code 1 when a row differs, the log does not verify, or the replayed state has another hash.
    """
    configure_logs("WARNING")
    try:
        told_day = day.read(sample)
        report = uvloop.run(replayed_day(told_day, quiet=as_json))
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
    same = report["rows_equal"] == report["rows"] and report["log_verified"]
    if not same or report["state_hash_live"] != report["state_hash_replayed"]:
        raise typer.Exit(DIFFERENT)


async def replayed_day(sample: day.Day, quiet: bool) -> dict[str, Any]:
    """Run the replay on an embedded platform, then verify its log and fold it again from the start."""
    from trading_engine.recovery import replayed_hash
    from trading_platform.platform import running, until_ready
    from trading_platform.settings import PlatformSettings

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
            verified = await verify(
                platform.runtime, platform.log, lambda done, _: bars.update(checking, completed=done)
            )
            replayed = await replayed_hash(platform.runtime, platform.log)
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
        "log_verified": verified.events == events,
        "state_hash_live": live,
        "state_hash_replayed": replayed,
        "first_difference": outcome.first_difference,
    }
