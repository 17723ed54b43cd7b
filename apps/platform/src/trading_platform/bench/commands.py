"""`trading bench`: one command a benchmark. Nothing here is a test: figures belong to the machine and its load."""

import gc
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kernel.runtime import SystemRuntime
from trading_platform import matching_program
from trading_platform.bench import matching_python
from trading_platform.bench.child import ChildFailed
from trading_platform.bench.market import MarketFailed
from trading_platform.bench.report import Result, show, told
from trading_platform.termination import TERMINATED, Terminated, cleaning_up

DIFFERENT, FAILED = 1, 3

app = typer.Typer(no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, and no progress.")]
Seconds = Annotated[int, typer.Option(help="How long each case is measured.", min=1)]
Runs = Annotated[int, typer.Option(help="How often everything is measured; each run has its own rows.", min=1)]
Bench = Callable[[SystemRuntime, Path, Callable[[str, int, int], None]], Awaitable[list[Result]]]


@app.callback()
def bench() -> None:
    """Measure this machine: the log, the engine, REST, the start and the memory."""


@app.command()
def log(seconds: Seconds = 10, runs: Runs = 1, as_json: Json = False) -> None:
    """Durable appends to the SQLite log by 64 callers and in batches; reading in order; verifying."""
    from trading_platform.bench import log as case

    _measure(lambda runtime, folder, tell: case.run(runtime, folder, seconds, _title(tell)), runs, as_json)


@app.command()
def engine(seconds: Seconds = 60, runs: Runs = 1, as_json: Json = False) -> None:
    """Orders in batches over gRPC: the engine and the log alone, then all services."""
    from trading_platform.bench import engine as case

    async def both(runtime: SystemRuntime, folder: Path, tell: Callable[[str, int, int], None]) -> list[Result]:
        tell("engine and log alone", 0, 2)
        alone = await case.alone(runtime, folder / "alone", seconds)
        tell("all services", 1, 2)
        return [alone, await case.all_services(runtime, folder / "all", seconds)]

    _measure(both, runs, as_json)


@app.command()
def http(seconds: Seconds = 60, runs: Runs = 1, as_json: Json = False) -> None:
    """Orders over REST, one a request: as fast as 64 connections go, then paced; then created and read back."""
    from trading_platform.bench import http as case

    _measure(lambda runtime, folder, tell: case.run(runtime, folder, seconds, _title(tell)), runs, as_json)


@app.command()
def start(
    events: Annotated[int, typer.Option(help="Events in the log.", min=1_000)] = 1_000_000,
    runs: Annotated[int, typer.Option(help="How often the platform is started on it.", min=1)] = 3,
    as_json: Json = False,
) -> None:
    """How long a platform with a long log takes to be ready, and how fast the engine folds the log again."""
    from trading_platform.bench import start as case

    _measure(lambda runtime, folder, tell: case.run(runtime, folder, events, runs, tell), 1, as_json)


@app.command()
def memory(
    seconds: Annotated[int, typer.Option(help="How long it may settle.", min=1)] = 30,
    runs: Runs = 1,
    as_json: Json = False,
) -> None:
    """Memory of the whole platform at rest with the demo market."""
    from trading_platform.bench import memory as case

    async def settled(runtime: SystemRuntime, folder: Path, tell: Callable[[str, int, int], None]) -> list[Result]:
        tell("settling", 0, 1)
        return [await case.run(runtime, folder, seconds)]

    _measure(settled, runs, as_json)


@app.command()
def matching(
    cases: Annotated[list[str] | None, typer.Argument(help="All of them where none is named.")] = None,
    runs: Annotated[int, typer.Option(help="A figure is the median of so many.", min=1)] = 5,
    as_json: Json = False,
) -> None:
    """The matching core alone: messages of the public benchmark a second, its Python package, and other workloads."""
    named = cases or []
    in_python = [case for case in (named or matching_python.CASES) if case in matching_python.CASES]
    others = [case for case in named if case not in matching_python.CASES]
    code = 0
    if others or not named:
        code = matching_program.run_or_tell(["bench", "--runs", str(runs), *others], as_json)
    runtime = SystemRuntime()
    for case in in_python if code == 0 else []:
        try:
            show(matching_python.run(runtime, case, runs), as_json)
        except matching_python.NoRival as error:
            told.print(f"{case}: {error}", style="yellow", markup=False, soft_wrap=True)
            code = FAILED if named else 0
        except matching_python.Differs as error:
            told.print(f"{case}: the books do not agree; {error}", style="red", markup=False, soft_wrap=True)
            code = DIFFERENT
    runtime.close()
    raise typer.Exit(code)


def _title(tell: Callable[[str, int, int], None]) -> Callable[[str], None]:
    """For cases that tell what they do now, and not how much of it is done."""
    return lambda title: tell(title, 0, 0)


def _measure(bench: Bench, runs: int, as_json: bool) -> None:
    """Run it on a folder of its own that is gone afterwards; exit code 3 when the platform fails."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=told, disable=as_json, transient=True) as bars:
        task = bars.add_task("starting", total=None)

        def tell(title: str, done: int, of: int) -> None:
            bars.update(task, description=title, completed=done, total=of or None)

        gc.freeze()  # what was imported is not looked at again: the load must be even
        for _ in range(runs):
            with tempfile.TemporaryDirectory(prefix="trading-bench-") as folder:
                try:
                    results = uvloop.run(_closing(bench, Path(folder), tell))
                except Terminated:
                    raise typer.Exit(TERMINATED) from None
                except (ChildFailed, MarketFailed, OSError, TimeoutError) as error:
                    told.print(f"[red]{type(error).__name__}: {error}[/]")
                    raise typer.Exit(FAILED) from None
            show(results, as_json)


async def _closing(bench: Bench, folder: Path, tell: Callable[[str, int, int], None]) -> list[Result]:
    runtime = SystemRuntime()
    try:
        with cleaning_up():
            return await bench(runtime, folder, tell)
    finally:
        runtime.close()
