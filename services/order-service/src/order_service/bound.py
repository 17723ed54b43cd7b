"""What an order was refused for, in numbers: how much it needs and how much there was, at the moment of its refusal.

The event says which rule refused it; what the account had and what it might is the fold of the events before. Where the
event does not tell a number (a market order's refusal has no price), none is told.
"""

from typing import NamedTuple

import msgspec

from kernel.money import add, canonical, multiply, parse
from trading_events import engine as events

OPEN_ORDERS_DEFAULT = 10_000  # the core's, for an account without a limit


class Bound(msgspec.Struct, frozen=True, omit_defaults=True):
    """needed: empty where the event does not tell. unit: the asset of both; empty for a count."""

    allowed: str
    needed: str = ""
    unit: str = ""


class InstrumentRow(msgspec.Struct, frozen=True):
    base: str
    quote: str
    max_price: str
    max_quantity: str


class LimitsRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """The limits in force on an account; None is no limit."""

    max_order_notional: str | None = None
    max_order_quantity: str | None = None
    max_open_orders: int | None = None


class Standing(NamedTuple):
    """What held when an order or a change of one was refused. cash, held: what was available of the instrument's quote
    and base."""

    instrument: InstrumentRow
    limits: LimitsRow
    cash: str
    held: str

    def allowed(self, reason: str) -> Bound | None:
        """The bound alone."""
        instrument, limits = self.instrument, self.limits
        match reason:
            case "insufficient_funds":
                return Bound(self.cash, unit=instrument.quote)
            case "insufficient_position":
                return Bound(self.held, unit=instrument.base)
            case "order_notional_limit" if limits.max_order_notional is not None:
                return Bound(limits.max_order_notional, unit=instrument.quote)
            case "order_quantity_limit" if limits.max_order_quantity is not None:
                return Bound(limits.max_order_quantity, unit=instrument.base)
            case "open_orders_limit":
                return Bound(str(limits.max_open_orders or OPEN_ORDERS_DEFAULT))
            case "quantity_too_large":
                return Bound(instrument.max_quantity, unit=instrument.base)
            case "price_too_large":
                return Bound(instrument.max_price, unit=instrument.quote)
            case _:
                return None


class RefusedChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """A replace that was refused for a bound, and the order as it stood: what was asked is in the request only."""

    bound: Bound
    quantity: str
    cum_quantity: str
    leaves_quantity: str
    price: str | None = None

    def told(self, reason: str, quantity: str, price: str, trigger_price: str = "") -> str | None:
        """The refusal of a change to `quantity` and `price` (empty: as they were); None where it has no numbers."""
        if reason == "price_too_large":
            price = _too_high(self.bound, price, trigger_price)
        quantity, price = quantity or self.quantity, price or self.price or ""
        if reason in MORE_NEEDED:
            more = self._more(reason, quantity, price)
            return more and f"The change needs {more} {self.bound.unit} more; {_counted(self.bound)} is available."
        return told(reason, msgspec.structs.replace(self.bound, needed=_needed(reason, price, quantity)))

    def _more(self, reason: str, quantity: str, price: str) -> str:
        """What the order would hold more; empty without a price."""
        leaves, before = add(parse(quantity), -parse(self.cum_quantity)), parse(self.leaves_quantity)
        if reason == "insufficient_funds":
            if not price or self.price is None:
                return ""
            leaves, before = multiply(leaves, parse(price)), multiply(before, parse(self.price))
        return canonical(add(leaves, -before))


def available(balance: str, hold: str) -> str:
    return canonical(add(parse(balance), -parse(hold)))


def bound_of(refused: events.OrderRejected, stood: Standing) -> Bound | None:
    """None where the reason is no bound."""
    allowed = stood.allowed(refused.reason)
    if allowed is None:
        return None
    price, quantity = refused.price or "", refused.quantity
    if quantity == "0":  # that of a budget is not told
        return allowed
    if refused.reason == "price_too_large" and refused.terms:
        price = _too_high(allowed, price, refused.terms.trigger_price or "")
    return msgspec.structs.replace(allowed, needed=_needed(refused.reason, price, quantity))


def _too_high(highest: Bound, price: str, trigger_price: str) -> str:
    """The one of an order's prices that is too high."""
    return trigger_price if trigger_price and parse(trigger_price) > parse(highest.allowed) else price


def _needed(reason: str, price: str, quantity: str) -> str:
    """What an order of `quantity` at `price` needs of what the reason is about; empty where it has no price."""
    match reason:
        case "insufficient_funds" | "order_notional_limit":
            return canonical(multiply(parse(price), parse(quantity))) if price else ""
        case "price_too_large":
            return price
        case "open_orders_limit":
            return ""
        case _:
            return quantity


MORE_NEEDED = frozenset({"insufficient_funds", "insufficient_position"})  # of a change: what it needs beyond its hold
# By reason: with both numbers, and with the bound alone.
TOLD = {
    "insufficient_funds": ("The order needs {needed}; {allowed} is available.", "Only {allowed} is available."),
    "insufficient_position": ("The order needs {needed}; {allowed} is available.", "Only {allowed} is available."),
    "order_notional_limit": (
        "The order's value is {needed}; the account's limit is {allowed}.",
        "The order's value is above the account's limit of {allowed}.",
    ),
    "order_quantity_limit": (
        "The order's quantity is {needed}; the account's limit is {allowed}.",
        "The order's quantity is above the account's limit of {allowed}.",
    ),
    "open_orders_limit": ("", "The account has {allowed} open orders, as many as it may have."),
    "quantity_too_large": (
        "The quantity is {needed}; the instrument's largest order is {allowed}.",
        "The quantity is above the instrument's largest order of {allowed}.",
    ),
    "quantity_below_executed": ("The new quantity is {needed}; it must be above the {allowed} executed already.", ""),
    "price_too_large": (
        "The price is {needed}; the instrument's highest is {allowed}.",
        "The price is above the instrument's highest of {allowed}.",
    ),
}


def told(reason: str, bound: Bound) -> str:
    """The refusal in a sentence, for the order's owner."""
    both, alone = TOLD[reason]
    return (both if bound.needed else alone).format(needed=f"{bound.needed} {bound.unit}", allowed=_counted(bound))


def _counted(bound: Bound) -> str:
    return f"{bound.allowed} {bound.unit}".rstrip()
