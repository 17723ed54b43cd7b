"""The rows of the risk read model. Quantities and amounts are exact decimals; texts are canonical, as in the events."""

from decimal import Decimal
from typing import Literal

import msgspec

from risk_management.policy import NO_LIMITS, Limits
from risk_management.position import ZERO
from trading_events.words import Side


class AssetRow(msgspec.Struct, frozen=True, gc=False):
    """scale: decimals of the ledger unit."""

    asset: str
    scale: int
    kind: Literal["CURRENCY", "SECURITY"]


class InstrumentRow(msgspec.Struct, frozen=True, gc=False):
    """number: in the order of listing; the first instrument of an asset values it. last_price: empty until a trade."""

    symbol: str
    base: str
    quote: str
    number: int
    last_price: str = ""


class AccountRow(msgspec.Struct):
    """assets, symbols: what it ever held, and where it ever had orders. limits: those in force.

    told_of: the setting of policies whose limits the account was given last (`LimitsDue.setting`); empty if none ever
        was.
    trade_group: accounts of one never trade with each other; 0 is none.
    dead_mans_timer_ms: when its orders end unless it is set anew, since 1970; 0 is off.
    """

    account_id: str
    user_id: str
    kind: Literal["CUSTOMER", "CLEARING", "EXTERNAL", "HOUSE"]
    opened_at_ns: int
    state: Literal["ACTIVE", "SUSPENDED"] = "ACTIVE"
    version: int = 0
    limits: Limits = NO_LIMITS
    told_of: str = ""
    kill_switch: bool = False
    cancel_on_disconnect: bool = False
    trade_group: int = 0
    dead_mans_timer_ms: int = 0
    assets: list[str] = msgspec.field(default_factory=list)
    symbols: list[str] = msgspec.field(default_factory=list)


class KillSwitchRow(msgspec.Struct, frozen=True):
    """The venue's."""

    on: bool
    reason: str
    changed_at_ns: int


class BalanceRow(msgspec.Struct, gc=False):
    balance: str = "0"
    hold: str = "0"


class OrderRow(msgspec.Struct, frozen=True, gc=False):
    """An open order; price: its limit, or its protection price."""

    account_id: str
    symbol: str
    side: Side
    price: Decimal
    leaves: Decimal


class ExposureRow(msgspec.Struct, gc=False):
    """Open orders of an account in an instrument; notionals at the orders' own prices."""

    orders: int = 0
    buy_quantity: Decimal = ZERO
    buy_notional: Decimal = ZERO
    sell_quantity: Decimal = ZERO
    sell_notional: Decimal = ZERO


class PolicyRow(msgspec.Struct, frozen=True):
    """The policy of a scope, and the event that set it. policy: empty once an account's own was removed; then it has no
    limits, and its event is the removal."""

    policy: str
    account_id: str | None
    limits: Limits
    event_id: str
    version: int
    set_at_ns: int
