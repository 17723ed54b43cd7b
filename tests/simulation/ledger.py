"""A naive fold of the log that shares nothing with the services: money, orders and books from the raw JSON.

It trusts no result that an event carries: it adds up for itself, and says where an event tells something else.
"""

import json
from collections import defaultdict
from decimal import Decimal
from typing import Any, NamedTuple

from kernel.event import Event

ZERO = Decimal(0)
ENDED = ("EXECUTED", "CANCELED", "EXPIRED", "REJECTED")
Side = tuple[tuple[Decimal, Decimal, int], ...]  # (price, quantity, orders) from the best
Levels = tuple[Side, Side]


class Order(NamedTuple):
    account_id: str
    symbol: str
    side: str
    price: Decimal | None
    leaves: Decimal
    status: str


class Ledger:
    """Feed it every event in order, then ask `finish`. `wrong` lists what does not add up."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.kinds: dict[str, str] = {}
        self.pairs: dict[str, tuple[str, str]] = {}
        self.balances: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.holds: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.orders: dict[str, Order] = {}
        self.placed: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self.commands: dict[str, list[Event]] = {}
        self.resting: dict[str, dict[str, tuple[str, Decimal, Decimal]]] = {}
        self.books: dict[str, list[Levels]] = {}  # by symbol, the book at each seq
        self.positions: dict[str, list[tuple[int, int]]] = {}  # by symbol, (position, seq)
        self.fills: defaultdict[str, list[tuple[str, Decimal, Decimal]]] = defaultdict(list)
        self.trades: dict[str, tuple[Decimal, Decimal]] = {}

    def feed(self, event: Event) -> None:
        data = json.loads(event.event_data)
        if event.command_id is not None:
            self.commands.setdefault(event.command_id, []).append(event)
        if event.aggregate_type not in ("Order", "Account", "Instrument", "Asset"):
            return
        self._post(event, data.get("postings", ()))
        step = getattr(self, f"_{event.event_type}", None)
        if step is not None:
            step(event, data)
        if event.ends_command:
            self._end_command(event)

    def finish(self) -> list[str]:
        """Everything that is wrong, also with the whole."""
        owed: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for order in self.orders.values():
            if order.status not in ENDED:
                base, quote = self.pairs[order.symbol]
                assert order.price is not None, "only limit orders stay open"
                amount = order.price * order.leaves if order.side == "BUY" else order.leaves
                owed[order.account_id, quote if order.side == "BUY" else base] += amount
        for key in {*owed, *self.holds}:
            self._expect(self.holds[key], owed[key], f"the hold of {key} against its open orders")
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for (account_id, asset), amount in self.balances.items():
            sums[asset] += amount
            if self.kinds[account_id] == "CLEARING":
                self._expect(amount, ZERO, f"the clearing account {account_id} in {asset}")
        for asset, amount in sums.items():
            self._expect(amount, ZERO, f"the sum of all {asset}")
        for (account_id, client_order_id), positions in self.placed.items():
            self._expect(len(positions), 1, f"orders of {account_id} under {client_order_id} (at {positions})")
        for trade_id, (price, quantity) in self.trades.items():
            both = sorted((side, price, quantity) for side in ("BUY", "SELL"))
            self._expect(sorted(self.fills[trade_id]), both, f"the two sides of trade {trade_id}")
        self._expect(set(self.fills), set(self.trades), "trades and fills")
        return self.wrong

    def book(self, symbol: str, position: int) -> Levels:
        """The book after the last command that ends at or before `position`."""
        seq = max((seq for at, seq in self.positions.get(symbol, ()) if at <= position), default=0)
        return self.books[symbol][seq]

    def _expect(self, found: Any, expected: Any, what: str) -> None:
        if found != expected:
            self.wrong.append(f"{what}: expected {expected}, found {found}")

    def _post(self, event: Event, postings: Any) -> None:
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for account_id, asset, kind, amount, after in postings:
            side = self.balances if kind == "balance" else self.holds
            side[account_id, asset] += Decimal(amount)
            self._expect(Decimal(after), side[account_id, asset], f"{kind} of {account_id} at {event.position}")
            if kind == "balance":
                sums[asset] += Decimal(amount)
        for asset, amount in sums.items():
            self._expect(amount, ZERO, f"the {asset} of {event.event_type} at {event.position}")
        for account_id, asset, *_ in postings:
            balance, hold = self.balances[account_id, asset], self.holds[account_id, asset]
            if self.kinds.get(account_id) == "CUSTOMER" and not ZERO <= hold <= balance:
                self.wrong.append(f"{account_id} has {balance} {asset} and holds {hold} at {event.position}")

    def _end_command(self, event: Event) -> None:
        for symbol, resting in self.resting.items():
            levels = _levels(resting)
            if levels != self.books[symbol][-1]:
                self.books[symbol].append(levels)
                self.positions[symbol].append((event.position, len(self.books[symbol]) - 1))

    def _rests(self, symbol: str, order_id: str, side: str, rests: Any) -> None:
        if rests is None:
            self.resting[symbol].pop(order_id, None)
        else:
            self.resting[symbol][order_id] = (side, Decimal(rests["price"]), Decimal(rests["quantity"]))

    # ---- one step an event type

    def _AccountOpened(self, event: Event, data: Any) -> None:
        self.kinds[data["account_id"]] = data["kind"]

    def _InstrumentListed(self, event: Event, data: Any) -> None:
        symbol = data["symbol"]
        self.pairs[symbol] = (data["base"], data["quote"])
        self.resting[symbol], self.books[symbol], self.positions[symbol] = {}, [((), ())], []

    def _OrderCreated(self, event: Event, data: Any) -> None:
        self._placed(event, data)
        price = Decimal(data["price"]) if data["price"] else None
        self.orders[data["order_id"]] = Order(
            data["account_id"], data["symbol"], data["side"], price, Decimal(data["leaves_quantity"]), data["status"]
        )
        self._rests(data["symbol"], data["order_id"], data["side"], data["rests"])

    def _OrderRejected(self, event: Event, data: Any) -> None:
        self._placed(event, data)

    def _placed(self, event: Event, data: Any) -> None:
        if data["client_order_id"]:
            self.placed[data["account_id"], data["client_order_id"]].append(event.position)

    def _OrderExecuted(self, event: Event, data: Any) -> None:
        order = self.orders[data["order_id"]]
        quantity = Decimal(data["quantity"])
        self._expect(Decimal(data["leaves_quantity"]), order.leaves - quantity, f"leaves at {event.position}")
        self.orders[data["order_id"]] = order._replace(leaves=order.leaves - quantity, status=data["status"])
        self.fills[data["trade_id"]].append((data["side"], Decimal(data["price"]), quantity))
        self._rests(data["symbol"], data["order_id"], data["side"], data["rests"])

    def _PegsMoved(self, event: Event, data: Any) -> None:
        resting = self.resting[data["symbol"]]
        for order_id in data["orders"]:
            if order_id in resting:
                side, _, quantity = resting[order_id]
                resting[order_id] = (side, Decimal(data["price"]), quantity)

    def _OrderReplaced(self, event: Event, data: Any) -> None:
        order = self.orders[data["order_id"]]
        if data["client_order_id"]:
            self._placed(event, data)
        self.orders[data["order_id"]] = order._replace(
            price=Decimal(data["price"]), leaves=Decimal(data["leaves_quantity"]), status=data["status"]
        )
        self._rests(data["symbol"], data["order_id"], order.side, data["rests"])

    def _OrderCanceled(self, event: Event, data: Any) -> None:
        order = self.orders[data["order_id"]]
        self._expect(Decimal(data["canceled_quantity"]), order.leaves, f"what was canceled at {event.position}")
        self.orders[data["order_id"]] = order._replace(leaves=ZERO, status=data["status"])
        self._rests(data["symbol"], data["order_id"], order.side, None)

    _OrderExpired = _OrderCanceled

    def _TradeExecuted(self, event: Event, data: Any) -> None:
        self.trades[data["trade_id"]] = (Decimal(data["price"]), Decimal(data["quantity"]))


def _levels(resting: dict[str, tuple[str, Decimal, Decimal]]) -> Levels:
    """Bids and asks."""
    sides: dict[str, dict[Decimal, tuple[Decimal, int]]] = {"BUY": {}, "SELL": {}}
    for side, price, quantity in resting.values():
        before, orders = sides[side].get(price, (ZERO, 0))
        sides[side][price] = (before + quantity, orders + 1)
    bids = tuple((price, *sides["BUY"][price]) for price in sorted(sides["BUY"], reverse=True))
    asks = tuple((price, *sides["SELL"][price]) for price in sorted(sides["SELL"]))
    return bids, asks
