"""Events that the trading engine writes: orders, accounts, instruments and assets (schema_version 1).

`contracts/events` holds a JSON schema and golden samples of each; the core's encoder and these types are both tested
against them. Numbers are exact decimals as canonical strings; ids are UUIDs. Every event carries its results, so a
fold assigns and never decides.
"""

from typing import Literal

import msgspec

Side = Literal["BUY", "SELL"]
Status = Literal["PENDING", "PARTIALLY_EXECUTED", "EXECUTED", "CANCELED", "EXPIRED", "REJECTED"]
OrderType = Literal["LIMIT", "MARKET"]
TimeInForce = Literal["GTC", "DAY", "IOC"]
Session = Literal["CONTINUOUS", "CLOSED"]


class Posting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One change of an account's balance or hold, and what it is afterwards."""

    account_id: str
    asset: str
    kind: Literal["balance", "hold"]
    amount: str
    after: str


class Rests(msgspec.Struct, frozen=True, gc=False):
    """The order rests after the event: at this price, with this displayed quantity, in this place of the queue."""

    price: str
    quantity: str
    priority: int


class AssetListed(msgspec.Struct, frozen=True):
    asset: str
    scale: int
    kind: Literal["CURRENCY", "SECURITY"]


class InstrumentListed(msgspec.Struct, frozen=True):
    """price_unit: smallest price step; lot_unit: smallest quantity step; protection: how far a market order may trade
    from the best opposite price, as a fraction."""

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
    clearing_account_id: str
    session: Session


class AccountOpened(msgspec.Struct, frozen=True):
    account_id: str
    user_id: str
    kind: Literal["CUSTOMER", "CLEARING", "EXTERNAL", "HOUSE"]


class CashDeposited(msgspec.Struct, frozen=True):
    account_id: str
    asset: str
    amount: str
    postings: list[Posting]


class AssetDeposited(msgspec.Struct, frozen=True):
    account_id: str
    asset: str
    amount: str
    postings: list[Posting]


class CashWithdrawn(msgspec.Struct, frozen=True):
    account_id: str
    asset: str
    amount: str
    postings: list[Posting]


class AssetWithdrawn(msgspec.Struct, frozen=True):
    account_id: str
    asset: str
    amount: str
    postings: list[Posting]


class LimitsChanged(msgspec.Struct, frozen=True):
    """None: no limit of the account's own; the venue's default holds."""

    account_id: str
    max_order_notional: str | None
    max_order_quantity: str | None
    max_open_orders: int | None


class AccountStateChanged(msgspec.Struct, frozen=True):
    account_id: str
    state: Literal["ACTIVE", "SUSPENDED"]
    reason: str


class SessionChanged(msgspec.Struct, frozen=True):
    instrument_id: str
    symbol: str
    session: Session
    reason: str


class OrderCreated(msgspec.Struct, frozen=True):
    order_id: str
    client_order_id: str | None
    account_id: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    quantity: str
    price: str | None
    protection_price: str | None
    status: Status
    cum_quantity: str
    leaves_quantity: str
    rests: Rests | None
    postings: list[Posting]


class OrderRejected(msgspec.Struct, frozen=True):
    order_id: str
    client_order_id: str | None
    account_id: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    quantity: str
    price: str | None
    status: Status
    reason: str


class OrderExecuted(msgspec.Struct, frozen=True):
    """One order's side of one trade. cum_notional: sum of price times quantity so far, in the quote currency."""

    order_id: str
    trade_id: str
    account_id: str
    symbol: str
    side: Side
    price: str
    quantity: str
    liquidity: Literal["MAKER", "TAKER"]
    status: Status
    cum_quantity: str
    leaves_quantity: str
    cum_notional: str
    rests: Rests | None
    postings: list[Posting]


class OrderReplaced(msgspec.Struct, frozen=True):
    order_id: str
    client_order_id: str | None
    account_id: str
    symbol: str
    quantity: str
    price: str
    status: Status
    cum_quantity: str
    leaves_quantity: str
    rests: Rests | None
    postings: list[Posting]


class OrderCanceled(msgspec.Struct, frozen=True):
    order_id: str
    account_id: str
    symbol: str
    reason: str
    status: Status
    cum_quantity: str
    leaves_quantity: str
    canceled_quantity: str
    postings: list[Posting]


class OrderExpired(msgspec.Struct, frozen=True):
    order_id: str
    account_id: str
    symbol: str
    reason: str
    status: Status
    cum_quantity: str
    leaves_quantity: str
    canceled_quantity: str
    postings: list[Posting]


class OrderCancelRejected(msgspec.Struct, frozen=True):
    order_id: str | None
    account_id: str
    request: Literal["CANCEL", "REPLACE"]
    reason: str


class CommandRefused(msgspec.Struct, frozen=True):
    command: str
    reason: str


class OrdersCanceled(msgspec.Struct, frozen=True):
    """The end of a mass cancel; symbol is None when it covered every instrument."""

    account_id: str
    symbol: str | None
    count: int


class TradeExecuted(msgspec.Struct, frozen=True):
    trade_id: str
    symbol: str
    price: str
    quantity: str
    aggressor_side: Side
    maker_order_id: str
    taker_order_id: str
    maker_account_id: str
    taker_account_id: str


TYPES: tuple[type[msgspec.Struct], ...] = (
    AssetListed,
    InstrumentListed,
    AccountOpened,
    CashDeposited,
    AssetDeposited,
    CashWithdrawn,
    AssetWithdrawn,
    LimitsChanged,
    AccountStateChanged,
    SessionChanged,
    OrderCreated,
    OrderRejected,
    OrderExecuted,
    OrderReplaced,
    OrderCanceled,
    OrderExpired,
    OrderCancelRejected,
    CommandRefused,
    OrdersCanceled,
    TradeExecuted,
)

EngineEvent = (
    AssetListed
    | InstrumentListed
    | AccountOpened
    | CashDeposited
    | AssetDeposited
    | CashWithdrawn
    | AssetWithdrawn
    | LimitsChanged
    | AccountStateChanged
    | SessionChanged
    | OrderCreated
    | OrderRejected
    | OrderExecuted
    | OrderReplaced
    | OrderCanceled
    | OrderExpired
    | OrderCancelRejected
    | CommandRefused
    | OrdersCanceled
    | TradeExecuted
)

_DECODERS: dict[str, msgspec.json.Decoder[EngineEvent]] = {kind.__name__: msgspec.json.Decoder(kind) for kind in TYPES}


def decode(event_type: str, event_data: bytes) -> EngineEvent | None:
    """The typed event; None when the engine does not write this type. msgspec.ValidationError if the data is not its."""
    decoder = _DECODERS.get(event_type)
    return None if decoder is None else decoder.decode(event_data)
