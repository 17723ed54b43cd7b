"""What the core refused a command of the venue for, in numbers: which term, what came, and what may be.

A message is told anew for a retry. It says nothing but what the command itself and the terms of its assets say, which
never change, so the retry gets the first answer.
"""

from collections.abc import Iterator
from decimal import Decimal

from kernel.money import canonical, decimal, is_multiple, ledger_unit, multiply, parse
from kernel.refused import Refused
from trading.v1 import engine_pb2
from trading_engine.listing import AssetTerms, Listing, count

# The core's, from crates/matching/src/limit.rs and catalog.rs.
AMOUNT_MAX = 1 << 120
PRICE_MAX = (1 << 40) - 1
QUANTITY_MAX = (1 << 40) - 1
NOTIONAL_UNIT_MAX = 1 << 32
LOT_LEDGER_MAX = 1 << 40
UNIT_MAX = 1_000_000_000_000  # of its last decimal place
PROTECTION_MAX = Decimal(1)

CAPACITY = {
    "list_asset": "The venue lists 65536 assets, as many as it may.",
    "list_instrument": "The venue lists 65536 instruments, as many as it may.",
    "open_account": "The venue has 10000000 accounts, as many as it may.",
}


def in_numbers(command: engine_pb2.Command, code: str, listing: Listing) -> str | None:
    """The refusal of the command in a sentence; None where the general one says all."""
    body = command.WhichOneof("body")
    match code:
        case "amount_too_large" if body in ("deposit", "withdraw"):
            transfer = command.deposit if body == "deposit" else command.withdraw
            most = canonical(decimal(AMOUNT_MAX, ledger_unit(listing.asset(transfer.asset).scale)))
            told = f"the venue counts at most {most} {transfer.asset} in all accounts together"
            return f"The amount is {transfer.amount} {transfer.asset}; {told}."
        case "invalid_terms":
            return _told("The terms are outside the venue's limits", _invalid(command.list_instrument))
        case "notional_not_whole":
            return _told("Prices and quantities must be exact in ledger units", _not_whole(command, listing))
        case "capacity_reached":
            return CAPACITY.get(body or "")
        case "duplicate_listing" if body in ("list_asset", "list_instrument"):
            return f"{command.list_asset.asset or command.list_instrument.symbol} is listed already."
        case _:
            return None


def _told(what: str, faults: Iterator[str]) -> str:
    return f"{what}: {'; '.join(faults)}."


def _invalid(listed: engine_pb2.ListInstrument) -> Iterator[str]:
    for name, unit, units_max in (
        ("max_price", listed.price_unit, PRICE_MAX),
        ("max_quantity", listed.lot_unit, QUANTITY_MAX),
    ):
        if (told := _above(name, getattr(listed, name), unit, units_max)) is not None:
            yield told
    if parse(listed.protection) > PROTECTION_MAX:
        yield f"protection is a fraction of at most {PROTECTION_MAX}, got {listed.protection}"
    if listed.base == listed.quote:
        yield f"base and quote must differ, both are {listed.base}"


def _above(what: str, text: str, unit: str, units_max: int) -> str | None:
    most = decimal(units_max, parse(unit))
    if parse(text) <= most:
        return None
    return f"{what} may be at most {canonical(most)} ({units_max} times {unit}), got {text}"


def counted_unit(what: str, text: str) -> tuple[int, int]:
    """A positive decimal as (mantissa, decimal places) without trailing zeros in its fraction, as the core takes it."""
    normal = parse(text).normalize()
    exponent = normal.as_tuple().exponent
    assert isinstance(exponent, int), "a parsed decimal is finite"
    mantissa, places = (int(normal), 0) if exponent >= 0 else (int(normal.scaleb(-exponent)), -exponent)
    if not 0 < mantissa <= UNIT_MAX:
        told = f"The {what} must be above 0 and at most {UNIT_MAX} of its last decimal place, got {text}."
        raise Refused("invalid_terms", told)
    return mantissa, places


def counted_bound(what: str, text: str, unit: str, units_max: int, off: str) -> int:
    """A highest price or largest quantity in units; Refused with `off` if it is no whole number of them."""
    if (told := _above(what, text, unit, units_max)) is not None:
        raise Refused("invalid_terms", f"The {told}.")
    return count(what, text, parse(unit), off)


def _not_whole(command: engine_pb2.Command, listing: Listing) -> Iterator[str]:
    listed = command.list_instrument
    price_unit, lot_unit = parse(listed.price_unit), parse(listed.lot_unit)
    worth = f"price_unit times lot_unit is {canonical(multiply(price_unit, lot_unit))} {listed.quote}"
    yield from _counted(worth, multiply(price_unit, lot_unit), listing.asset(listed.quote), NOTIONAL_UNIT_MAX)
    lot = f"lot_unit is {listed.lot_unit} {listed.base}"
    yield from _counted(lot, lot_unit, listing.asset(listed.base), LOT_LEDGER_MAX)


def _counted(what: str, value: Decimal, asset: AssetTerms, units_max: int) -> Iterator[str]:
    unit = ledger_unit(asset.scale)
    most = decimal(units_max, unit)
    if not is_multiple(value, unit):
        yield f"{what}, no whole multiple of {canonical(unit)}"
    elif value > most:
        yield f"{what}, above {canonical(most)}"
