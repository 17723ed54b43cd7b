"""A log line for what became of each order request: who asked for what, what came of it, how long it took."""

import logging
from collections.abc import Iterable
from typing import Any

from kernel.rpc import correlation_id
from kernel.telemetry import logger
from trading.v1 import engine_pb2, trading_pb2, types_pb2

_log = logger("order-service")


def note(submit: trading_pb2.SubmitRequest, results: Iterable[engine_pb2.CommandResult], took_ns: int) -> None:
    """One line a request: at INFO if the call came with a correlation id, as whatever enters through the gateway does,
    so that its sender can ask by it; at DEBUG if not.

    A program that sends thousands of requests would drown everyone else's."""
    level = logging.INFO if correlation_id.get() else logging.DEBUG
    if not _log.is_enabled_for(level):
        return
    for asked, result in zip(submit.requests, results, strict=True):
        body = asked.WhichOneof("body") or "none"
        _log.log(
            level,
            body,
            correlation_id=submit.correlation_id or correlation_id.get(),
            user_id=submit.user_id,
            **_order(result.order) if result.HasField("order") else _asked(getattr(asked, body)),
            position=result.position.position,
            error=result.refused or None,
            processing_time_ms=took_ns // 1_000_000,
        )


def _order(order: types_pb2.Order) -> dict[str, Any]:
    told = {
        "order_id": order.id,
        "symbol": order.symbol,
        "side": types_pb2.Side.Name(order.side).removeprefix("SIDE_") if order.side else "",
        "quantity": order.quantity,
        "price": order.price,
        "status": types_pb2.OrderStatus.Name(order.status).removeprefix("ORDER_STATUS_"),
        "cum_quantity": order.cum_quantity,
    }
    return {name: value for name, value in told.items() if value}  # a cancel says nothing of side and price


def _asked(body: Any) -> dict[str, Any]:
    """What the request said of the order, where no order came of it."""
    told = {name: getattr(body, name, "") for name in ("order_id", "symbol", "quantity", "price")}
    return {name: value for name, value in told.items() if value}
