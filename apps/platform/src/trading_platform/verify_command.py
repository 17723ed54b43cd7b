"""`trading verify`: does everything that a stopped platform holds follow from its log?"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kernel.eventlog.port import Corrupt, LogFailed, LogLocked
from kernel.eventlog.sqlite import SqliteLog
from kernel.runtime import SystemRuntime
from kernel.settings import SettingsError, load
from kernel.telemetry import configure_logs
from trading_platform.settings import PlatformSettings
from trading_platform.verify.checks import Checked, Outcome, checks
from trading_platform.verify.difference import Differences

DIFFERENT, USAGE, CANNOT_OPEN, NOT_COMPARED = 1, 2, 3, 4
SHOWN = {Outcome.OK: "green", Outcome.NOT_HERE: "dim"}
WIDTH = len(Outcome.DIFFERS)

told = Console(stderr=True, highlight=False)


class NothingThere(Exception):
    """There is no log in the folder."""


def verify(
    data: Annotated[str | None, typer.Option(help="Folder of the platform; it must be stopped.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, and no progress.")] = False,
) -> None:
    """Check a stopped platform against its log: hash chain, cash and assets, engine, every read model.

    Exit codes: 0 all is as the log says, 1 something differs, 2 wrong usage, 3 the log cannot be opened (the platform
    runs, say), 4 nothing differs, but a read model is missing or could not be compared: start the platform, which
    rebuilds it, stop it, and verify again, 5 the output could not be written (a pipe that is not read, a full disk).
    """
    configure_logs("WARNING")
    try:
        settings = load(PlatformSettings) if data is None else load(PlatformSettings, data=data)
    except SettingsError as error:
        told.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(USAGE) from None
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bars = Progress(*columns, console=told, disable=as_json, transient=True)

    def started(name: str) -> Callable[[int, int], None]:
        task = bars.add_task(name, total=None)
        return lambda done, of: bars.update(task, completed=done, total=of)

    def finished(checked: Checked) -> None:
        if not as_json:
            _tell(checked)

    try:
        with bars:
            done = uvloop.run(verified(settings.data, settings.log_name, started, finished))
    except (LogLocked, LogFailed, NothingThere) as error:
        told.print(f"nothing was checked: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(CANNOT_OPEN) from None
    ok = all(checked.ok for checked in done)
    if as_json:
        typer.echo(
            json.dumps({"ok": ok, "data": str(settings.data), "checks": [checked.document() for checked in done]})
        )
    if not ok:
        different = any(checked.outcome is Outcome.DIFFERS for checked in done)
        raise typer.Exit(DIFFERENT if different else NOT_COMPARED)


async def verified(
    data: Path, name: str, started: Callable[[str], Callable[[int, int], None]], finished: Callable[[Checked], None]
) -> list[Checked]:
    """All checks on the log `name` in `data`; LogLocked, LogFailed or NothingThere if it cannot be opened."""
    path = data / f"{name}.log.sqlite"
    if not path.is_file():
        raise NothingThere(f"there is no event log at {path}; say where it is, as --data <folder>")
    runtime = SystemRuntime()
    done: list[Checked] = []
    try:
        log = await SqliteLog.open(runtime, path, name)
    except Corrupt as error:
        differences = Differences()
        differences.add("end of the log", str(error))
        done.append(Checked("hash chain and positions", "the log refuses to open", differences))
        finished(done[-1])
        runtime.close()
        return done
    try:
        async for checked in checks(runtime, log, data, started):
            done.append(checked)
            finished(checked)
    finally:
        await log.close()
        runtime.close()
    return done


def _tell(checked: Checked) -> None:
    color = SHOWN.get(checked.outcome, "red")
    mark = f"[{color}]{checked.outcome:<{WIDTH}}[/]"
    told.print(f"{mark} {escape(checked.check)}: {escape(checked.told)}", soft_wrap=True)
    for difference in checked.differences.first:
        told.print(f"{'':<{WIDTH}} {difference.where}: {difference.what}", markup=False, soft_wrap=True)
    more = checked.differences.count - len(checked.differences.first)
    if more:
        told.print(f"{'':<{WIDTH}} and {more:,} more")
