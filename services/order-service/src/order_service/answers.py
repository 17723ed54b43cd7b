"""What the view adds to the engine's answers: that an order ended long ago, as the engine remembers the newest closed
ones only, and the numbers of a refusal."""

from kernel.projection import Projection
from kernel.refused import Kind
from order_service.bound import TOLD, told
from order_service.views import OrdersView
from trading.v1 import engine_pb2, trading_pb2

NOT_FOUND = "order_not_found"
CLOSED = "order_closed"
CLOSED_TOLD = "The order is no longer open."


async def completed(
    view: OrdersView,
    projection: Projection,
    asked: trading_pb2.OrderRequest,
    command: engine_pb2.Command,
    result: engine_pb2.CommandResult,
) -> engine_pb2.CommandResult:
    """The engine's answer, in the view's words where it knows more."""
    if result.refused == NOT_FOUND:
        return await _closed(view, projection, asked, command, result)
    if result.refused in TOLD and result.order.id:
        return await _in_numbers(view, projection, result)
    return result


async def _in_numbers(
    view: OrdersView, projection: Projection, result: engine_pb2.CommandResult
) -> engine_pb2.CommandResult:
    """A recorded refusal with what the order needs and what there was, always the same for the same order."""
    await projection.reached(result.position.position)
    order = view.orders.get(result.order.id)
    if order is None or order.bound is None:
        return result
    numbers = engine_pb2.CommandResult()
    numbers.CopyFrom(result)
    numbers.message = told(result.refused, order.bound)
    return numbers


async def _closed(
    view: OrdersView,
    projection: Projection,
    asked: trading_pb2.OrderRequest,
    command: engine_pb2.Command,
    result: engine_pb2.CommandResult,
) -> engine_pb2.CommandResult:
    """`order_closed` instead of not found if the order of a cancel or replace is one of the command's account that
    ended long ago."""
    body = asked.WhichOneof("body")
    if body not in ("cancel", "replace"):
        return result
    await projection.reached(result.position.position or None)
    named = asked.cancel if body == "cancel" else asked.replace
    account_id = command.cancel_order.account_id if body == "cancel" else command.replace_order.account_id
    if named.order_id:
        order = view.orders.get(named.order_id)
    else:
        order = view.by_client_order_id(account_id, named.client_order_id)
    if order is None or order.account_id != account_id or order.open:
        return result
    closed = engine_pb2.CommandResult()
    closed.CopyFrom(result)
    closed.refused, closed.refused_kind, closed.message = CLOSED, Kind.CONFLICT.value, CLOSED_TOLD
    return closed
