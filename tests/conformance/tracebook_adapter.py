"""Tracebook's adapter over the order book of the `matching` package: its events in, its observations out.

Its numbers are decimals; the book counts ticks, and lots of a hundred-millionth. A symbol has a book of its own from
the first order or clear that names it.
"""

from decimal import Decimal

from tracebook.conformance import (
    BookSnapshot,
    BookState,
    ConformanceConfig,
    EngineMetadata,
    Observation,
    Outcome,
    RestingOrder,
    TradeFill,
    canonical_decimal,
)
from tracebook.core.order import NO_OWNER, OrderSide, OrderType, SelfTradePolicy
from tracebook.events import MarketEvent

from matching.order_book import OrderBook, Report, SelfTrade, Side, TimeInForce, Told, Why

LOT = Decimal("0.00000001")
PREVENTION = {
    SelfTradePolicy.NONE: None,
    SelfTradePolicy.CANCEL_RESTING: SelfTrade.CANCEL_OLDEST,
    SelfTradePolicy.CANCEL_INCOMING: SelfTrade.CANCEL_NEWEST,
}
TIMES = {
    OrderType.LIMIT: TimeInForce.GTC,
    OrderType.MARKET: TimeInForce.IOC,
    OrderType.IOC: TimeInForce.IOC,
    OrderType.FOK: TimeInForce.FOK,
}
REASONS = {Why.DUPLICATE_ID: "DUPLICATE_ORDER_ID", Why.UNKNOWN_ID: "ORDER_NOT_ACTIVE"}
# What an operation's other refusals are called.
INVALID = {"new": "INVALID_ORDER", "reduce": "INVALID_ORDER", "replace": "INVALID_REPLACEMENT"}


class Adapter:
    """One engine under test."""

    metadata = EngineMetadata("matching", "0.1.0", "Rust")

    def __init__(self, config: ConformanceConfig) -> None:
        self._tick = Decimal(str(config.tick_size))
        self._terms = {"self_trade": PREVENTION[config.self_trade_policy]}
        if config.matching_algorithm == "pro_rata":
            self._terms["pro_rata_minimum"] = 0
        self._books: dict[str, OrderBook] = {}
        self._owners = {NO_OWNER: 0}

    def apply(self, event: MarketEvent, index: int) -> Observation:
        if event.symbol not in self._books and event.op in ("new", "clear"):
            self._books[event.symbol] = OrderBook(**self._terms)
        # What is asked of a book that nobody opened is refused by an empty one.
        book = self._books.get(event.symbol, OrderBook())
        taker_side = self._side(book, event)
        reports = self._do(book, event)
        refused = next((report for report in reports if report.told == Told.REJECTED), None)
        reason = refused and REASONS.get(Why(refused.why), INVALID.get(event.op, "INVALID_CANCEL"))
        outcome = Outcome("rejected", reason) if reason else Outcome("applied")
        trades = tuple(
            self._trade(event.symbol, report, taker_side) for report in reports if report.told == Told.TRADED
        )
        state = self.snapshot()
        return Observation(index, outcome, trades, state.digest(), state.order_count)

    def snapshot(self) -> BookState:
        names = {number: owner for owner, number in self._owners.items()}
        books = []
        for symbol, book in sorted(self._books.items()):
            sides = (
                tuple(
                    RestingOrder(order_id, self._price(price), lots(left), names[owner])
                    for order_id, price, left, owner in side
                )
                for side in book.orders()
            )
            books.append(BookSnapshot(symbol, *sides))
        return BookState(tuple(books))

    def close(self) -> None:
        """Nothing is open."""

    def _do(self, book: OrderBook, event: MarketEvent) -> list[Report]:
        match event.op:
            case "clear":
                book.clear()
                return []
            case "cancel":
                return book.cancel(event.order_id)
            case "reduce":
                return book.reduce(event.order_id, int(Decimal(str(event.quantity)) / LOT))
            case "replace":
                return self._replace(book, event)
            case _:
                return self._submit(book, event)

    def _submit(self, book: OrderBook, event: MarketEvent) -> list[Report]:
        side = Side.BUY if event.side is OrderSide.BUY else Side.SELL
        is_market = event.order_type is OrderType.MARKET
        # A price that is no tick goes in as one that is too high, to be refused; 0 would mean any price.
        price = 0 if is_market else self._ticks(event.price) or 2**63
        owner = self._owners.setdefault(event.owner, len(self._owners))
        lots_in = max(0, int(Decimal(str(event.quantity)) / LOT))
        return book.submit(event.order_id, side, price, lots_in, owner, TIMES[event.order_type])

    def _replace(self, book: OrderBook, event: MarketEvent) -> list[Report]:
        # Neither 0 nor less is a price or a quantity here: what is given so is refused as too high.
        price = 0 if event.price is None else self._ticks(event.price) or 2**63
        quantity = 0 if event.quantity is None else int(Decimal(str(event.quantity)) / LOT)
        return book.replace(event.order_id, price, quantity if event.quantity is None or quantity > 0 else 2**63)

    def _side(self, book: OrderBook, event: MarketEvent) -> OrderSide | None:
        if event.op != "replace":
            return event.side
        bids, _ = book.orders()
        return OrderSide.BUY if event.order_id in {order[0] for order in bids} else OrderSide.SELL

    def _trade(self, symbol: str, report: Report, taker_side: OrderSide | None) -> TradeFill:
        ids = (report.taker_id, report.order_id)
        buyer, seller = ids if taker_side is OrderSide.BUY else reversed(ids)
        return TradeFill(symbol, buyer, seller, self._price(report.price), lots(report.quantity))

    def _ticks(self, price: float) -> int:
        return max(0, round(Decimal(str(price)) / self._tick))

    def _price(self, ticks: int) -> str:
        return canonical_decimal(ticks * self._tick)


def lots(count: int) -> str:
    return canonical_decimal(count * LOT)
