"""An order and an account as readers see them: rows, and how each event changes them.

Events carry their results, so nothing is decided here: a row takes over what the event says.
"""

import msgspec
from msgspec import UNSET

from kernel.event import Event
from kernel.money import average_price
from order_service.bound import Bound
from trading_events import engine as events
from trading_events.engine import Terms

OPEN = frozenset({"PENDING", "PARTIALLY_EXECUTED"})


class OrderRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """The fold of one order's events. cum_notional: what was paid or received so far, in the quote currency. bound: of
    an order that was rejected for one. terms: as asked, with the trigger price as replaced since. triggered_at_ns:
    since when an order that waited works; 0 if it waits, or never did."""

    order_id: str
    account_id: str
    user_id: str
    symbol: str
    side: str
    type: str
    time_in_force: str
    status: str
    quantity: str
    created_at_ns: int
    updated_at_ns: int
    version: int
    client_order_id: str | None = None
    price: str | None = None
    protection_price: str | None = None
    cum_quantity: str = "0"
    leaves_quantity: str = "0"
    cum_notional: str = "0"
    reason: str = ""
    bound: Bound | None = None
    terms: Terms | None = None
    triggered_at_ns: int = 0

    @property
    def open(self) -> bool:
        return self.status in OPEN

    @property
    def average_price(self) -> str:
        return average_price(self.cum_notional, self.cum_quantity)


class AccountRow(msgspec.Struct, frozen=True):
    """seq counts the events that touched the account: the sequence number of its stream."""

    account_id: str
    user_id: str
    kind: str
    seq: int


class BalanceRow(msgspec.Struct, frozen=True):
    account_id: str
    asset: str
    balance: str
    hold: str


def created(happened: events.OrderCreated | events.OrderRejected, event: Event, user_id: str) -> OrderRow:
    accepted = isinstance(happened, events.OrderCreated)
    return OrderRow(
        order_id=happened.order_id,
        account_id=happened.account_id,
        user_id=user_id,
        symbol=happened.symbol,
        side=happened.side,
        type=happened.type,
        time_in_force=happened.time_in_force,
        status=happened.status,
        quantity=happened.quantity,
        created_at_ns=event.occurred_at_ns,
        updated_at_ns=event.occurred_at_ns,
        version=event.event_version,
        client_order_id=happened.client_order_id,
        price=happened.price,
        protection_price=happened.protection_price if isinstance(happened, events.OrderCreated) else None,
        leaves_quantity=happened.leaves_quantity if isinstance(happened, events.OrderCreated) else "0",
        reason="" if accepted else getattr(happened, "reason", ""),
        terms=happened.terms or None,
    )


def executed(row: OrderRow, happened: events.OrderExecuted, event: Event) -> OrderRow:
    return msgspec.structs.replace(
        row,
        status=happened.status,
        cum_quantity=happened.cum_quantity,
        leaves_quantity=happened.leaves_quantity,
        cum_notional=happened.cum_notional,
        updated_at_ns=event.occurred_at_ns,
        version=event.event_version,
    )


def restated(row: OrderRow, happened: events.OrderRestated, event: Event) -> OrderRow:
    return msgspec.structs.replace(
        row,
        status=happened.status,
        quantity=happened.quantity,
        cum_quantity=happened.cum_quantity,
        leaves_quantity=happened.leaves_quantity,
        updated_at_ns=event.occurred_at_ns,
        version=event.event_version,
    )


def triggered(row: OrderRow, happened: events.OrderTriggered, event: Event) -> OrderRow:
    return msgspec.structs.replace(
        _priced(row, happened.price),
        status=happened.status,
        leaves_quantity=happened.leaves_quantity,
        triggered_at_ns=event.occurred_at_ns,
        updated_at_ns=event.occurred_at_ns,
        version=event.event_version,
    )


def replaced(row: OrderRow, happened: events.OrderReplaced, event: Event) -> OrderRow:
    terms = row.terms
    if terms is not None and happened.trigger_price is not UNSET:
        terms = msgspec.structs.replace(terms, trigger_price=happened.trigger_price)
    return msgspec.structs.replace(
        _priced(row, happened.price),
        client_order_id=happened.client_order_id or row.client_order_id,
        status=happened.status,
        quantity=happened.quantity,
        terms=terms,
        cum_quantity=happened.cum_quantity,
        leaves_quantity=happened.leaves_quantity,
        updated_at_ns=event.occurred_at_ns,
        version=event.event_version,
    )


def _priced(row: OrderRow, price: str) -> OrderRow:
    """The price of an order that is or becomes a market order is how far it may run."""
    if row.price is None and row.protection_price is not None:
        return msgspec.structs.replace(row, protection_price=price)
    return msgspec.structs.replace(row, price=price)


def moved(row: OrderRow, happened: events.PegsMoved, event: Event) -> OrderRow:
    """The event is the instrument's: the order's version stays."""
    return msgspec.structs.replace(row, price=happened.price, updated_at_ns=event.occurred_at_ns)


def ended(row: OrderRow, happened: events.OrderCanceled | events.OrderExpired, event: Event) -> OrderRow:
    return msgspec.structs.replace(
        row,
        status=happened.status,
        cum_quantity=happened.cum_quantity,
        leaves_quantity=happened.leaves_quantity,
        reason=happened.reason,
        updated_at_ns=event.occurred_at_ns,
        version=event.event_version,
    )
