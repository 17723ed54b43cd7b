"""Tables for people, on a terminal of 80 columns."""

import io

from rich.console import Console

from trading_platform.client import tables

POSITION = {
    "symbol": "BTC-USD",
    "quantity": "0.5",
    "average_cost": "64284.07",
    "mark_price": "64284.07",
    "market_value": "32142.035",
    "unrealized_profit": "-1234.56",
    "realized_profit": "1234.56",
}


def test_no_word_of_a_heading_is_cut():
    console = Console(width=80, file=io.StringIO())
    console.print(tables.positions([POSITION]))
    told = console.file.getvalue()
    assert {"unrealized", "realized", "position", "quantity", "average"} <= set(told.split()), told
