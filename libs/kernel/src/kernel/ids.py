"""Ids: UUIDv7 for what services make, and the bijection between the core's u64 ids and UUIDs.

The core counts; people and clients see UUIDs. `{kind}-{log}-8000-8000-{sequence}` is a UUIDv8 (RFC 9562) that names
its kind (four ASCII letters) and its log, so an id tells which shard owns it.
"""

import hashlib
import re
from typing import NewType

from kernel.refused import Kind, Refused

UserId = NewType("UserId", str)
AccountId = NewType("AccountId", str)
OrderId = NewType("OrderId", str)

KIND_ORDER = "6f726472"  # ordr
KIND_ACCOUNT = "61636374"  # acct
KIND_INSTRUMENT = "696e7374"  # inst

_CORE_ID = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-8000-8000-([0-9a-f]{12})", re.ASCII)
SEQUENCE_BITS = 48
SEQUENCE_MAX = (1 << SEQUENCE_BITS) - 1


def core_id_text(kind: str, number: int) -> str:
    """Render a core id (log << 48 | sequence) as its UUID."""
    return f"{kind}-{number >> SEQUENCE_BITS:04x}-8000-8000-{number & SEQUENCE_MAX:012x}"


def core_id_number(kind: str, text: str) -> int | None:
    """The core id behind a UUID of that kind; None when it is none (an unknown order, not an error)."""
    found = _CORE_ID.fullmatch(text)
    if found is None or found[1] != kind:
        return None
    return int(found[2], 16) << SEQUENCE_BITS | int(found[3], 16)


def core_cursor(kind: str, text: str) -> str:
    """The cursor of a list of that kind, the last id of the page before, or empty; Refused if it is none."""
    if text and core_id_number(kind, text) is None:
        raise Refused("invalid_cursor", f"expected a next_cursor of this list, got {text!r}", Kind.INVALID)
    return text


def uuid7_text(unix_ms: int, randomness: bytes) -> str:
    """UUIDv7 (RFC 9562, 5.7) from milliseconds since 1970 and 10 random bytes."""
    value = (unix_ms & ((1 << 48) - 1)) << 80 | int.from_bytes(randomness[:10], "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def derived_id(*parts: str) -> str:
    """A UUIDv8 fingerprint of what a caller did. Parts are length-prefixed, so they cannot run together."""
    encoded = [part.encode() for part in parts]
    digest = hashlib.sha256(b"".join([b"%d:%b" % (len(raw), raw) for raw in encoded]))
    value = int.from_bytes(digest.digest()[:16], "big")
    value = value & ~(0xF << 76) | 0x8 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
