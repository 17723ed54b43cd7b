"""What a client sends for each message, so that a venue's book follows the file.

The message file holds only what happened inside its visible levels. So a level that leaves the window is dropped, and a
level that enters at the far edge is seeded from the row as one synthetic order; nothing else is ever corrected. Orders
from before the window opened have unknown ids: they are part of their level's synthetic order.

The plan keeps two numbers an order: what the file says is left of it, and what the venue said is left of it. They
differ where the venue filled another order of the level than the file did; a reduction then takes from orders of which
the venue has more than the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from trading_platform.lobster import day
from trading_platform.lobster.day import Levels, Message, NotLobster

Key = tuple[int, int]  # side and price of a level


class Action(Enum):
    PLACE = "place"
    REDUCE = "reduce"
    CANCEL = "cancel"
    EXECUTE = "execute"


class Step(NamedTuple):
    """One request. name: the client order id; quantity: of the order, or its new total when reducing."""

    action: Action
    name: str
    side: int
    price: int
    quantity: int


@dataclass(slots=True)
class Order:
    """placed: total quantity as last sent; in_file and at_venue: what each says is left."""

    name: str
    placed: int
    in_file: int
    at_venue: int


@dataclass(slots=True)
class Level:
    """known: every order of the level came in as a message since the level appeared."""

    orders: dict[str, Order]  # in order of arrival
    synthetic: Order | None = None
    executing: int = 0  # executions whose fills the venue has not told yet

    @property
    def known(self) -> bool:
        return self.synthetic is None

    def named(self, message: Message) -> Order:
        """The order that the message is about: one that came in as a message, else the synthetic that stands for it."""
        order = self.orders.get(order_name(message)) or self.synthetic
        if order is None:
            raise NotLobster(f"{message} is about an order that no message and no level of the window brought in")
        return order


class MustWait(Exception):
    """The step depends on fills that the venue has not told yet."""


class Plan:
    """`steps` says what to send for one message; `filled` takes back what an execution did."""

    def __init__(self, first: Levels) -> None:
        self.levels: dict[Key, Level] = {}
        self.seeded = 0
        self.dropped = 0
        self._synthetics = 0
        self._executions = 0
        self._before: dict[Key, int] = {}
        self.opening = self._window({}, _sizes(first))
        self.seeded = 0  # counted after the first row

    def steps(self, message: Message, row: Levels) -> list[Step]:
        """What to send for `message`, after which the book must equal `row`. MustWait changes nothing."""
        now = _sizes(row)
        self._must_not_be_executing(message, now)
        expected = dict(self._before)
        steps: list[Step] = []
        match message.kind:
            case day.SUBMISSION:
                steps.append(self._submit(message, expected))
            case day.REDUCTION | day.DELETION:
                steps.extend(self._reduce(message, expected))
            case day.EXECUTION:
                steps.append(self._execute(message, expected))
            case _:
                pass  # hidden executions and halts leave the visible book alone
        return steps + self._window(expected, now)

    def filled(self, message: Message, fills: Mapping[str, int]) -> None:
        """The venue filled these quantities, by name, for the execution of `message`."""
        key = (message.side, message.price)
        level = self.levels[key]
        level.executing -= 1
        for name, quantity in fills.items():
            if name in level.orders:
                level.orders[name].at_venue -= quantity
        self._forget_ended(key)

    def known(self, message: Message) -> bool:
        return self.levels[(message.side, message.price)].known

    # ---- one message

    def _must_not_be_executing(self, message: Message, now: dict[Key, int]) -> None:
        """Levels that come, go or shrink by order must have been told all their fills."""
        touched = self._before.keys() ^ now.keys()
        if message.kind != day.EXECUTION:
            touched.add((message.side, message.price))
        else:
            touched.discard((message.side, message.price))
        if any(key in self.levels and self.levels[key].executing for key in touched):
            raise MustWait

    def _submit(self, message: Message, expected: dict[Key, int]) -> Step:
        key = (message.side, message.price)
        if key not in expected:
            self.levels[key] = Level({})
        name = order_name(message)
        self.levels[key].orders[name] = Order(name, message.size, message.size, message.size)
        expected[key] = expected.get(key, 0) + message.size
        return Step(Action.PLACE, name, *key, message.size)

    def _reduce(self, message: Message, expected: dict[Key, int]) -> list[Step]:
        key = (message.side, message.price)
        level = self.levels[key]
        named = level.named(message)
        named.in_file -= message.size
        _take(expected, key, message.size)
        steps = []
        missing = message.size
        for order in [named, *(order for order in level.orders.values() if order is not named)]:
            # Of the order itself; where the venue has less of it, of those of which the venue has more than the file.
            taken = min(missing, order.at_venue if order is named else max(0, order.at_venue - order.in_file))
            if taken > 0:
                steps.append(_take_from(order, taken, key))
                missing -= taken
        self._forget_ended(key)
        return steps

    def _execute(self, message: Message, expected: dict[Key, int]) -> Step:
        key = (message.side, message.price)
        level = self.levels[key]
        level.named(message).in_file -= message.size
        _take(expected, key, message.size)
        level.executing += 1
        self._executions += 1
        return Step(Action.EXECUTE, f"X{self._executions}", -message.side, message.price, message.size)

    # ---- the window's far edge

    def _window(self, expected: dict[Key, int], now: dict[Key, int]) -> list[Step]:
        """Drop the levels that left, seed those that came in; expected: the levels as the message leaves them."""
        steps: list[Step] = []
        for key in expected.keys() - now.keys():
            self.dropped += 1
            orders = self.levels.pop(key).orders.values()
            steps.extend(Step(Action.CANCEL, order.name, *key, 0) for order in orders if order.at_venue > 0)
        for key, size in now.items():
            if key not in expected:
                self.seeded += 1
                self._synthetics += 1
                synthetic = Order(f"S{self._synthetics}", size, size, size)
                self.levels[key] = Level({synthetic.name: synthetic}, synthetic)
                steps.append(Step(Action.PLACE, synthetic.name, *key, size))
        self._before = now
        return steps

    def _forget_ended(self, key: Key) -> None:
        level = self.levels[key]
        for name in [name for name, order in level.orders.items() if order.at_venue <= 0 and order.in_file <= 0]:
            del level.orders[name]
        if not level.executing and key not in self._before:
            del self.levels[key]


def order_name(message: Message) -> str:
    """What the plan calls the order that a message is about."""
    return f"L{message.order_id}"


def _take_from(order: Order, taken: int, key: Key) -> Step:
    order.at_venue -= taken
    if not order.at_venue:
        return Step(Action.CANCEL, order.name, *key, 0)
    order.placed -= taken
    return Step(Action.REDUCE, order.name, *key, order.placed)


def _sizes(row: Levels) -> dict[Key, int]:
    sizes = {(day.BUY, price): size for price, size in row.bids}
    sizes.update({(day.SELL, price): size for price, size in row.asks})
    return sizes


def _take(expected: dict[Key, int], key: Key, size: int) -> None:
    left = expected.get(key, 0) - size
    if left > 0:
        expected[key] = left
    else:
        expected.pop(key, None)
