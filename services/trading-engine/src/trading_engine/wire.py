"""From a command on the wire to the core's fixed-size record: the only place where decimals become integers."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from kernel.ids import KIND_ACCOUNT, KIND_ORDER, core_id_number
from kernel.money import NotExact, canonical, parse, units
from kernel.refused import Kind, Refused
from matching import command as record
from matching.engine import Instrument
from trading.v1 import engine_pb2, types_pb2

UNKNOWN_ID = 0  # no entity has it; the core refuses it by name
U64_MAX = (1 << 64) - 1
I64_MAX = (1 << 63) - 1

SIDES = {types_pb2.SIDE_BUY: "BUY", types_pb2.SIDE_SELL: "SELL"}
TYPES = {types_pb2.ORDER_TYPE_LIMIT: "LIMIT", types_pb2.ORDER_TYPE_MARKET: "MARKET"}
TIMES_IN_FORCE = {
    types_pb2.TIME_IN_FORCE_GTC: "GTC",
    types_pb2.TIME_IN_FORCE_DAY: "DAY",
    types_pb2.TIME_IN_FORCE_IOC: "IOC",
}


@dataclass(slots=True)
class Draft:
    """Records for one call of the core, and the texts that they refer to."""

    records: list[bytes] = field(default_factory=list)
    texts: record.TextArena = field(default_factory=record.TextArena)


@dataclass(frozen=True, slots=True)
class Terms:
    """The units in which an instrument counts."""

    number: int
    price_unit: Decimal
    lot_unit: Decimal


class Instruments:
    """Instruments by symbol."""

    def __init__(self, listed: Sequence[Instrument]) -> None:
        self._terms = {row.symbol: Terms(row.id, Decimal(row.price_unit), Decimal(row.lot_unit)) for row in listed}

    def terms(self, symbol: str) -> Terms:
        terms = self._terms.get(symbol)
        if terms is None:
            raise Refused("unknown_instrument", f"There is no instrument {symbol}.", Kind.NOT_FOUND)
        return terms

    def symbols(self) -> list[str]:
        return sorted(self._terms)


def request_hash(command: engine_pb2.Command) -> str:
    """Fingerprint of the command's body: a retry has the same one."""
    body = command.WhichOneof("body")
    assert body is not None, "the contract requires a body"
    encoded = getattr(command, body).SerializeToString(deterministic=True)
    return hashlib.blake2b(encoded, digest_size=16, person=body[:16].encode()).hexdigest()


def encode(command: engine_pb2.Command, instruments: Instruments, placed: str, stamp_ns: int, draft: Draft) -> None:
    """Append the command's record to `draft`; Refused when a number cannot be said in the instrument's units.

    placed: the order that the command's `placed_by_command_id` turned out to be, empty if unknown.
    """
    stamp_ns = command.source_time_ns or stamp_ns
    match command.WhichOneof("body"):
        case "place_order":
            encoded = _place_order(command.place_order, instruments, stamp_ns, draft)
        case "cancel_order":
            cancel = command.cancel_order
            encoded = record.cancel_order(
                stamp_ns=stamp_ns, account_id=account(cancel.account_id), order_id=order(cancel.order_id or placed)
            )
        case "replace_order":
            encoded = _replace_order(command.replace_order, instruments, placed, stamp_ns, draft)
        case "cancel_all_orders":
            everything = command.cancel_all_orders
            instrument = instruments.terms(everything.symbol).number if everything.symbol else None
            encoded = record.cancel_all(
                stamp_ns=stamp_ns, account_id=account(everything.account_id), instrument_id=instrument
            )
        case _:
            encoded = _administration(command, instruments, stamp_ns, draft)
    draft.records.append(encoded)


def account(text: str) -> int:
    return core_id_number(KIND_ACCOUNT, text) or UNKNOWN_ID


def order(text: str) -> int:
    return core_id_number(KIND_ORDER, text) or UNKNOWN_ID


def quantity(text: str, terms: Terms) -> int:
    return _count(text, terms.lot_unit, "quantity", "quantity_off_lot", U64_MAX)


def price(text: str, terms: Terms) -> int:
    return _count(text, terms.price_unit, "price", "price_off_tick", I64_MAX)


def _count(text: str, unit: Decimal, what: str, code: str, largest: int) -> int:
    try:
        count = units(parse(text), unit)
    except NotExact:
        told = f"The {what} must be a whole multiple of {canonical(unit)}, got {text}."
        raise Refused(code, told, Kind.UNPROCESSABLE) from None
    if not 0 < count <= largest:
        told = f"The {what} must be above 0 and at most {largest} times {canonical(unit)}, got {text}."
        raise Refused(f"invalid_{what}", told, Kind.UNPROCESSABLE)
    return count


def _place_order(place: engine_pb2.PlaceOrder, instruments: Instruments, stamp_ns: int, draft: Draft) -> bytes:
    terms = instruments.terms(place.symbol)
    limit = place.type == types_pb2.ORDER_TYPE_LIMIT
    if limit != bool(place.price):
        told = "A limit order needs a price, a market order has none (it may have a protection price)."
        raise Refused("invalid_price", told, Kind.INVALID)
    if limit and place.protection_price:
        raise Refused("invalid_price", "Only a market order has a protection price.", Kind.INVALID)
    return record.place_order(
        draft.texts,
        stamp_ns=stamp_ns,
        account_id=account(place.account_id),
        instrument_id=terms.number,
        side=SIDES[place.side],
        order_type=TYPES[place.type],
        time_in_force=TIMES_IN_FORCE[place.time_in_force],
        quantity=quantity(place.quantity, terms),
        price=price(place.price, terms) if limit else None,
        protection_price=price(place.protection_price, terms) if place.protection_price else None,
        client_order_id=place.client_order_id or None,
    )


def _replace_order(
    replace: engine_pb2.ReplaceOrder, instruments: Instruments, placed: str, stamp_ns: int, draft: Draft
) -> bytes:
    terms = instruments.terms(replace.symbol)
    return record.replace_order(
        draft.texts,
        stamp_ns=stamp_ns,
        account_id=account(replace.account_id),
        order_id=order(replace.order_id or placed),
        quantity=quantity(replace.quantity, terms) if replace.quantity else None,
        price=price(replace.price, terms) if replace.price else None,
        client_order_id=replace.client_order_id or None,
    )
