"""What the commands for people share of what is typed, and the platform that they talk to."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from trading_platform.client.rest import Gateway
from trading_platform.client.session import session_file


def canonical(symbol: str | None) -> str | None:
    """As the platform writes it: people may type btc/usd."""
    return None if symbol is None else symbol.replace("/", "-").upper()


Symbol = Annotated[str, typer.Argument(help="Such as AAPL or BTC-USD.", callback=canonical)]


def given(body: Mapping[str, Any]) -> dict[str, Any]:
    """What was given of a request."""
    return {name: value for name, value in body.items() if value is not None}


def platform() -> Gateway:
    """The one where someone is signed in."""
    return Gateway(session_file())
