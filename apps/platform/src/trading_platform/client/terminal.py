"""What the commands for people share: the session's gateway, documents as tables or JSON, failures as one line."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType

from trading_platform.client.rest import Failure, Gateway
from trading_platform.client.session import session_file

shown = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

Json = Annotated[bool, typer.Option("--json", help="The platform's own document, for machines.")]


def canonical(symbol: str | None) -> str | None:
    """As the platform writes it: people may type btc/usd."""
    return None if symbol is None else symbol.replace("/", "-").upper()


Symbol = Annotated[str, typer.Argument(help="Such as AAPL or BTC-USD.", callback=canonical)]


@contextmanager
def one_line() -> Iterator[None]:
    """Show a failure as one line and end with its exit code."""
    try:
        yield
    except Failure as failure:
        errors.print(str(failure), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(failure.exit_code) from None


def given(body: Mapping[str, Any]) -> dict[str, Any]:
    """What was given of a request."""
    return {name: value for name, value in body.items() if value is not None}


def tell(document: Any, as_json: bool, render: Callable[[Any], RenderableType]) -> None:
    if as_json:
        typer.echo(json.dumps(document))
    else:
        shown.print(render(document), soft_wrap=True)


def platform() -> Gateway:
    return Gateway(session_file())
