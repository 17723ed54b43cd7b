"""From a command on the wire to the core's fixed-size record."""

import hashlib

from kernel.refused import Kind, Refused
from matching import command as record
from trading.v1 import engine_pb2
from trading_engine.administration import administration
from trading_engine.listing import Draft, Listing, account, order
from trading_engine.placing import mass_cancel, place_order, replace_order

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
            encoded = place_order(command.place_order, listing, stamp_ns, draft)
        case "cancel_order":
            cancel = command.cancel_order
            encoded = record.cancel_order(stamp_ns, account(cancel.account_id), order(cancel.order_id or placed))
        case "replace_order":
            encoded = replace_order(command.replace_order, listing, placed, stamp_ns, draft)
        case "cancel_all_orders":
            every = command.cancel_all_orders
            instrument = listing.instrument(every.symbol).number if every.symbol else None
            encoded = record.cancel_all(stamp_ns, account(every.account_id), instrument)
        case "mass_cancel":
            encoded = mass_cancel(command.mass_cancel, listing, stamp_ns)
        case _:
            encoded = administration(command, listing, stamp_ns, draft)
    draft.records.append(encoded)
