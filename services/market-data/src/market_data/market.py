"""One instrument's market: its book, last trade and bars, and how far each of its channels has come.

A channel's `seq` counts the commands that changed it. It is part of the fold, so every replica and every restart counts
alike: `book` when a level's quantity or number of orders changed, `quotes` when a best level changed or something
traded, `trades` and every interval of `bars` when something traded.
"""

from typing import Protocol

import msgspec

from kernel.money import canonical, multiply, parse
from market_data.bars import BarFold, BarRow
from market_data.book import Book
from market_data.grid import Grid
from trading_events.engine import InstrumentListed, InstrumentRulesChanged, TradeExecuted
from trading_events.sessions import SessionChanged
from trading_events.words import Allocation, SelfTradePrevention, Session, Side


class InstrumentRow(msgspec.Struct, frozen=True, gc=False):
    """An instrument as it was listed, its session with the cause of the last change, and how its orders meet.

    least_allocation, lead_account_id, lead_share: of the allocation that needs them; empty else."""

    instrument_id: str
    symbol: str
    base: str
    quote: str
    price_unit: str
    lot_unit: str
    max_price: str
    max_quantity: str
    protection: str
    calendar: str
    session: Session
    session_since_ns: int
    session_reason: str = ""
    session_command_id: str | None = None
    self_trade_prevention: SelfTradePrevention = "CANCEL_NEWEST"
    allocation: Allocation = "PRICE_TIME"
    least_allocation: str = ""
    lead_account_id: str = ""
    lead_share: str = ""


class TradeRow(msgspec.Struct, frozen=True, gc=False):
    """A trade; `seq` is that of its command in the trades channel."""

    id: str
    symbol: str
    price: str
    quantity: str
    aggressor_side: Side
    time_ns: int
    position: int
    seq: int


class MarketRow(msgspec.Struct, gc=False):
    """What the fold of a market remembers besides orders and bars.

    time_ns: stamp of the last command that concerned it. folded: its events since the newest of `snapshots`, the
    positions after which its whole book was kept.
    """

    symbol: str
    time_ns: int
    book_seq: int = 0
    quotes_seq: int = 0
    trades_seq: int = 0
    last_price: str = ""
    last_quantity: str = ""
    last_time_ns: int = 0
    mark_price: str = ""
    folded: int = 0
    snapshots: list[int] = msgspec.field(default_factory=list)


class Change(msgspec.Struct, frozen=True):
    """What one command did to a market: prices of levels that changed, trades, and bars by interval."""

    position: int
    time_ns: int
    bids: list[int]
    asks: list[int]
    trades: list[TradeRow]
    bars: list[tuple[str, BarRow]]


class Follower(Protocol):
    """Told at the end of every command that concerned the market, after the market moved."""

    def command_ended(self, change: Change) -> None: ...


class Market:
    """The live fold of one instrument."""

    def __init__(self, instrument: InstrumentRow, state: MarketRow) -> None:
        self.instrument = instrument
        self.state = state
        self.prices = Grid(instrument.price_unit)
        self.quantities = Grid(instrument.lot_unit)
        notionals = Grid(canonical(multiply(parse(instrument.price_unit), parse(instrument.lot_unit))))
        self.book = Book(instrument.symbol, self.prices, self.quantities)
        self.bars = BarFold(self.prices, self.quantities, notionals)
        self.followers: list[Follower] = []
        self._trades: list[TradeRow] = []
        self._quote: tuple[tuple[int, int] | None, tuple[int, int] | None] = (None, None)

    def loaded(self) -> None:
        """Orders and bars were put back as they were: what is there now is no change."""
        self.book.take_changed()
        self._quote = (self.book.bids.best(), self.book.asks.best())

    def traded(self, event: TradeExecuted, time_ns: int, position: int) -> TradeRow:
        state = self.state
        state.last_price, state.last_quantity, state.last_time_ns = event.price, event.quantity, time_ns
        self.bars.add(time_ns, self.prices.count(event.price), self.quantities.count(event.quantity))
        row = TradeRow(
            id=event.trade_id,
            symbol=event.symbol,
            price=event.price,
            quantity=event.quantity,
            aggressor_side=event.aggressor_side,
            time_ns=time_ns,
            position=position,
            seq=state.trades_seq + 1,
        )
        self._trades.append(row)
        return row

    def session_changed(self, event: SessionChanged, time_ns: int, command_id: str | None) -> None:
        self.instrument = msgspec.structs.replace(
            self.instrument,
            session=event.session,
            session_since_ns=time_ns,
            session_reason=event.reason,
            session_command_id=command_id,
        )

    def rules_changed(self, event: InstrumentRulesChanged) -> None:
        self.instrument = msgspec.structs.replace(
            self.instrument,
            self_trade_prevention=event.self_trade_prevention,
            allocation=event.allocation,
            least_allocation=event.least_allocation or "",
            lead_account_id=event.lead_account_id or "",
            lead_share=event.lead_share or "",
        )

    def end_command(self, position: int, time_ns: int) -> Change:
        """Count the channels that the command changed, and tell the followers."""
        state, book = self.state, self.book
        state.time_ns = time_ns
        trades = self._trades
        bids, asks = book.take_changed()
        if bids or asks:
            state.book_seq += 1
        if trades:
            self._trades = []
            state.trades_seq += 1
        if trades or bids or asks:
            # A quote shows price and quantity, not how many orders stand behind them.
            quote = (book.bids.best(), book.asks.best())
            if trades or quote != self._quote:
                state.quotes_seq += 1
                self._quote = quote
        change = Change(position, time_ns, bids, asks, trades, list(self.bars.take_changed()) if trades else [])
        for follower in self.followers:
            follower.command_ended(change)
        return change


def listed(event: InstrumentListed, time_ns: int) -> InstrumentRow:
    return InstrumentRow(
        instrument_id=event.instrument_id,
        symbol=event.symbol,
        base=event.base,
        quote=event.quote,
        price_unit=event.price_unit,
        lot_unit=event.lot_unit,
        max_price=event.max_price,
        max_quantity=event.max_quantity,
        protection=event.protection,
        calendar=event.calendar,
        session=event.session,
        session_since_ns=time_ns,
    )
