"""Execution reports: what happened to an order in the words of FIX 4.4, as a fold of its events."""

from typing import Any

import msgspec
from msgspec import UNSET

from api_gateway.wire import or_none, time_text
from kernel.event import Event
from kernel.money import average_price
from trading_events import engine as events

# What each of an order's events is as an ExecType (150). A refused change or cancel is a reject of its own (35=9).
EXECUTION_TYPES = {
    "OrderCreated": "NEW",
    "OrderRejected": "REJECTED",
    "OrderExecuted": "TRADE",
    "OrderReplaced": "REPLACED",
    "OrderRestated": "RESTATED",
    "OrderTriggered": "TRIGGERED",
    "OrderCanceled": "CANCELED",
    "OrderExpired": "EXPIRED",
}
ORDER_STATUSES = {
    "PENDING": "NEW",
    "PARTIALLY_EXECUTED": "PARTIALLY_FILLED",
    "EXECUTED": "FILLED",
    "CANCELED": "CANCELED",
    "EXPIRED": "EXPIRED",
    "REJECTED": "REJECTED",
}
ENDED = frozenset({"EXECUTED", "CANCELED", "EXPIRED", "REJECTED"})


class ExecutionReport(msgspec.Struct, frozen=True):
    """Schema ExecutionReport of the contract."""

    execution_id: str
    order_id: str
    client_order_id: str | None
    execution_type: str
    order_status: str
    order_quantity: str
    cum_quantity: str
    leaves_quantity: str
    average_price: str | None
    last_price: str | None
    last_quantity: str | None
    liquidity: str | None
    fee: str | None
    trade_id: str | None
    reason: str | None
    working: bool
    version: int
    position: str
    occurred_at: str


class Progress:
    """What the reports of one order remember of the events before."""

    def __init__(self) -> None:
        self._quantity = "0"
        self._cum = "0"
        self._leaves = "0"
        self._average = ""
        self._client_order_id: str | None = None
        self._waits = False

    def report(self, event: Event) -> ExecutionReport | None:
        """The event as a report; None for one that is none. To be called with every event, in order."""
        kind = EXECUTION_TYPES.get(event.event_type)
        if kind is None:
            return None
        happened: Any = events.decode(event.event_type, event.event_data)
        self._take(happened)
        trades = isinstance(happened, events.OrderExecuted)
        return ExecutionReport(
            execution_id=event.event_id,
            order_id=happened.order_id,
            client_order_id=self._client_order_id,
            execution_type=kind,
            order_status=ORDER_STATUSES[happened.status],
            order_quantity=self._quantity,
            cum_quantity=self._cum,
            leaves_quantity=self._leaves,
            average_price=or_none(self._average),
            last_price=happened.price if trades else None,
            last_quantity=happened.quantity if trades else None,
            liquidity=happened.liquidity if trades else None,
            fee=(happened.fee or None) if trades else None,
            trade_id=happened.trade_id if trades else None,
            reason=getattr(happened, "reason", None),
            working=not self._waits and happened.status not in ENDED,
            version=event.event_version,
            position=f"{event.log}:{event.position}",
            occurred_at=time_text(event.occurred_at_ns),
        )

    def _take(self, happened: Any) -> None:
        self._cum = getattr(happened, "cum_quantity", self._cum)
        self._leaves = getattr(happened, "leaves_quantity", self._leaves)
        self._client_order_id = getattr(happened, "client_order_id", None) or self._client_order_id
        match happened:
            case events.OrderCreated() | events.OrderRejected():
                self._quantity = happened.quantity
                self._waits = happened.terms is not UNSET and happened.terms.trigger_by is not UNSET
            case events.OrderReplaced() | events.OrderRestated():
                self._quantity = happened.quantity
            case events.OrderTriggered():
                self._waits = False
            case events.OrderExecuted():
                self._average = average_price(happened.cum_notional, happened.cum_quantity)
