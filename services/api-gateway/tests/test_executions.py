"""Execution reports as a fold of an order's events, and what every event of an order is."""

import msgspec
import pytest

from api_gateway.execution_reports import ENDED, EXECUTION_TYPES, ORDER_STATUSES, Progress
from kernel.event import Event
from trading_events import engine as events

ORDER = "6f726472-0001-8000-8000-000000000001"
ACCOUNT = "61636374-0001-8000-8000-000000000003"
OWN = (ORDER, ACCOUNT, "AAPL")
STOP = events.Terms(trigger_by="LAST", trigger_price="20")

# What happens to one order, and its reports: type, status, order, executed and leaves quantity, average, working.
STORIES = [
    (
        "a stop is replaced, triggered, filled in two parts",
        [
            events.OrderCreated(
                ORDER,
                "a",
                ACCOUNT,
                "AAPL",
                "BUY",
                "STOP",
                "GTC",
                "10",
                None,
                "21",
                "PENDING",
                "0",
                "10",
                None,
                [],
                STOP,
            ),
            events.OrderReplaced(ORDER, "b", ACCOUNT, "AAPL", "8", "21", "PENDING", "0", "8", None, [], "20.5"),
            events.OrderTriggered(*OWN, "BUY", "20.5", "21", "PENDING", "8", None),
            events.OrderExecuted(
                ORDER,
                "t1",
                ACCOUNT,
                "AAPL",
                "BUY",
                "20.5",
                "3",
                "TAKER",
                "PARTIALLY_EXECUTED",
                "3",
                "5",
                "61.5",
                None,
                [],
                "0.1",
            ),
            events.OrderExecuted(
                ORDER, "t2", ACCOUNT, "AAPL", "BUY", "21", "5", "MAKER", "EXECUTED", "8", "0", "166.5", None, []
            ),
        ],
        [
            "NEW NEW 10 0 10 None False a",
            "REPLACED NEW 8 0 8 None False b",
            "TRIGGERED NEW 8 0 8 None True b",
            "TRADE PARTIALLY_FILLED 8 3 5 20.5 True b",
            "TRADE FILLED 8 8 0 20.8125 False b",
        ],
    ),
    (
        "an iceberg refreshes, shrinks and is canceled",
        [
            events.OrderCreated(
                ORDER, None, ACCOUNT, "AAPL", "SELL", "LIMIT", "GTC", "10", "20", None, "PENDING", "0", "10", None, []
            ),
            events.OrderRestated(*OWN, "SELL", "self_trade", "7", "PENDING", "0", "7", None, []),
            events.OrderCanceled(*OWN, "requested", "CANCELED", "0", "0", "7", []),
        ],
        [
            "NEW NEW 10 0 10 None True None",
            "RESTATED NEW 7 0 7 None True None",
            "CANCELED CANCELED 7 0 0 None False None",
        ],
    ),
    (
        "an order that is refused",
        [
            events.OrderRejected(
                ORDER, "a", ACCOUNT, "AAPL", "BUY", "LIMIT", "GTC", "10", "20", "REJECTED", "kill_switch"
            )
        ],
        ["REJECTED REJECTED 10 0 0 None False a"],
    ),
]


def recorded(happened, version):
    return Event(
        log="main",
        position=version,
        event_id=f"e{version}",
        aggregate_id=ORDER,
        aggregate_type="Order",
        event_type=type(happened).__name__,
        event_version=version,
        schema_version=1,
        event_data=msgspec.json.encode(happened),
        occurred_at_ns=0,
        recorded_at_ns=0,
        correlation_id="",
        causation_id=None,
        command_id=None,
        command_index=0,
        command_count=1,
        request_hash=None,
        traceparent=None,
        hash_version=1,
        hash=b"",
        account_id=None,
        instrument_id=None,
        user_id=None,
    )


def told(report) -> str:
    quantities = (report.order_quantity, report.cum_quantity, report.leaves_quantity)
    words = (report.execution_type, report.order_status, *quantities, report.average_price, report.working)
    return " ".join(str(word) for word in (*words, report.client_order_id))


@pytest.mark.parametrize(("story", "reports"), [row[1:] for row in STORIES], ids=[row[0] for row in STORIES])
def test_the_reports_of_an_order(story, reports):
    progress = Progress()
    found = [progress.report(recorded(happened, number)) for number, happened in enumerate(story, 1)]
    assert [told(report) for report in found] == reports


def test_a_fill_tells_its_trade_and_nothing_else_does():
    progress = Progress()
    created, *_, filled = [progress.report(recorded(one, number)) for number, one in enumerate(STORIES[0][1][:4], 1)]
    assert created is not None
    assert filled is not None
    of_trades = ("last_price", "last_quantity", "liquidity", "fee", "trade_id")
    assert [getattr(filled, name) for name in of_trades] == ["20.5", "3", "TAKER", "0.1", "t1"]
    assert [getattr(created, name) for name in of_trades] == [None] * 5


def test_every_event_that_leaves_an_order_in_a_state_is_a_report():
    with_status = {kind.__name__ for kind in events.TYPES if "status" in kind.__struct_fields__}
    assert with_status == set(EXECUTION_TYPES)
    assert set(ORDER_STATUSES) >= ENDED
