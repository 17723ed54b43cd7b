"""An order book on its own: call by call, or many commands in one buffer.

`OrderBook.apply` takes commands as `pack_submit` and its like make them, a structured NumPy array of `COMMAND_FIELDS`,
or what `matching.arrow` makes of a record batch; it returns reports that `unpack_reports`, a structured array of
`REPORT_FIELDS` or `matching.arrow` reads. All integers are little-endian.
"""

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct
from typing import Final, NamedTuple

from matching._native import OrderBook, Report
from matching.command import Side, TimeInForce

__all__ = [
    "COMMAND_FIELDS",
    "REPORT_FIELDS",
    "Kind",
    "OrderBook",
    "Report",
    "ReportRow",
    "SelfTrade",
    "Side",
    "TimeInForce",
    "Told",
    "Why",
    "pack_cancel",
    "pack_reduce",
    "pack_replace",
    "pack_show",
    "pack_submit",
    "unpack_reports",
]


class SelfTrade(IntEnum):
    """What happens where an order would trade with one of its owner."""

    CANCEL_NEWEST = 1
    CANCEL_OLDEST = 2
    CANCEL_BOTH = 3
    DECREMENT_AND_CANCEL = 4


class Kind(IntEnum):
    """What a command asks for."""

    SUBMIT = 0
    CANCEL = 1
    REDUCE = 2
    REPLACE = 3
    SHOW = 4


class Told(IntEnum):
    """What a report tells."""

    ACCEPTED = 0
    TRADED = 1
    CANCELED = 2
    REDUCED = 3
    REPLACED = 4
    REJECTED = 5
    DISPLAYED = 6


class Why(IntEnum):
    """Why something was refused or canceled."""

    NOTHING = 0
    REQUESTED = 1
    IMMEDIATE_OR_CANCEL = 2
    FILL_OR_KILL = 3
    SELF_TRADE = 4
    DUPLICATE_ID = 5
    UNKNOWN_ID = 6
    INVALID_PRICE = 7
    INVALID_QUANTITY = 8
    BOOK_FULL = 9


# Name and type of each field, in order and without gaps: `numpy.dtype(COMMAND_FIELDS)` is one command.
COMMAND_FIELDS: Final = [
    ("kind", "u1"),
    ("side", "u1"),
    ("time_in_force", "u1"),
    ("unused", "u1"),
    ("owner", "<u4"),
    ("order_id", "<u8"),
    ("price", "<u8"),
    ("quantity", "<u8"),
]
REPORT_FIELDS: Final = [
    ("told", "u1"),
    ("why", "u1"),
    ("unused", "<u2"),
    ("command", "<u4"),
    ("order_id", "<u8"),
    ("taker_id", "<u8"),
    ("price", "<u8"),
    ("quantity", "<u8"),
]

_COMMAND: Final = Struct("<BBBxIQQQ")
_REPORT: Final = Struct("<BB2xIQQQQ")


class ReportRow(NamedTuple):
    """One report of a batch; command: the number of its command in the batch, from 0."""

    told: Told
    why: Why
    command: int
    order_id: int
    taker_id: int
    price: int
    quantity: int


def pack_submit(
    order_id: int,
    side: Side,
    price: int,
    quantity: int,
    owner: int = 0,
    time_in_force: TimeInForce = TimeInForce.GTC,
) -> bytes:
    """As `OrderBook.submit`; a number that fits no field raises `struct.error`."""
    return _COMMAND.pack(Kind.SUBMIT, side, time_in_force, owner, order_id, price, quantity)


def pack_cancel(order_id: int) -> bytes:
    """As `OrderBook.cancel`."""
    return _COMMAND.pack(Kind.CANCEL, 0, 0, 0, order_id, 0, 0)


def pack_reduce(order_id: int, by: int) -> bytes:
    """As `OrderBook.reduce`."""
    return _COMMAND.pack(Kind.REDUCE, 0, 0, 0, order_id, 0, by)


def pack_replace(order_id: int, price: int = 0, quantity: int = 0) -> bytes:
    """As `OrderBook.replace`."""
    return _COMMAND.pack(Kind.REPLACE, 0, 0, 0, order_id, price, quantity)


def pack_show(order_id: int, lots: int, now: int = 0) -> bytes:
    """As `OrderBook.show`."""
    return _COMMAND.pack(Kind.SHOW, 0, 0, 0, order_id, now, lots)


def unpack_reports(reports: bytes) -> Iterator[ReportRow]:
    """Each report of a batch."""
    for told, why, *numbers in _REPORT.iter_unpack(reports):
        yield ReportRow(Told(told), Why(why), *numbers)
