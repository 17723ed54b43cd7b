"""What happened to an order in the words of FIX, and where it stands in the queue of its price."""

import msgspec

from api_gateway.call import Call, Reply, reply
from api_gateway.execution_reports import ExecutionReport, Progress
from api_gateway.problems import field_refused
from trading.v1.market_data_pb2 import GetQueuePositionRequest
from trading.v1.trading_pb2 import FindOrderRequest
from trading.v1.types_pb2 import Order

VERSION_DIGITS_MAX = 18


class ExecutionPage(msgspec.Struct, frozen=True):
    items: list[ExecutionReport]
    next_cursor: str | None


class QueuePosition(msgspec.Struct, frozen=True):
    order_id: str
    price: str | None
    place: int | None
    orders_ahead: int | None
    quantity_ahead: str | None


async def executions(call: Call) -> Reply:
    """GET /orders/{order_id}/executions: folded from the first event; the cursor is a version."""
    after, limit = call.cursor or "0", call.page_size
    if not (after.isascii() and after.isdigit() and len(after) <= VERSION_DIGITS_MAX):
        raise field_refused("cursor", "must be the next_cursor of the page before")
    found = await call.platform.orders.FindOrder(_asked(call))
    progress, page, version = Progress(), list[ExecutionReport](), 0
    while len(page) <= limit and (read := await call.platform.log.read_stream(call.params["order_id"], version)):
        version = read[-1].event_version
        reports = (progress.report(event) for event in read)
        page += [report for report in reports if report is not None and report.version > int(after)]
    following = str(page[limit - 1].version) if len(page) > limit else None
    return reply(200, ExecutionPage(page[:limit], following), found.position)


async def queue_position(call: Call) -> Reply:
    """GET /orders/{order_id}/queue-position"""
    found = await call.platform.orders.FindOrder(_asked(call))
    order: Order = found.order
    asked = GetQueuePositionRequest(symbol=order.symbol, order_id=order.id, at_least=found.position)
    stands = await call.platform.market.GetQueuePosition(asked)
    if not stands.displayed:
        return reply(200, QueuePosition(order.id, None, None, None, None), stands.position)
    ahead = stands.orders_ahead
    shown = QueuePosition(order.id, stands.price, ahead + 1, ahead, stands.quantity_ahead)
    return reply(200, shown, stands.position)


def _asked(call: Call) -> FindOrderRequest:
    return FindOrderRequest(user_id=call.user_id, order_id=call.params["order_id"], at_least=call.at_least)
