"""The event envelope: what a writer hands over, and what the log keeps.

A command causes one or more events, which are contiguous in the log and numbered `command_index` of
`command_count`. The writer encodes `event_data`; the log keeps those bytes as they were written, assigns
`position` and `recorded_at_ns`, and chains the hash over everything else.
"""

import hashlib
from typing import Annotated, NamedTuple

import msgspec

HASH_VERSION = 1
GENESIS_HASH = bytes(32)

COMMAND_EVENTS_MAX = 65_536
EVENT_DATA_BYTES_MAX = 1 << 20
TEXT_CHARACTERS_MAX = 256
INTEGER_MAX = (1 << 63) - 1

# The limits of every field; the log refuses a request that breaks one of them (Malformed), naming the field.
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_CHARACTERS_MAX)]
Count = Annotated[int, msgspec.Meta(ge=1, le=INTEGER_MAX)]
Nanoseconds = Annotated[int, msgspec.Meta(ge=0, le=INTEGER_MAX)]
Data = Annotated[bytes, msgspec.Meta(min_length=2, max_length=EVENT_DATA_BYTES_MAX)]


class NewEvent(msgspec.Struct, frozen=True, gc=False):
    """One event as its writer made it.

    event_version counts the events of the aggregate from 1: it is also the expected version of the append.
    event_data is compact JSON with exact decimals as strings; occurred_at_ns is nanoseconds since 1970 UTC.
    """

    event_id: Text
    aggregate_id: Text
    aggregate_type: Text
    event_type: Text
    event_version: Count
    event_data: Data
    occurred_at_ns: Nanoseconds
    account_id: Text | None = None
    instrument_id: Text | None = None
    user_id: Text | None = None
    schema_version: Count = 1


class Append(msgspec.Struct, frozen=True):
    """The events of one command, appended whole or not at all.

    command_id: derived from what the caller did (never random), so that a retry finds the first outcome.
    request_hash: fingerprint of the command's body; another body under a known command_id is refused.
    """

    events: Annotated[tuple[NewEvent, ...], msgspec.Meta(min_length=1, max_length=COMMAND_EVENTS_MAX)]
    correlation_id: Text
    command_id: Text | None = None
    request_hash: Text | None = None
    causation_id: Text | None = None
    traceparent: Text | None = None


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event as the log keeps it. `hash` covers every other field and the hash before it."""

    log: str
    position: int
    event_id: str
    aggregate_id: str
    aggregate_type: str
    event_type: str
    event_version: int
    schema_version: int
    event_data: bytes
    account_id: str | None
    instrument_id: str | None
    user_id: str | None
    correlation_id: str
    causation_id: str | None
    command_id: str | None
    command_index: int
    command_count: int
    request_hash: str | None
    traceparent: str | None
    occurred_at_ns: int
    recorded_at_ns: int
    hash_version: int
    hash: bytes

    @property
    def ends_command(self) -> bool:
        return self.command_index == self.command_count - 1


class Position(NamedTuple):
    """A place in a named log; positions count from 1 without gaps, 0 is before the first event."""

    log: str
    position: int

    def __str__(self) -> str:
        return f"{self.log}:{self.position}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Read `main:42`; ValueError says what was expected."""
        log, colon, number = text.rpartition(":")
        if not colon or not log or not (number.isascii() and number.isdigit()) or len(number) > 18:
            raise ValueError(f"expected <log>:<position> such as main:42, got {text!r}")
        return cls(log, int(number))


_encode = msgspec.msgpack.Encoder().encode


def chain_hash(previous: bytes, event: Event) -> bytes:
    """SHA-256 over the previous event's hash (32 zero bytes before the first) and `hashed_bytes(event)`."""
    return hashlib.sha256(previous + hashed_bytes(event)).digest()


def hashed_bytes(event: Event) -> bytes:
    """The bytes of hash_version 1: every field of `event` but its hash, as one MessagePack array.

    Fields stand in the order of the class: text as str, event_data as bin, absent values as nil, integers and
    lengths in their shortest form. Each field carries its type and length, so no two events encode alike.
    """
    return _encode(msgspec.structs.astuple(event)[:-1])
