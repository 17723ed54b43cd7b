"""The event envelope: what a writer hands over, and what the log keeps.

A command causes one or more events, which are contiguous in the log and numbered `command_index` of
`command_count`. The writer encodes `event_data`; the log keeps those bytes as they were written, assigns
`position` and `recorded_at_ns`, and chains the hash over everything else.
"""

import hashlib
from typing import NamedTuple

import msgspec

HASH_VERSION = 1
GENESIS_HASH = bytes(32)


class NewEvent(msgspec.Struct, frozen=True, gc=False):
    """One event as its writer made it.

    event_version counts the events of the aggregate from 1: it is also the expected version of the append.
    event_data is compact JSON with exact decimals as strings; occurred_at_ns is nanoseconds since 1970 UTC.
    """

    event_id: str
    aggregate_id: str
    aggregate_type: str
    event_type: str
    event_version: int
    event_data: bytes
    occurred_at_ns: int
    account_id: str | None = None
    instrument_id: str | None = None
    user_id: str | None = None
    schema_version: int = 1


class Append(msgspec.Struct, frozen=True):
    """The events of one command, appended whole or not at all.

    command_id: derived from what the caller did (never random), so that a retry finds the first outcome.
    request_hash: fingerprint of the command's body; another body under a known command_id is refused.
    """

    events: tuple[NewEvent, ...]
    correlation_id: str
    command_id: str | None = None
    request_hash: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None


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


def chain_hash(previous: bytes, event: Event) -> bytes:
    """SHA-256 over the previous hash and every field of `event` but its hash (hash_version 1).

    Fields stand in the order of the class, each as its length in ASCII digits, a colon and its UTF-8 bytes
    (a netstring without the comma); an absent value is `-:`. So no two events encode alike.
    """
    return hashlib.sha256(previous + hashed_bytes(event)).digest()


def hashed_bytes(event: Event) -> bytes:
    """The bytes of hash_version 1: length-prefixed fields, see `chain_hash`."""
    parts: list[bytes] = []
    for value in (
        event.log,
        event.position,
        event.event_id,
        event.aggregate_id,
        event.aggregate_type,
        event.event_type,
        event.event_version,
        event.schema_version,
        event.event_data,
        event.account_id,
        event.instrument_id,
        event.user_id,
        event.correlation_id,
        event.causation_id,
        event.command_id,
        event.command_index,
        event.command_count,
        event.request_hash,
        event.traceparent,
        event.occurred_at_ns,
        event.recorded_at_ns,
        event.hash_version,
    ):
        if value is None:
            parts.append(b"-:")
            continue
        raw = value if isinstance(value, bytes) else str(value).encode()
        parts.append(b"%d:%b" % (len(raw), raw))
    return b"".join(parts)
