"""Tables for people, on a terminal of 80 columns."""

from rich.console import Console

from trading_platform.client import tables

POSITION = {
    **{"symbol": "BTC-USD", "quantity": "0.5", "average_cost": "64284.07", "mark_price": "64284.07"},
    **{"market_value": "32142.035", "unrealized_profit": "-1234.56", "realized_profit": "1234.56"},
}


def test_no_word_of_a_heading_is_cut():
    console = Console(width=80, record=True, quiet=True)
    console.print(tables.positions([POSITION]))
    told = console.export_text()
    assert {"unrealized", "realized", "position", "quantity", "average"} <= set(told.split()), told
