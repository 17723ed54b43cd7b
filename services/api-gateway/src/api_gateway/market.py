"""Market data: instruments, quotes, books, trades, bars and the clock."""

import msgspec

from api_gateway.call import Call, Reply, reply
from api_gateway.documents import ALLOCATION_TEXTS, PREVENTION_TEXTS, SIDE_TEXTS
from api_gateway.wire import or_none, position_text, time_in, time_text
from kernel.refused import Kind, Refused
from trading.v1.market_data_pb2 import (
    Bar,
    GetBookRequest,
    GetClockRequest,
    Instrument,
    InstrumentClock,
    Level,
    ListBarsRequest,
    ListInstrumentsRequest,
    ListInstrumentsResponse,
    ListTradesRequest,
    Trade,
)
from trading.v1.types_pb2 import LogPosition

INTERVALS_S = {"1s": 1, "5s": 5, "15s": 15, "1m": 60, "5m": 300, "15m": 900, "1h": 3_600, "1d": 86_400}
DEPTH_MAX = 500
BARS_MAX = 1_000
NS = 1_000_000_000


class InstrumentJson(msgspec.Struct, frozen=True):
    """Schema Instrument of the contract."""

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
    session: str
    mark_price: str | None
    self_trade_prevention: str
    allocation: str
    least_allocation: str | None
    lead_account_id: str | None
    lead_share: str | None


class InstrumentPage(msgspec.Struct, frozen=True):
    items: list[InstrumentJson]
    next_cursor: str | None


class Quote(msgspec.Struct, frozen=True):
    symbol: str
    bid_price: str | None
    bid_quantity: str | None
    ask_price: str | None
    ask_quantity: str | None
    last_price: str | None
    last_quantity: str | None
    last_at: str | None
    seq: int
    position: str


class BookLevel(msgspec.Struct, frozen=True):
    price: str
    quantity: str
    orders: int


class Book(msgspec.Struct, frozen=True):
    symbol: str
    bids: list[BookLevel]
    asks: list[BookLevel]
    seq: int
    position: str


class TradeJson(msgspec.Struct, frozen=True):
    trade_id: str
    symbol: str
    price: str
    quantity: str
    aggressor_side: str
    seq: int
    occurred_at: str


class TradePage(msgspec.Struct, frozen=True):
    items: list[TradeJson]
    next_cursor: str | None


class BarJson(msgspec.Struct, frozen=True):
    start: str
    open: str
    high: str
    low: str
    close: str
    volume: str
    notional: str
    trades: int
    closed: bool


class BarList(msgspec.Struct, frozen=True):
    symbol: str
    interval: str
    items: list[BarJson]


class InstrumentSession(msgspec.Struct, frozen=True):
    symbol: str
    session: str
    calendar: str
    next_session: str | None
    next_session_at: str | None


class ClockJson(msgspec.Struct, frozen=True):
    time: str
    sessions: list[InstrumentSession]


def instrument_json(instrument: Instrument) -> InstrumentJson:
    return InstrumentJson(
        instrument.id,
        instrument.symbol,
        instrument.base,
        instrument.quote,
        instrument.price_unit,
        instrument.lot_unit,
        instrument.max_price,
        instrument.max_quantity,
        instrument.protection,
        instrument.calendar,
        instrument.session,
        or_none(instrument.mark_price),
        PREVENTION_TEXTS[instrument.self_trade_prevention],
        ALLOCATION_TEXTS[instrument.allocation],
        or_none(instrument.least_allocation),
        or_none(instrument.lead_account_id),
        or_none(instrument.lead_share),
    )


async def _instruments(call: Call, at_least: LogPosition | None) -> ListInstrumentsResponse:
    return await call.platform.market.ListInstruments(ListInstrumentsRequest(at_least=at_least))


async def instrument_at(call: Call, symbol: str, at_least: LogPosition | None) -> tuple[Instrument, LogPosition]:
    """Refused (not found) unless it is listed."""
    found = await _instruments(call, at_least)
    for instrument in found.instruments:
        if instrument.symbol == symbol:
            return instrument, found.position
    raise Refused("unknown_instrument", f"There is no instrument {symbol}.", Kind.NOT_FOUND)


async def instruments(call: Call) -> Reply:
    """GET /instruments: by symbol; the cursor is the last symbol of the page before."""
    found = await _instruments(call, call.at_least)
    after, limit = call.cursor, call.page_size
    if after and all(each.symbol != after for each in found.instruments):  # what was listed stays listed
        raise Refused("invalid_cursor", f"expected a next_cursor of this list, got {after!r}", Kind.INVALID)
    rest = sorted((each for each in found.instruments if each.symbol > after), key=lambda each: each.symbol)
    page = [instrument_json(instrument) for instrument in rest[:limit]]
    return reply(200, InstrumentPage(page, page[-1].symbol if len(rest) > limit else None), found.position)


async def instrument(call: Call) -> Reply:
    """GET /instruments/{symbol}"""
    found, position = await instrument_at(call, call.params["symbol"], call.at_least)
    return reply(200, instrument_json(found), position)


async def quote(call: Call) -> Reply:
    """GET /market-data/{symbol}/quote"""
    symbol = call.params["symbol"]
    found = await call.platform.market.GetBook(GetBookRequest(symbol=symbol, depth=1, at_least=call.at_least))
    bid = found.bids[0] if found.bids else None
    ask = found.asks[0] if found.asks else None
    document = Quote(
        symbol=symbol,
        bid_price=bid.price if bid else None,
        bid_quantity=bid.quantity if bid else None,
        ask_price=ask.price if ask else None,
        ask_quantity=ask.quantity if ask else None,
        last_price=or_none(found.last_price),
        last_quantity=or_none(found.last_quantity),
        last_at=time_text(found.last_time_ns) if found.last_time_ns else None,
        seq=found.quotes_seq,
        position=position_text(found.position),
    )
    return reply(200, document, found.position)


def level_json(level: Level) -> BookLevel:
    return BookLevel(level.price, level.quantity, level.orders)


async def book(call: Call) -> Reply:
    """GET /market-data/{symbol}/book"""
    depth = call.query_number("depth", 1, DEPTH_MAX, 10)
    found = await call.platform.market.GetBook(
        GetBookRequest(symbol=call.params["symbol"], depth=depth, at_least=call.at_least)
    )
    document = Book(
        found.symbol,
        [level_json(level) for level in found.bids],
        [level_json(level) for level in found.asks],
        found.seq,
        position_text(found.position),
    )
    return reply(200, document, found.position)


def trade_json(trade: Trade) -> TradeJson:
    return TradeJson(
        trade.id,
        trade.symbol,
        trade.price,
        trade.quantity,
        SIDE_TEXTS[trade.aggressor_side],
        trade.seq,
        time_text(trade.time_ns),
    )


async def trades(call: Call) -> Reply:
    """GET /market-data/{symbol}/trades"""
    found = await call.platform.market.ListTrades(
        ListTradesRequest(
            symbol=call.params["symbol"], limit=call.page_size, cursor=call.cursor, at_least=call.at_least
        )
    )
    page = TradePage([trade_json(trade) for trade in found.trades], or_none(found.next_cursor))
    return reply(200, page, found.position)


async def bars(call: Call) -> Reply:
    """GET /market-data/{symbol}/bars"""
    interval = call.query_choice("interval", tuple(INTERVALS_S), "1m")
    found = await call.platform.market.ListBars(
        ListBarsRequest(
            symbol=call.params["symbol"],
            interval=interval,
            from_ns=time_in(call.query["from"], "from") if "from" in call.query else 0,
            to_ns=time_in(call.query["to"], "to") if "to" in call.query else 0,
            limit=call.query_number("limit", 1, BARS_MAX, 300),
            at_least=call.at_least,
        )
    )
    ended_ns = call.platform.runtime.now_ns() - INTERVALS_S[interval] * NS
    items = [bar_json(bar, bar.start_ns <= ended_ns) for bar in found.bars]
    return reply(200, BarList(call.params["symbol"], interval, items), found.position)


def bar_json(bar: Bar, closed: bool) -> BarJson:
    return BarJson(
        time_text(bar.start_ns),
        bar.open,
        bar.high,
        bar.low,
        bar.close,
        bar.volume,
        bar.notional,
        bar.trades,
        closed,
    )


async def clock(call: Call) -> Reply:
    """GET /clock"""
    found = await call.platform.market.GetClock(GetClockRequest())
    sessions = [_session_json(instrument) for instrument in found.instruments]
    return reply(200, ClockJson(time_text(found.time_ns), sessions), found.position)


def _session_json(at: InstrumentClock) -> InstrumentSession:
    """What comes next is the opposite of what is, at the time that the calendar names."""
    is_open = at.session == "CONTINUOUS"
    next_ns = at.next_close_ns if is_open else at.next_open_ns
    following = "CLOSED" if is_open else "CONTINUOUS"
    return InstrumentSession(
        at.symbol,
        at.session,
        at.calendar,
        following if next_ns else None,
        time_text(next_ns) if next_ns else None,
    )
