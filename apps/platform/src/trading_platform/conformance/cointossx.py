"""CoinTossX: an initial book, one aggressing order or cancel, the book and all trades after it.

A case's files hold side (B or O), order id, type, minimum size, time, size, price and stop price. A stop order's price
is its stop price. Buyers are one account and sellers another, so nobody trades with itself.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from matching.command import AssetKind, OrderType, Session, Side, TriggerBy
from trading_platform.conformance.suite import Outcome, files_of, read
from trading_platform.conformance.venue import PLAIN, Happened, Open, Terms, Venue, order_id_of

FUNDS = 1 << 60
KINDS = ("limitOrder", "marketOrder", "stopOrder", "stopLimitOrder", "cancelOrder", "auction")
HIDDEN = "5"
NO_HIDDEN = "a hidden order with a minimum size for each trade while it rests is a convention of the JSE"
# Its expected trades come in another order than its own description says, and than the same cases of stopOrder have.
CONTRADICTION = (
    "of its two trades the stop that is nearer comes first, against its description and stopOrder's same case"
)
CONTRADICTIONS = frozenset({("stopLimitOrder", "9"), ("stopLimitOrder", "10")})
# Misprints of the expected books: (kind, case) -> line as printed -> the side that the case's own orders have.
MISPRINTS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("limitOrder", "7"): {"BO": "O"},  # the only order was entered as an offer
    ("stopOrder", "5"): {"B": "O"},  # order 14 was entered as an offer, and only offers can be left
}


class Row(NamedTuple):
    """One order of a file; numbers are empty where a cancel or a market order has none."""

    side: str
    order_id: str
    kind: str
    minimum: str
    time: str
    size: str
    price: str
    stop: str


def run(folder: Path) -> list[Outcome]:
    """A suite for each kind of case."""
    return [_run_kind(folder / kind, kind) for kind in KINDS]


def _run_kind(folder: Path, kind: str) -> Outcome:
    outcome = Outcome(f"cointossx-{kind}")
    files = files_of(folder)  # the masters do not mind the case of names
    (master,) = (path for name, path in files.items() if name.endswith("master.csv"))
    for case in csv.DictReader(read(master).splitlines()):
        name = f"{case['TestNumber']}: {case['Description'].strip()}"
        initial, input_, output = (
            _rows(files, case[column]) for column in ("InitialState", "AggressingOrder", "ExpectedState")
        )
        if kind == "auction":
            expected = Counter(_resting(row, {}) for row in output), _at_once(_trades(files, case["Trades"]))
            outcome.compare(name, expected, _auction(initial))
        elif any(row.kind == HIDDEN for row in (*initial, *input_)):
            outcome.leave_out(name, NO_HIDDEN)
        elif (kind, case["TestNumber"]) in CONTRADICTIONS:
            outcome.leave_out(name, CONTRADICTION)
        else:
            sides = MISPRINTS.get((kind, case["TestNumber"]), {})
            expected = Counter(_resting(row, sides) for row in output), _trades(files, case["Trades"])
            outcome.compare(name, expected, _play(initial, input_, is_cancel=kind == "cancelOrder"))
    return outcome


def _rows(files: Mapping[str, Path], name: str) -> list[Row]:
    if not name:
        return []
    lines = list(csv.reader(read(files[name.lower()]).splitlines()))[1:]
    return [Row(*(fields + [""] * 8)[:8]) for fields in lines if any(fields)]


def _trades(files: Mapping[str, Path], name: str) -> list[tuple[int, int]]:
    lines = csv.DictReader(read(files[name.lower()]).splitlines())
    return [(int(line["Price"]), int(line["Quantity"])) for line in lines]


Resting = tuple[str, str, int, int | None, int | None]  # side, name, size, price, stop price


def _resting(row: Row, sides: Mapping[str, str]) -> Resting:
    price, stop = int(row.price), int(row.stop) if row.stop else None
    if row.kind == "3":
        price, stop = 0, price
    return sides.get(row.side, row.side), row.order_id, int(row.size), price or None, stop


def _play(
    initial: Iterable[Row], input_: Iterable[Row], is_cancel: bool
) -> tuple[Counter[Resting], list[tuple[int, int]]]:
    market = Market()
    for row in initial:
        market.enter(row)
    for row in input_:
        if is_cancel:
            market.cancel(row)
        else:
            market.enter(row)
    return Counter(market.resting()), market.trades


def _auction(collected: Iterable[Row]) -> tuple[Counter[Resting], list[tuple[int, int]]]:
    market = Market()
    market.change_session(Session.OPENING_CALL)
    for row in collected:
        market.enter(row)
    market.change_session(Session.CONTINUOUS)
    return Counter(market.resting()), _at_once(market.trades)


def _at_once(trades: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """An auction's trades are made at one moment and one price. Their order in the files is not compared: there,
    a market order stands behind limit orders that came before it; here it comes first."""
    return sorted(trades)


class Market:
    """One stock, its buyer and its seller."""

    def __init__(self) -> None:
        self._venue = Venue()
        self._venue.list_asset("CASH", AssetKind.CURRENCY)
        self._venue.list_asset("STOCK", AssetKind.SECURITY)
        self._listing = self._venue.list_instrument("STOCK", "STOCK", "CASH")
        self._accounts = {"B": self._venue.open_account("buyer"), "O": self._venue.open_account("seller")}
        for account in self._accounts.values():
            for asset in ("CASH", "STOCK"):
                self._venue.deposit(account, asset, FUNDS)
        self._names: dict[int, str] = {}
        self.trades: list[tuple[int, int]] = []

    def change_session(self, session: Session) -> None:
        self.trades += self._venue.trades(self._listing, self._venue.change_session(self._listing, session))

    def enter(self, row: Row) -> None:
        events = self._place(row)
        self._names[order_id_of(events)] = row.order_id
        self.trades += self._venue.trades(self._listing, events)

    def cancel(self, row: Row) -> None:
        """Cancel the order that the file calls so; one that never came in is asked for all the same, and refused."""
        named = [order_id for order_id, name in self._names.items() if name == row.order_id]
        order_id = named[-1] if named else int(row.order_id)
        (event,) = self._venue.cancel(self._accounts[row.side], order_id)
        if (event.kind == "OrderCanceled") != bool(named):
            raise ValueError(f"cancel of {row}: got {event}")

    def resting(self) -> list[Resting]:
        return [self._as_row(order_id, order) for order_id, order in self._venue.orders.items()]

    def _as_row(self, order_id: int, order: Open) -> Resting:
        side = "B" if order.side == "BUY" else "O"
        return side, self._names[order_id], order.leaves, order.price, order.trigger_price

    def _place(self, row: Row) -> list[Happened]:
        price = int(row.price) if row.price else 0
        match row.kind:
            case "1":
                terms = Terms(OrderType.MARKET)
            case "2":
                terms = PLAIN
            case "3":
                terms = Terms(OrderType.STOP, trigger_by=TriggerBy.LAST, trigger_price=price)
                price = 0
            case "4":
                terms = Terms(OrderType.STOP_LIMIT, trigger_by=TriggerBy.LAST, trigger_price=int(row.stop))
            case _:
                raise ValueError(f"expected an order of type 1 to 4, got {row}")
        side = Side.BUY if row.side == "B" else Side.SELL
        return self._venue.place(self._listing, self._accounts[row.side], side, int(row.size), price, terms)
