"""An account's stream: what is told does not depend on how fast its reader is, or on how the log's batches fall."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest

from kernel.event import Event
from kernel.projection import ViewStore, parts_at_command_ends
from kernel.refused import Refused
from order_service.views import Change, OrdersView, merged
from trading.v1 import trading_pb2

from .running import Venue, limit, venue


def run(scenario: Callable[[Venue], Awaitable[Any]], **settings: int) -> Any:
    async def whole() -> Any:
        async with venue(None, **settings) as opened:
            return await scenario(opened)

    return asyncio.run(whole())


def stream_of(opened: Venue, user: str) -> AsyncIterator[trading_pb2.StreamOrdersResponse]:
    return aiter(opened.orders.StreamOrders(trading_pb2.StreamOrdersRequest(user_id=user)))


async def trade(opened: Venue, times: int) -> None:
    """Bob's resting order is executed so many times; the view has each before the next is placed."""
    (last,) = await opened.submit("bob", limit("SELL", "50", "20"))
    for _ in range(times):
        await opened.orders.ListOrders(trading_pb2.ListOrdersRequest(user_id="bob", at_least=last.position))
        (last,) = await opened.submit("alice", limit("BUY", "1", "20"))
    await opened.orders.ListOrders(trading_pb2.ListOrdersRequest(user_id="bob", at_least=last.position))


def test_a_reader_that_is_behind_gets_one_frame_for_all_that_it_missed():
    async def scenario(opened: Venue) -> None:
        stream = stream_of(opened, "bob")
        snapshot = await anext(stream)
        await trade(opened, 30)
        frame = await anext(stream)
        assert (frame.snapshot, frame.first_seq, frame.seq) == (False, snapshot.seq + 1, snapshot.seq + 31)
        assert [event.event_type for event in frame.events] == ["OrderCreated"] + ["OrderExecuted"] * 30
        assert [(order.version, order.leaves_quantity) for order in frame.orders] == [(31, "20")]
        assert {row.asset: (row.balance, row.hold) for row in frame.balances} == {
            "AAPL": ("70", "20"),
            "USD": ("10600", "0"),
        }
        assert frame.position.position == await opened.log.head()
        await trade(opened, 1)
        following = await anext(stream)
        assert following.first_seq == frame.seq + 1
        await stream.aclose()

    run(scenario)


@pytest.mark.parametrize(
    ("sentence", "times", "ends"),
    [
        ("as many events as may wait are waited for", 9, False),
        ("one more ends the stream, however much follows", 10, True),
        ("many more end the stream", 40, True),
    ],
)
def test_a_reader_that_is_too_far_behind_must_subscribe_again(sentence, times, ends):
    async def scenario(opened: Venue) -> None:
        stream = stream_of(opened, "bob")
        snapshot = await anext(stream)
        await trade(opened, times)
        if not ends:
            assert (await anext(stream)).seq == snapshot.seq + 10
            return
        with pytest.raises(Refused) as refusal:
            await anext(stream)
        assert refusal.value.code == "slow_consumer"
        again = await anext(stream_of(opened, "bob"))
        assert (again.snapshot, again.seq) == (True, snapshot.seq + times + 1)

    run(scenario, subscriber_events_max=10)


async def recorded(opened: Venue) -> Sequence[Event]:
    """A log with placed, executed, replaced, canceled and refused orders of two accounts."""
    for number in range(6):
        (sold,) = await opened.submit("bob", limit("SELL", "10", f"2{number}"))
        await opened.submit("alice", limit("BUY", "4", "25"), limit("BUY", "3", "25"), limit("BUY", "9999", "25"))
        replace = trading_pb2.ReplaceRequest(order_id=sold.order.id, quantity="9")
        await opened.submit("bob", trading_pb2.OrderRequest(replace=replace))
        cancel = trading_pb2.CancelRequest(order_id=sold.order.id)
        if number % 2:
            await opened.submit("bob", trading_pb2.OrderRequest(cancel=cancel))
    return await opened.log.read(0)


def changes_in_parts(events: Sequence[Event], size: int) -> dict[str, list[Change]]:
    """Each account's changes when the log arrives in batches of about `size` events."""
    view = OrdersView()
    store = ViewStore(view, None)
    found: dict[str, list[Change]] = {}
    for part in parts_at_command_ends(events, size):
        for event in part:
            view.apply(event)
        store.commit(store.take(), part[-1].position)
        for account_id, change in view.take_changes().items():
            found.setdefault(account_id, []).append(change)
    return found


def in_order(change: Change) -> tuple[Any, ...]:
    """A change with the order of its rows, which its readers fold in."""
    rows = (list(change.orders.items()), list(change.balances.items()))
    return (change.first_seq, change.seq, [event.position for event in change.events], *rows)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 20])
def test_changes_of_small_batches_merge_into_the_change_of_one(size):
    events = run(recorded)
    whole = {account: in_order(change) for account, (change,) in changes_in_parts(events, len(events)).items()}
    parts = changes_in_parts(events, size)
    assert len(whole) == 2 and all(len(changes) > 1 for changes in parts.values())
    assert {account: in_order(merged(changes)) for account, changes in parts.items()} == whole
