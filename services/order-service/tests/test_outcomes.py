"""What operators find in the log about an order."""

import asyncio
from typing import Any

from structlog.testing import capture_logs

from kernel.rpc import correlation_id
from trading.v1 import trading_pb2

from .running import limit, venue


def lines_of(*submissions: trading_pb2.SubmitRequest, through_the_gateway: bool = True) -> list[dict[str, Any]]:
    async def scenario() -> list[dict[str, Any]]:
        async with venue() as opened:
            correlation_id.set("req" if through_the_gateway else "")
            with capture_logs() as lines:
                for submission in submissions:
                    await opened.orders.Submit(submission)
            return [line for line in lines if line.get("service") == "order-service"]

    return asyncio.run(scenario())


def submission(*requests: trading_pb2.OrderRequest, correlation_id: str = "") -> trading_pb2.SubmitRequest:
    return trading_pb2.SubmitRequest(user_id="alice", correlation_id=correlation_id, requests=requests)


def test_a_placed_order_is_told_with_what_was_asked_and_what_came_of_it():
    (line,) = lines_of(submission(limit("BUY", "3", "20.5"), correlation_id="req-1"))
    assert line.pop("processing_time_ms") >= 0 and line.pop("order_id").startswith("6f726472-") and line.pop("position")
    assert line == {
        "event": "place", "log_level": "info", "service": "order-service", "correlation_id": "req-1",
        "user_id": "alice", "symbol": "AAPL", "side": "BUY", "quantity": "3", "price": "20.5", "status": "PENDING",
        "cum_quantity": "0", "error": None,
    }  # fmt: skip


def test_a_refused_request_is_told_with_the_reason():
    cancel = trading_pb2.OrderRequest(cancel=trading_pb2.CancelRequest(client_order_id="never"))
    refused, unknown = lines_of(
        submission(limit("BUY", "3", "20.005"), correlation_id="req-2"), submission(cancel, correlation_id="req-3")
    )
    assert (refused["error"], refused["symbol"], refused["price"]) == ("price_off_tick", "AAPL", "20.005")
    assert (unknown["event"], unknown["error"], unknown["correlation_id"]) == ("cancel", "order_not_found", "req-3")


def test_a_program_that_calls_by_itself_is_told_about_at_debug_only():
    (line,) = lines_of(submission(limit("BUY", "1", "20"), correlation_id="day-7"), through_the_gateway=False)
    assert line["correlation_id"] == "day-7"
    assert line["log_level"] == "debug"
