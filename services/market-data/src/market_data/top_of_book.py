"""The best levels after every command: one frame a command that concerns the symbol, none left out.

A follower that asks for the past gets it from a book of its own, folded from the newest kept book before its position;
when that book has caught up with the live one, the follower joins the live one between two events. A follower that
falls too far behind the live book is let go and catches up again in the same way.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import NamedTuple

from kernel.event import Event
from kernel.eventlog.port import EventLog
from kernel.projection import Projection
from market_data.book import ORDER_EVENTS, Book, Level
from market_data.market import Change, Market
from market_data.views import MarketView, decoded
from trading_events.engine import PegsMoved

FRAMES_QUEUED_MAX = 16_384
REPLAYED_EVENTS_A_READ = 1_024


class Top(NamedTuple):
    """The best levels of both sides, best first, after the command that ended at `position`."""

    position: int
    time_ns: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class Tops(NamedTuple):
    """Consecutive frames; every command that ended at or before `covered` has had its frame."""

    frames: Sequence[Top]
    covered: int


class TopFold:
    """The best `depth` levels of a book, looked up again only when a change can be seen in them."""

    def __init__(self, book: Book, depth: int) -> None:
        self._book = book
        self._depth = depth
        self._bids = book.bids.top(depth)
        self._asks = book.asks.top(depth)

    def after(self, position: int, time_ns: int, bids: Sequence[int], asks: Sequence[int]) -> Top:
        """The frame of a command that changed the levels at these prices."""
        depth, book = self._depth, self._book
        if bids and book.bids.reaches(self._bids, depth, bids):
            self._bids = book.bids.top(depth)
        if asks and book.asks.reaches(self._asks, depth, asks):
            self._asks = book.asks.top(depth)
        return Top(position, time_ns, self._bids, self._asks)


class LiveTops:
    """A bounded queue of frames behind the live book."""

    def __init__(self, market: Market, depth: int, after: int) -> None:
        self._overflowed = False
        self._after = after
        self._fold = TopFold(market.book, depth)
        self._queue: deque[Top] = deque()

    def command_ended(self, change: Change) -> None:
        frame = self._fold.after(change.position, change.time_ns, change.bids, change.asks)
        if change.position <= self._after or self._overflowed:
            return
        if len(self._queue) >= FRAMES_QUEUED_MAX:
            self._overflowed = True
            return
        self._queue.append(frame)

    @property
    def more(self) -> bool:
        """Frames follow those that were taken: in the queue, or lost by the bound so that the log must tell them."""
        return bool(self._queue) or self._overflowed

    def take(self, limit: int) -> list[Top]:
        queue = self._queue
        return [queue.popleft() for _ in range(min(limit, len(queue)))]


class ReplayedTops:
    """A book of its own, folded from the log."""

    def __init__(self, market: Market, depth: int, after: int, position: int, book: Book) -> None:
        """book: as it was after `position`, which is not beyond `after`, the last position that needs no frame."""
        self.position = position
        self._market = market
        self._after = after
        self._book = book
        self._fold = TopFold(book, depth)
        self._concerned = False

    def apply(self, events: Sequence[Event]) -> list[Top]:
        """The frames of the commands that end in `events`."""
        frames = []
        symbol, instrument_id = self._market.state.symbol, self._market.instrument.instrument_id
        for event in events:
            if event.instrument_id in (None, instrument_id):
                data = decoded(event)
                if data is not None and data.symbol == symbol:
                    self._concerned = True
                    if isinstance(data, ORDER_EVENTS):
                        self._book.apply(data)
                    elif isinstance(data, PegsMoved):
                        self._book.moved(data)
            if event.command_index == event.command_count - 1 and self._concerned:
                self._concerned = False
                frame = self._frame(event)
                if event.position > self._after:
                    frames.append(frame)
        self.position = events[-1].position
        return frames

    def _frame(self, event: Event) -> Top:
        bids, asks = self._book.take_changed()
        return self._fold.after(event.position, event.occurred_at_ns, bids, asks)


class TopsOfBook:
    """Serves followers of the best levels from any position."""

    def __init__(self, log: EventLog, view: MarketView, projection: Projection) -> None:
        self._log = log
        self._view = view
        self._projection = projection
        self._committed = asyncio.Event()
        projection.on_commit.append(self._wake)

    async def follow(self, market: Market, depth: int, after: int, frames_max: int) -> AsyncGenerator[Tops, None]:
        """Frames of every command that concerns the market and ended after `after`, for ever."""
        while True:
            if after < self._view.position:
                async for tops in self._replay(market, depth, after):
                    for start in range(0, len(tops.frames), frames_max):
                        part = tops.frames[start : start + frames_max]
                        yield Tops(part, part[-1].position)
                    after = tops.covered
            # No await stands between the end of the replay, which has folded all that the live book has, and this.
            live = LiveTops(market, depth, after)
            market.followers.append(live)
            try:
                async for tops in self._live(live, frames_max):
                    after = max(after, tops.covered)
                    yield tops
            finally:
                market.followers.remove(live)

    async def _replay(self, market: Market, depth: int, after: int) -> AsyncIterator[Tops]:
        position, book = self._view.book_before(market, after)
        replayed = ReplayedTops(market, depth, after, position, book)
        while replayed.position < self._view.position:
            events = await self._log.read(replayed.position, REPLAYED_EVENTS_A_READ)
            if not events:
                raise ValueError(f"the log has nothing after {replayed.position}; the view is at {self._view.position}")
            frames = replayed.apply(events)
            after = max(after, frames[-1].position if frames else 0)
            yield Tops(frames, after)

    async def _live(self, live: LiveTops, frames_max: int) -> AsyncIterator[Tops]:
        """Frames of the live book until the follower has fallen too far behind."""
        covered = 0
        while True:
            frames = live.take(frames_max)
            if live.more:
                if not frames:
                    return
                covered = frames[-1].position
                yield Tops(frames, covered)
            elif frames or self._view.position > covered:
                covered = self._view.position
                yield Tops(frames, covered)
            else:
                await self._committed.wait()

    def _wake(self, _: Sequence[Event]) -> None:
        committed, self._committed = self._committed, asyncio.Event()
        committed.set()
