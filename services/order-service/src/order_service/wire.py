"""Between the order service's rows and the messages of its contract: one function a message and direction."""

from kernel.event import Event
from order_service.bound import available
from order_service.order import BalanceRow, OrderRow
from trading.v1 import trading_pb2, types_pb2
from trading_events.messages import ORDER_STATUSES, ORDER_TYPES, SIDES, TIMES_IN_FORCE
from trading_events.terms import terms_message


def order_message(row: OrderRow) -> types_pb2.Order:
    message = types_pb2.Order(
        id=row.order_id,
        client_order_id=row.client_order_id or "",
        account_id=row.account_id,
        user_id=row.user_id,
        symbol=row.symbol,
        side=SIDES[row.side],
        type=ORDER_TYPES[row.type],
        time_in_force=TIMES_IN_FORCE[row.time_in_force],
        status=ORDER_STATUSES[row.status],
        quantity=row.quantity,
        price=row.price or "",
        protection_price=row.protection_price or "",
        cum_quantity=row.cum_quantity,
        leaves_quantity=row.leaves_quantity,
        average_price=row.average_price,
        reason=row.reason,
        created_at_ns=row.created_at_ns,
        updated_at_ns=row.updated_at_ns,
        cum_notional=row.cum_notional,
        version=row.version,
        triggered_at_ns=row.triggered_at_ns,
    )
    if row.terms is not None:
        message.terms.CopyFrom(terms_message(row.terms))
        message.asked_price = row.terms.asked_price or ""
    return message


def balance_message(row: BalanceRow) -> trading_pb2.Balance:
    left = available(row.balance, row.hold)
    return trading_pb2.Balance(asset=row.asset, balance=row.balance, hold=row.hold, available=left)


def event_message(event: Event, owner: str) -> trading_pb2.RecordedEvent:
    """The event as the owner of its order or account may see it: what names the command behind it is left out unless
    the owner sent it. A resting order is executed by the command of whoever trades against it."""
    is_own = event.user_id == owner
    return trading_pb2.RecordedEvent(
        log=event.log,
        position=event.position,
        event_id=event.event_id,
        aggregate_id=event.aggregate_id,
        aggregate_type=event.aggregate_type,
        event_type=event.event_type,
        event_version=event.event_version,
        event_data=event.event_data.decode(),
        correlation_id=event.correlation_id if is_own else "",
        causation_id=(event.causation_id or "") if is_own else "",
        command_id=(event.command_id or "") if is_own else "",
        occurred_at_ns=event.occurred_at_ns,
        recorded_at_ns=event.recorded_at_ns,
    )
