"""The order book of one instrument, as a fold of order events without any matching rule.

An event says what it left behind: `rests` gives the price, quantity and place of the order, its absence takes the order
out, and so does a displayed quantity of 0, which is a hidden order's. Nothing here decides who trades with whom. Prices
are counts of the price unit, quantities counts of the lot unit.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

import msgspec

from market_data.grid import Grid
from trading_events.engine import (
    OrderCanceled,
    OrderCreated,
    OrderExecuted,
    OrderExpired,
    OrderReplaced,
    OrderRestated,
    OrderTriggered,
    PegsMoved,
)
from trading_events.words import Side

OrderEvent = (
    OrderCreated | OrderTriggered | OrderExecuted | OrderReplaced | OrderRestated | OrderCanceled | OrderExpired
)
ORDER_EVENTS = (OrderCreated, OrderTriggered, OrderExecuted, OrderReplaced, OrderRestated, OrderCanceled, OrderExpired)
# Of these, the ones after which an order never rests.
ENDS = (OrderCanceled, OrderExpired)

# Price, total quantity, number of orders.
Level = tuple[int, int, int]


class Resting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An order in the book. Orders of one price stand in the order of their priority, the smaller first."""

    symbol: str
    side: Side
    price: int
    quantity: int
    priority: int


class Ladder:
    """The price levels of one side. `sign` is 1 for bids and -1 for asks: a better price has a larger key."""

    __slots__ = ("_keys", "_levels", "_sign", "_touched")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._keys: list[int] = []
        self._levels: dict[int, tuple[int, int]] = {}
        self._touched: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def change(self, price: int, quantity: int, orders: int) -> None:
        """Add to a level's total quantity and number of orders; a level without orders is gone."""
        key = price * self._sign
        before = self._levels.get(key, (0, 0))
        self._touched.setdefault(key, before)
        after = (before[0] + quantity, before[1] + orders)
        if after[1] <= 0:
            assert after == (0, 0), f"price {price} is left with {after}"
            del self._levels[key]
            del self._keys[bisect_left(self._keys, key)]
            return
        if not before[1]:
            insort(self._keys, key)
        self._levels[key] = after

    def at(self, price: int) -> tuple[int, int]:
        """Total quantity and number of orders at a price; zeros when nothing rests there."""
        return self._levels.get(price * self._sign, (0, 0))

    def best(self) -> tuple[int, int] | None:
        """Price and total quantity of the best level, None when nothing rests."""
        if not self._keys:
            return None
        key = self._keys[-1]
        return key * self._sign, self._levels[key][0]

    def top(self, depth: int) -> tuple[Level, ...]:
        """The best `depth` levels, best first."""
        levels, sign = self._levels, self._sign
        return tuple([(key * sign, *levels[key]) for key in self._keys[: -depth - 1 : -1]])

    def __iter__(self) -> Iterator[Level]:
        """Every level, best first."""
        return iter(self.top(len(self._keys)))

    def reaches(self, top: tuple[Level, ...], depth: int, prices: Iterable[int]) -> bool:
        """Whether a change at one of `prices` can be seen in `top`, which holds the best `depth` levels."""
        if len(top) < depth:
            return True
        worst = top[-1][0] * self._sign
        return any(price * self._sign >= worst for price in prices)

    def take_changed(self) -> list[int]:
        """Prices whose level differs from when this was last asked, in the order of their first change."""
        levels, touched = self._levels, self._touched
        if not touched:
            return []
        self._touched = {}
        return [key * self._sign for key, before in touched.items() if levels.get(key, (0, 0)) != before]


class Book:
    """The resting orders of one instrument and both sides' levels."""

    __slots__ = ("_prices", "_quantities", "asks", "bids", "orders", "symbol")

    def __init__(self, symbol: str, prices: Grid, quantities: Grid) -> None:
        self.symbol = symbol
        self.orders: dict[str, Resting] = {}
        self.bids = Ladder(1)
        self.asks = Ladder(-1)
        self._prices = prices
        self._quantities = quantities

    def apply(self, event: OrderEvent) -> bool:
        """Fold an event of this instrument; True if the order came into the book, moved, or left it."""
        order_id = event.order_id
        before = self.orders.get(order_id)
        if isinstance(event, ENDS) or (rests := event.rests) is None or rests.quantity == "0":
            if before is None:
                return False
            del self.orders[order_id]
            self._ladder(before.side).change(before.price, -before.quantity, -1)
            return True
        if before is not None:
            side = before.side
        elif not isinstance(event, OrderReplaced):
            side = event.side
        else:
            raise ValueError(f"{order_id} was replaced and rests, but the book never saw it")
        price, quantity = self._prices.count(rests.price), self._quantities.count(rests.quantity)
        self.put(order_id, Resting(self.symbol, side, price, quantity, rests.priority))
        return True

    def moved(self, event: PegsMoved) -> list[tuple[str, Resting]]:
        """Fold pegged orders that rest elsewhere; returns those that are in the book, as they rest now."""
        price, moved = self._prices.count(event.price), []
        for priority, order_id in enumerate(event.orders, event.priority):
            before = self.orders.get(order_id)
            if before is not None:  # a hidden one is not in here
                after = Resting(self.symbol, before.side, price, before.quantity, priority)
                self.put(order_id, after)
                moved.append((order_id, after))
        return moved

    def put(self, order_id: str, after: Resting) -> None:
        """The order rests as `after` says, wherever it was before."""
        before = self.orders.get(order_id)
        ladder = self._ladder(after.side)
        self.orders[order_id] = after
        if before is None:
            ladder.change(after.price, after.quantity, 1)
        elif before.price == after.price:
            ladder.change(after.price, after.quantity - before.quantity, 0)
        else:
            ladder.change(before.price, -before.quantity, -1)
            ladder.change(after.price, after.quantity, 1)

    def ahead(self, order_id: str) -> tuple[Resting, int, int] | None:
        """The order, and how many orders and how much of what is displayed at its price come before it; None if it is
        not displayed. It looks at every order of the book."""
        order = self.orders.get(order_id)
        if order is None:
            return None
        place = (order.side, order.price)
        before = [
            other.quantity
            for other in self.orders.values()
            if other.priority < order.priority and (other.side, other.price) == place
        ]
        return order, len(before), sum(before)

    def take_changed(self) -> tuple[list[int], list[int]]:
        """Prices of bids and asks whose level differs from when this was last asked."""
        return self.bids.take_changed(), self.asks.take_changed()

    def _ladder(self, side: Side) -> Ladder:
        return self.bids if side == "BUY" else self.asks
