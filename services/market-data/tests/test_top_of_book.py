"""The stream of best levels: one frame a command that concerns the symbol, from any position."""

import asyncio
from random import Random

import pytest

from kernel.refused import Refused
from market_data import top_of_book, views
from market_data.settings import MarketDataSettings
from trading.v1.market_data_pb2 import GetBookRequest, StreamTopOfBookRequest
from trading.v1.types_pb2 import LogPosition

from .running import platform
from .venue import Venue, lots, ticks

DEPTH = 3
SYMBOL = "AAPL"


def naive_frames(commands, steps):
    """What a follower must see: replays the venue's own book at the end of each command that names the symbol."""
    return [(position, top) for position, top, concerned in steps if concerned]


def traded(seed, count):
    """A venue that did `count` random commands, and after each: its last position, the best levels, whether it names
    the symbol."""
    venue = Venue(Random(seed))
    venue.list_instruments()
    seen = []
    position = 0
    for step in range(count):
        if step >= len(venue.symbols):
            venue.step()
        _, events = venue.commands[step]
        position += len(events)
        concerned = any(getattr(event, "symbol", None) == SYMBOL for event in events)
        seen.append((position, best_levels(venue) if step >= 2 else ([], []), concerned))
    return venue, seen


def best_levels(venue):
    sides = []
    for side, reverse in (("BUY", True), ("SELL", False)):
        orders = [order for order in venue.book if (order.symbol, order.side) == (SYMBOL, side)]
        prices = sorted({order.price for order in orders}, reverse=reverse)[:DEPTH]
        at = {price: [order.leaves for order in orders if order.price == price] for price in prices}
        sides.append([(ticks(price), lots(sum(leaves)), len(leaves)) for price, leaves in at.items()])
    return tuple(sides)


def shown(frame):
    sides = [[(level.price, level.quantity, level.orders) for level in side] for side in (frame.bids, frame.asks)]
    return frame.position.position, tuple(sides)


async def read_until(stream, covered):
    """Frames up to the message that covers a position."""
    frames = []
    async for message in stream:
        frames.extend(message.frames)
        if message.covered.position >= covered:
            return [shown(frame) for frame in frames]
    raise AssertionError("the stream ended")


def after(position):
    return StreamTopOfBookRequest(symbol=SYMBOL, depth=DEPTH, after=LogPosition(log="main", position=position))


@pytest.mark.parametrize("seed", [1, 2])
def test_from_every_position_the_frames_are_those_of_the_live_stream(seed, monkeypatch):
    monkeypatch.setattr(views, "SNAPSHOT_EVENTS_MIN", 16)
    monkeypatch.setattr(views, "SNAPSHOT_EVENTS_PER_ORDER", 1)
    monkeypatch.setattr(views, "SNAPSHOTS_KEPT_MAX", 6)
    monkeypatch.setattr(top_of_book, "REPLAYED_EVENTS_A_READ", 7)
    venue, seen = traded(seed, 150)
    expected = [(position, top) for position, top, concerned in seen if concerned]

    async def run():
        async with platform(settings=MarketDataSettings(frames_a_message_max=5)) as running:
            listings = Venue(Random(seed))
            listings.commands = venue.commands[:2]
            await running.write(listings)
            live = running.stub.StreamTopOfBook(after(0))
            reading = asyncio.create_task(read_until(live, seen[-1][0]))
            head = await running.write(venue)
            assert head.position == seen[-1][0]
            assert await reading == expected
            for position in range(head.position + 1):
                frames = await read_until(running.stub.StreamTopOfBook(after(position)), head.position)
                assert frames == [frame for frame in expected if frame[0] > position]

    asyncio.run(run())


def test_a_follower_that_joins_while_the_market_moves_misses_nothing_and_sees_nothing_twice(monkeypatch):
    monkeypatch.setattr(top_of_book, "REPLAYED_EVENTS_A_READ", 3)
    monkeypatch.setattr(top_of_book, "FRAMES_QUEUED_MAX", 4)
    venue, seen = traded(3, 400)
    expected = [(position, top) for position, top, concerned in seen if concerned]
    commands = venue.commands

    async def run():
        async with platform(settings=MarketDataSettings(frames_a_message_max=3)) as running:
            venue.commands = commands[:200]
            start = await running.write(venue)
            followers = []
            for position in (0, start.position // 2, start.position):
                followers.append((position, asyncio.create_task(
                    read_until(running.stub.StreamTopOfBook(after(position)), seen[-1][0])
                )))  # fmt: skip
            for done in range(210, 401, 10):
                venue.commands = commands[:done]
                await running.write(venue)
                await asyncio.sleep(0)
            for position, follower in followers:
                assert await follower == [frame for frame in expected if frame[0] > position]

    asyncio.run(run())


def test_a_book_is_as_new_as_its_reader_asks():
    venue, seen = traded(4, 60)

    async def run():
        async with platform() as running:
            head = await running.write(venue)
            book = await running.stub.GetBook(GetBookRequest(symbol=SYMBOL, depth=DEPTH, at_least=head))
            assert book.position == head
            assert shown(book)[1] == seen[-1][1]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("sentence", "request_", "code"),
    [
        ("an unknown symbol is not found", {"symbol": "NONE", "depth": 1}, "unknown_instrument"),
        ("a depth of zero is invalid", {"symbol": SYMBOL, "depth": 0}, "invalid_request"),
        ("another log's position is invalid",
         {"symbol": SYMBOL, "depth": 1, "at_least": LogPosition(log="other", position=1)}, "unknown_log"),
    ],
)  # fmt: skip
def test_a_book_is_refused(sentence, request_, code):
    venue, _ = traded(5, 2)

    async def run():
        async with platform() as running:
            await running.write(venue)
            with pytest.raises(Refused) as refused:
                await running.stub.GetBook(GetBookRequest(**request_))
            assert refused.value.code == code

    asyncio.run(run())
