"""A tiny venue for tests: it matches naively over lists and writes the engine's events, one command at a time.

It exists to make event sequences that could be real; nothing of the service is used. Prices and quantities are whole
numbers of 0.05 and 0.001.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

import msgspec

from kernel.event import Append, Event, NewEvent
from trading_events.engine import (
    InstrumentListed,
    OrderCanceled,
    OrderCancelRejected,
    OrderCreated,
    OrderExecuted,
    OrderExpired,
    OrderRejected,
    OrderReplaced,
    OrdersCanceled,
    Rests,
    TradeExecuted,
)
from trading_events.sessions import SessionChanged

PRICE_UNIT = Decimal("0.05")
LOT_UNIT = Decimal("0.001")
START_NS = 1_767_225_590_000_000_000  # 2025-12-31T23:59:50Z: a day, a minute and an hour end within ten seconds


def text(value: Decimal) -> str:
    plain = f"{value:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


@dataclass
class Order:
    order_id: str
    symbol: str
    side: str
    price: int
    quantity: int
    cum: int = 0
    priority: int = 0
    tif: str = "GTC"

    @property
    def leaves(self) -> int:
        return self.quantity - self.cum


@dataclass
class Venue:
    """commands: what was written so far, each a list of (event, aggregate type, aggregate id), with its stamp."""

    random: Random
    symbols: tuple[str, ...] = ("AAPL", "BTC-USD")
    now_ns: int = START_NS
    book: list[Order] = field(default_factory=list)
    commands: list[tuple[int, list[Any]]] = field(default_factory=list)
    orders: int = 0
    trades: int = 0
    priorities: int = 0

    def list_instruments(self, calendar: str = "ALWAYS") -> None:
        for number, symbol in enumerate(self.symbols):
            listed = InstrumentListed(
                instrument_id=instrument_id(number),
                symbol=symbol,
                base=symbol.split("-")[0],
                quote="USD",
                price_unit=text(PRICE_UNIT),
                lot_unit=text(LOT_UNIT),
                max_price="100000",
                max_quantity="1000000",
                protection="0.05",
                calendar=calendar,
                clearing_account_id=f"clearing-{symbol}",
                session="CONTINUOUS",
            )
            self._end([listed])

    def step(self) -> None:
        """One random command."""
        self.now_ns += self.random.choice((0, 1_000, 40_000_000, 1_300_000_000))
        roll = self.random.random()
        mine = list(self.book)
        if roll < 0.55 or not mine:
            self.place()
        elif roll < 0.75:
            self.cancel(self.random.choice(mine))
        elif roll < 0.9:
            self.replace(self.random.choice(mine))
        elif roll < 0.93:
            self._end([OrderCancelRejected("gone", "a1", "CANCEL", "order_not_found")])
        elif roll < 0.95:
            symbol = self.random.choice((*self.symbols, "NONE"))
            rejected = OrderRejected(
                self._order_id(), None, "a1", symbol, "BUY", "LIMIT", "GTC", "1", "1", "REJECTED", "insufficient_funds"
            )
            self._end([rejected])
        elif roll < 0.97:
            self.cancel_all(self.random.choice((*self.symbols, None)))
        else:
            self.end_day(self.random.choice(self.symbols))

    def place(self, symbol: str | None = None, side: str | None = None, price: int = 0, quantity: int = 0) -> None:
        symbol = symbol or self.random.choice(self.symbols)
        side = side or self.random.choice(("BUY", "SELL"))
        tif = self.random.choice(("GTC", "GTC", "DAY", "IOC"))
        price = price or self.random.randint(90, 110)
        order = Order(self._order_id(), symbol, side, price, quantity or self.random.randint(1, 50), tif=tif)
        would_trade = bool(self._opposite(order))
        events: list[Any] = [
            OrderCreated(
                order_id=order.order_id,
                client_order_id=None,
                account_id="a1",
                symbol=symbol,
                side=side,
                type="LIMIT",
                time_in_force=tif,
                quantity=lots(order.quantity),
                price=ticks(price),
                protection_price=None,
                status="PENDING",
                cum_quantity="0",
                leaves_quantity=lots(order.quantity),
                rests=None if would_trade or tif == "IOC" else self._rest(order),
                postings=[],
            )
        ]
        self._match(order, events)
        if order.leaves and tif == "IOC":
            events.append(self._canceled(order, "immediate_or_cancel"))
        self._end(events)

    def replace(self, order: Order) -> None:
        before = order.price, order.quantity
        order.quantity = order.cum + self.random.randint(1, 50)
        order.price = self.random.choice((order.price, self.random.randint(90, 110)))
        keeps = order.price == before[0] and order.quantity <= before[1]
        if not keeps:
            self.book.remove(order)
        would_trade = not keeps and bool(self._opposite(order))
        rests = self._rests(order) if keeps else None if would_trade else self._rest(order)
        events: list[Any] = [
            OrderReplaced(
                order.order_id,
                None,
                "a1",
                order.symbol,
                lots(order.quantity),
                ticks(order.price),
                "PARTIALLY_EXECUTED" if order.cum else "PENDING",
                lots(order.cum),
                lots(order.leaves),
                rests,
                [],
            )
        ]
        if would_trade:
            self._match(order, events)
        self._end(events)

    def cancel(self, order: Order) -> None:
        self.book.remove(order)
        self._end([self._canceled(order, "requested")])

    def cancel_all(self, symbol: str | None) -> None:
        gone = [order for order in self.book if symbol in (None, order.symbol)]
        self.book = [order for order in self.book if order not in gone]
        self._end([*(self._canceled(order, "requested") for order in gone), OrdersCanceled("a1", symbol, len(gone))])

    def end_day(self, symbol: str) -> None:
        gone = [order for order in self.book if order.symbol == symbol and order.tif == "DAY"]
        self.book = [order for order in self.book if order not in gone]
        number = self.symbols.index(symbol)
        events: list[Any] = [SessionChanged(instrument_id(number), symbol, "CLOSED", "operator")]
        for order in gone:
            leaves = lots(order.leaves)
            events.append(
                OrderExpired(order.order_id, "a1", symbol, "session_end", "EXPIRED", lots(order.cum), "0", leaves, [])
            )
        self._end(events)

    def _match(self, order: Order, events: list[Any]) -> None:
        while order.leaves and (makers := self._opposite(order)):
            maker = makers[0]
            filled = min(order.leaves, maker.leaves)
            maker.cum += filled
            order.cum += filled
            self.trades += 1
            if not maker.leaves:
                self.book.remove(maker)
            rests = None
            if order.leaves and order.tif != "IOC" and not self._opposite(order):
                rests = self._rest(order)
            trade_id = f"t{self.trades}"
            events.append(self._executed(maker, trade_id, maker.price, filled, "MAKER", self._rests(maker)))
            events.append(self._executed(order, trade_id, maker.price, filled, "TAKER", rests))
            events.append(
                TradeExecuted(
                    trade_id, order.symbol, ticks(maker.price), lots(filled), order.side, maker.order_id,
                    order.order_id, "a2", "a1",
                )
            )  # fmt: skip

    def _opposite(self, order: Order) -> list[Order]:
        sign = 1 if order.side == "BUY" else -1
        others = [
            other
            for other in self.book
            if other.symbol == order.symbol and other.side != order.side and sign * (order.price - other.price) >= 0
        ]
        return sorted(others, key=lambda other: (sign * other.price, other.priority))

    def _rest(self, order: Order) -> Rests:
        self.priorities += 1
        order.priority = self.priorities
        self.book.append(order)
        return Rests(ticks(order.price), lots(order.leaves), order.priority)

    def _rests(self, order: Order) -> Rests | None:
        return Rests(ticks(order.price), lots(order.leaves), order.priority) if order.leaves else None

    def _executed(self, order: Order, trade_id: str, price: int, filled: int, liquidity: str, rests: Any) -> Any:
        return OrderExecuted(
            order.order_id, trade_id, "a1", order.symbol, order.side, ticks(price), lots(filled), liquidity,
            "PARTIALLY_EXECUTED" if order.leaves else "EXECUTED", lots(order.cum), lots(order.leaves), "0", rests, [],
        )  # fmt: skip

    def _canceled(self, order: Order, reason: str) -> OrderCanceled:
        return OrderCanceled(
            order.order_id, "a1", order.symbol, reason, "CANCELED", lots(order.cum), "0", lots(order.leaves), []
        )

    def _order_id(self) -> str:
        self.orders += 1
        return f"o{self.orders:06d}"

    def _end(self, events: list[Any]) -> None:
        self.commands.append((self.now_ns, events))


def ticks(price: int) -> str:
    return text(price * PRICE_UNIT)


def lots(quantity: int) -> str:
    return text(quantity * LOT_UNIT)


def instrument_id(number: int) -> str:
    return f"696e7374-0001-8000-8000-{number + 1:012x}"


def recorded(commands: list[tuple[int, list[Any]]], first: int = 1) -> list[list[Event]]:
    """The commands as a log keeps them, from position `first`."""
    position = first
    told = []
    for number, (stamp_ns, events) in enumerate(commands):
        command = []
        for index, event in enumerate(events):
            command.append(_event(event, position, number, index, len(events), stamp_ns))
            position += 1
        told.append(command)
    return told


def appends(commands: list[tuple[int, list[Any]]], first: int = 1) -> list[Append]:
    """The commands as the engine hands them to the log; each event is a stream of its own."""
    told = []
    for number, (stamp_ns, events) in enumerate(commands, first):
        new = [
            NewEvent(
                event_id=f"e{number}-{index}",
                aggregate_id=f"g{number}-{index}",
                aggregate_type="Order",
                event_type=type(event).__name__,
                event_version=1,
                event_data=msgspec.json.encode(event),
                occurred_at_ns=stamp_ns,
            )
            for index, event in enumerate(events)
        ]
        told.append(Append(tuple(new), correlation_id="test", command_id=f"c{number}"))
    return told


def _event(event: Any, position: int, number: int, index: int, count: int, stamp_ns: int) -> Event:
    return Event(
        log="main",
        position=position,
        event_id=f"e{position}",
        aggregate_id="x",
        aggregate_type="Order",
        event_type=type(event).__name__,
        event_version=1,
        schema_version=1,
        event_data=msgspec.json.encode(event),
        account_id=None,
        instrument_id=None,
        user_id=None,
        correlation_id="test",
        causation_id=None,
        command_id=f"c{number}",
        command_index=index,
        command_count=count,
        request_hash=None,
        traceparent=None,
        occurred_at_ns=stamp_ns,
        recorded_at_ns=stamp_ns,
        hash_version=1,
        hash=b"",
    )
