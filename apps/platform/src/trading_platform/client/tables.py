"""Documents of the gateway as tables for people. Numbers are shown as they come."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich import box
from rich.table import Table

Document = Mapping[str, Any]
Level = tuple[str, str]
BAR_CHARACTERS = 20
ID_CHARACTERS = 36
NUMBERS = frozenset(
    ("quantity", "price", "balance", "held", "available", "average cost", "mark", "value", "realized", "unrealized")
)


def orders(rows: Sequence[Document]) -> Table:
    table = _table("order", "symbol", "side", "quantity", "price", "executed", "status")
    table.columns[0].min_width = ID_CHARACTERS  # whoever cancels an order copies it from here
    for order in rows:
        table.add_row(
            order["order_id"],
            order["symbol"],
            f"[{_colour(order)}]{order['side']}[/]",
            order["quantity"],
            price(order),
            executed(order),
            order["status"],
        )
    return table


def price(order: Document) -> str:
    """`189.5`, `market`, and for one that waits `from 190: 189.5`."""
    told: str = order["price"] or "market"
    waits = "trigger_price" in order and "triggered_at" not in order
    return f"from {order['trigger_price']}: {told}" if waits else told


def order_line(order: Document) -> str:
    """`PENDING  BUY 10 AAPL at 189.5  <order id>`, with what is executed."""
    done = f", executed {executed(order)}" if executed(order) else ""
    at = f" at {price(order)}" if order["price"] or "trigger_price" in order else ""
    told = f"[{_colour(order)}]{order['side']} {order['quantity']} {order['symbol']}{at}[/]{done}"
    return f"[bold]{order['status']}[/]  {told}  {order['order_id']}"


def _colour(order: Document) -> str:
    return "green" if order["side"] == "BUY" else "red"


def executed(order: Document) -> str:
    """`5 at 101.5`, empty while nothing is executed."""
    if order["cum_quantity"] == "0":
        return ""
    return f"{order['cum_quantity']} at {order['average_price']}"


def order(document: Document) -> Table:
    table = _table("", "")
    table.show_header = False
    for name, value in document.items():
        table.add_row(name, "" if value is None else str(value))
    return table


def events(rows: Sequence[Document]) -> Table:
    table = _table("position", "version", "event", "at")
    for event in rows:
        table.add_row(str(event["position"]), str(event["event_version"]), event["event_type"], event["occurred_at"])
    return table


def executions(rows: Sequence[Document]) -> Table:
    table = _table("at", "what", "status", "quantity", "executed", "left", "fill")
    for report in rows:
        fill = (
            f"{report['last_quantity']} at {report['last_price']} {report['liquidity']}" if report["trade_id"] else ""
        )
        quantities = (report[f"{name}_quantity"] for name in ("order", "cum", "leaves"))
        table.add_row(report["occurred_at"], report["execution_type"], report["order_status"], *quantities, fill)
    return table


def balances(account: Document) -> Table:
    table = _table("asset", "balance", "held", "available", title=f"account {account['account_id']} {account['state']}")
    for balance in account["balances"]:
        table.add_row(balance["asset"], balance["balance"], balance["hold"], balance["available"])
    return table


def positions(rows: Sequence[Document]) -> Table:
    table = _table("position", "quantity", "average cost", "mark", "value", "unrealized", "realized")
    names = ("quantity", "average_cost", "mark_price", "market_value", "unrealized_profit", "realized_profit")
    for position in rows:
        table.add_row(position["symbol"], *(position[name] or "" for name in names))
    return table


def instruments(rows: Sequence[Document]) -> Table:
    table = _table("symbol", "base", "quote", "price step", "lot", "calendar", "session")
    names = ("symbol", "base", "quote", "price_unit", "lot_unit", "calendar", "session")
    for instrument in rows:
        table.add_row(*(instrument[name] for name in names))
    return table


def users(rows: Sequence[Document]) -> Table:
    table = _table("user", "e-mail", "name", "roles")
    for user in rows:
        table.add_row(user["user_id"], user["email"], user["name"], " ".join(user["roles"]))
    return table


def ladder(symbol: str, bids: Sequence[Level], asks: Sequence[Level], told: str) -> Table:
    """A book as a ladder, best levels in the middle: asks above, bids below, with a bar for each quantity."""
    table = _table("", "price", "quantity", "", title=f"{symbol}  {told}")
    largest = max((Decimal(quantity) for _, quantity in (*bids, *asks)), default=Decimal(1))
    for side, colour, levels in (("ask", "red", list(reversed(asks))), ("bid", "green", bids)):
        for price, quantity in levels:
            bar = "█" * max(1, int(Decimal(quantity) * BAR_CHARACTERS / largest))
            table.add_row(f"[{colour}]{side}[/]", f"[{colour}]{price}[/]", quantity, f"[{colour}]{bar}[/]")
        if side == "ask":
            table.add_section()
    return table


def _table(*columns: str, title: str | None = None) -> Table:
    table = Table(*columns, title=title, title_justify="left", box=box.SIMPLE)
    for column in table.columns:
        column.overflow = "fold"  # an id that is cut is of no use
        column.min_width = max(map(len, str(column.header).split()), default=0)  # and a word that is cut of little
        if column.header in NUMBERS:
            column.justify = "right"
    return table
