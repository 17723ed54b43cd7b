"""Events that the trading engine writes: orders, accounts, instruments and assets (schema_version 1).

`contracts/events` holds a JSON schema, generated from these types, and golden samples of each; the core's encoder and
these types are both tested against them. Numbers are exact decimals as canonical strings; ids are UUIDs. Every event
carries its results, so a fold assigns and never decides. A field that a type does not know is an error: consumers stop.
"""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from trading_events import sessions
from trading_events.words import (
    AccountId,
    Allocation,
    Code,
    InstrumentId,
    Number,
    OrderId,
    OrderType,
    PegType,
    PostOnly,
    SelfTradePrevention,
    Session,
    Side,
    SignedNumber,
    Status,
    TimeInForce,
    TradeId,
    TriggerBy,
)


class Posting(msgspec.Struct, frozen=True, forbid_unknown_fields=True, array_like=True, gc=False):
    """One change of an account's balance or hold, and what it is afterwards."""

    account_id: AccountId
    asset: str
    kind: Literal["balance", "hold"]
    amount: SignedNumber
    after: SignedNumber


class Rests(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The order rests after the event: at this price, with this displayed quantity, in this place of the queue. A
    hidden order displays 0."""

    price: Number
    quantity: Number
    priority: int


class AssetListed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    asset: str
    scale: int
    kind: Literal["CURRENCY", "SECURITY"]


class InstrumentListed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """price_unit: smallest price step; lot_unit: smallest quantity step; protection: how far a market order may trade
    from the best opposite price, as a fraction."""

    instrument_id: InstrumentId
    symbol: str
    base: str
    quote: str
    price_unit: Number
    lot_unit: Number
    max_price: Number
    max_quantity: Number
    protection: Number
    calendar: str
    clearing_account_id: AccountId
    session: Session


class AccountOpened(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    account_id: AccountId
    user_id: str
    kind: Literal["CUSTOMER", "CLEARING", "EXTERNAL", "HOUSE"]


class CashDeposited(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    account_id: AccountId
    asset: str
    amount: Number
    postings: list[Posting]


class AssetDeposited(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    account_id: AccountId
    asset: str
    amount: Number
    postings: list[Posting]


class CashWithdrawn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    account_id: AccountId
    asset: str
    amount: Number
    postings: list[Posting]


class AssetWithdrawn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    account_id: AccountId
    asset: str
    amount: Number
    postings: list[Posting]


class LimitsChanged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All limits of the account as they are from now on. None: no such limit (open orders: 10,000)."""

    account_id: AccountId
    max_order_notional: Number | None
    max_order_quantity: Number | None
    max_open_orders: int | None


class AccountStateChanged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    account_id: AccountId
    state: Literal["ACTIVE", "SUSPENDED"]
    reason: str


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What an order has that a plain one has not; what it does not have is left out.

    post_only: what becomes of it where it would trade on entry; asked_price: what was asked, where it slid to another
    price; minimum_quantity, all_or_none: it trades so much on entry, or nothing; budget: what it may cost or raise, in
    the quote currency; expire_at_ms: when a GTD order expires, milliseconds since 1970 in UTC;
    trigger_by, trigger_price: what an order waits for before it works; peg_offset: what a pegged order adds to what it
    follows; limit_price: the price that it never passes; display_quantity: how much it displays at a
    time; hidden: nothing of it is displayed; self_trade_prevention: what happens where it would trade with itself."""

    post_only: PostOnly | UnsetType = UNSET
    asked_price: Number | UnsetType = UNSET
    minimum_quantity: Number | UnsetType = UNSET
    all_or_none: Literal[True] | UnsetType = UNSET
    budget: Number | UnsetType = UNSET
    expire_at_ms: int | UnsetType = UNSET
    trigger_by: TriggerBy | UnsetType = UNSET
    trigger_price: Number | UnsetType = UNSET
    peg_offset: SignedNumber | UnsetType = UNSET
    limit_price: Number | UnsetType = UNSET
    display_quantity: Number | UnsetType = UNSET
    hidden: Literal[True] | UnsetType = UNSET
    self_trade_prevention: SelfTradePrevention | UnsetType = UNSET


class OrderCreated(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    order_id: OrderId
    client_order_id: str | None
    account_id: AccountId
    symbol: str
    side: Side
    type: OrderType | PegType
    time_in_force: TimeInForce
    quantity: Number
    price: Number | None
    protection_price: Number | None
    status: Status
    cum_quantity: Number
    leaves_quantity: Number
    rests: Rests | None
    postings: list[Posting]
    terms: Terms | UnsetType = UNSET


class OrderRejected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    order_id: OrderId
    client_order_id: str | None
    account_id: AccountId
    symbol: str
    side: Side
    type: OrderType | PegType
    time_in_force: TimeInForce
    quantity: Number
    price: Number | None
    status: Status
    reason: Code
    terms: Terms | UnsetType = UNSET


class OrderExecuted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One order's side of one trade. cum_notional: sum of price times quantity so far, in the quote currency; fee: what
    the fill cost the account beside its price, in the same."""

    order_id: OrderId
    trade_id: TradeId
    account_id: AccountId
    symbol: str
    side: Side
    price: Number
    quantity: Number
    liquidity: Literal["MAKER", "TAKER"]
    status: Status
    cum_quantity: Number
    leaves_quantity: Number
    cum_notional: Number
    rests: Rests | None
    postings: list[Posting]
    fee: Number | UnsetType = UNSET


class OrderReplaced(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    order_id: OrderId
    client_order_id: str | None
    account_id: AccountId
    symbol: str
    quantity: Number
    price: Number
    status: Status
    cum_quantity: Number
    leaves_quantity: Number
    rests: Rests | None
    postings: list[Posting]
    trigger_price: Number | UnsetType = UNSET
    limit_price: Number | UnsetType = UNSET


class OrderTriggered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order that waited works: its trigger price was reached. price: its limit, or how far it may run."""

    order_id: OrderId
    account_id: AccountId
    symbol: str
    side: Side
    trigger_price: Number
    price: Number
    status: Status
    leaves_quantity: Number
    rests: Rests | None


class TriggersDeferred(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Prices from low to high have reached more orders than one command triggers: those with a smaller number than
    armed_before go on at once, in a command of their own."""

    instrument_id: InstrumentId
    symbol: str
    reference: Literal["LAST", "BID", "ASK", "MARK"]
    low: Number
    high: Number
    armed_before: int


class TriggersResumed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that was deferred goes on."""

    instrument_id: InstrumentId
    symbol: str


class PegsMoved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A group of pegged orders rests at another price: one behind the other as they are listed, the first with this
    priority and each with the next. What each displays stays as it was."""

    instrument_id: InstrumentId
    symbol: str
    side: Side
    price: Number
    priority: int
    orders: list[OrderId]


class MarkPriceChanged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    instrument_id: InstrumentId
    symbol: str
    price: Number


class OrderRestated(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order that stays open has another quantity or place, by the rules alone: an iceberg order displays its next
    part, or an order shrank where it would have traded with itself."""

    order_id: OrderId
    account_id: AccountId
    symbol: str
    side: Side
    reason: Literal["refreshed", "self_trade"]
    quantity: Number
    status: Status
    cum_quantity: Number
    leaves_quantity: Number
    rests: Rests | None
    postings: list[Posting]


class OrderCanceled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    order_id: OrderId
    account_id: AccountId
    symbol: str
    reason: Code
    status: Status
    cum_quantity: Number
    leaves_quantity: Number
    canceled_quantity: Number
    postings: list[Posting]


class OrderExpired(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    order_id: OrderId
    account_id: AccountId
    symbol: str
    reason: Code
    status: Status
    cum_quantity: Number
    leaves_quantity: Number
    canceled_quantity: Number
    postings: list[Posting]


class OrderCancelRejected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    order_id: OrderId | None
    account_id: AccountId
    request: Literal["CANCEL", "REPLACE"]
    reason: Code


class CommandRefused(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """aggregate_id: whose version the event counts, in words: the account, instrument or asset that was named, else the
    external account."""

    command: str
    reason: Code
    aggregate_id: str


class OrdersCanceled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The end of a mass cancel; symbol is None when it covered every instrument. reason: why a connection was lost,
    where that was the cause."""

    account_id: AccountId
    symbol: str | None
    count: int
    reason: str | UnsetType = UNSET


class MassCanceled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The end of a mass cancel. What it chose by is there; what did not matter is left out."""

    count: int
    account_id: AccountId | UnsetType = UNSET
    symbol: str | UnsetType = UNSET
    side: Side | UnsetType = UNSET
    lowest_price: Number | UnsetType = UNSET
    highest_price: Number | UnsetType = UNSET


class KillSwitchChanged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The kill switch of an account is on or off; without an account it is the venue's."""

    state: Literal["OFF", "ON"]
    reason: str
    account_id: AccountId | UnsetType = UNSET


class AccountOptionsChanged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Accounts of one trade group never trade with each other; None: in no group. cancel_on_disconnect: whether a lost
    connection ends the account's orders."""

    account_id: AccountId
    trade_group: int | None
    cancel_on_disconnect: Literal[True] | UnsetType = UNSET


class DeadMansTimerChanged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The account's orders end at this time, in milliseconds since 1970, unless it is set anew; None: off."""

    account_id: AccountId
    due_ms: int | None


class InstrumentRulesChanged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an instrument's orders meet; what its allocation does not need is left out. lead_share: a fraction."""

    instrument_id: InstrumentId
    symbol: str
    self_trade_prevention: SelfTradePrevention
    allocation: Allocation
    least_allocation: Number | UnsetType = UNSET
    lead_account_id: AccountId | UnsetType = UNSET
    lead_share: Number | UnsetType = UNSET


class FeesChanged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an instrument's fills cost from now on, as fractions of a fill's notional. ceiling: neither rate exceeds it,
    and orders hold it."""

    instrument_id: InstrumentId
    symbol: str
    maker_rate: Number
    taker_rate: Number
    ceiling: Number


class TradeExecuted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    trade_id: TradeId
    symbol: str
    price: Number
    quantity: Number
    aggressor_side: Side
    maker_order_id: OrderId
    taker_order_id: OrderId
    maker_account_id: AccountId
    taker_account_id: AccountId
    maker_fee: Number | UnsetType = UNSET
    taker_fee: Number | UnsetType = UNSET


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
    sessions.SessionChanged,
    OrderCreated,
    OrderRejected,
    OrderExecuted,
    OrderReplaced,
    OrderTriggered,
    TriggersDeferred,
    TriggersResumed,
    PegsMoved,
    MarkPriceChanged,
    OrderRestated,
    OrderCanceled,
    OrderExpired,
    OrderCancelRejected,
    CommandRefused,
    OrdersCanceled,
    MassCanceled,
    KillSwitchChanged,
    AccountOptionsChanged,
    DeadMansTimerChanged,
    InstrumentRulesChanged,
    sessions.IndicativeChanged,
    sessions.AuctionUncrossed,
    sessions.AuctionDeferred,
    sessions.AuctionResumed,
    FeesChanged,
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
    | sessions.SessionChanged
    | OrderCreated
    | OrderRejected
    | OrderExecuted
    | OrderReplaced
    | OrderTriggered
    | TriggersDeferred
    | TriggersResumed
    | PegsMoved
    | MarkPriceChanged
    | OrderRestated
    | OrderCanceled
    | OrderExpired
    | OrderCancelRejected
    | CommandRefused
    | OrdersCanceled
    | MassCanceled
    | KillSwitchChanged
    | AccountOptionsChanged
    | DeadMansTimerChanged
    | InstrumentRulesChanged
    | sessions.IndicativeChanged
    | sessions.AuctionUncrossed
    | sessions.AuctionDeferred
    | sessions.AuctionResumed
    | FeesChanged
    | TradeExecuted
)

_DECODERS: dict[str, msgspec.json.Decoder[EngineEvent]] = {kind.__name__: msgspec.json.Decoder(kind) for kind in TYPES}


def decode(event_type: str, event_data: bytes) -> EngineEvent | None:
    """The typed event; None when the engine does not write this type. msgspec.ValidationError if it does not fit."""
    decoder = _DECODERS.get(event_type)
    return None if decoder is None else decoder.decode(event_data)
