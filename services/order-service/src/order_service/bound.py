"""What an order was refused for, in numbers: how much it needs and how much there was, at the moment of its refusal.

The event says which rule refused it; what the account had and what it might is the fold of the events before. Where the
event does not tell a number (a market order's refusal has no price), none is told.
"""

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


def available(balance: str, hold: str) -> str:
    return canonical(add(parse(balance), -parse(hold)))


def bound_of(
    refused: events.OrderRejected, instrument: InstrumentRow, limits: LimitsRow, cash: str, held: str
) -> Bound | None:
    """cash, held: what is available of the instrument's quote and base. None where the reason is no bound."""
    quantity = refused.quantity if refused.quantity != "0" else ""  # that of a budget is not told
    value = canonical(multiply(parse(refused.price), parse(quantity))) if refused.price and quantity else ""
    match refused.reason:
        case "insufficient_funds":
            return Bound(cash, value, instrument.quote)
        case "insufficient_position":
            return Bound(held, quantity, instrument.base)
        case "order_notional_limit" if limits.max_order_notional is not None:
            return Bound(limits.max_order_notional, value, instrument.quote)
        case "order_quantity_limit" if limits.max_order_quantity is not None:
            return Bound(limits.max_order_quantity, quantity, instrument.base)
        case "open_orders_limit":
            return Bound(str(limits.max_open_orders or OPEN_ORDERS_DEFAULT))
        case "quantity_too_large":
            return Bound(instrument.max_quantity, quantity, instrument.base)
        case "price_too_large":
            return Bound(instrument.max_price, _too_high(refused, instrument.max_price), instrument.quote)
        case _:
            return None


def _too_high(refused: events.OrderRejected, highest: str) -> str:
    """Which of its prices is above the highest; empty where it has none that the event tells."""
    told = (refused.price, refused.terms.trigger_price if refused.terms else None)
    return next((price for price in told if price and parse(price) > parse(highest)), "")


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
    "price_too_large": (
        "The price is {needed}; the instrument's highest is {allowed}.",
        "The price is above the instrument's highest of {allowed}.",
    ),
}


def told(reason: str, bound: Bound) -> str:
    """The refusal in a sentence, for the order's owner."""
    both, alone = TOLD[reason]
    return (both if bound.needed else alone).format(
        needed=f"{bound.needed} {bound.unit}", allowed=f"{bound.allowed} {bound.unit}".rstrip()
    )
