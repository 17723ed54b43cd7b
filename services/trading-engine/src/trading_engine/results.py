"""The answer to a command: a pure function of its events, so that a retry gets the first answer."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET

from kernel.event import Event
from kernel.eventlog.port import Appended
from kernel.money import average_price
from kernel.refused import Refused
from trading.v1 import engine_pb2, types_pb2
from trading_engine.refusals import meaning
from trading_events import engine as events
from trading_events.messages import ORDER_STATUSES, ORDER_TYPES, SIDES, TIMES_IN_FORCE
from trading_events.partly import decoder_without
from trading_events.terms import terms_message


def result_of(command_id: str, appended: Appended) -> engine_pb2.CommandResult:
    """What the command's caller is told. The order, if any, is the one that the first event is about."""
    first = appended.events[0]
    about = first.aggregate_id
    result = engine_pb2.CommandResult(command_id=command_id, first_time=appended.first_time, aggregate_id=about)
    position = result.position
    position.log = first.log
    position.position = appended.last
    for event in appended.events:
        if event.aggregate_type == "Order" and event.aggregate_id != about:
            continue  # what became of other orders is not this caller's to know
        told = TOLD.get(event.event_type)
        if told is not None:
            tell, decoder = told
            tell(result, decoder.decode(event.event_data), event)
    if result.order.cum_notional:
        result.order.average_price = average_price(result.order.cum_notional, result.order.cum_quantity)
    return result


def _created(result: engine_pb2.CommandResult, happened: events.OrderCreated, event: Event) -> None:
    order = result.order
    _begin(order, happened, event)
    order.leaves_quantity = happened.leaves_quantity
    if happened.protection_price:
        order.protection_price = happened.protection_price


def _rejected(result: engine_pb2.CommandResult, happened: events.OrderRejected, event: Event) -> None:
    order = result.order
    _begin(order, happened, event)
    order.leaves_quantity = "0"
    order.reason = happened.reason
    _refuse(result, happened.reason)


def _executed(result: engine_pb2.CommandResult, happened: events.OrderExecuted, event: Event) -> None:
    _progress(result.order, happened, event)
    result.order.cum_notional = happened.cum_notional


def _ended(
    result: engine_pb2.CommandResult, happened: events.OrderCanceled | events.OrderExpired, event: Event
) -> None:
    _progress(result.order, happened, event)
    result.order.reason = happened.reason


def _restated(result: engine_pb2.CommandResult, happened: events.OrderRestated, event: Event) -> None:
    _progress(result.order, happened, event)
    result.order.quantity = happened.quantity


def _triggered(result: engine_pb2.CommandResult, happened: events.OrderTriggered, event: Event) -> None:
    order = result.order
    order.status = ORDER_STATUSES[happened.status]
    order.leaves_quantity = happened.leaves_quantity
    order.triggered_at_ns = order.updated_at_ns = event.occurred_at_ns
    order.version = event.event_version


def _replaced(result: engine_pb2.CommandResult, happened: events.OrderReplaced, event: Event) -> None:
    order = result.order
    _progress(order, happened, event)
    order.quantity = happened.quantity
    order.price = happened.price
    order.client_order_id = happened.client_order_id or ""
    if happened.trigger_price is not UNSET:
        order.terms.trigger_price = happened.trigger_price


def _traded(result: engine_pb2.CommandResult, happened: events.TradeExecuted, event: Event) -> None:
    if happened.taker_order_id == result.aggregate_id:
        result.fills.add(
            trade_id=happened.trade_id,
            price=happened.price,
            quantity=happened.quantity,
            resting_order_id=happened.maker_order_id,
        )


def _refused(
    result: engine_pb2.CommandResult, happened: events.OrderCancelRejected | events.CommandRefused, event: Event
) -> None:
    _refuse(result, happened.reason)


def _several_canceled(
    result: engine_pb2.CommandResult, happened: events.OrdersCanceled | events.MassCanceled, event: Event
) -> None:
    result.canceled_orders = happened.count


_TELLERS: dict[type[msgspec.Struct], Callable[[engine_pb2.CommandResult, Any, Event], None]] = {
    events.OrderCreated: _created,
    events.OrderRejected: _rejected,
    events.OrderExecuted: _executed,
    events.OrderCanceled: _ended,
    events.OrderExpired: _ended,
    events.OrderRestated: _restated,
    events.OrderTriggered: _triggered,
    events.OrderReplaced: _replaced,
    events.TradeExecuted: _traded,
    events.OrderCancelRejected: _refused,
    events.CommandRefused: _refused,
    events.OrdersCanceled: _several_canceled,
    events.MassCanceled: _several_canceled,
}
# By event type. Of every other type, that it happened is all there is to say.
TOLD = {kind.__name__: (tell, decoder_without(kind, "postings", "rests")) for kind, tell in _TELLERS.items()}


def _begin(order: types_pb2.Order, created: events.OrderCreated | events.OrderRejected, event: Event) -> None:
    order.id = created.order_id
    order.account_id = created.account_id
    order.symbol = created.symbol
    order.side = SIDES[created.side]
    order.type = ORDER_TYPES[created.type]
    order.time_in_force = TIMES_IN_FORCE[created.time_in_force]
    order.status = ORDER_STATUSES[created.status]
    order.quantity = created.quantity
    order.cum_quantity = order.cum_notional = "0"
    order.created_at_ns = order.updated_at_ns = event.occurred_at_ns
    order.version = event.event_version
    if created.client_order_id:
        order.client_order_id = created.client_order_id
    if event.user_id:
        order.user_id = event.user_id
    if created.price:
        order.price = created.price
    if created.terms is not UNSET:
        order.terms.CopyFrom(terms_message(created.terms))
        order.asked_price = created.terms.asked_price or ""


def _progress(order: types_pb2.Order, happened: Any, event: Event) -> None:
    order.id = happened.order_id
    order.account_id = happened.account_id
    order.symbol = happened.symbol
    order.status = ORDER_STATUSES[happened.status]
    order.cum_quantity = happened.cum_quantity
    order.leaves_quantity = happened.leaves_quantity
    order.updated_at_ns = event.occurred_at_ns
    order.version = event.event_version


def _refuse(result: engine_pb2.CommandResult, code: str) -> None:
    told = meaning(code)
    result.refused = code
    result.message = told.message
    result.refused_kind = told.kind.value


def refused_result(command_id: str, refused: Refused) -> engine_pb2.CommandResult:
    """The answer to a command that never reached the core: no event, no position."""
    return engine_pb2.CommandResult(
        command_id=command_id, refused=refused.code, message=refused.message, refused_kind=refused.kind.value
    )
