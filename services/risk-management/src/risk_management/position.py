"""Average cost and profit of a position, as a fold of its trades.

`known` counts what was bought here at a known cost; what was deposited has none: that is what is held beyond `known`.
What leaves takes known quantity first. A part of it takes its share of the cost, rounded half to even to the
currency's ledger unit; the last of it takes what is left, so no residue stays behind. See docs/concepts/rounding.md.
"""

from decimal import Decimal

import msgspec

from kernel.money import Rounding, add, divide, multiply

ZERO = Decimal(0)


class Position(msgspec.Struct, frozen=True, gc=False):
    """known: quantity of known cost; cost: of all of it; realized: profit of what was sold, all in one currency."""

    known: Decimal = ZERO
    cost: Decimal = ZERO
    realized: Decimal = ZERO


FLAT = Position()


def bought(position: Position, quantity: Decimal, price: Decimal) -> Position:
    return Position(
        known=add(position.known, quantity),
        cost=add(position.cost, multiply(price, quantity)),
        realized=position.realized,
    )


def sold(position: Position, quantity: Decimal, price: Decimal, scale: int) -> Position:
    """Profit is realized on quantity of known cost only. scale: decimals of the currency's ledger unit."""
    leaving = min(quantity, position.known)
    left = reduced(position, quantity, scale)
    gained = add(multiply(price, leaving), left.cost, -position.cost)
    return Position(known=left.known, cost=left.cost, realized=add(position.realized, gained))


def reduced(position: Position, quantity: Decimal, scale: int) -> Position:
    """After `quantity` left without a price in the currency: withdrawn, or traded for something else."""
    if quantity >= position.known:
        return Position(realized=position.realized)
    share = divide(multiply(position.cost, quantity), position.known, scale, Rounding.HALF_EVEN)
    return Position(
        known=add(position.known, -quantity),
        cost=add(position.cost, -share),
        realized=position.realized,
    )


def average_cost(position: Position, scale: int) -> Decimal | None:
    """Of one unit of known cost, to be shown; None if there is none."""
    return divide(position.cost, position.known, scale, Rounding.HALF_EVEN) if position.known else None
