"""Orders that the engine has forgotten: it remembers the newest closed ones only, and the view knows all of them."""

from kernel.projection import Projection
from kernel.refused import Kind
from order_service.views import OrdersView
from trading.v1 import engine_pb2, trading_pb2

NOT_FOUND = "order_not_found"
CLOSED = "order_closed"
CLOSED_TOLD = "The order is no longer open."


async def told_closed(
    view: OrdersView,
    projection: Projection,
    asked: trading_pb2.OrderRequest,
    command: engine_pb2.Command,
    result: engine_pb2.CommandResult,
) -> engine_pb2.CommandResult:
    """The engine's answer to a cancel or replace; `order_closed` instead of not found if the order is one of the
    command's account that ended long ago."""
    body = asked.WhichOneof("body")
    if result.refused != NOT_FOUND or body not in ("cancel", "replace"):
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
