"""The service's interface: parse, ask the view, render."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from kernel.projection import Projection
from kernel.refused import Kind, Refused
from kernel.runtime import Runtime
from market_data.feeds import Feeds, Frame
from market_data.market import Market
from market_data.settings import MarketDataSettings
from market_data.top_of_book import TopsOfBook
from market_data.views import MarketView
from market_data.wire import (
    TopsMessages,
    bar_message,
    book_message,
    clock_message,
    frame_message,
    instrument_message,
    queue_message,
    trade_message,
)
from trading.v1 import market_data_pb2, market_data_pb2_grpc, types_pb2

TRADES_DEFAULT = 100
BARS_DEFAULT = 500
POSITION_MAX = 10**18


class MarketDataServicer(market_data_pb2_grpc.MarketDataServiceServicer):
    """Every read waits for the position that its caller has seen; without one, for the head as of its arrival."""

    def __init__(
        self,
        runtime: Runtime,
        log: str,
        view: MarketView,
        projection: Projection,
        feeds: Feeds,
        tops: TopsOfBook,
        settings: MarketDataSettings,
    ) -> None:
        self._runtime = runtime
        self._log = log
        self._view = view
        self._projection = projection
        self._feeds = feeds
        self._tops = tops
        self._settings = settings

    async def ListInstruments(
        self, request: market_data_pb2.ListInstrumentsRequest, context: Any
    ) -> market_data_pb2.ListInstrumentsResponse:
        await self._reached(request)
        markets = [self._view.markets[symbol] for symbol in sorted(self._view.markets)]
        return market_data_pb2.ListInstrumentsResponse(
            instruments=[instrument_message(market) for market in markets], position=self._live_position()
        )

    async def GetBook(self, request: market_data_pb2.GetBookRequest, context: Any) -> market_data_pb2.GetBookResponse:
        await self._reached(request)
        return book_message(self._market(request.symbol), request.depth, self._live_position())

    async def GetQueuePosition(
        self, request: market_data_pb2.GetQueuePositionRequest, context: Any
    ) -> market_data_pb2.GetQueuePositionResponse:
        await self._reached(request)
        return queue_message(self._market(request.symbol), request.order_id, self._live_position())

    async def ListTrades(
        self, request: market_data_pb2.ListTradesRequest, context: Any
    ) -> market_data_pb2.ListTradesResponse:
        """Pages of the past do not move: the cursor is the position of the last trade that was shown."""
        before = _cursor(request.cursor)
        await self._reached(request)
        self._market(request.symbol)
        limit = request.limit or TRADES_DEFAULT
        rows = self._view.trades_before(request.symbol, before, limit)
        return market_data_pb2.ListTradesResponse(
            trades=[trade_message(row) for row in rows],
            next_cursor=str(rows[-1].position) if len(rows) == limit else "",
            position=self._position(self._projection.position),
        )

    async def ListBars(
        self, request: market_data_pb2.ListBarsRequest, context: Any
    ) -> market_data_pb2.ListBarsResponse:
        await self._reached(request)
        self._market(request.symbol)
        asked = (request.symbol, request.interval, request.from_ns, request.to_ns or None)
        limit = request.limit or BARS_DEFAULT
        rows = self._view.bars_from(*asked, limit) if request.from_ns else self._view.bars_between(*asked, limit)
        return market_data_pb2.ListBarsResponse(
            bars=[bar_message(row) for row in rows], position=self._position(self._projection.position)
        )

    async def GetClock(
        self, request: market_data_pb2.GetClockRequest, context: Any
    ) -> market_data_pb2.GetClockResponse:
        await self._projection.reached()
        now_ns = self._runtime.now_ns()
        instruments = [self._view.markets[symbol].instrument for symbol in sorted(self._view.markets)]
        return market_data_pb2.GetClockResponse(
            time_ns=now_ns,
            position=self._live_position(),
            instruments=[clock_message(instrument, now_ns) for instrument in instruments],
        )

    async def StreamChannel(
        self, request: market_data_pb2.StreamChannelRequest, context: Any
    ) -> AsyncIterator[market_data_pb2.StreamChannelResponse]:
        await self._projection.reached()
        market = self._market(request.symbol)

        def render(frame: Frame) -> market_data_pb2.StreamChannelResponse:
            return frame_message(market, request, frame, self._live_position())

        feed = self._feeds.feed(market, request.channel, request.interval, request.depth)
        try:
            yield await self._feeds.begin(feed, render)
            while True:
                await feed.changed.wait()
                feed.changed.clear()
                frame = feed.take()
                if frame is not None:
                    yield render(frame)
        finally:
            self._feeds.end(feed)

    async def StreamTopOfBook(
        self, request: market_data_pb2.StreamTopOfBookRequest, context: Any
    ) -> AsyncIterator[market_data_pb2.StreamTopOfBookResponse]:
        self._check_log(request.after.log)
        await self._projection.reached(request.after.position if request.HasField("after") else None)
        market = self._market(request.symbol)
        after = request.after.position if request.HasField("after") else self._view.position
        messages = TopsMessages(self._log, market)
        follower = self._tops.follow(market, request.depth, after, self._settings.frames_a_message_max)
        async with aclosing(follower):
            async for tops in follower:
                yield messages.message(tops)

    async def GetMarketDataPosition(
        self, request: market_data_pb2.GetMarketDataPositionRequest, context: Any
    ) -> market_data_pb2.GetMarketDataPositionResponse:
        return market_data_pb2.GetMarketDataPositionResponse(position=self._position(self._projection.position))

    async def _reached(self, request: Any) -> None:
        known = request.HasField("at_least")
        if known:
            self._check_log(request.at_least.log)
        await self._projection.reached(request.at_least.position if known else None)

    def _market(self, symbol: str) -> Market:
        market = self._view.markets.get(symbol)
        if market is None:
            raise Refused("unknown_instrument", f"no instrument is listed as {symbol}", Kind.NOT_FOUND)
        return market

    def _check_log(self, log: str) -> None:
        if log not in ("", self._log):
            raise Refused("unknown_log", f"positions here are of the log {self._log}, got one of {log}", Kind.INVALID)

    def _live_position(self) -> types_pb2.LogPosition:
        return self._position(self._view.position)

    def _position(self, position: int) -> types_pb2.LogPosition:
        return types_pb2.LogPosition(log=self._log, position=position)


def _cursor(text: str) -> int:
    if not text:
        return POSITION_MAX
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(POSITION_MAX))):
        raise Refused("invalid_cursor", f"expected a next_cursor of this list, got {text!r}", Kind.INVALID)
    return int(text)
