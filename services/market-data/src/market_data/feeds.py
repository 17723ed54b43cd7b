"""Live channels of one market for one reader: a snapshot, then what changed, contiguous in `seq`.

A feed has no queue of frames. It remembers what its reader was told and, when the reader asks again, makes one frame of
everything since: `first_seq` to `seq`. A reader that keeps up gets a frame a command, a slow one fewer and larger
frames. Trades and bars can only add up, so they are bounded: a reader beyond the bound is ended.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from kernel.event import Event
from kernel.projection import Projection
from kernel.refused import Kind, Refused
from market_data.bars import BarRow
from market_data.book import Ladder, Level
from market_data.market import Change, Market, TradeRow
from market_data.settings import MarketDataSettings
from market_data.views import MarketView

Rendered = TypeVar("Rendered")


class Frame(NamedTuple):
    """What a reader is told; only the channel's own fields are filled. A level with quantity 0 is gone."""

    first_seq: int
    seq: int
    snapshot: bool = False
    bids: Sequence[Level] = ()
    asks: Sequence[Level] = ()
    trades: Sequence[TradeRow] = ()
    bars: Sequence[BarRow] = ()


class Feed(Protocol):
    """`begin` and `take` run between two commands, when the market is what all readers may see."""

    market: Market
    changed: asyncio.Event

    def begin(self) -> Frame:
        """The snapshot; from here on the feed notes what changes."""

    def take(self) -> Frame | None:
        """Everything since the last frame; None if there is nothing to tell."""

    def command_ended(self, change: Change) -> None: ...


class BookFeed:
    """Levels and their new totals: of the whole book, or of the best `depth` of each side."""

    def __init__(self, market: Market, depth: int) -> None:
        self.market = market
        self.changed = asyncio.Event()
        self._seq = 0
        sides: list[Side] = [TopSide(ladder, depth) if depth else WholeSide(ladder) for ladder in _ladders(market)]
        self._bids, self._asks = sides

    def begin(self) -> Frame:
        self._seq = self.market.state.book_seq
        return Frame(self._seq, self._seq, snapshot=True, bids=self._bids.begin(), asks=self._asks.begin())

    def take(self) -> Frame | None:
        bids, asks = self._bids.take(), self._asks.take()
        if not bids and not asks:
            return None
        first, self._seq = self._seq + 1, self.market.state.book_seq
        return Frame(first, self._seq, bids=bids, asks=asks)

    def command_ended(self, change: Change) -> None:
        self._bids.note(change.bids)
        self._asks.note(change.asks)
        if change.bids or change.asks:
            self.changed.set()


class Side(Protocol):
    def begin(self) -> list[Level]: ...
    def note(self, prices: Sequence[int]) -> None: ...
    def take(self) -> list[Level]: ...


class WholeSide:
    """Every level of a side. One that came and went between two frames is told as gone."""

    def __init__(self, ladder: Ladder) -> None:
        self._ladder = ladder
        self._prices: dict[int, None] = {}

    def begin(self) -> list[Level]:
        return list(self._ladder)

    def note(self, prices: Sequence[int]) -> None:
        for price in prices:
            self._prices[price] = None

    def take(self) -> list[Level]:
        prices, self._prices = self._prices, {}
        return [(price, *self._ladder.at(price)) for price in prices]


class TopSide:
    """The best levels of a side, as a window: what leaves it is told as gone, what enters it as new."""

    def __init__(self, ladder: Ladder, depth: int) -> None:
        self._ladder = ladder
        self._depth = depth
        self._told: dict[int, Level] = {}

    def begin(self) -> list[Level]:
        levels = self._ladder.top(self._depth)
        self._told = {level[0]: level for level in levels}
        return list(levels)

    def note(self, prices: Sequence[int]) -> None:
        """The window is compared when it is asked for."""

    def take(self) -> list[Level]:
        before = self._told
        levels = self.begin()
        gone = [(price, 0, 0) for price in before if price not in self._told]
        return gone + [level for level in levels if before.get(level[0]) != level]


class QuotesFeed:
    """The best level of each side and the last trade."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.changed = asyncio.Event()
        self._seq = 0

    def begin(self) -> Frame:
        self._seq = self.market.state.quotes_seq
        return self._frame(self._seq, snapshot=True)

    def take(self) -> Frame | None:
        first = self._seq + 1
        if self.market.state.quotes_seq < first:
            return None
        self._seq = self.market.state.quotes_seq
        return self._frame(first, snapshot=False)

    def command_ended(self, change: Change) -> None:
        if self.market.state.quotes_seq > self._seq:
            self.changed.set()

    def _frame(self, first: int, snapshot: bool) -> Frame:
        bids, asks = (ladder.top(1) for ladder in _ladders(self.market))
        return Frame(first, self._seq, snapshot=snapshot, bids=bids, asks=asks)


class TradesFeed:
    """Every trade."""

    def __init__(self, market: Market, newest: Callable[[], list[TradeRow]], waiting_max: int) -> None:
        """newest: the trades of the snapshot, oldest first."""
        self.market = market
        self.changed = asyncio.Event()
        self._newest = newest
        self._waiting_max = waiting_max
        self._seq = 0
        self._waiting: list[TradeRow] = []

    def begin(self) -> Frame:
        self._seq = self.market.state.trades_seq
        return Frame(self._seq, self._seq, snapshot=True, trades=self._newest())

    def take(self) -> Frame | None:
        _check_pace("trades", self.market.state.trades_seq - self._seq, self._waiting_max)
        if not self._waiting:
            return None
        trades, self._waiting = self._waiting, []
        first, self._seq = self._seq + 1, self.market.state.trades_seq
        return Frame(first, self._seq, trades=trades)

    def command_ended(self, change: Change) -> None:
        if change.trades and self.market.state.trades_seq - self._seq <= self._waiting_max:
            self._waiting.extend(change.trades)
            self.changed.set()


class BarsFeed:
    """The bars of one interval, each as it is after its last change."""

    def __init__(self, market: Market, interval: str, newest: Callable[[], list[BarRow]], waiting_max: int) -> None:
        """newest: the bars of the snapshot, oldest first."""
        self.market = market
        self.changed = asyncio.Event()
        self._interval = interval
        self._newest = newest
        self._waiting_max = waiting_max
        self._seq = 0
        self._waiting: dict[int, BarRow] = {}

    def begin(self) -> Frame:
        self._seq = self.market.state.trades_seq
        return Frame(self._seq, self._seq, snapshot=True, bars=self._newest())

    def take(self) -> Frame | None:
        _check_pace("bars", len(self._waiting), self._waiting_max)
        if not self._waiting:
            return None
        bars, self._waiting = list(self._waiting.values()), {}
        first, self._seq = self._seq + 1, self.market.state.trades_seq
        return Frame(first, self._seq, bars=bars)

    def command_ended(self, change: Change) -> None:
        for interval, row in change.bars:
            if interval == self._interval and len(self._waiting) <= self._waiting_max:
                self._waiting[row.start_ns] = row
                self.changed.set()


class Feeds:
    """Attaches readers to the live markets, at moments when memory and committed rows agree."""

    def __init__(self, view: MarketView, projection: Projection, settings: MarketDataSettings) -> None:
        self._view = view
        self._projection = projection
        self._settings = settings
        self._beginning: list[Callable[[], None]] = []
        projection.on_commit.append(self._committed)

    def feed(self, market: Market, channel: str, interval: str, depth: int) -> Feed:
        view, settings, symbol = self._view, self._settings, market.state.symbol
        match channel:
            case "book":
                return BookFeed(market, depth)
            case "quotes":
                return QuotesFeed(market)
            case "trades":
                newest = settings.snapshot_trades
                return TradesFeed(
                    market,
                    lambda: view.trades_before(symbol, self._projection.position + 1, newest)[::-1],
                    settings.subscriber_trades_max,
                )
            case "bars" if interval:
                return BarsFeed(
                    market,
                    interval,
                    lambda: view.bars_between(symbol, interval, newest=settings.snapshot_bars),
                    settings.subscriber_bars_max,
                )
        raise Refused("invalid_request", "the bars channel needs an interval such as 1m", Kind.INVALID)

    async def begin(self, feed: Feed, render: Callable[[Frame], Rendered]) -> Rendered:
        """Attach the feed and return its snapshot, rendered at that moment. The caller detaches it with `end`."""
        begun: asyncio.Future[Rendered] = asyncio.get_running_loop().create_future()

        def attach() -> None:
            if not begun.done():
                feed.market.followers.append(feed)
                begun.set_result(render(feed.begin()))

        if self._projection.position == self._view.position:
            attach()
        else:
            self._beginning.append(attach)
        try:
            return await begun
        except asyncio.CancelledError:
            self.end(feed)
            raise

    def end(self, feed: Feed) -> None:
        if feed in feed.market.followers:
            feed.market.followers.remove(feed)

    def _committed(self, _: Sequence[Event]) -> None:
        beginning, self._beginning = self._beginning, []
        for attach in beginning:
            attach()


def _ladders(market: Market) -> tuple[Ladder, Ladder]:
    return market.book.bids, market.book.asks


def _check_pace(channel: str, waiting: int, waiting_max: int) -> None:
    if waiting > waiting_max:
        told = f"{waiting} changes of the {channel} channel wait, {waiting_max} may; read faster and subscribe again"
        raise Refused("slow_consumer", told, Kind.UNAVAILABLE, retry_after_s=1)
