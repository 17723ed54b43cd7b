"""The hash of an event, written out by hand: what was stored once must verify for ever."""

import hashlib
import struct

import msgspec
import pytest

from kernel.event import GENESIS_HASH, Event, chain_hash, hashed_bytes
from kernel.eventlog.port import Corrupt
from kernel.eventlog.verify import Chain

FIRST = Event(
    log="main",
    position=1,
    event_id="e1",
    aggregate_id="o1",
    aggregate_type="Order",
    event_type="OrderCreated",
    event_version=1,
    schema_version=1,
    event_data=b"{}",
    account_id=None,
    instrument_id="i1",
    user_id=None,
    correlation_id="c",
    causation_id=None,
    command_id="d",
    command_index=0,
    command_count=200,
    request_hash=None,
    traceparent=None,
    occurred_at_ns=1_700_000_000_000_000_000,
    recorded_at_ns=70_000,
    hash_version=1,
    hash=b"",
)


def text(value: str) -> bytes:
    return bytes([0xA0 + len(value)]) + value.encode()


def test_version_1_is_one_messagepack_array_of_the_fields_in_order():
    nil = b"\xc0"
    written = (
        b"\xdc\x00\x16"  # an array of 22
        + text("main") + b"\x01" + text("e1") + text("o1") + text("Order") + text("OrderCreated") + b"\x01\x01"
        + b"\xc4\x02{}"  # bytes, one byte of length
        + nil + text("i1") + nil + text("c") + nil + text("d")
        + b"\x00" + b"\xcc\xc8"  # 0 of 200
        + nil + nil
        + b"\xcf" + struct.pack(">Q", 1_700_000_000_000_000_000) + b"\xce" + struct.pack(">I", 70_000)
        + b"\x01"
    )  # fmt: skip
    assert hashed_bytes(FIRST) == written
    assert chain_hash(GENESIS_HASH, FIRST) == hashlib.sha256(bytes(32) + written).digest()


def link(previous: bytes, event: Event, **changes) -> Event:
    changed = msgspec.structs.replace(event, **changes)
    return msgspec.structs.replace(changed, hash=chain_hash(previous, changed))


@pytest.mark.parametrize(
    ("sentence", "changes", "told"),
    [
        ("a gap", {"position": 3}, "position 2 is missing"),
        ("another log", {"log": "other"}, "belongs to log other"),
        ("a hash of another kind", {"hash_version": 2}, "hash version 2"),
        ("an event of the command left out", {"command_index": 2}, "does not follow"),
        ("another command before the first has ended", {"command_id": "x", "command_index": 1}, "does not follow"),
        ("another count", {"command_index": 1, "command_count": 3}, "does not follow"),
    ],
)
def test_an_event_out_of_place_is_found_though_its_hash_is_right(sentence, changes, told):
    chain = Chain("main")
    first = link(GENESIS_HASH, FIRST, command_count=2)
    chain.follow(first)
    with pytest.raises(Corrupt, match=told):
        chain.follow(link(first.hash, FIRST, **{"position": 2, "command_count": 2} | changes))
