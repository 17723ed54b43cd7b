"""Channels: a snapshot and contiguous frames that add up to the market, whatever the reader's pace; lists and bars."""

import asyncio
from collections import defaultdict
from decimal import Decimal
from random import Random

import pytest

from kernel.eventlog.memory import MemoryLog
from kernel.projection import Projection, ViewStore
from kernel.refused import Refused
from kernel.runtime import SystemRuntime
from market_data.bars import INTERVALS_S
from market_data.feeds import Feeds
from market_data.rpc import MarketDataServicer
from market_data.settings import MarketDataSettings
from market_data.top_of_book import TopsOfBook
from market_data.views import MarketView
from trading.v1.market_data_pb2 import (
    GetBookRequest,
    ListBarsRequest,
    ListInstrumentsRequest,
    ListTradesRequest,
    StreamChannelRequest,
    StreamTopOfBookRequest,
)
from trading_events.engine import TradeExecuted

from .running import platform
from .venue import Venue, recorded, text

SYMBOL = "AAPL"
SECOND_NS = 1_000_000_000


def venue_of(seed, steps):
    venue = Venue(Random(seed))
    venue.list_instruments()
    for _ in range(steps):
        venue.step()
    return venue


def trades_of(venue):
    """Every trade of the symbol with its time and position, and the naive seq of its command."""
    found, position, seq = [], 0, 0
    for stamp_ns, events in venue.commands:
        trades = [event for event in events if isinstance(event, TradeExecuted) and event.symbol == SYMBOL]
        seq += bool(trades)
        for event in events:
            position += 1
            if event in trades:
                found.append((event, stamp_ns, position, seq))
    return found


def naive_bars(venue, interval):
    width_ns = INTERVALS_S[interval] * SECOND_NS
    grouped = defaultdict(list)
    for event, stamp_ns, _, _ in trades_of(venue):
        grouped[stamp_ns // width_ns * width_ns].append((Decimal(event.price), Decimal(event.quantity)))
    return [
        (start, text(group[0][0]), text(max(p for p, _ in group)), text(min(p for p, _ in group)), text(group[-1][0]),
         text(sum(q for _, q in group)), text(sum(p * q for p, q in group)), len(group))
        for start, group in sorted(grouped.items())
    ]  # fmt: skip


def shown_bar(bar):
    return (bar.start_ns, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.notional, bar.trades)


def shown_trade(trade):
    return (trade.id, trade.price, trade.quantity, trade.time_ns, trade.position, trade.seq)


class Reader:
    """Reads one channel, folds its frames and checks that they are contiguous."""

    def __init__(self, stub, **asked):
        self.stream = stub.StreamChannel(StreamChannelRequest(symbol=SYMBOL, **asked))
        self.frames = []
        self.levels = {"bids": {}, "asks": {}}
        self.bars = {}
        self.trades = []
        self.seq = None

    async def read(self, count):
        for _ in range(count):
            await self.next()

    async def next(self):
        frame = await anext(self.stream)
        assert frame.snapshot == (self.seq is None)
        if self.seq is not None:
            assert frame.first_seq == self.seq + 1
            assert frame.seq >= frame.first_seq
        self.seq = frame.seq
        for side, levels in self.levels.items():
            for level in getattr(frame, side):
                if level.quantity == "0":
                    levels.pop(level.price, None)  # it may have come and gone since the frame before
                else:
                    levels[level.price] = (level.quantity, level.orders)
        self.bars.update({bar.start_ns: bar for bar in frame.bars})
        self.trades.extend(frame.trades)
        self.frames.append(frame)

    async def drain(self):
        """Read until nothing more comes."""
        try:
            while True:
                task = asyncio.ensure_future(self.next())
                await asyncio.wait_for(asyncio.shield(task), 0.05)
        except TimeoutError:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def side_of(book, side):
    return {level.price: (level.quantity, level.orders) for level in getattr(book, side)}


@pytest.mark.parametrize("pause", [1, 7, 200])
@pytest.mark.parametrize("depth", [0, 1, 5])
def test_frames_of_the_book_add_up_to_the_book_at_any_pace(depth, pause):
    venue = venue_of(depth + pause, 200)
    commands = venue.commands

    async def run():
        async with platform() as running:
            venue.commands = commands[:20]
            await running.write(venue)
            reader = Reader(running.stub, channel="book", depth=depth)
            await reader.next()
            for done in range(20, len(commands) + 1):
                venue.commands = commands[:done]
                head = await running.write(venue)
                if done % pause == 0:
                    await asyncio.sleep(0.002)
            reading = asyncio.ensure_future(reader.drain())
            await reading
            book = await running.stub.GetBook(GetBookRequest(symbol=SYMBOL, depth=depth or 1_000, at_least=head))
            assert reader.levels == {"bids": side_of(book, "bids"), "asks": side_of(book, "asks")}
            assert reader.seq == book.seq or depth
            assert all(len(frame.bids) + len(frame.asks) for frame in reader.frames[1:])

    asyncio.run(run())


def test_a_reader_that_keeps_up_gets_a_frame_a_change():
    venue = venue_of(3, 240)
    commands = venue.commands

    async def run():
        async with platform() as running:
            venue.commands = commands[:2]
            await running.write(venue)
            readers = [Reader(running.stub, channel=channel) for channel in ("book", "quotes", "trades")]
            for reader in readers:
                await reader.next()
            tasks = [asyncio.ensure_future(reader.drain()) for reader in readers]
            for done in range(3, len(commands) + 1):
                venue.commands = commands[:done]
                head = await running.write(venue)
                await running.stub.GetBook(GetBookRequest(symbol=SYMBOL, depth=1, at_least=head))
                await asyncio.sleep(0)
            await asyncio.gather(*tasks)
            for reader in readers:
                assert len(reader.frames) > 5
                assert all(frame.first_seq == frame.seq for frame in reader.frames)
            book = await running.stub.GetBook(GetBookRequest(symbol=SYMBOL, depth=1))
            quote = readers[1].frames[-1]
            assert (quote.bids, quote.asks, quote.last_price) == (book.bids, book.asks, book.last_price)
            assert (readers[0].seq, readers[1].seq) == (book.seq, book.quotes_seq)

    asyncio.run(run())


@pytest.mark.parametrize("interval", list(INTERVALS_S))
def test_bars_are_those_of_a_naive_group_by(interval):
    venue = venue_of(11, 400)
    expected = naive_bars(venue, interval)

    async def run():
        async with platform() as running:
            half = Venue(Random(0))
            half.commands = venue.commands[:200]
            await running.write(half)
            reader = Reader(running.stub, channel="bars", interval=interval)
            await reader.next()
            head = await running.write(venue)
            await reader.drain()
            assert [shown_bar(reader.bars[start]) for start in sorted(reader.bars)] == expected
            asked = {"symbol": SYMBOL, "interval": interval, "at_least": head}
            listed = await running.stub.ListBars(ListBarsRequest(limit=5_000, **asked))
            assert [shown_bar(bar) for bar in listed.bars] == expected
            newest = await running.stub.ListBars(ListBarsRequest(limit=2, **asked))
            assert [shown_bar(bar) for bar in newest.bars] == expected[-2:]
            first, last = expected[0][0], expected[-1][0]
            oldest = await running.stub.ListBars(ListBarsRequest(limit=2, from_ns=first, **asked))
            assert [shown_bar(bar) for bar in oldest.bars] == expected[:2]
            between = await running.stub.ListBars(ListBarsRequest(from_ns=first + 1, to_ns=last, **asked))
            assert [shown_bar(bar) for bar in between.bars] == [bar for bar in expected if first < bar[0] < last]

    asyncio.run(run())


def test_trades_are_told_once_and_listed_in_pages():
    venue = venue_of(12, 400)
    expected = [(e.trade_id, e.price, e.quantity, at, position, seq) for e, at, position, seq in trades_of(venue)]

    async def run():
        async with platform(settings=MarketDataSettings(snapshot_trades=3)) as running:
            half = Venue(Random(0))
            half.commands = venue.commands[:200]
            before = len(trades_of(half))
            await running.write(half)
            reader = Reader(running.stub, channel="trades")
            await reader.next()
            head = await running.write(venue)
            await reader.drain()
            assert [shown_trade(trade) for trade in reader.trades] == expected[before - 3 :]
            assert reader.seq == expected[-1][-1]
            pages, cursor = [], ""
            while True:
                asked = ListTradesRequest(symbol=SYMBOL, limit=17, cursor=cursor, at_least=head)
                page = await running.stub.ListTrades(asked)
                pages.extend(page.trades)
                cursor = page.next_cursor
                if not cursor:
                    break
            assert [shown_trade(trade) for trade in pages] == expected[::-1]

    asyncio.run(run())


@pytest.mark.parametrize(("channel", "interval"), [("trades", ""), ("bars", "1s")])
def test_a_reader_that_falls_too_far_behind_is_ended(channel, interval):
    venue = venue_of(13, 400)

    async def run():
        settings = MarketDataSettings(subscriber_trades_max=5, subscriber_bars_max=5)
        async with platform(settings=settings) as running:
            listings = Venue(Random(0))
            listings.commands = venue.commands[:2]
            await running.write(listings)
            reader = Reader(running.stub, channel=channel, interval=interval)
            await reader.next()
            await running.write(venue)
            await running.stub.GetBook(GetBookRequest(symbol=SYMBOL, depth=1))
            with pytest.raises(Refused) as refused:
                await reader.next()
            assert refused.value.code == "slow_consumer"

    asyncio.run(run())


def test_a_reader_that_leaves_is_forgotten():
    view = MarketView()
    store = ViewStore(view, None)
    for command in recorded(venue_of(14, 10).commands):
        for event in command:
            view.apply(event)
    store.commit(store.take(), view.position)

    async def run():
        runtime = SystemRuntime()
        log = MemoryLog(runtime)
        projection = Projection(runtime, log, store)
        projection.position = view.position
        feeds, tops = Feeds(view, projection, MarketDataSettings()), TopsOfBook(log, view, projection)
        servicer = MarketDataServicer(runtime, "main", view, projection, feeds, tops, MarketDataSettings())
        streams = [
            servicer.StreamChannel(StreamChannelRequest(symbol=SYMBOL, channel=channel, interval="1m"), None)
            for channel in ("book", "quotes", "trades", "bars")
        ]
        streams.append(servicer.StreamTopOfBook(StreamTopOfBookRequest(symbol=SYMBOL, depth=1), None))
        for stream in streams:
            await anext(stream)
        assert len(view.markets[SYMBOL].followers) == len(streams)
        for stream in streams:
            await stream.aclose()
        assert view.markets[SYMBOL].followers == []

    asyncio.run(run())


def test_instruments_are_listed_by_symbol():
    venue = venue_of(16, 60)
    last = trades_of(venue)[-1][0]

    async def run():
        async with platform() as running:
            await running.write(venue)
            listed = (await running.stub.ListInstruments(ListInstrumentsRequest())).instruments
            assert [instrument.symbol for instrument in listed] == ["AAPL", "BTC-USD"]
            assert (listed[0].last_price, listed[0].last_quantity) == (last.price, last.quantity)
            assert (listed[0].price_unit, listed[0].lot_unit, listed[0].calendar) == ("0.05", "0.001", "ALWAYS")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("sentence", "method", "request_", "code"),
    [
        ("bars by no time", "StreamChannel", StreamChannelRequest(channel="bars", symbol=SYMBOL), "invalid_request"),
        ("an unknown channel", "StreamChannel", StreamChannelRequest(channel="x", symbol=SYMBOL), "invalid_request"),
        ("an unknown symbol", "StreamChannel", StreamChannelRequest(channel="book", symbol="X"), "unknown_instrument"),
        ("a cursor of nowhere", "ListTrades", ListTradesRequest(symbol=SYMBOL, cursor="x"), "invalid_cursor"),
        ("bars of an unknown symbol", "ListBars", ListBarsRequest(symbol="X", interval="1m"), "unknown_instrument"),
        ("an unknown interval", "ListBars", ListBarsRequest(symbol=SYMBOL, interval="2m"), "invalid_request"),
    ],
)  # fmt: skip
def test_what_is_refused(sentence, method, request_, code):
    venue = venue_of(15, 0)

    async def run():
        async with platform() as running:
            await running.write(venue)
            with pytest.raises(Refused) as refused:
                answer = getattr(running.stub, method)(request_)
                await (anext(answer) if method == "StreamChannel" else answer)
            assert refused.value.code == code

    asyncio.run(run())
