"""An order that the engine has forgotten is closed, not unknown, to whoever owns it."""

import asyncio

from trading.v1 import engine_pb2, trading_pb2, types_pb2

from .running import Venue, limit, venue

A_MESSAGE = 1_000
REMEMBERED = 65_536  # closed orders, by the core


async def forget(opened: Venue) -> None:
    """Close so many orders that the engine remembers none of those before."""
    orders = [limit("BUY", "1", "1") for _ in range(A_MESSAGE)]
    for order in orders:
        order.place.time_in_force = types_pb2.TIME_IN_FORCE_IOC
    for _ in range(REMEMBERED // A_MESSAGE + 1):
        await opened.submit("bob", *orders)


def test_who_cancels_an_old_closed_order_is_told_that_it_is_closed():
    async def scenario() -> None:
        async with venue() as opened:
            (placed,) = await opened.submit("alice", limit("BUY", "1", "20", "mine"))
            by_id = trading_pb2.OrderRequest(cancel=trading_pb2.CancelRequest(order_id=placed.order.id))
            await opened.submit("alice", by_id)
            (closed,) = await opened.submit("alice", by_id)
            assert (closed.refused, closed.refused_kind) == ("order_closed", "conflict")
            await forget(opened)
            order = engine_pb2.CancelOrder(account_id=opened.accounts["alice"], order_id=placed.order.id)
            assert (await opened.execute("asked itself", cancel_order=order)).refused == "order_not_found"
            by_name = trading_pb2.OrderRequest(cancel=trading_pb2.CancelRequest(client_order_id="mine"))
            replaced = trading_pb2.ReplaceRequest(order_id=placed.order.id, quantity="2")
            asked = [by_id, by_name, trading_pb2.OrderRequest(replace=replaced)]
            answers = await opened.submit("alice", *asked)
            told = (closed.refused, closed.refused_kind, closed.message)
            assert [(one.refused, one.refused_kind, one.message) for one in answers] == [told] * 3
            assert [one.refused for one in await opened.submit("bob", by_id)] == ["order_not_found"]

    asyncio.run(scenario())
