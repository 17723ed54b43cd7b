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
