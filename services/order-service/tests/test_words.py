"""What an order has beside a plain one: the answer, the read model and the history agree, whatever becomes of it."""

import asyncio
from typing import Any

import pytest

from trading.v1 import engine_pb2, trading_pb2, types_pb2

from .running import Venue, limit, venue


def run(scenario: Any) -> None:
    async def whole() -> None:
        async with venue() as opened:
            await scenario(opened)

    asyncio.run(whole())


def worded(side: str, kind: str, quantity: str = "10", price: str = "", tif: str = "GTC", **terms: Any) -> Any:
    place = engine_pb2.PlaceOrder(
        symbol="AAPL",
        side=types_pb2.Side.Value(f"SIDE_{side}"),
        type=types_pb2.OrderType.Value(f"ORDER_TYPE_{kind}"),
        time_in_force=types_pb2.TimeInForce.Value(f"TIME_IN_FORCE_{tif}"),
        quantity=quantity,
        price=price,
        terms=types_pb2.OrderTerms(**terms),
    )
    return trading_pb2.OrderRequest(place=place)


async def found(opened: Venue, user: str, result: engine_pb2.CommandResult) -> types_pb2.Order:
    request = trading_pb2.FindOrderRequest(user_id=user, order_id=result.order.id, at_least=result.position)
    return (await opened.orders.FindOrder(request)).order


MARK, BID_ASK = types_pb2.TRIGGER_METHOD_MARK, types_pb2.TRIGGER_METHOD_BID_ASK
ORDERS = [
    ("a stop that waits", worded("BUY", "STOP", trigger_price="25.50", trigger_by=BID_ASK)),
    ("a stop that is triggered at once", worded("BUY", "STOP", trigger_price="21", trigger_by=MARK)),
    ("a stop-limit that rests at once", worded("BUY", "STOP_LIMIT", price="19", trigger_price="21", trigger_by=MARK)),
    ("market to limit", worded("BUY", "MARKET_TO_LIMIT", "30")),
    ("a budget", worded("BUY", "MARKET", "", tif="IOC", budget="100")),
    ("an iceberg", worded("BUY", "LIMIT", price="19", display_quantity="2")),
    ("a hidden order", worded("BUY", "LIMIT", price="19", hidden=True)),
    ("what slides", worded("BUY", "LIMIT", price="20", post_only=types_pb2.POST_ONLY_SLIDE)),
    ("what is refused", worded("BUY", "LIMIT", price="20", post_only=types_pb2.POST_ONLY_REJECT)),
    ("all or none", worded("BUY", "LIMIT", "30", price="20", all_or_none=True)),
    ("a moment", worded("BUY", "LIMIT", price="19", tif="GTD", expire_at_ms=4_000_000_000_000)),
    (
        "against oneself",
        worded("SELL", "LIMIT", price="18", self_trade_prevention=types_pb2.SELF_TRADE_PREVENTION_CANCEL_BOTH),
    ),
]


@pytest.mark.parametrize("asked", [row[1] for row in ORDERS], ids=[row[0] for row in ORDERS])
def test_the_read_model_has_what_the_answer_says(asked):
    async def scenario(opened: Venue) -> None:
        await opened.execute("mark", set_mark_price=engine_pb2.SetMarkPrice(symbol="AAPL", price="21"))
        await opened.submit("bob", limit("SELL", "20", "20"))
        user = "bob" if asked.place.side == types_pb2.SIDE_SELL else "alice"
        (result,) = await opened.submit(user, asked)
        shown = await found(opened, user, result)
        assert result.order.id, result.refused
        assert shown.terms == result.order.terms
        assert shown == result.order

    run(scenario)


def test_an_order_that_waits_is_replaced_triggered_and_executed():
    async def scenario(opened: Venue) -> None:
        (placed,) = await opened.submit("alice", worded("BUY", "STOP", "5", trigger_price="25"))
        replace = trading_pb2.ReplaceRequest(order_id=placed.order.id, trigger_price="21.0")
        (replaced,) = await opened.submit("alice", trading_pb2.OrderRequest(replace=replace))
        waits = await found(opened, "alice", replaced)
        assert (waits.terms.trigger_price, waits.protection_price, waits.price) == ("21", "22.05", "")
        assert waits.triggered_at_ns == 0
        await opened.submit("bob", limit("SELL", "20", "21"))
        (traded,) = await opened.submit("alice", limit("BUY", "1", "21"))
        done = await found(opened, "alice", replaced_at(traded, placed))
        assert (done.status, done.cum_quantity) == (types_pb2.ORDER_STATUS_EXECUTED, "5")
        assert done.triggered_at_ns == done.updated_at_ns
        history = trading_pb2.GetOrderHistoryRequest(user_id="alice", order_id=placed.order.id)
        events = (await opened.orders.GetOrderHistory(history)).events
        told = [event.event_type for event in events]
        assert told == ["OrderCreated", "OrderReplaced", "OrderTriggered", "OrderExecuted"]

    run(scenario)


def replaced_at(later: engine_pb2.CommandResult, order: engine_pb2.CommandResult) -> engine_pb2.CommandResult:
    """The order, at the position of what happened since."""
    return engine_pb2.CommandResult(order=order.order, position=later.position)


def test_a_mass_cancel_takes_what_it_chooses_of_ones_own():
    async def scenario(opened: Venue) -> None:
        for price in ("18", "19", "20"):
            await opened.submit("alice", limit("BUY", "1", price))
        await opened.submit("bob", limit("BUY", "1", "19"))
        chosen = engine_pb2.MassCancel(symbol="AAPL", side=types_pb2.SIDE_BUY, lowest_price="19.00")
        (result,) = await opened.submit("alice", trading_pb2.OrderRequest(mass_cancel=chosen))
        assert (result.refused, result.canceled_orders) == ("", 2)
        every = trading_pb2.SubmitRequest(
            user_id="admin",
            by_administrator=True,
            requests=[trading_pb2.OrderRequest(mass_cancel=engine_pb2.MassCancel())],
        )
        (result,) = (await opened.orders.Submit(every)).results
        assert (result.refused, result.canceled_orders) == ("", 2)
        another = engine_pb2.MassCancel(account_id=opened.accounts["bob"])
        (result,) = await opened.submit("alice", trading_pb2.OrderRequest(mass_cancel=another))
        assert result.refused == "unknown_account"

    run(scenario)


@pytest.mark.parametrize(
    ("asked", "code", "told"),
    [
        (
            worded("BUY", "STOP_LIMIT", price="20", trigger_price="100001"),
            "price_too_large",
            "The price is 100001 USD; the instrument's highest is 100000 USD.",
        ),
        (worded("BUY", "STOP", "9999", trigger_price="20"), "insufficient_funds", "Only 10000 USD is available."),
        (
            worded("BUY", "MARKET", "", tif="IOC", budget="11000"),
            "insufficient_funds",
            "Only 10000 USD is available.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refusal_tells_the_numbers_that_it_has(asked, code, told):
    async def scenario(opened: Venue) -> None:
        await opened.submit("bob", limit("SELL", "100", "150.5"))
        (result,) = await opened.submit("alice", asked)
        assert (result.refused, result.message) == (code, told)

    run(scenario)
