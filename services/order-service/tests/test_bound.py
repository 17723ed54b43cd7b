"""A refusal says what came and what was allowed, to the order's owner."""

import asyncio
from pathlib import Path

import pytest

from order_service.bound import OPEN_ORDERS_DEFAULT
from trading.v1 import engine_pb2, trading_pb2, types_pb2

from .running import Venue, limit, venue

LIMITS = engine_pb2.ChangeLimits(max_order_notional="500", max_order_quantity="40", max_open_orders=2)


def market(side: str, quantity: str) -> trading_pb2.OrderRequest:
    order = limit(side, quantity, "1")
    order.place.type = types_pb2.ORDER_TYPE_MARKET
    order.place.time_in_force = types_pb2.TIME_IN_FORCE_IOC
    order.place.price = ""
    return order


async def limited(opened: Venue) -> None:
    """Alice has 9980 USD left of 10000, one open order, and limits."""
    await opened.submit("alice", limit("BUY", "1", "20"))
    LIMITS.account_id = opened.accounts["alice"]
    await opened.execute("limits", change_limits=LIMITS)
    await opened.submit("bob", limit("SELL", "90", "60"))


REFUSALS = [
    ("more than its value limit", "alice", limit("BUY", "6", "99.5"), "order_notional_limit",
     "The order's value is 597 USD; the account's limit is 500 USD."),
    ("a market order above it has no price to tell", "alice", market("BUY", "9"), "order_notional_limit",
     "The order's value is above the account's limit of 500 USD."),
    ("more than its quantity limit", "alice", limit("BUY", "41", "1.5"), "order_quantity_limit",
     "The order's quantity is 41 AAPL; the account's limit is 40 AAPL."),
    ("more than it has", "alice", limit("SELL", "1", "99"), "insufficient_position",
     "The order needs 1 AAPL; 0 AAPL is available."),
    ("more than is not on hold", "bob", limit("SELL", "11", "99"), "insufficient_position",
     "The order needs 11 AAPL; 10 AAPL is available."),
    ("more than it can pay", "bob", limit("BUY", "200", "50.5"), "insufficient_funds",
     "The order needs 10100 USD; 10000 USD is available."),
    ("more than the instrument takes", "bob", limit("BUY", "100001", "1"), "quantity_too_large",
     "The quantity is 100001 AAPL; the instrument's largest order is 100000 AAPL."),
    ("dearer than the instrument takes", "bob", limit("BUY", "1", "100000.01"), "price_too_large",
     "The price is 100000.01 USD; the instrument's highest is 100000 USD."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("user", "order", "code", "message"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_a_refusal_tells_its_numbers_now_and_on_a_retry(user, order, code, message):
    async def scenario() -> None:
        async with venue() as opened:
            await limited(opened)
            order.place.client_order_id = "x"
            (first,) = await opened.submit(user, order)
            assert (first.refused, first.message) == (code, message)
            cash = engine_pb2.Deposit(account_id=opened.accounts[user], asset="USD", amount="7")
            await opened.execute("more", deposit=cash)
            (again,) = await opened.submit(user, order)
            assert (again.message, again.first_time) == (message, False)

    asyncio.run(scenario())


def test_too_many_open_orders_are_told_with_the_limit():
    async def scenario() -> None:
        async with venue() as opened:
            await limited(opened)
            results = await opened.submit("alice", limit("BUY", "1", "2"), limit("BUY", "1", "3"))
            assert [one.message for one in results] == ["", "The account has 2 open orders, as many as it may have."]

    asyncio.run(scenario())


def test_the_default_of_open_orders_is_the_core_s():
    text = (Path(__file__).resolve().parents[3] / "crates" / "matching" / "src" / "limit.rs").read_text()
    assert f"OPEN_ORDERS_DEFAULT: u32 = {OPEN_ORDERS_DEFAULT:_};" in text


def replaced(client_order_id: str, quantity: str = "", price: str = "") -> trading_pb2.OrderRequest:
    change = trading_pb2.ReplaceRequest(client_order_id=client_order_id, quantity=quantity, price=price)
    return trading_pb2.OrderRequest(replace=change, idempotency_key=f"{client_order_id} {quantity} {price}")


async def resting(opened: Venue) -> None:
    """Alice's bid of 10 at 20, 4 of them bought, and Bob's offer of 50 at 60; she has 9800 USD, he 46 shares left."""
    await opened.submit("alice", limit("BUY", "10", "20", "bid"))
    await opened.submit("bob", limit("SELL", "4", "20"), limit("SELL", "50", "60", "offer"))
    LIMITS.account_id = opened.accounts["alice"]
    LIMITS.max_order_notional, LIMITS.max_order_quantity = "9000", "400"
    await opened.execute("limits", change_limits=LIMITS)


CHANGES = [
    ("alice", replaced("bid", "4"), "quantity_below_executed",
     "The new quantity is 4 AAPL; it must be above the 4 AAPL executed already."),
    ("alice", replaced("bid", "401"), "order_quantity_limit",
     "The order's quantity is 401 AAPL; the account's limit is 400 AAPL."),
    ("alice", replaced("bid", price="900.01"), "order_notional_limit",
     "The order's value is 9000.1 USD; the account's limit is 9000 USD."),
    ("alice", replaced("bid", price="100000.01"), "price_too_large",
     "The price is 100000.01 USD; the instrument's highest is 100000 USD."),
    ("bob", replaced("offer", "100001"), "quantity_too_large",
     "The quantity is 100001 AAPL; the instrument's largest order is 100000 AAPL."),
    ("bob", replaced("offer", "97"), "insufficient_position",
     "The change needs 47 AAPL more; 46 AAPL is available."),
]  # fmt: skip


@pytest.mark.parametrize(("user", "change", "code", "message"), CHANGES, ids=[row[2] for row in CHANGES])
def test_a_change_that_is_refused_tells_its_numbers_now_and_on_a_retry(user, change, code, message):
    async def scenario() -> None:
        async with venue() as opened:
            await resting(opened)
            (first,) = await opened.submit(user, change)
            assert (first.refused, first.message) == (code, message)
            await opened.submit(user, trading_pb2.OrderRequest(cancel_all=engine_pb2.CancelAllOrders()))
            (again,) = await opened.submit(user, change)
            assert (again.message, again.first_time) == (message, False)

    asyncio.run(scenario())


def test_a_change_that_cannot_be_paid_tells_what_it_needs_more():
    async def scenario() -> None:
        async with venue() as opened:
            await opened.submit("alice", limit("BUY", "10", "20", "bid"))
            (refused,) = await opened.submit("alice", replaced("bid", "500.0", "20.01"))
            assert refused.message == "The change needs 9805 USD more; 9800 USD is available."

    asyncio.run(scenario())


NAMED = [
    ("done", "order_closed", "The order is no longer open: it is EXECUTED, 4 of 4 executed."),
    ("gone", "order_closed", "The order is no longer open: it is CANCELED, 0 of 1 executed."),
    ("none", "order_not_found", "This account has no order with the client order id none."),
]


@pytest.mark.parametrize(("client_order_id", "code", "message"), NAMED)
def test_an_order_that_cannot_be_changed_is_told_as_it_is(client_order_id, code, message):
    async def scenario() -> None:
        async with venue() as opened:
            await opened.submit("bob", limit("SELL", "4", "20"))
            cancel = trading_pb2.CancelRequest(client_order_id="gone")
            one_order = [limit("BUY", "4", "20", "done"), limit("BUY", "1", "5", "gone")]
            await opened.submit("alice", *one_order, trading_pb2.OrderRequest(cancel=cancel))
            cancel.client_order_id = client_order_id
            asked = (trading_pb2.OrderRequest(cancel=cancel), replaced(client_order_id, "7"))
            for result in await opened.submit("alice", *asked):
                assert (result.refused, result.message) == (code, message)

    asyncio.run(scenario())
