"""The read model of market data: every market as a fold of the log, with the rows that let a restart go on.

Memory holds the books; rows hold what it takes to make them again, and what nobody needs in memory (old trades and
bars). Rows of a batch and the position they cover are committed together.
"""

from collections.abc import Mapping, Sequence
from typing import Any, assert_never, cast

import msgspec

from kernel.event import Event
from kernel.projection import Table
from market_data.bars import INTERVALS_S, SECOND_NS, BarRow
from market_data.book import Book, Resting
from market_data.market import InstrumentRow, Market, MarketRow, TradeRow, listed
from trading_events.engine import (
    AccountOpened,
    AccountOptionsChanged,
    AccountStateChanged,
    AssetDeposited,
    AssetListed,
    AssetWithdrawn,
    CashDeposited,
    CashWithdrawn,
    CommandRefused,
    DeadMansTimerChanged,
    FeesChanged,
    InstrumentListed,
    InstrumentRulesChanged,
    KillSwitchChanged,
    LimitsChanged,
    MarkPriceChanged,
    MassCanceled,
    OrderCanceled,
    OrderCancelRejected,
    OrderCreated,
    OrderExecuted,
    OrderExpired,
    OrderRejected,
    OrderReplaced,
    OrderRestated,
    OrdersCanceled,
    OrderTriggered,
    PegsMoved,
    TradeExecuted,
    TriggersDeferred,
    TriggersResumed,
    decode,
)
from trading_events.sessions import (
    AuctionDeferred,
    AuctionResumed,
    AuctionUncrossed,
    IndicativeChanged,
    SessionChanged,
)

# A book is kept whole after so many events of its instrument, more when it is so large that keeping it costs more.
SNAPSHOT_EVENTS_MIN = 65_536
SNAPSHOT_EVENTS_PER_ORDER = 8
# When there are this many, every second one is dropped, never the newest: the older, the sparser. An even number.
SNAPSHOTS_KEPT_MAX = 64

# A command concerns the instrument that one of these events of it names.
MarketEvent = (
    OrderCreated
    | OrderExecuted
    | OrderCanceled
    | OrderReplaced
    | OrderRestated
    | OrderTriggered
    | OrderExpired
    | PegsMoved
    | TradeExecuted
    | OrderRejected
    | OrdersCanceled
    | SessionChanged
    | InstrumentListed
    | InstrumentRulesChanged
    | MarkPriceChanged
)
MARKET_EVENTS = frozenset(kind.__name__ for kind in MarketEvent.__args__)
# They concern accounts and assets, or say that nothing changed.
SKIPPED_EVENTS = frozenset(
    kind.__name__
    for kind in (
        *(AssetListed, AccountOpened, AccountStateChanged, LimitsChanged, OrderCancelRejected, CommandRefused),
        *(CashDeposited, CashWithdrawn, AssetDeposited, AssetWithdrawn),
        *(TriggersDeferred, TriggersResumed, MassCanceled, KillSwitchChanged),
        *(IndicativeChanged, AuctionUncrossed, AuctionDeferred, AuctionResumed),
        *(AccountOptionsChanged, DeadMansTimerChanged, FeesChanged),
    )
)
ENGINE_AGGREGATES = frozenset(["Order", "Account", "Instrument", "Asset"])


class SnapshotRow(msgspec.Struct, frozen=True):
    """The whole book of a symbol after `position`, which ends a command; by order id."""

    symbol: str
    position: int
    orders: list[tuple[str, Resting]]


def decoded(event: Event) -> MarketEvent | None:
    """The event if it can concern a market, else None; ValueError for one of the engine's that nobody knows here."""
    if event.event_type not in MARKET_EVENTS:
        if event.aggregate_type in ENGINE_AGGREGATES and event.event_type not in SKIPPED_EVENTS:
            raise ValueError(f"{event.event_type} at {event.log}:{event.position} is unknown to the market view")
        return None
    return cast(MarketEvent, decode(event.event_type, event.event_data))


def trade_key(symbol: str, position: int) -> str:
    return f"{symbol}|{position:019d}"


def bar_key(symbol: str, interval: str, start_ns: int) -> str:
    return f"{symbol}|{interval}|{start_ns // SECOND_NS:011d}"


class MarketView:
    """Every market at `position`, which always ends a command when anyone else looks."""

    name = "market_data"
    version = 2

    def __init__(self) -> None:
        # The fold has its own memory, so the tables need not remember rows.
        self.instruments = Table("instruments", InstrumentRow, cached_rows_max=0)
        self.resting = Table("resting", Resting, cached_rows_max=0)
        self.states = Table("states", MarketRow, cached_rows_max=0)
        self.trades = Table("trades", TradeRow, cached_rows_max=0)
        self.bars = Table("bars", BarRow, cached_rows_max=0)
        self.snapshots = Table("snapshots", SnapshotRow, cached_rows_max=0)
        self.markets: dict[str, Market] = {}
        self.position = 0
        self._concerned: dict[str, Market] = {}

    @property
    def tables(self) -> Sequence[Table[Any]]:
        return (self.instruments, self.resting, self.states, self.trades, self.bars, self.snapshots)

    @property
    def indexes(self) -> Mapping[str, Sequence[Sequence[str]]]:
        return {}

    def opened(self) -> None:
        states = dict(self.states.everything())
        for symbol, instrument in self.instruments.everything():
            market = self.markets[symbol] = Market(instrument, states[symbol])
            for interval in INTERVALS_S:
                for row in self.bars_between(symbol, interval, newest=1):
                    market.bars.load(interval, row)
        for order_id, order in self.resting.everything():
            self.markets[order.symbol].book.put(order_id, order)
        for market in self.markets.values():
            market.loaded()

    def apply(self, event: Event) -> None:
        data = decoded(event)
        if data is not None:
            self._fold(event, data)
        self.position = event.position
        if event.command_index == event.command_count - 1 and self._concerned:
            concerned, self._concerned = self._concerned, {}
            for market in concerned.values():
                self._end_command(market, event)

    def _fold(self, event: Event, data: MarketEvent) -> None:
        match data:
            case (
                OrderCreated()
                | OrderTriggered()
                | OrderExecuted()
                | OrderRestated()
                | OrderCanceled()
                | OrderReplaced()
                | OrderExpired()
            ):
                market = self._concerns(data.symbol)
                if market.book.apply(data):
                    after = market.book.orders.get(data.order_id)
                    if after is None:
                        self.resting.delete(data.order_id)
                    else:
                        self.resting.put(data.order_id, after)
            case PegsMoved():
                for order_id, after in self._concerns(data.symbol).book.moved(data):
                    self.resting.put(order_id, after)
            case TradeExecuted():
                row = self._concerns(data.symbol).traded(data, event.occurred_at_ns, event.position)
                self.trades.put(trade_key(data.symbol, event.position), row)
            case OrderRejected() | OrdersCanceled():
                # The first may name an instrument that was never listed, the second none.
                if data.symbol is not None and data.symbol in self.markets:
                    self._concerns(data.symbol)
            case SessionChanged():
                market = self._concerns(data.symbol)
                market.session_changed(data, event.occurred_at_ns, event.command_id)
                self.instruments.put(data.symbol, market.instrument)
            case InstrumentRulesChanged():
                market = self._concerns(data.symbol)
                market.rules_changed(data)
                self.instruments.put(data.symbol, market.instrument)
            case MarkPriceChanged():
                self._concerns(data.symbol).state.mark_price = data.price
            case InstrumentListed():
                instrument = listed(data, event.occurred_at_ns)
                assert data.symbol not in self.markets, f"{data.symbol} was listed twice"
                self.markets[data.symbol] = Market(instrument, MarketRow(data.symbol, event.occurred_at_ns))
                self.instruments.put(data.symbol, instrument)
                self._concerns(data.symbol)
            case _:
                assert_never(data)

    def _concerns(self, symbol: str) -> Market:
        market = self._concerned.get(symbol)
        if market is None:
            market = self.markets.get(symbol)
            if market is None:
                raise ValueError(f"{symbol} was never listed")
            self._concerned[symbol] = market
        market.state.folded += 1
        return market

    def _end_command(self, market: Market, event: Event) -> None:
        change = market.end_command(event.position, event.occurred_at_ns)
        symbol, state = market.state.symbol, market.state
        for interval, row in change.bars:
            self.bars.put(bar_key(symbol, interval, row.start_ns), row)
        if state.folded >= max(SNAPSHOT_EVENTS_MIN, SNAPSHOT_EVENTS_PER_ORDER * len(market.book.orders)):
            self._keep_book(market, event.position)
        self.states.put(symbol, state)

    def _keep_book(self, market: Market, position: int) -> None:
        symbol, state = market.state.symbol, market.state
        kept = SnapshotRow(symbol, position, sorted(market.book.orders.items()))
        self.snapshots.put(trade_key(symbol, position), kept)
        state.folded = 0
        state.snapshots.append(position)
        if len(state.snapshots) >= SNAPSHOTS_KEPT_MAX:
            for dropped in state.snapshots[1:-1:2]:
                self.snapshots.delete(trade_key(symbol, dropped))
            state.snapshots = [*state.snapshots[:-1:2], state.snapshots[-1]]

    # ---- queries over committed rows

    def trades_before(self, symbol: str, before: int, limit: int) -> list[TradeRow]:
        """The newest trades below a position, newest first."""
        bounds = (trade_key(symbol, 0), trade_key(symbol, before))
        return self.trades.select("key >= ? AND key < ?", (*bounds, limit), "ORDER BY key DESC LIMIT ?")

    def bars_between(
        self, symbol: str, interval: str, from_ns: int = 0, to_ns: int | None = None, newest: int = 1
    ) -> list[BarRow]:
        """The newest bars that start in [from_ns, to_ns), oldest first."""
        bounds = self._bar_bounds(symbol, interval, from_ns, to_ns)
        rows = self.bars.select("key >= ? AND key < ?", (*bounds, newest), "ORDER BY key DESC LIMIT ?")
        return rows[::-1]

    def bars_from(self, symbol: str, interval: str, from_ns: int, to_ns: int | None, oldest: int) -> list[BarRow]:
        """The oldest bars that start in [from_ns, to_ns), oldest first."""
        bounds = self._bar_bounds(symbol, interval, from_ns, to_ns)
        return self.bars.select("key >= ? AND key < ?", (*bounds, oldest), "ORDER BY key LIMIT ?")

    def book_before(self, market: Market, position: int) -> tuple[int, Book]:
        """The newest kept book at or before a position, and where it stands; an empty one at 0 if none was kept."""
        symbol = market.state.symbol
        book = Book(symbol, market.prices, market.quantities)
        bounds = (trade_key(symbol, 0), trade_key(symbol, position))
        for kept in self.snapshots.select("key >= ? AND key <= ?", bounds, "ORDER BY key DESC LIMIT 1"):
            for order_id, order in kept.orders:
                book.put(order_id, order)
            book.take_changed()  # it is as it was kept: nothing changed yet
            return kept.position, book
        return 0, book

    @staticmethod
    def _bar_bounds(symbol: str, interval: str, from_ns: int, to_ns: int | None) -> tuple[str, str]:
        first_ns = -(-from_ns // SECOND_NS) * SECOND_NS
        end_ns = 10**10 * SECOND_NS if to_ns is None else -(-to_ns // SECOND_NS) * SECOND_NS
        return bar_key(symbol, interval, first_ns), bar_key(symbol, interval, end_ns)
