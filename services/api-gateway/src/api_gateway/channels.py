"""What a channel looks like: a fold of the services' frames that can tell any newcomer where things stand.

`apply(message)` remembers and returns the update as the stream shows it; `snapshot()` is the same for a newcomer.
Decimals are compared, never computed with: all numbers are the services' own.
"""

from collections import deque
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from msgspec import UNSET

from api_gateway.documents import SIDE_TEXTS, BalanceJson, OrderJson, balance_json, order_json
from api_gateway.execution_reports import EXECUTION_TYPES, ORDER_STATUSES
from api_gateway.wire import or_none, time_text
from trading.v1.market_data_pb2 import Bar, Level, StreamChannelResponse, Trade
from trading.v1.trading_pb2 import StreamOrdersResponse
from trading_events import engine as events

SNAPSHOT_TRADES = 50
SNAPSHOT_BARS = 500
OPEN = frozenset({"PENDING", "PARTIALLY_EXECUTED"})

Payload = dict[str, Any]
M = TypeVar("M", contravariant=True)


class Channel(Protocol[M]):
    def apply(self, message: M) -> Payload:
        """Take a message in; the returned payload is what changed (all of it, for a snapshot)."""

    def snapshot(self) -> Payload:
        """Everything as of the last message."""


class Side:
    """Levels of one side of a book: price text -> (price, quantity text)."""

    def __init__(self, best_is_highest: bool) -> None:
        self._best_is_highest = best_is_highest
        self._levels: dict[str, tuple[Decimal, str]] = {}

    def replace(self, levels: list[Level]) -> None:
        self._levels = {level.price: (Decimal(level.price), level.quantity) for level in levels}

    def change(self, levels: list[Level]) -> list[list[str]]:
        for level in levels:
            if level.quantity == "0":
                self._levels.pop(level.price, None)
            else:
                self._levels[level.price] = (Decimal(level.price), level.quantity)
        return [[level.price, level.quantity] for level in levels]

    def best_first(self) -> list[list[str]]:
        ordered = sorted(self._levels.items(), key=lambda item: item[1][0], reverse=self._best_is_highest)
        return [[price, quantity] for price, (_, quantity) in ordered]


class BookChannel:
    """Changed levels with their new totals; "0" is gone."""

    def __init__(self) -> None:
        self._bids = Side(best_is_highest=True)
        self._asks = Side(best_is_highest=False)

    def apply(self, message: StreamChannelResponse) -> Payload:
        if message.snapshot:
            self._bids.replace(list(message.bids))
            self._asks.replace(list(message.asks))
            return self.snapshot()
        return {"bids": self._bids.change(list(message.bids)), "asks": self._asks.change(list(message.asks))}

    def snapshot(self) -> Payload:
        return {"bids": self._bids.best_first(), "asks": self._asks.best_first()}


class QuotesChannel:
    """The best of each side and the last price, whole each time."""

    def __init__(self) -> None:
        self._now: Payload = {"bid": None, "ask": None, "last": None}

    def apply(self, message: StreamChannelResponse) -> Payload:
        self._now = {
            "bid": _best(list(message.bids)),
            "ask": _best(list(message.asks)),
            "last": or_none(message.last_price),
        }
        return self._now

    def snapshot(self) -> Payload:
        return self._now


def _best(levels: list[Level]) -> list[str] | None:
    return [levels[0].price, levels[0].quantity] if levels else None


class TradesChannel:
    """Every trade, oldest first."""

    def __init__(self) -> None:
        self._newest: deque[Payload] = deque(maxlen=SNAPSHOT_TRADES)

    def apply(self, message: StreamChannelResponse) -> Payload:
        trades = [_trade(trade) for trade in message.trades]
        if message.snapshot:
            self._newest.clear()
        self._newest.extend(trades)
        return self.snapshot() if message.snapshot else {"trades": trades}

    def snapshot(self) -> Payload:
        return {"trades": list(self._newest)}


def _trade(trade: Trade) -> Payload:
    return {
        "trade_id": trade.id,
        "price": trade.price,
        "quantity": trade.quantity,
        "aggressor_side": SIDE_TEXTS[trade.aggressor_side],
        "time": time_text(trade.time_ns),
    }


class BarsChannel:
    """Bars of one interval, each as it is after its last change."""

    def __init__(self) -> None:
        self._bars: dict[int, Payload] = {}

    def apply(self, message: StreamChannelResponse) -> Payload:
        changed = {bar.start_ns: _bar(bar) for bar in message.bars}
        if message.snapshot:
            self._bars.clear()
        self._bars.update(changed)
        if len(self._bars) > 2 * SNAPSHOT_BARS:
            self._bars = dict(sorted(self._bars.items())[-SNAPSHOT_BARS:])
        return self.snapshot() if message.snapshot else {"bars": list(changed.values())}

    def snapshot(self) -> Payload:
        return {"bars": [bar for _, bar in sorted(self._bars.items())[-SNAPSHOT_BARS:]]}


def _bar(bar: Bar) -> Payload:
    return {
        "time": time_text(bar.start_ns),
        "open": bar.open,
        "high": bar.high,
        "low": bar.low,
        "close": bar.close,
        "volume": bar.volume,
        "trades": bar.trades,
    }


class OrdersChannel:
    """An account's open orders and its balances; an update also tells which events made it."""

    def __init__(self) -> None:
        self._open: dict[str, OrderJson] = {}
        self._balances: dict[str, BalanceJson] = {}
        self._account_id = ""

    def apply(self, message: StreamOrdersResponse) -> Payload:
        self._account_id = message.account_id
        orders = [order_json(order) for order in message.orders]
        balances = [balance_json(balance) for balance in message.balances]
        if message.snapshot:
            self._open.clear()
            self._balances.clear()
        for order in orders:
            self._open.pop(order.order_id, None)
            if order.status in OPEN:
                self._open[order.order_id] = order
        for balance in balances:
            self._balances[balance.asset] = balance
        if message.snapshot:
            return self.snapshot()
        told = [_event(event.event_type, event.event_data.encode()) for event in message.events]
        return {"account_id": message.account_id, "orders": orders, "events": told, "balances": balances}

    def snapshot(self) -> Payload:
        return {
            "account_id": self._account_id,
            "orders": list(self._open.values()),
            "balances": sorted(self._balances.values(), key=lambda balance: balance.asset),
        }


TOLD = (
    *("order_id", "trade_id", "symbol", "side", "price", "trigger_price", "quantity"),
    *("cum_quantity", "leaves_quantity", "liquidity", "fee", "reason", "asset", "amount"),
)


def _event(event_type: str, event_data: bytes) -> Payload:
    """What happened, without the bookkeeping."""
    happened = events.decode(event_type, event_data)
    told = {name: getattr(happened, name, None) for name in TOLD}
    if (kind := EXECUTION_TYPES.get(event_type)) is not None:
        told |= {"execution_type": kind, "order_status": ORDER_STATUSES[getattr(happened, "status", "")]}
    return {"event_type": event_type, **{name: value for name, value in told.items() if value not in (None, UNSET)}}
