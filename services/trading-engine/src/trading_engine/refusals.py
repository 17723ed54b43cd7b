"""What the core's reason codes mean to people, and what kind of refusal each is. The codes are a public contract."""

from typing import NamedTuple

from kernel.refused import Kind


class Meaning(NamedTuple):
    kind: Kind
    message: str


MEANINGS: dict[str, Meaning] = {
    "unknown_account": Meaning(Kind.NOT_FOUND, "There is no such account."),
    "account_suspended": Meaning(Kind.UNPROCESSABLE, "Trading is suspended for this account; only cancels are taken."),
    "unknown_instrument": Meaning(Kind.NOT_FOUND, "There is no instrument with this symbol."),
    "market_closed": Meaning(Kind.UNPROCESSABLE, "The instrument is closed; place the order when its session opens."),
    "market_halted": Meaning(Kind.UNPROCESSABLE, "The instrument is halted; only cancels are taken."),
    "not_in_session": Meaning(Kind.UNPROCESSABLE, "The instrument's session does not take such an order."),
    "uncrossing": Meaning(Kind.UNPROCESSABLE, "An auction's trades are still being made; ask again."),
    "invalid_quantity": Meaning(Kind.UNPROCESSABLE, "The quantity must be a positive number of lots."),
    "invalid_price": Meaning(Kind.UNPROCESSABLE, "The price must be a positive number of price steps."),
    "quantity_too_large": Meaning(Kind.UNPROCESSABLE, "The quantity is above the instrument's largest order."),
    "price_too_large": Meaning(Kind.UNPROCESSABLE, "The price is above the instrument's highest price."),
    "order_notional_limit": Meaning(Kind.UNPROCESSABLE, "The order's value is above the account's limit."),
    "order_quantity_limit": Meaning(Kind.UNPROCESSABLE, "The order's quantity is above the account's limit."),
    "open_orders_limit": Meaning(Kind.UNPROCESSABLE, "The account has as many open orders as it may have."),
    "instrument_orders_limit": Meaning(
        Kind.UNPROCESSABLE, "The instrument has 1000000 open orders or 1000 pegged ones, as many as it may."
    ),
    "no_liquidity": Meaning(Kind.UNPROCESSABLE, "Nobody is on the other side, so a market order has no price bound."),
    "no_reference": Meaning(Kind.UNPROCESSABLE, "There is no price that a pegged order could follow."),
    "insufficient_funds": Meaning(Kind.UNPROCESSABLE, "The account has less cash available than this needs."),
    "insufficient_position": Meaning(
        Kind.UNPROCESSABLE, "The account has less of the asset available than this needs."
    ),
    "order_not_found": Meaning(Kind.NOT_FOUND, "There is no such order of this account."),
    "order_closed": Meaning(Kind.CONFLICT, "The order is no longer open."),
    "quantity_below_executed": Meaning(Kind.UNPROCESSABLE, "The new quantity must be above what is executed already."),
    "duplicate_listing": Meaning(Kind.CONFLICT, "It is listed already."),
    "unknown_asset": Meaning(Kind.NOT_FOUND, "There is no such asset; list it first."),
    "post_only_would_trade": Meaning(Kind.UNPROCESSABLE, "The order is post-only and would trade at once."),
    "invalid_minimum_quantity": Meaning(Kind.UNPROCESSABLE, "The minimum quantity is above the order's quantity."),
    "invalid_display_quantity": Meaning(
        Kind.UNPROCESSABLE, "The displayed quantity must be below the order's quantity."
    ),
    "invalid_trigger_price": Meaning(
        Kind.UNPROCESSABLE, "The trigger price must be above 0, and only an order that still waits has one."
    ),
    "budget_too_small": Meaning(Kind.UNPROCESSABLE, "The budget buys not even one lot at the best price."),
    "expire_time_passed": Meaning(Kind.UNPROCESSABLE, "The time is not to come: give a later one."),
    "kill_switch": Meaning(Kind.UNPROCESSABLE, "A kill switch is on: no order comes in until it is switched off."),
    "orders_open": Meaning(Kind.UNPROCESSABLE, "The instrument has open orders; cancel them first."),
    "nothing_due": Meaning(Kind.UNPROCESSABLE, "Nothing is due."),
    "venue_not_open": Meaning(Kind.UNPROCESSABLE, "The venue is not open: its first command opens its accounts."),
    "invalid_amount": Meaning(Kind.UNPROCESSABLE, "The amount must be above 0."),
    "amount_too_large": Meaning(Kind.UNPROCESSABLE, "The amount is more than the venue counts."),
    "notional_not_whole": Meaning(Kind.UNPROCESSABLE, "Prices times quantities would be fractions of a ledger unit."),
    "invalid_terms": Meaning(Kind.UNPROCESSABLE, "The terms are outside the venue's limits."),
    "capacity_reached": Meaning(Kind.UNPROCESSABLE, "The venue has as many of these as it may have."),
}


def meaning(code: str) -> Meaning:
    """A code that is not in the table is still passed on: the core may be newer than this service."""
    return MEANINGS.get(code) or Meaning(Kind.UNPROCESSABLE, code.replace("_", " ").capitalize() + ".")
