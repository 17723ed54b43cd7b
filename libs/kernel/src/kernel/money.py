"""Exact numbers: decimals at the edge, integers inside, never a float.

A price counts the instrument's price unit, a quantity its lot unit, an amount the asset's ledger unit (10^-scale).
`canonical` is the one textual form of a number in events and answers: no exponent, no plus sign, no trailing zeros.
"""

import re
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_UP, Context, Decimal
from enum import Enum

# Wide enough for an i128 with 18 decimals; Inexact would be a bug, so nothing is ever rounded by the context.
CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)
SCALE_MAX = 18
AVERAGE_PRICE_SCALE = 10
_PLAIN = re.compile(r"-?[0-9]{1,39}(\.[0-9]{1,18})?", re.ASCII)


class Rounding(Enum):
    """Every division of the platform names one of these; docs/concepts/rounding.md lists them all."""

    DOWN = ROUND_DOWN
    UP = ROUND_UP
    HALF_EVEN = ROUND_HALF_EVEN


class NotExact(ValueError):
    """The text is no plain decimal, or not a whole number of units."""


def parse(text: str) -> Decimal:
    """Read a plain decimal such as `-12.50`. NotExact for exponents, plus signs, spaces, NaN, other digits."""
    if not _PLAIN.fullmatch(text):
        raise NotExact(f"expected a plain decimal such as 12.50, got {text[:50]!r}")
    return Decimal(text)


def canonical(value: Decimal) -> str:
    """The one textual form: `580.1`, `100`, `0`, `-0.5`."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def units(value: Decimal, unit: Decimal) -> int:
    """How many `unit` are in `value`; NotExact unless it is a whole number."""
    count, rest = CONTEXT.divmod(value, unit)
    if rest:
        raise NotExact(f"{canonical(value)} is not a whole multiple of {canonical(unit)}")
    return int(count)


def is_multiple(value: Decimal, unit: Decimal) -> bool:
    return not CONTEXT.divmod(value, unit)[1]


def decimal(count: int, unit: Decimal) -> Decimal:
    """`count` units as a decimal, exactly."""
    return CONTEXT.multiply(Decimal(count), unit)


def ledger_unit(scale: int) -> Decimal:
    """10^-scale: the unit in which an asset is counted."""
    return Decimal(1).scaleb(-scale)


def add(*values: Decimal) -> Decimal:
    total = Decimal(0)
    for value in values:
        total = CONTEXT.add(total, value)
    return total


def multiply(left: Decimal, right: Decimal) -> Decimal:
    return CONTEXT.multiply(left, right)


def divide(numerator: Decimal, denominator: Decimal, scale: int, rounding: Rounding) -> Decimal:
    """A quotient with `scale` decimals. Each use stands in the rounding table."""
    quotient = CONTEXT.divide(numerator, denominator)
    return quotient.quantize(ledger_unit(scale), rounding.value, CONTEXT)


def average_price(notional: str, quantity: str) -> str:
    """Notional by quantity with ten decimals, half to even; empty for no quantity (rounding table: average price)."""
    if quantity == "0":
        return ""
    return canonical(divide(Decimal(notional), Decimal(quantity), AVERAGE_PRICE_SCALE, Rounding.HALF_EVEN))
