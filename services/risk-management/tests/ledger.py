"""A tiny broker for tests: it writes the engine's events with exact postings, one command at a time, and follows no
market's rules but that nobody spends what they do not have. Nothing of the service is used."""

from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

import msgspec

from kernel.event import Append, Event, NewEvent
from trading_events.engine import (
    AccountOpened,
    AccountStateChanged,
    AssetDeposited,
    AssetListed,
    AssetWithdrawn,
    CashDeposited,
    CashWithdrawn,
    InstrumentListed,
    LimitsChanged,
    OrderCanceled,
    OrderCreated,
    OrderExecuted,
    OrderReplaced,
    OrderTriggered,
    PegsMoved,
    Posting,
    Rests,
    TradeExecuted,
)

START_NS = 1_767_225_590_000_000_000
ASSETS = {"USD": "CURRENCY", "EUR": "CURRENCY", "AAPL": "SECURITY", "BTC": "SECURITY"}
# BTC is valued in USD, bought for EUR too, and paid with for AAPL.
INSTRUMENTS = {
    "AAPL": ("AAPL", "USD"),
    "BTC-USD": ("BTC", "USD"),
    "BTC-EUR": ("BTC", "EUR"),
    "AAPL-BTC": ("AAPL", "BTC"),
}
SCALE = 10


def account_id(number: int) -> str:
    return f"61636374-0001-8000-8000-{number:012x}"


EXTERNAL, HOUSE = account_id(1), account_id(2)
CLEARING = {symbol: account_id(3 + number) for number, symbol in enumerate(INSTRUMENTS)}
CUSTOMERS = {account_id(11): "ann", account_id(12): "ben", account_id(13): "ann"}


def text(value: Decimal) -> str:
    plain = f"{value:f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain == "-0" else plain


@dataclass
class Order:
    order_id: str
    account: str
    symbol: str
    side: str
    price: Decimal
    quantity: Decimal
    cum: Decimal = Decimal(0)
    kind: str = "LIMIT"

    @property
    def leaves(self) -> Decimal:
        return self.quantity - self.cum


@dataclass
class Ledger:
    """commands: (events with the account or order they belong to) by command."""

    random: Random
    now_ns: int = START_NS
    held: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    on_hold: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    book: list[Order] = field(default_factory=list)
    waiting: list[Order] = field(default_factory=list)
    commands: list[list[tuple[str, str, Any]]] = field(default_factory=list)
    numbers: int = 0

    def open_venue(self) -> None:
        self._end(*((a, AccountOpened(a, "", kind)) for a, kind in ((EXTERNAL, "EXTERNAL"), (HOUSE, "HOUSE"))))
        for asset, kind in ASSETS.items():
            self._end((asset, AssetListed(asset, SCALE, kind)))
        for symbol, (base, quote) in INSTRUMENTS.items():
            listed = InstrumentListed(
                symbol, symbol, base, quote, "0.01", "0.001", "100000", "100000", "0.05", "24x7", CLEARING[symbol],
                "CONTINUOUS",
            )  # fmt: skip
            self._end((CLEARING[symbol], AccountOpened(CLEARING[symbol], "", "CLEARING")), (symbol, listed))
        for account, user in CUSTOMERS.items():
            self.open_account(account, user)

    def open_account(self, account: str, user: str) -> None:
        self._end((account, AccountOpened(account, user, "CUSTOMER")))

    def step(self) -> None:
        """One random command."""
        self.now_ns += 1_000_000
        roll = self.random.random()
        account = self.random.choice(list(CUSTOMERS))
        if roll < 0.15:
            self.deposit(account, self.random.choice(list(ASSETS)), self._amount(1, 5_000))
        elif roll < 0.2:
            self.withdraw(account, self.random.choice(list(ASSETS)), self._amount(1, 50))
        elif roll < 0.45:
            side = self.random.choice(("BUY", "SELL"))
            symbol = self.random.choice(list(INSTRUMENTS))
            self.place(account, symbol, side, self._amount(1, 30), self._amount(1, 9))
        elif roll < 0.55 and self.book:
            self.cancel(self.random.choice(self.book))
        elif roll < 0.6 and self.book:
            self.replace(self.random.choice(self.book))
        elif roll < 0.65:
            self.move([order for order in self.book if order.side == "SELL"])
        elif roll < 0.7:
            side, kind = self.random.choice(("BUY", "SELL")), self.random.choice(("STOP", "STOP_LIMIT"))
            symbol = self.random.choice(list(INSTRUMENTS))
            self.wait(account, symbol, side, kind, self._amount(1, 30), self._amount(1, 9))
        elif roll < 0.75 and self.waiting:
            self.trigger(self.random.choice(self.waiting))
        elif self.book:
            maker = self.random.choice(self.book)
            others = [one for one in CUSTOMERS if one != maker.account]
            self.hit(self.random.choice(others), maker, min(maker.leaves, self._amount(1, 9)))

    def deposit(self, account: str, asset: str, amount: Decimal) -> None:
        kind = CashDeposited if ASSETS[asset] == "CURRENCY" else AssetDeposited
        postings = [self._post(account, asset, "balance", amount), self._post(EXTERNAL, asset, "balance", -amount)]
        self._end((account, kind(account, asset, text(amount), postings)))

    def withdraw(self, account: str, asset: str, amount: Decimal) -> None:
        if self._available(account, asset) < amount:
            return
        kind = CashWithdrawn if ASSETS[asset] == "CURRENCY" else AssetWithdrawn
        postings = [self._post(account, asset, "balance", -amount), self._post(EXTERNAL, asset, "balance", amount)]
        self._end((account, kind(account, asset, text(amount), postings)))

    def place(self, account: str, symbol: str, side: str, price: Decimal, quantity: Decimal) -> Order | None:
        order = Order(self._id("order"), account, symbol, side, price, quantity)
        if not self._can_hold(order, Decimal(0)):
            return None
        self.book.append(order)
        self._end((order.order_id, self._created(order, "GTC", Rests(text(price), text(quantity), self.numbers))))
        return order

    def wait(self, account: str, symbol: str, side: str, kind: str, price: Decimal, quantity: Decimal) -> None:
        """An order that waits, and holds at its limit or its protection."""
        order = Order(self._id("order"), account, symbol, side, price, quantity, kind=kind)
        if self._can_hold(order, Decimal(0)):
            self.waiting.append(order)
            self._end((order.order_id, self._created(order, "GTC", None)))

    def trigger(self, order: Order) -> None:
        """It works: a stop-limit rests, a stop finds nobody."""
        self.waiting.remove(order)
        rests = Rests(text(order.price), text(order.leaves), 1) if order.kind == "STOP_LIMIT" else None
        triggered = OrderTriggered(
            order.order_id, order.account, order.symbol, order.side, "1", text(order.price), "PENDING",
            text(order.leaves), rests,
        )  # fmt: skip
        if rests is not None:
            self.book.append(order)
            self._end((order.order_id, triggered))
        else:
            self._end((order.order_id, triggered), (order.order_id, self._canceled(order, "no_liquidity")))

    def replace(self, order: Order) -> None:
        price, quantity = self._amount(1, 30), order.cum + self._amount(1, 9)
        new = Order(order.order_id, order.account, order.symbol, order.side, price, quantity, order.cum)
        if not self._can_hold(new, self._holding(order)[1]):
            return
        asset, before = self._holding(order)
        after = self._holding(new)[1]
        order.price, order.quantity = price, quantity
        postings = [self._post(order.account, asset, "hold", after - before)]
        replaced = OrderReplaced(
            order.order_id, None, order.account, order.symbol, text(quantity), text(price), self._status(order),
            text(order.cum), text(order.leaves), Rests(text(price), text(order.leaves), 1), postings,
        )  # fmt: skip
        self._end((order.order_id, replaced))

    def move(self, sells: list[Order]) -> None:
        """Orders of one symbol follow the market: sells, whose holds do not depend on it."""
        if not sells:
            return
        price, moving = self._amount(1, 30), [order for order in sells if order.symbol == sells[0].symbol]
        for order in moving:
            order.price = price
        moved = PegsMoved(
            "instrument", sells[0].symbol, "SELL", text(price), self.numbers, [order.order_id for order in moving]
        )
        self._end((moved.symbol, moved))

    def cancel(self, order: Order) -> None:
        self.book.remove(order)
        self._end((order.order_id, self._canceled(order, "requested")))

    def hit(self, account: str, maker: Order, quantity: Decimal) -> None:
        """An immediate-or-cancel order of `account` takes `quantity` of `maker`, and wanted a little more."""
        side = "SELL" if maker.side == "BUY" else "BUY"
        taker = Order(self._id("order"), account, maker.symbol, side, maker.price, quantity + 1)
        if not self._can_hold(taker, Decimal(0)):
            return
        trade_id = self._id("trade")
        events: list[tuple[str, Any]] = [(taker.order_id, self._created(taker, "IOC", None))]
        for order, liquidity in ((maker, "MAKER"), (taker, "TAKER")):
            events.append((order.order_id, self._executed(order, trade_id, maker.price, quantity, liquidity)))
        trade = TradeExecuted(
            trade_id, maker.symbol, text(maker.price), text(quantity), side, maker.order_id, taker.order_id,
            maker.account, account,
        )  # fmt: skip
        events.append((maker.symbol, trade))
        events.append((taker.order_id, self._canceled(taker, "immediate_or_cancel")))
        if not maker.leaves:
            self.book.remove(maker)
        self._end(*events)

    def change_limits(self, account: str, notional: str | None, quantity: str | None, orders: int | None) -> None:
        self._end((account, LimitsChanged(account, notional, quantity, orders)))

    def change_state(self, account: str, state: str, reason: str) -> None:
        self._end((account, AccountStateChanged(account, state, reason)))

    def _created(self, order: Order, tif: str, rests: Rests | None) -> OrderCreated:
        asset, hold = self._holding(order)
        postings = [self._post(order.account, asset, "hold", hold)]
        return OrderCreated(
            order.order_id, None, order.account, order.symbol, order.side, order.kind, tif, text(order.quantity),
            None if order.kind == "STOP" else text(order.price), text(order.price) if order.kind == "STOP" else None,
            "PENDING", "0", text(order.quantity), rests, postings,
        )  # fmt: skip

    def _executed(self, order: Order, trade_id: str, price: Decimal, quantity: Decimal, liquidity: str) -> Any:
        base, quote = INSTRUMENTS[order.symbol]
        sign = 1 if order.side == "BUY" else -1
        clearing = CLEARING[order.symbol]
        asset, before = self._holding(order)
        order.cum += quantity
        after = self._holding(order)[1]
        postings = [
            self._post(order.account, base, "balance", sign * quantity),
            self._post(order.account, quote, "balance", -sign * quantity * price),
            self._post(clearing, base, "balance", -sign * quantity),
            self._post(clearing, quote, "balance", sign * quantity * price),
            self._post(order.account, asset, "hold", after - before),
        ]
        rests = Rests(text(order.price), text(order.leaves), 1) if order.leaves and liquidity == "MAKER" else None
        return OrderExecuted(
            order.order_id, trade_id, order.account, order.symbol, order.side, text(price), text(quantity), liquidity,
            self._status(order), text(order.cum), text(order.leaves), "0", rests, postings,
        )  # fmt: skip

    def _canceled(self, order: Order, reason: str) -> OrderCanceled:
        asset, hold = self._holding(order)
        postings = [self._post(order.account, asset, "hold", -hold)]
        return OrderCanceled(
            order.order_id, order.account, order.symbol, reason, "CANCELED", text(order.cum), "0", text(order.leaves),
            postings,
        )  # fmt: skip

    def _holding(self, order: Order) -> tuple[str, Decimal]:
        base, quote = INSTRUMENTS[order.symbol]
        return (quote, order.price * order.leaves) if order.side == "BUY" else (base, order.leaves)

    def _can_hold(self, order: Order, released: Decimal) -> bool:
        asset, hold = self._holding(order)
        return self._available(order.account, asset) + released >= hold

    def _available(self, account: str, asset: str) -> Decimal:
        return self.held.get((account, asset), Decimal(0)) - self.on_hold.get((account, asset), Decimal(0))

    def _status(self, order: Order) -> str:
        return "EXECUTED" if not order.leaves else "PARTIALLY_EXECUTED" if order.cum else "PENDING"

    def _post(self, account: str, asset: str, kind: str, amount: Decimal) -> Posting:
        values = self.held if kind == "balance" else self.on_hold
        after = values[account, asset] = values.get((account, asset), Decimal(0)) + amount
        return Posting(account, asset, kind, text(amount), text(after))

    def _amount(self, low: int, high: int) -> Decimal:
        return Decimal(self.random.randint(low * 1_000, high * 1_000)) / 1_000

    def _id(self, kind: str) -> str:
        self.numbers += 1
        return f"{kind}-{self.numbers:06d}"

    def _end(self, *events: tuple[str, Any]) -> None:
        self.commands.append([(aggregate_type(event), aggregate, event) for aggregate, event in events])


def aggregate_type(event: Any) -> str:
    name = type(event).__name__
    if name.startswith("Order"):
        return "Order"
    if name.startswith(("Instrument", "Trade", "Pegs")):
        return "Instrument"
    return "Asset" if name == "AssetListed" else "Account"


def appends(commands: list[list[tuple[str, str, Any]]], versions: dict[str, int], now_ns: int) -> list[Append]:
    """The commands as the engine hands them to the log. versions: of every aggregate, kept up to date here."""
    told = []
    for command in commands:
        new = []
        for kind, aggregate, event in command:
            versions[aggregate] = versions.get(aggregate, 0) + 1
            new.append(
                NewEvent(
                    event_id=f"e-{aggregate}-{versions[aggregate]}",
                    aggregate_id=aggregate,
                    aggregate_type=kind,
                    event_type=type(event).__name__,
                    event_version=versions[aggregate],
                    event_data=msgspec.json.encode(event),
                    occurred_at_ns=now_ns,
                )
            )
        told.append(Append(tuple(new), correlation_id="test"))
    return told


def recorded(commands: list[list[tuple[str, str, Any]]]) -> list[list[Event]]:
    """The commands as a log keeps them."""
    told: list[list[Event]] = []
    position = 0
    for append in appends(commands, {}, START_NS):
        command = []
        for index, new in enumerate(append.events):
            position += 1
            kept = msgspec.structs.asdict(new) | {
                "log": "main", "position": position, "correlation_id": "test", "causation_id": None, "command_id": None,
                "command_index": index, "command_count": len(append.events), "request_hash": None, "traceparent": None,
                "recorded_at_ns": START_NS, "hash_version": 1, "hash": b"",
            }  # fmt: skip
            command.append(Event(**kept))
        told.append(command)
    return told
