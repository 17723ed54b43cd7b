"""`trading conformance`: does the core give the answers that others published?"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from trading_platform import matching_program
from trading_platform.conformance.suite import NoData, Outcome, data_folder
from trading_platform.conformance.suites import run_all

FAILED, WRONG = 1, 2

app = typer.Typer(no_args_is_help=True)


@app.callback()
def conformance() -> None:
    """Compare the core with what others published."""


@app.command()
def matching(
    orders: Annotated[Path | None, typer.Option(help="A file of messages, .csv or .csv.gz; tells its reports.")] = None,
    reports: Annotated[
        Path | None, typer.Option(help="Keep the reports: a file with --orders, a folder with --seed or --count.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Make the scenarios for another seed.", min=0, max=2**32 - 1)] = None,
    count: Annotated[int | None, typer.Option(help="And with so many new orders.", min=1, max=10_000_000)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a suite or stream.")] = False,
) -> None:
    """The matching core's suites; the public data is looked for in TRADING_REAL_DATA, else beside the project.

    What does not apply to this core is listed case by case with its reason.
    With --orders, --seed or --count: message count and SHA-256 of the reports instead. Exit codes: 0 all passed,
    1 a case failed, 2 wrong usage or no data, 3 there is no checkout or no cargo to build the core's program with.
    """
    given = {"--orders": orders, "--reports": reports, "--seed": seed, "--count": count}
    options = [part for name, value in given.items() if value is not None for part in (name, str(value))]
    failed = False
    if not options:
        try:
            failed = tell(run_all(data_folder()), as_json)
        except NoData as error:
            matching_program.told.print(str(error), style="red", markup=False, soft_wrap=True)
            raise typer.Exit(WRONG) from None
    code = matching_program.run_or_tell(["conformance", *options], as_json)
    raise typer.Exit(FAILED if failed else code)


def tell(outcomes: Iterable[Outcome], as_json: bool) -> bool:
    """Print each suite when it has run; whether a case failed."""
    failed = False
    for outcome in outcomes:
        lines = [json.dumps(outcome.as_object())] if as_json else outcome.as_lines()
        typer.echo("\n".join(lines))
        failed = failed or bool(outcome.failures)
    return failed
