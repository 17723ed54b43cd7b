"""A venue of the matching core alone, as the suites drive it: plain calls in, decoded events out."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from matching import command, ids
from matching.command import (
    AssetKind,
    OrderType,
    PostOnly,
    SelfTradePrevention,
    Session,
    Side,
    TextArena,
    TimeInForce,
    TriggerBy,
)
from matching.engine import Engine

LOG = 1
STAMP_NS = 1_700_000_000_000_000_000
MAX_PRICE = 1 << 30
MAX_QUANTITY = 1 << 30
# A market order may go as far as the suites' books reach: up to twice the best price, down to one price unit.
PROTECTION_PPM = 1_000_000
OPEN_ORDERS_MAX = 1_000_000


class Happened(NamedTuple):
    """One event: its type and its data."""

    kind: str
    data: dict[str, Any]


@dataclass(slots=True)
class Open:
    """An open order as its events tell it; quantities in lots, prices in price units, None where there is none."""

    account: int
    side: str
    price: int | None
    trigger_price: int | None
    quantity: int
    leaves: int


@dataclass(frozen=True)
class Listing:
    """An instrument; price_unit and lot_unit are what the events' decimals count."""

    instrument_id: int
    symbol: str
    price_unit: Decimal
    lot_unit: Decimal


@dataclass(frozen=True)
class Terms:
    """More of an order than account, side, quantity and price."""

    order_type: OrderType = OrderType.LIMIT
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: PostOnly | None = None
    trigger_by: TriggerBy | None = None
    trigger_price: int = 0
    budget: int = 0
    self_trade_prevention: SelfTradePrevention | None = None


PLAIN = Terms()
IMMEDIATE = Terms(time_in_force=TimeInForce.IOC)


class Venue:
    """Assets, instruments and accounts get their ids in the order in which they are asked for."""

    def __init__(self) -> None:
        self.engine = Engine(LOG)
        self.orders: dict[int, Open] = {}
        self._listings: dict[str, Listing] = {}
        self._assets: dict[str, int] = {}
        self._execute(command.open_venue(STAMP_NS))

    def list_asset(self, symbol: str, kind: AssetKind) -> None:
        """List an asset whose ledger unit is 1."""
        self._assets[symbol] = ids.entity_id(LOG, len(self._assets) + 1)
        texts = TextArena()
        self._execute(command.list_asset(texts, STAMP_NS, symbol, 0, kind), texts)

    def list_instrument(
        self,
        symbol: str,
        base: str,
        quote: str,
        price_unit: tuple[int, int] = (1, 0),
        lot_unit: tuple[int, int] = (1, 0),
    ) -> Listing:
        """List an instrument of two listed assets; units are (mantissa, decimal places)."""
        texts = TextArena()
        record = command.list_instrument(
            texts,
            STAMP_NS,
            symbol=symbol,
            base=self._assets[base],
            quote=self._assets[quote],
            price_unit=price_unit,
            lot_unit=lot_unit,
            max_price=MAX_PRICE,
            max_quantity=MAX_QUANTITY,
            protection_ppm=PROTECTION_PPM,
        )
        listed = next(event for event in self._execute(record, texts) if event.kind == "InstrumentListed")
        _, instrument_id = ids.parse(listed.data["instrument_id"])
        units = (Decimal(mantissa).scaleb(-places) for mantissa, places in (price_unit, lot_unit))
        listing = self._listings[symbol] = Listing(instrument_id, symbol, *units)
        return listing

    def open_account(self, name: str) -> int:
        """Open a customer's account that may have a million open orders; returns its id."""
        texts = TextArena()
        (opened,) = self._execute(command.open_account(texts, STAMP_NS, name), texts)
        _, account_id = ids.parse(opened.data["account_id"])
        self._execute(command.change_limits(STAMP_NS, account_id, max_open_orders=OPEN_ORDERS_MAX))
        return account_id

    def deposit(self, account_id: int, asset: str, amount: int) -> None:
        self._execute(command.deposit(STAMP_NS, account_id, self._assets[asset], amount))

    def place(
        self, listing: Listing, account_id: int, side: Side, quantity: int, price: int = 0, terms: Terms = PLAIN
    ) -> list[Happened]:
        texts = TextArena()
        record = command.place_order(
            texts,
            STAMP_NS,
            account_id=account_id,
            instrument_id=listing.instrument_id,
            side=side,
            quantity=quantity,
            price=price,
            order_type=terms.order_type,
            time_in_force=terms.time_in_force,
            post_only=terms.post_only,
            trigger_by=terms.trigger_by,
            trigger_price=terms.trigger_price,
            budget=terms.budget,
            self_trade_prevention=terms.self_trade_prevention,
        )
        return self._execute(record, texts)

    def cancel(self, account_id: int, order_id: int) -> list[Happened]:
        return self._execute(command.cancel_order(STAMP_NS, account_id, order_id))

    def cancel_all(self, account_id: int) -> list[Happened]:
        return self._execute(command.cancel_all(STAMP_NS, account_id))

    def change_session(self, listing: Listing, session: Session) -> list[Happened]:
        texts = TextArena()
        return self._execute(command.change_session(texts, STAMP_NS, listing.instrument_id, session), texts)

    def replace(
        self, account_id: int, order_id: int, quantity: int | None = None, price: int | None = None
    ) -> list[Happened]:
        texts = TextArena()
        record = command.replace_order(
            texts, STAMP_NS, account_id=account_id, order_id=order_id, quantity=quantity, price=price
        )
        return self._execute(record, texts)

    def best(self, listing: Listing, side: Side) -> tuple[int, int] | None:
        """Best price and the quantity there."""
        level = next(iter(self.engine.book(listing.instrument_id, 1)[side]), None)
        return level[:2] if level else None

    def free(self, account_id: int, asset: str) -> int:
        """What the account has of an asset and no order holds."""
        held = {symbol: balance - hold for symbol, balance, hold in self.engine.holdings(account_id)}
        return held.get(asset, 0)

    def trades(self, listing: Listing, events: Iterable[Happened]) -> list[tuple[int, int]]:
        """(price, quantity) of each trade in order."""
        return [
            (_count(event.data["price"], listing.price_unit), _count(event.data["quantity"], listing.lot_unit))
            for event in events
            if event.kind == "TradeExecuted"
        ]

    def _execute(self, record: bytes, texts: TextArena | None = None) -> list[Happened]:
        batch = self.engine.execute(record, bytes(texts) if texts is not None else b"")
        events = [Happened(row[1], msgspec.json.decode(row[6])) for row in batch.events]
        for event in events:
            self._follow(event)
        return events

    def _follow(self, event: Happened) -> None:
        """Keep the open orders as their events tell them: assign, decide nothing."""
        data = event.data
        listing = self._listings.get(data.get("symbol", ""))
        if not event.kind.startswith("Order") or listing is None or "leaves_quantity" not in data:
            return
        _, order_id = ids.parse(data["order_id"])
        if event.kind == "OrderCreated":
            _, account_id = ids.parse(data["account_id"])
            trigger = data.get("terms", {}).get("trigger_price")
            quantity = _count(data["quantity"], listing.lot_unit)
            price, waits_at = (text and _count(text, listing.price_unit) for text in (data["price"], trigger))
            self.orders[order_id] = Open(account_id, data["side"], price, waits_at, quantity, quantity)
        order = self.orders[order_id]
        order.leaves = _count(data["leaves_quantity"], listing.lot_unit)
        if event.kind == "OrderReplaced":
            order.price = _count(data["price"], listing.price_unit)
            order.quantity = _count(data["quantity"], listing.lot_unit)
        if not order.leaves:
            del self.orders[order_id]


def order_id_of(events: Iterable[Happened]) -> int:
    """The order that a placement's first event is about, accepted or not."""
    _, order_id = ids.parse(next(iter(events)).data["order_id"])
    return order_id


def _count(text: str, unit: Decimal) -> int:
    return int(Decimal(text) / unit)
