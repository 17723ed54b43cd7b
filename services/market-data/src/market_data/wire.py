"""Between the fold's integers and rows and the messages of the contract: one function a message and direction."""

from collections.abc import Iterable, Sequence

from market_data.bars import BarRow
from market_data.book import Level
from market_data.calendars import calendar
from market_data.feeds import Frame
from market_data.grid import Grid
from market_data.market import InstrumentRow, Market, TradeRow
from market_data.process import SessionDue
from market_data.top_of_book import Tops
from trading.v1 import engine_pb2, market_data_pb2, types_pb2
from trading_events.messages import ALLOCATIONS, SELF_TRADE_PREVENTIONS, SIDES

SESSIONS = {"CONTINUOUS": engine_pb2.SESSION_CONTINUOUS, "CLOSED": engine_pb2.SESSION_CLOSED}


def instrument_message(market: Market) -> market_data_pb2.Instrument:
    row, state = market.instrument, market.state
    return market_data_pb2.Instrument(
        id=row.instrument_id,
        symbol=row.symbol,
        base=row.base,
        quote=row.quote,
        price_unit=row.price_unit,
        lot_unit=row.lot_unit,
        max_price=row.max_price,
        max_quantity=row.max_quantity,
        calendar=row.calendar,
        session=row.session,
        protection=row.protection,
        last_price=state.last_price,
        last_quantity=state.last_quantity,
        last_time_ns=state.last_time_ns,
        mark_price=state.mark_price,
        self_trade_prevention=SELF_TRADE_PREVENTIONS[row.self_trade_prevention],
        allocation=ALLOCATIONS[row.allocation],
        least_allocation=row.least_allocation,
        lead_account_id=row.lead_account_id,
        lead_share=row.lead_share,
    )


def level_messages(market: Market, levels: Iterable[Level]) -> list[market_data_pb2.Level]:
    price_text, quantity_text = market.prices.text, market.quantities.text
    return [
        market_data_pb2.Level(price=price_text(price), quantity=quantity_text(quantity), orders=orders)
        for price, quantity, orders in levels
    ]


def book_message(market: Market, depth: int, position: types_pb2.LogPosition) -> market_data_pb2.GetBookResponse:
    state = market.state
    return market_data_pb2.GetBookResponse(
        symbol=state.symbol,
        seq=state.book_seq,
        position=position,
        time_ns=state.time_ns,
        bids=level_messages(market, market.book.bids.top(depth)),
        asks=level_messages(market, market.book.asks.top(depth)),
        last_price=state.last_price,
        last_quantity=state.last_quantity,
        last_time_ns=state.last_time_ns,
        quotes_seq=state.quotes_seq,
    )


def queue_message(
    market: Market, order_id: str, position: types_pb2.LogPosition
) -> market_data_pb2.GetQueuePositionResponse:
    stands = market.book.ahead(order_id)
    if stands is None:
        return market_data_pb2.GetQueuePositionResponse(position=position)
    order, orders, quantity = stands
    return market_data_pb2.GetQueuePositionResponse(
        displayed=True,
        price=market.prices.text(order.price),
        orders_ahead=orders,
        quantity_ahead=market.quantities.text(quantity),
        position=position,
    )


def trade_message(row: TradeRow) -> market_data_pb2.Trade:
    return market_data_pb2.Trade(
        id=row.id,
        symbol=row.symbol,
        price=row.price,
        quantity=row.quantity,
        aggressor_side=SIDES[row.aggressor_side],
        time_ns=row.time_ns,
        position=row.position,
        seq=row.seq,
    )


def bar_message(row: BarRow) -> market_data_pb2.Bar:
    return market_data_pb2.Bar(
        start_ns=row.start_ns,
        open=row.open,
        high=row.high,
        low=row.low,
        close=row.close,
        volume=row.volume,
        notional=row.notional,
        trades=row.trades,
    )


def clock_message(instrument: InstrumentRow, now_ns: int) -> market_data_pb2.InstrumentClock:
    message = market_data_pb2.InstrumentClock(
        symbol=instrument.symbol, calendar=instrument.calendar, session=instrument.session
    )
    days = calendar(instrument.calendar)
    if days is not None:
        message.day_ends_ns = days.next_close(now_ns)
        if not days.is_open(message.day_ends_ns):  # else the next day begins where this one ends
            message.next_open_ns = days.next_open(now_ns)
            message.next_close_ns = message.day_ends_ns
    return message


def session_command(due: SessionDue) -> engine_pb2.Command:
    change = engine_pb2.ChangeSession(symbol=due.symbol, session=SESSIONS[due.session], reason=due.reason)
    return engine_pb2.Command(command_id=due.command_id, correlation_id=due.command_id, change_session=change)


def frame_message(
    market: Market, request: market_data_pb2.StreamChannelRequest, frame: Frame, position: types_pb2.LogPosition
) -> market_data_pb2.StreamChannelResponse:
    """A frame, rendered before the market moves on."""
    state = market.state
    message = market_data_pb2.StreamChannelResponse(
        channel=request.channel,
        symbol=request.symbol,
        interval=request.interval,
        snapshot=frame.snapshot,
        first_seq=frame.first_seq,
        seq=frame.seq,
        position=position,
        time_ns=state.time_ns,
        bids=level_messages(market, frame.bids),
        asks=level_messages(market, frame.asks),
        trades=[trade_message(row) for row in frame.trades],
        bars=[bar_message(row) for row in frame.bars],
    )
    if request.channel == "quotes":
        message.last_price = state.last_price
        message.last_quantity = state.last_quantity
        message.last_time_ns = state.last_time_ns
    return message


class SideMessages:
    """Levels of one side as messages; what did not change since the frame before is not made again."""

    def __init__(self, prices: Grid, quantities: Grid) -> None:
        self._prices = prices
        self._quantities = quantities
        self._levels: Sequence[Level] = ()
        self._messages: dict[Level, market_data_pb2.Level] = {}

    def of(self, levels: Sequence[Level]) -> Iterable[market_data_pb2.Level]:
        if levels is not self._levels:
            known, self._levels = self._messages, levels
            self._messages = {level: known.get(level) or self._made(level) for level in levels}
        return self._messages.values()

    def _made(self, level: Level) -> market_data_pb2.Level:
        price, quantity, orders = level
        return market_data_pb2.Level(
            price=self._prices.text(price), quantity=self._quantities.text(quantity), orders=orders
        )


class TopsMessages:
    """Renders one follower's frames."""

    def __init__(self, log: str, market: Market) -> None:
        self._log = log
        self._symbol = market.state.symbol
        self._bids = SideMessages(market.prices, market.quantities)
        self._asks = SideMessages(market.prices, market.quantities)

    def message(self, tops: Tops) -> market_data_pb2.StreamTopOfBookResponse:
        response = market_data_pb2.StreamTopOfBookResponse()
        response.covered.log, response.covered.position = self._log, tops.covered
        for top in tops.frames:
            frame = response.frames.add(symbol=self._symbol, time_ns=top.time_ns)
            frame.position.log, frame.position.position = self._log, top.position
            frame.bids.extend(self._bids.of(top.bids))
            frame.asks.extend(self._asks.of(top.asks))
        return response
