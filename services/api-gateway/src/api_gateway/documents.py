"""Documents of the contract that several resources show: orders, balances, events."""

import msgspec

from api_gateway.wire import decimal_or_zero, time_text
from kernel.event import Event
from trading.v1.trading_pb2 import Balance
from trading.v1.types_pb2 import Order

SIDE_TEXTS = ("", "BUY", "SELL")
TYPE_TEXTS = ("", "MARKET", "LIMIT")
TIME_IN_FORCE_TEXTS = ("", "GTC", "DAY", "IOC")
STATUS_TEXTS = ("", "PENDING", "PARTIALLY_EXECUTED", "EXECUTED", "CANCELED", "EXPIRED", "REJECTED")


class OrderJson(msgspec.Struct, frozen=True, gc=False):
    """Schema Order of the contract."""

    order_id: str
    client_order_id: str | None
    account_id: str
    user_id: str
    symbol: str
    side: str
    type: str
    time_in_force: str
    status: str
    quantity: str
    price: str | None
    protection_price: str | None
    cum_quantity: str
    leaves_quantity: str
    cum_notional: str
    average_price: str | None
    reason: str | None
    version: int
    created_at: str
    updated_at: str


def order_json(order: Order) -> OrderJson:
    return OrderJson(
        order.id,
        order.client_order_id or None,
        order.account_id,
        order.user_id,
        order.symbol,
        SIDE_TEXTS[order.side],
        TYPE_TEXTS[order.type],
        TIME_IN_FORCE_TEXTS[order.time_in_force],
        STATUS_TEXTS[order.status],
        order.quantity,
        order.price or None,
        order.protection_price or None,
        order.cum_quantity,
        order.leaves_quantity,
        order.cum_notional or "0",
        order.average_price or None,
        order.reason or None,
        order.version,
        time_text(order.created_at_ns),
        time_text(order.updated_at_ns),
    )


class BalanceJson(msgspec.Struct, frozen=True):
    asset: str
    balance: str
    hold: str
    available: str


def balance_json(balance: Balance) -> BalanceJson:
    return BalanceJson(
        balance.asset,
        decimal_or_zero(balance.balance),
        decimal_or_zero(balance.hold),
        decimal_or_zero(balance.available),
    )


class EventMetadata(msgspec.Struct, frozen=True):
    """The command behind an event: who sent it, and as part of what."""

    user_id: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    command_id: str | None = None


class EventJson(msgspec.Struct, frozen=True):
    """Schema Event of the contract."""

    log: str
    position: int
    event_id: str
    event_type: str
    event_version: int
    schema_version: int
    aggregate_id: str
    aggregate_type: str
    event_data: msgspec.Raw
    metadata: EventMetadata
    command_index: int
    command_count: int
    occurred_at: str
    recorded_at: str


def event_json(event: Event) -> EventJson:
    """The whole envelope but the hash; `event_data` as it was written."""
    return EventJson(
        log=event.log,
        position=event.position,
        event_id=event.event_id,
        event_type=event.event_type,
        event_version=event.event_version,
        schema_version=event.schema_version,
        aggregate_id=event.aggregate_id,
        aggregate_type=event.aggregate_type,
        event_data=msgspec.Raw(event.event_data),
        metadata=EventMetadata(event.user_id, event.correlation_id, event.causation_id, event.command_id),
        command_index=event.command_index,
        command_count=event.command_count,
        occurred_at=time_text(event.occurred_at_ns),
        recorded_at=time_text(event.recorded_at_ns),
    )


def owners_event_json(event: Event, owner: str) -> EventJson:
    """The event as the owner of its order may see it: a resting order is executed by the command of whoever trades
    against it, and the sender of a command that is not the owner's own is nobody's business."""
    shown = event_json(event)
    return shown if event.user_id == owner else msgspec.structs.replace(shown, metadata=EventMetadata())
