"""From a command on the wire to the core's fixed-size record."""

import hashlib

from kernel.refused import Kind, Refused
from matching import command as record
from trading.v1 import engine_pb2, types_pb2
from trading_engine.administration import administration
from trading_engine.listing import Draft, Listing, account, order, price, quantity

SIDES = {types_pb2.SIDE_BUY: record.Side.BUY, types_pb2.SIDE_SELL: record.Side.SELL}
TYPES = {
    types_pb2.ORDER_TYPE_LIMIT: record.OrderType.LIMIT,
    types_pb2.ORDER_TYPE_MARKET: record.OrderType.MARKET,
}
TIMES_IN_FORCE = {
    types_pb2.TIME_IN_FORCE_GTC: record.TimeInForce.GTC,
    types_pb2.TIME_IN_FORCE_DAY: record.TimeInForce.DAY,
    types_pb2.TIME_IN_FORCE_IOC: record.TimeInForce.IOC,
}

# How far the clocks of two machines may differ.
SOURCE_AHEAD_NS_MAX = 1_000_000_000


def request_hash(command: engine_pb2.Command) -> str:
    """Fingerprint of the command's body: a retry has the same one."""
    body = command.WhichOneof("body")
    assert body is not None, "the contract requires a body"
    encoded = getattr(command, body).SerializeToString(deterministic=True)
    return hashlib.blake2b(encoded, digest_size=16, person=body[:16].encode()).hexdigest()


def encode(command: engine_pb2.Command, listing: Listing, placed: str, stamp_ns: int, draft: Draft) -> None:
    """Append the command's record to `draft`; Refused when a number cannot be said in the instrument's units.

    stamp_ns: now, nanoseconds since 1970; a source time may be long before it, but hardly after, as stamps
        never go back.
    placed: the order that the command's `placed_by_command_id` turned out to be, empty if unknown.
    """
    if command.source_time_ns > stamp_ns + SOURCE_AHEAD_NS_MAX:
        told = f"The source time {command.source_time_ns} is still to come: it is {stamp_ns}."
        raise Refused("source_time_ahead", told, Kind.INVALID)
    stamp_ns = command.source_time_ns or stamp_ns
    match command.WhichOneof("body"):
        case "place_order":
            encoded = _place_order(command.place_order, listing, stamp_ns, draft)
        case "cancel_order":
            cancel = command.cancel_order
            encoded = record.cancel_order(stamp_ns, account(cancel.account_id), order(cancel.order_id or placed))
        case "replace_order":
            encoded = _replace_order(command.replace_order, listing, placed, stamp_ns, draft)
        case "cancel_all_orders":
            every = command.cancel_all_orders
            instrument = listing.instrument(every.symbol).number if every.symbol else None
            encoded = record.cancel_all(stamp_ns, account(every.account_id), instrument)
        case _:
            encoded = administration(command, listing, stamp_ns, draft)
    draft.records.append(encoded)


def _place_order(place: engine_pb2.PlaceOrder, listing: Listing, stamp_ns: int, draft: Draft) -> bytes:
    terms = listing.instrument(place.symbol)
    limit = place.type == types_pb2.ORDER_TYPE_LIMIT
    if limit != bool(place.price):
        told = "A limit order needs a price, a market order has none (it may have a protection price)."
        raise Refused("invalid_price", told, Kind.INVALID)
    if limit and place.protection_price:
        raise Refused("invalid_price", "Only a market order has a protection price.", Kind.INVALID)
    return record.place_order(
        draft.texts,
        stamp_ns,
        account_id=account(place.account_id),
        instrument_id=terms.number,
        side=SIDES[place.side],
        order_type=TYPES[place.type],
        time_in_force=TIMES_IN_FORCE[place.time_in_force],
        quantity=quantity(place.quantity, terms),
        price=price(place.price, terms) if limit else 0,
        protection_price=price(place.protection_price, terms) if place.protection_price else 0,
        client_order_id=place.client_order_id or None,
    )


def _replace_order(
    replace: engine_pb2.ReplaceOrder, listing: Listing, placed: str, stamp_ns: int, draft: Draft
) -> bytes:
    order_id = order(replace.order_id or placed)
    terms = listing.instrument_of(order_id)
    return record.replace_order(
        draft.texts,
        stamp_ns,
        account_id=account(replace.account_id),
        order_id=order_id,
        quantity=quantity(replace.quantity, terms) if replace.quantity and terms else None,
        price=price(replace.price, terms) if replace.price and terms else None,
        client_order_id=replace.client_order_id or None,
    )
