"""The answer to a command: a pure function of its events, so that a retry gets the first answer."""

from typing import Any, assert_never

from msgspec import UNSET

from kernel.event import Event
from kernel.eventlog.port import Appended
from kernel.money import average_price
from kernel.refused import Refused
from trading.v1 import engine_pb2, types_pb2
from trading_engine.refusals import meaning
from trading_events import engine as events
from trading_events.messages import ORDER_STATUSES, ORDER_TYPES, SIDES, TIMES_IN_FORCE
from trading_events.terms import terms_message


def result_of(command_id: str, appended: Appended) -> engine_pb2.CommandResult:
    """What the command's caller is told. The order, if any, is the one that the first event is about."""
    first = appended.events[0]
    result = engine_pb2.CommandResult(
        command_id=command_id,
        position=types_pb2.LogPosition(log=first.log, position=appended.last),
        first_time=appended.first_time,
        aggregate_id=first.aggregate_id,
    )
    for event in appended.events:
        if event.aggregate_type != "Order" or event.aggregate_id == first.aggregate_id:
            _tell(result, event)  # what became of other orders is not this caller's to know
    if result.order.cum_notional:
        result.order.average_price = average_price(result.order.cum_notional, result.order.cum_quantity)
    return result


def _tell(result: engine_pb2.CommandResult, event: Event) -> None:
    happened = events.decode(event.event_type, event.event_data)
    assert happened is not None, "only the engine's events have the engine's outcomes"
    match happened:
        case events.OrderCreated():
            result.order.CopyFrom(_new_order(happened, event))
        case events.OrderRejected():
            result.order.CopyFrom(_new_order(happened, event))
            _refuse(result, happened.reason)
        case events.OrderExecuted():
            _progress(result.order, happened, event)
            result.order.cum_notional = happened.cum_notional
        case events.OrderCanceled() | events.OrderExpired():
            _progress(result.order, happened, event)
            result.order.reason = happened.reason
        case events.OrderRestated():
            _progress(result.order, happened, event)
            result.order.quantity = happened.quantity
        case events.OrderTriggered():
            _trigger(result.order, happened, event)
        case events.OrderReplaced():
            _replace(result.order, happened, event)
        case events.TradeExecuted():
            if happened.taker_order_id == result.aggregate_id:
                result.fills.add(
                    trade_id=happened.trade_id,
                    price=happened.price,
                    quantity=happened.quantity,
                    resting_order_id=happened.maker_order_id,
                )
        case events.OrderCancelRejected() | events.CommandRefused():
            _refuse(result, happened.reason)
        case events.OrdersCanceled() | events.MassCanceled():
            result.canceled_orders = happened.count
        case (
            events.AssetListed()
            | events.InstrumentListed()
            | events.AccountOpened()
            | events.CashDeposited()
            | events.AssetDeposited()
            | events.CashWithdrawn()
            | events.AssetWithdrawn()
            | events.LimitsChanged()
            | events.AccountStateChanged()
            | events.SessionChanged()
            | events.TriggersDeferred()
            | events.TriggersResumed()
            | events.MarkPriceChanged()
            | events.KillSwitchChanged()
            | events.AccountOptionsChanged()
            | events.DeadMansTimerChanged()
            | events.InstrumentRulesChanged()
            | events.FeesChanged()
        ):
            pass  # that it happened is all there is to say
        case _:
            assert_never(happened)


def _new_order(created: events.OrderCreated | events.OrderRejected, event: Event) -> types_pb2.Order:
    order = types_pb2.Order(
        id=created.order_id,
        client_order_id=created.client_order_id or "",
        account_id=created.account_id,
        user_id=event.user_id or "",
        symbol=created.symbol,
        side=SIDES[created.side],
        type=ORDER_TYPES[created.type],
        time_in_force=TIMES_IN_FORCE[created.time_in_force],
        status=ORDER_STATUSES[created.status],
        quantity=created.quantity,
        price=created.price or "",
        cum_quantity="0",
        leaves_quantity="0",
        cum_notional="0",
        created_at_ns=event.occurred_at_ns,
        updated_at_ns=event.occurred_at_ns,
        version=event.event_version,
    )
    if isinstance(created, events.OrderCreated):
        order.protection_price = created.protection_price or ""
        order.leaves_quantity = created.leaves_quantity
    else:
        order.reason = created.reason
    if created.terms is not UNSET:
        order.terms.CopyFrom(terms_message(created.terms))
        order.asked_price = created.terms.asked_price or ""
    return order


def _replace(order: types_pb2.Order, happened: events.OrderReplaced, event: Event) -> None:
    _progress(order, happened, event)
    order.quantity = happened.quantity
    order.price = happened.price
    order.client_order_id = happened.client_order_id or ""
    if happened.trigger_price is not UNSET:
        order.terms.trigger_price = happened.trigger_price


def _trigger(order: types_pb2.Order, happened: events.OrderTriggered, event: Event) -> None:
    order.status = ORDER_STATUSES[happened.status]
    order.leaves_quantity = happened.leaves_quantity
    order.triggered_at_ns = order.updated_at_ns = event.occurred_at_ns
    order.version = event.event_version


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
