"""exchange-core's features: orders, balances and pre-trade risk. Every step is a case.

Its pair ETH_XBT counts prices in 10 satoshi a lot and quantities in lots of 100,000 szabo; a balance is what is free.
A bid there holds at a reserve price of its own, up to which it may be moved; here an order holds at its limit price,
and a move to a dearer one asks for the difference. So what only a reserve price decides does not apply, step by step.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matching.command import AssetKind, Side, TimeInForce
from trading_platform.conformance import feature
from trading_platform.conformance.feature import Scenario, Step
from trading_platform.conformance.suite import Outcome, read
from trading_platform.conformance.venue import Happened, Terms, Venue, order_id_of

FEATURES = ("basic", "risk")
SYMBOL = "ETH_XBT"
NO_MARGIN = "EUR_USD is a future on margin there: here what is sold is owned"
RESERVE_HELD = "the bid holds at a reserve price other than its limit"
RESERVE_CHECKED = "only the reserve price is too dear, not the order"
RESERVE_LIMITS = "a reserve price bounds where the bid may be moved"
SIDES = {"ASK": Side.SELL, "BID": Side.BUY}
INSUFFICIENT = frozenset({"insufficient_funds", "insufficient_position"})


class NotApplicable(Exception):
    """The step is about something that this core does not have; the message says what."""


@dataclass(slots=True)
class Sent:
    """What a client knows of its order: the core's number, its side, where it stands, the reserve that came with it."""

    order_id: int
    client: str
    side: Side
    price: int
    reserve: int


def run(folder: Path) -> list[Outcome]:
    """A suite for each feature."""
    return [_run_feature(name, feature.parse(read(folder / f"{name}.feature"))) for name in FEATURES]


def _run_feature(name: str, scenarios: list[Scenario]) -> Outcome:
    outcome = Outcome(f"exchange-core-{name}")
    for scenario in scenarios:
        exchange = Exchange()
        for number, step in enumerate(scenario.steps, 1):
            case = f"{scenario.name}, step {number}: {step.text}"
            if "EUR_USD" in scenario.name:
                outcome.leave_out(case, NO_MARGIN)
                continue
            try:
                expected, found = exchange.do(step)
            except NotApplicable as reason:
                outcome.leave_out(case, str(reason))
            else:
                outcome.compare(case, expected, found)
    return outcome


Compared = tuple[object, object]  # what the step expects, and what there is


class Exchange:
    """`do` one step and tell what it expects and what there is."""

    def __init__(self) -> None:
        self._venue = Venue()
        self._venue.list_asset("XBT", AssetKind.CURRENCY)
        self._venue.list_asset("ETH", AssetKind.SECURITY)
        self._venue.list_asset("USD", AssetKind.CURRENCY)
        self._listing = self._venue.list_instrument(SYMBOL, "ETH", "XBT", price_unit=(1, 4), lot_unit=(100_000, 0))
        self._clients: dict[str, int] = {}
        self._orders: dict[str, Sent] = {}
        self._events: list[Happened] = []  # of the last command

    def do(self, step: Step) -> Compared:
        for pattern, handle in STEPS:
            if found := re.fullmatch(pattern, step.text):
                return handle(self, step, **found.groupdict())
        raise ValueError(f"unknown step {step.text!r}")

    # ---- clients

    def open_client(self, step: Step, client: str) -> Compared:
        self._clients[client] = self._venue.open_account(client)
        for asset, amount in step.table:
            self._venue.deposit(self._clients[client], asset, int(amount))
        return self.balance(step, client)

    def deposit(self, step: Step, amount: str, asset: str, client: str) -> Compared:
        before = self._venue.free(self._clients[client], asset)
        self._venue.deposit(self._clients[client], asset, int(amount))
        return before + int(amount), self._venue.free(self._clients[client], asset)

    def balance(self, step: Step, client: str) -> Compared:
        expected = {asset: int(amount) for asset, amount in step.table}
        if "XBT" in expected and self._holds_at_reserve(client):
            raise NotApplicable(RESERVE_HELD)
        return expected, {asset: self._venue.free(self._clients[client], asset) for asset in expected}

    def _holds_at_reserve(self, client: str) -> bool:
        bids = (sent for sent in self._orders.values() if sent.client == client and sent.side is Side.BUY)
        return any(sent.reserve != sent.price for sent in bids if sent.order_id in self._venue.orders)

    # ---- orders

    def place(
        self, step: Step, client: str, side: str, name: str, price: str, size: str, type: str, reserve: str
    ) -> Compared:
        self._place(client, SIDES[side], name, int(price), int(size), type, int(reserve or 0))
        return "OrderCreated", self._events[0].kind

    def place_refused(
        self, step: Step, client: str, side: str, name: str, price: str, size: str, type: str, reserve: str
    ) -> Compared:
        if SIDES[side] is Side.BUY and reserve != price:
            raise NotApplicable(RESERVE_CHECKED)
        self._place(client, SIDES[side], name, int(price), int(size), type, int(reserve))
        found = self._events[0]
        return ("OrderRejected", True), (found.kind, found.data.get("reason") in INSUFFICIENT)

    def _place(self, client: str, side: Side, name: str, price: int, size: int, type_: str, reserve: int) -> None:
        account, terms = self._clients[client], Terms(time_in_force=TimeInForce[type_])
        self._events = self._venue.place(self._listing, account, side, size, price, terms)
        self._orders[name] = Sent(order_id_of(self._events), client, side, price, reserve)

    def move(self, step: Step, client: str, price: str, name: str) -> Compared:
        sent = self._orders[name]
        self._events = self._venue.replace(self._clients[client], sent.order_id, price=int(price))
        sent.price = int(price)
        return "OrderReplaced", self._events[0].kind

    def move_refused(self, step: Step, client: str, price: str, name: str) -> Compared:
        raise NotApplicable(RESERVE_LIMITS)

    def cancel(self, step: Step, client: str, size: str, name: str) -> Compared:
        left = self._venue.orders[self._orders[name].order_id].leaves
        self._events = self._venue.cancel(self._clients[client], self._orders[name].order_id)
        return ("OrderCanceled", int(size)), (self._events[0].kind, left)

    # ---- what there is

    def matched(self, step: Step, name: str, how: str, price: str, size: str) -> Compared:
        ended = self._orders[name].order_id not in self._venue.orders
        expected = how == "fully", [(int(price), int(size))]
        return expected, (ended, self._venue.trades(self._listing, self._events))

    def no_trades(self, step: Step) -> Compared:
        return [], self._venue.trades(self._listing, self._events)

    def orders(self, step: Step, client: str) -> Compared:
        """Without the reserve price, which is the client's own number here."""
        heads, *rows = step.table
        expected = [dict(zip(heads, row, strict=True)) for row in rows]
        for row in expected:
            row.pop("reservePrice")
        return expected, self._open_orders(client)

    def no_orders(self, step: Step, client: str) -> Compared:
        return [], self._open_orders(client)

    def _open_orders(self, client: str) -> list[dict[str, str]]:
        rows = []
        for name, sent in self._orders.items():
            order = self._venue.orders.get(sent.order_id)
            if order is not None and sent.client == client:
                numbers = {"price": order.price, "size": order.quantity, "filled": order.quantity - order.leaves}
                side = "ASK" if sent.side is Side.SELL else "BID"
                rows.append({"id": name, **{key: str(value) for key, value in numbers.items()}, "side": side})
        return rows

    def book(self, step: Step) -> Compared:
        """bid size, price and ask size, from the dearest; the first row may be the heads."""
        rows = [row for row in step.table if row[1] != "price"]
        bids, asks = self._venue.engine.book(self._listing.instrument_id, len(rows) + 1)
        found = [["", str(price), str(size)] for price, size, _ in reversed(asks)]
        found += [[str(size), str(price), ""] for price, size, _ in bids]
        return rows, found


_ORDER = (
    r"(?P<side>ASK|BID) order (?P<name>\d+) at (?P<price>\d+)@(?P<size>\d+) "
    rf"\(type: (?P<type>GTC|IOC), symbol: {SYMBOL}(?:, reservePrice: (?P<reserve>\d+))?\)"
)
STEPS: tuple[tuple[str, Callable[..., Compared]], ...] = (
    (r"New client (?P<client>\w+) has a balance:", Exchange.open_client),
    (r"(?P<amount>\d+) (?P<asset>\w+) is added to the balance of a client (?P<client>\w+)", Exchange.deposit),
    (r"A balance of a client (?P<client>\w+):", Exchange.balance),
    (rf"A client (?P<client>\w+) places an {_ORDER}", Exchange.place),
    (rf"A client (?P<client>\w+) could not place an {_ORDER} due to RISK_NSF", Exchange.place_refused),
    (r"A client (?P<client>\w+) moves a price to (?P<price>\d+) of the order (?P<name>\d+)", Exchange.move),
    (
        r"A client (?P<client>\w+) could not move a price to (?P<price>\d+) of the order (?P<name>\d+)"
        r" due to MATCHING_MOVE_FAILED_PRICE_OVER_RISK_LIMIT",
        Exchange.move_refused,
    ),
    (
        r"A client (?P<client>\w+) cancels the remaining size (?P<size>\d+) of the order (?P<name>\d+)",
        Exchange.cancel,
    ),
    (
        r"The order (?P<name>\d+) is (?P<how>fully|partially) matched. LastPx: (?P<price>\d+), LastQty: (?P<size>\d+)"
        r"(?:, bidderHoldPrice: \d+)?",
        Exchange.matched,
    ),
    (r"No trade events", Exchange.no_trades),
    (r"A client (?P<client>\w+) orders:", Exchange.orders),
    (r"A client (?P<client>\w+) does not have active orders", Exchange.no_orders),
    (rf"An {SYMBOL} order book is:", Exchange.book),
)
