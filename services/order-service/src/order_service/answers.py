"""What the view adds to the engine's answers: that an order ended long ago, as the engine remembers the newest closed
ones only, and the numbers of a refusal."""

from kernel.projection import Projection
from kernel.refused import Kind
from order_service.bound import TOLD, told
from order_service.views import OrdersView
from trading.v1 import engine_pb2, trading_pb2

NOT_FOUND = "order_not_found"
CLOSED = "order_closed"


async def completed(
    view: OrdersView,
    projection: Projection,
    asked: trading_pb2.OrderRequest,
    command: engine_pb2.Command,
    result: engine_pb2.CommandResult,
) -> engine_pb2.CommandResult:
    """The engine's answer, in the view's words where it knows more."""
    if not result.refused:
        return result
    body = asked.WhichOneof("body")
    if body in ("cancel", "replace") and result.refused in (NOT_FOUND, CLOSED):
        named = asked.cancel if body == "cancel" else asked.replace
        account_id = command.cancel_order.account_id if body == "cancel" else command.replace_order.account_id
        await projection.reached(result.position.position or None)
        return _as_known(view, named, account_id, result)
    if result.refused in TOLD and result.position.position:
        await projection.reached(result.position.position)
        return _retold(result, _in_numbers(view, asked, result))
    return result


def _in_numbers(view: OrdersView, asked: trading_pb2.OrderRequest, result: engine_pb2.CommandResult) -> str | None:
    """A recorded refusal with what was asked and what there was, always the same for the same command."""
    if asked.WhichOneof("body") == "replace":
        change = view.refused_changes.get(str(result.position.position))
        wanted = asked.replace
        told_by = (wanted.quantity, wanted.price, wanted.trigger_price)
        return change.told(result.refused, *told_by) if change is not None else None
    order = view.orders.get(result.order.id) if result.order.id else None
    return told(result.refused, order.bound) if order is not None and order.bound is not None else None


def _as_known(
    view: OrdersView,
    named: trading_pb2.CancelRequest | trading_pb2.ReplaceRequest,
    account_id: str,
    result: engine_pb2.CommandResult,
) -> engine_pb2.CommandResult:
    """`order_closed` with what became of the order, also instead of not found if it ended long ago; else which order
    there is not."""
    if named.order_id:
        order = view.orders.get(named.order_id)
    else:
        order = view.by_client_order_id(account_id, named.client_order_id)
    if order is None or order.account_id != account_id or order.open:
        if result.refused != NOT_FOUND:
            return result
        asked_for = f"id {named.order_id}" if named.order_id else f"client order id {named.client_order_id}"
        return _retold(result, f"This account has no order with the {asked_for}.")
    closed = _retold(
        result,
        f"The order is no longer open: it is {order.status}, {order.cum_quantity} of {order.quantity} executed.",
    )
    closed.refused, closed.refused_kind = CLOSED, Kind.CONFLICT.value
    return closed


def _retold(result: engine_pb2.CommandResult, message: str | None) -> engine_pb2.CommandResult:
    told_anew = engine_pb2.CommandResult()
    told_anew.CopyFrom(result)
    told_anew.message = message or result.message
    return told_anew
