"""Documents of the contract that several resources show: orders, balances, events."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from api_gateway.wire import decimal_or_zero, time_text
from kernel.event import Event
from trading.v1 import engine_pb2, types_pb2
from trading.v1.trading_pb2 import Balance
from trading.v1.types_pb2 import Order

MILLISECOND_NS = 1_000_000


def words(enum: Any) -> tuple[str, ...]:
    """The texts of an enumeration of the services by number, "" for none: SIDE_BUY is BUY."""
    nothing, *names = enum.keys()
    prefix = nothing.removesuffix("UNSPECIFIED")
    assert list(enum.values()) == list(range(1 + len(names))), f"{prefix}* has gaps"
    return ("", *(name.removeprefix(prefix) for name in names))


SIDE_TEXTS = words(types_pb2.Side)
TYPE_TEXTS = words(types_pb2.OrderType)
TIME_IN_FORCE_TEXTS = words(types_pb2.TimeInForce)
POST_ONLY_TEXTS = words(types_pb2.PostOnly)
TRIGGER_TEXTS = words(types_pb2.TriggerMethod)
PREVENTION_TEXTS = words(types_pb2.SelfTradePrevention)
ALLOCATION_TEXTS = words(engine_pb2.Allocation)
STATUS_TEXTS = words(types_pb2.OrderStatus)


class OrderJson(msgspec.Struct, frozen=True, gc=False):
    """Schema Order of the contract; what only few orders have is left out of the others."""

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
    budget: str | UnsetType = UNSET
    trigger_price: str | UnsetType = UNSET
    trigger_by: str | UnsetType = UNSET
    triggered_at: str | UnsetType = UNSET
    expire_at: str | UnsetType = UNSET
    display_quantity: str | UnsetType = UNSET
    hidden: bool | UnsetType = UNSET
    minimum_quantity: str | UnsetType = UNSET
    all_or_none: bool | UnsetType = UNSET
    post_only: str | UnsetType = UNSET
    asked_price: str | UnsetType = UNSET
    self_trade_prevention: str | UnsetType = UNSET


def order_json(order: Order) -> OrderJson:
    shown = OrderJson(
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
    return msgspec.structs.replace(shown, **_terms(order)) if order.HasField("terms") else shown


def _terms(order: Order) -> dict[str, Any]:
    """What a plain order does not have."""
    terms = order.terms
    told = {
        "budget": terms.budget,
        "trigger_price": terms.trigger_price,
        "trigger_by": TRIGGER_TEXTS[terms.trigger_by],
        "triggered_at": order.triggered_at_ns and time_text(order.triggered_at_ns),
        "expire_at": terms.expire_at_ms and time_text(terms.expire_at_ms * MILLISECOND_NS),
        "display_quantity": terms.display_quantity,
        "hidden": terms.hidden,
        "minimum_quantity": terms.minimum_quantity,
        "all_or_none": terms.all_or_none,
        "post_only": POST_ONLY_TEXTS[terms.post_only],
        "asked_price": order.asked_price,
        "self_trade_prevention": PREVENTION_TEXTS[terms.self_trade_prevention],
    }
    return {name: value for name, value in told.items() if value}


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
