"""Types of the native module; `matching.engine` is its public name."""

import os
from collections.abc import Callable, Iterable
from typing import Final, TypeVar, final

from typing_extensions import Buffer

T = TypeVar("T")

__all__ = ["CANCELS_PER_COMMAND_MAX", "STATE_SCHEMA", "Asset", "Batch", "Engine", "Instrument", "OrderBook", "Report"]

CANCELS_PER_COMMAND_MAX: Final[int]
"""Orders ended by one mass cancel or one close of a session; ask again while as many were."""
STATE_SCHEMA: Final[int]
"""Changes when a snapshot's layout or what a replay makes of an event changes."""

@final
class Batch:
    """The outcome of one batch of commands."""

    @property
    def events(self) -> list[tuple[int, str, str, str, int, str, bytes, str | None, str | None]]:
        """Every event in log order, built anew at each access.

        (number of the decided command in the batch from 0, event type, aggregate type, aggregate id, aggregate version,
        event id, event data, account id, instrument id)
        """

    def make_events(self, make: Callable[..., T], users: list[str | None]) -> list[tuple[T, ...]]:
        """The events of each command, each made by calling `make` with what an envelope needs:

        event id, aggregate id, aggregate type, event type, aggregate version, event data, stamp in nanoseconds, account
        id, instrument id, user. users: one for each command that was given, for the envelopes of its events; ValueError
        if they are not as many. Commands that were put in because they were due have none.
        """
    def lines(self) -> bytes:
        """The events, one a line: `event_type event_id event_version event_data`; append them to a file that
        `Engine.replay` reads."""
    @property
    def given(self) -> list[int | None]:
        """For each command that was decided, which record it is; None for one that was put in because it was due."""
    @property
    def stamps(self) -> list[int]:
        """When each decided command occurred, in nanoseconds since 1970; it never goes back."""

@final
class Asset:
    """A listed asset."""

    @property
    def id(self) -> int: ...
    @property
    def symbol(self) -> str: ...
    @property
    def scale(self) -> int:
        """Decimal places of the ledger unit."""
    @property
    def kind(self) -> str:
        """CURRENCY or SECURITY."""

@final
class Instrument:
    """A listed instrument; decimals are canonical strings."""

    @property
    def id(self) -> int: ...
    @property
    def symbol(self) -> str: ...
    @property
    def base(self) -> str: ...
    @property
    def quote(self) -> str: ...
    @property
    def price_unit(self) -> str: ...
    @property
    def lot_unit(self) -> str: ...
    @property
    def max_price(self) -> str: ...
    @property
    def max_quantity(self) -> str: ...
    @property
    def protection(self) -> str:
        """How far a market order may run from the best price, as a fraction of it."""
    @property
    def calendar(self) -> str: ...
    @property
    def clearing_account_id(self) -> int: ...
    @property
    def session(self) -> str:
        """CONTINUOUS or CLOSED."""

@final
class Engine:
    """All books and accounts of one log. Not for use from two threads at once: the second call raises."""

    def __new__(cls, log_number: int) -> Engine:
        """The engine of an empty log; ValueError if the number is above 4095."""
    @staticmethod
    def restore(data: bytes) -> Engine:
        """The engine of a snapshot; ValueError if it is not one of this version or contradicts itself."""
    @staticmethod
    def replay(path: str | os.PathLike[str], log_number: int = 1) -> Engine:
        """The engine that a file of events leads to, folded with the GIL released; its lines are those of
        `Batch.lines`. OSError if it cannot be read; ValueError names the line that does not fit."""
    def execute(self, commands: bytes, texts: bytes) -> Batch:
        """Decide all commands; the GIL is released meanwhile.

        `commands` are at most 65,536 records of 128 bytes (COMMANDS.md), `texts` the arena they point into. ValueError
        names the record that is malformed; then nothing has been applied.
        """
    def fire_due(self, until_ns: int) -> Batch:
        """Do what is due at or before `until_ns`, each thing stamped with its own time: commands that nobody gave.

        `execute` does the same before each command, so this is for when nothing else comes.
        """
    @property
    def next_due_ns(self) -> int | None:
        """The earliest time at which something is due, nanoseconds since 1970; None: nothing waits for a time."""
    def evolve(self, rows: Iterable[tuple[str, str, int, bytes]]) -> None:
        """Replay (event type, event id, aggregate version, event data) in log order.

        ValueError names the event that does not fit; the engine is then of no use.
        """
    def evolve_facts(self, heads: bytes, data: bytes) -> None:
        """Replay many events at once with the GIL released, as a log reads them for a cold start.

        heads: a line for each in log order, `event_type event_id event_version data_bytes`, no newline at the end.
        data: the data of all of them, one after another.
        ValueError names the line, or the event that does not fit; the engine is then of no use.
        """
    def snapshot(self) -> bytes:
        """Canonical bytes of the state; ValueError in the middle of a command's events."""
    def state_hash(self) -> str:
        """SHA-256 of the snapshot, in hexadecimal."""
    @property
    def log_number(self) -> int: ...
    @property
    def command_sequence(self) -> int:
        """Number of the last command of the log."""
    @property
    def last_stamp_ns(self) -> int:
        """The last stamp; after a restore or replay known to the millisecond."""
    def book(self, instrument_id: int, depth: int) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
        """Bids and asks from the best: (price units, lots, orders); ValueError if there is no such instrument."""
    def instruments(self) -> list[Instrument]:
        """Every instrument in the order of listing."""
    def assets(self) -> list[Asset]:
        """Every asset in the order of listing."""
    def instrument_of(self, order_id: int) -> int | None:
        """The id of the instrument that an open order is for; None if there is no such open order."""
    def unfinished_closes(self) -> list[str]:
        """Symbols of closed instruments that still have day orders: close them again until there are none."""
    def account_exists(self, account_id: int) -> bool: ...
    def holdings(self, account_id: int) -> list[tuple[str, int, int]]:
        """(asset, balance, hold) in ledger units, ordered by listing; empty if there is no such account."""

@final
class Report:
    """One thing that an order book did. told: a `Told`; why: a `Why`; quantity: lots that came in, were traded or
    canceled, or are left of a reduced or replaced order."""

    @property
    def told(self) -> int: ...
    @property
    def why(self) -> int: ...
    @property
    def order_id(self) -> int:
        """Whose it is; of a trade, the resting order."""
    @property
    def taker_id(self) -> int:
        """Of a trade, the incoming order; else 0."""
    @property
    def price(self) -> int:
        """The order's price; of a trade, that of the trade."""
    @property
    def quantity(self) -> int: ...

@final
class OrderBook:
    """One instrument's orders by price and time, by the client's ids: no accounts, no money, no events.

    Prices and quantities are whole numbers up to 2^40 - 1, ids up to 2^64 - 1; at most 2^24 orders are open. A number
    that fits no field raises OverflowError, a word that is none ValueError; everything else that may not be is a report
    `REJECTED`. A book is for one thread at a time.
    """

    def __init__(
        self,
        *,
        pro_rata_minimum: int | None = None,
        lead_owner: int | None = None,
        lead_share_ppm: int | None = None,
        self_trade: int | None = None,
    ) -> None:
        """pro_rata_minimum: share each price in proportion, a share below it is none. lead_owner: this lead market
        maker's orders get so many millionths of what comes in first. None of them: first come, first served.
        self_trade: a `SelfTrade`; None: an owner's orders trade with each other."""
    def submit(
        self, order_id: int, side: int, price: int, quantity: int, owner: int = 0, time_in_force: int = 0
    ) -> list[Report]:
        """Enter an order. price 0, of an IOC or FOK order: any price. owner 0: nobody's, it trades with everybody."""
    def cancel(self, order_id: int) -> list[Report]:
        """End an open order."""
    def reduce(self, order_id: int, by: int) -> list[Report]:
        """Take lots away from an open order, which keeps its priority; all of them end it."""
    def replace(self, order_id: int, price: int = 0, quantity: int = 0) -> list[Report]:
        """Take an open order out and let it come in again, behind the others; 0 keeps its price, or what is left."""
    def show(self, order_id: int, lots: int, now: int = 0) -> list[Report]:
        """Let an open order display at most so many lots at a time (an iceberg); 0: nothing, it is hidden and trades
        after all that is displayed at its price. It goes behind the others. now: what is left of the part that it
        displays; 0: a whole part. A part that is used up is followed by the next, behind the others: `DISPLAYED`."""
    def apply(self, commands: Buffer) -> bytes:
        """Apply up to 65,536 commands of 32 bytes with the GIL released; returns their reports, 40 bytes each.

        ValueError names the command that is malformed; then nothing has been applied.
        """
    def order(self, order_id: int) -> tuple[int, int, int, int] | None:
        """(id, price, lots left, owner) of an open order."""
    def place_in_queue(self, order_id: int) -> tuple[int, int] | None:
        """Orders and lots ahead of an open order at its price."""
    def book(self, depth: int) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
        """Bids and asks from the best: (price, lots, orders)."""
    def orders(self) -> tuple[list[tuple[int, int, int, int]], list[tuple[int, int, int, int]]]:
        """Open bids and asks in the order in which they would trade: (id, price, lots left, owner)."""
    def snapshot(self) -> bytes:
        """The commands that make this book out of an empty one: `OrderBook.apply` takes them."""
    def clear(self) -> None:
        """Forget every order."""
    def __len__(self) -> int:
        """Open orders."""
    def __contains__(self, order_id: int) -> bool: ...
