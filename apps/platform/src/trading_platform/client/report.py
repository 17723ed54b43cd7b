"""How the commands for people end: a document or a table on standard output, or a failure as one line."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType

from trading_platform.client.rest import Failure

Json = Annotated[bool, typer.Option("--json", help="The platform's own document, for machines.")]

shown = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


@contextmanager
def one_line() -> Iterator[None]:
    """Show a failure as one line and end with its exit code."""
    try:
        yield
    except Failure as failure:
        errors.print(str(failure), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(failure.exit_code) from None


def show(document: Any, as_json: bool, render: Callable[[Any], RenderableType]) -> None:
    if as_json:
        typer.echo(json.dumps(document))
    else:
        shown.print(render(document), soft_wrap=True)
