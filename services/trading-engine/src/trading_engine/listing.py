"""What is listed, and how its numbers count: the only place where decimals become the core's integers."""

from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from kernel.ids import KIND_ACCOUNT, KIND_ORDER, core_id_number
from kernel.money import NotExact, canonical, decimal, ledger_unit, parse, units
from kernel.refused import Kind, Refused
from matching.command import TextArena
from matching.engine import Engine

UNKNOWN_ID = 0  # no entity has it; the core refuses it by name
# The same prices, quantities and accounts come again and again: each is read once.
TEXTS_REMEMBERED = 16_384
I64_MAX = (1 << 63) - 1
I128_MAX = (1 << 127) - 1
PARTS_UNIT = Decimal(1).scaleb(-6)  # fractions count millionths


@dataclass(slots=True)
class Draft:
    """Records for one call of the core, and the texts that they refer to."""

    records: list[bytes] = field(default_factory=list)
    texts: TextArena = field(default_factory=TextArena)


@dataclass(frozen=True, slots=True)
class Terms:
    """The units in which an instrument counts."""

    number: int
    price_unit: Decimal
    lot_unit: Decimal
    quote: str


@dataclass(frozen=True, slots=True)
class AssetTerms:
    """The ledger unit of an asset is 10^-scale."""

    number: int
    scale: int


class Listing:
    """What is listed: instruments and assets by name, and which instrument an open order is for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._instruments = {
            row.symbol: Terms(row.id, Decimal(row.price_unit), Decimal(row.lot_unit), row.quote)
            for row in engine.instruments()
        }
        self._by_number = {terms.number: terms for terms in self._instruments.values()}
        self._assets = {row.symbol: AssetTerms(row.id, row.scale) for row in engine.assets()}

    def instrument(self, symbol: str) -> Terms:
        terms = self._instruments.get(symbol)
        if terms is None:
            raise Refused("unknown_instrument", f"There is no instrument {symbol}.", Kind.NOT_FOUND)
        return terms

    def instrument_of(self, order_id: int) -> Terms | None:
        """The terms of an open order's instrument; None when the order is not open (the core then refuses)."""
        number = self._engine.instrument_of(order_id)
        return None if number is None else self._by_number[number]

    def asset(self, name: str) -> AssetTerms:
        terms = self._assets.get(name)
        if terms is None:
            raise Refused("unknown_asset", f"There is no asset {name}; list it first.", Kind.NOT_FOUND)
        return terms


@lru_cache(TEXTS_REMEMBERED)
def account(text: str) -> int:
    return core_id_number(KIND_ACCOUNT, text) or UNKNOWN_ID


def order(text: str) -> int:
    return core_id_number(KIND_ORDER, text) or UNKNOWN_ID


def quantity(text: str, terms: Terms) -> int:
    return count("quantity", text, terms.lot_unit, "quantity_off_lot")


def price(text: str, terms: Terms) -> int:
    return count("price", text, terms.price_unit, "price_off_tick")


@lru_cache(TEXTS_REMEMBERED)
def count(what: str, text: str, unit: Decimal, off: str) -> int:
    """`text` in units; Refused with `off` if it is no whole number of them, or if it is 0 or beyond 64 bits."""
    try:
        number = units(parse(text), unit)
    except NotExact:
        told = f"The {_spoken(what)} must be a whole multiple of {canonical(unit)}, got {text}."
        raise Refused(off, told) from None
    if not 0 < number <= I64_MAX:
        most = canonical(decimal(I64_MAX, unit))
        told = f"The {_spoken(what)} must be above 0 and at most {most}, got {text}."
        raise Refused(f"invalid_{what}", told)
    return number


def amount(text: str, asset: AssetTerms, what: str = "amount") -> int:
    """Ledger units of the asset."""
    try:
        number = units(parse(text), ledger_unit(asset.scale))
    except NotExact:
        told = f"The {what} must have at most {asset.scale} decimals, got {text}."
        raise Refused("amount_too_precise", told) from None
    if not 0 < number <= I128_MAX:
        most = canonical(decimal(I128_MAX, ledger_unit(asset.scale)))
        raise Refused("invalid_amount", f"The {what} must be above 0 and at most {most}, got {text}.")
    return number


def _spoken(what: str) -> str:
    return what.replace("_", " ")
