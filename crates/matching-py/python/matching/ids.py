"""Ids of core entities: `log number (16 bits) << 48 | sequence (48 bits)`, rendered as a UUIDv8 by a bijection."""

from typing import Final

ORDER: Final = "ordr"
ACCOUNT: Final = "acct"
INSTRUMENT: Final = "inst"
TRADE: Final = "trad"
ASSET: Final = "asse"

SEQUENCE_MAX: Final = (1 << 48) - 1

_HEX_OF_KIND: Final = {kind: kind.encode("ascii").hex() for kind in (ORDER, ACCOUNT, INSTRUMENT, TRADE, ASSET)}
_KIND_OF_HEX: Final = {text: kind for kind, text in _HEX_OF_KIND.items()}


def entity_id(log_number: int, sequence: int) -> int:
    """The id of entity number `sequence` of a log."""
    return log_number << 48 | sequence


def render(kind: str, entity: int) -> str:
    """`{kind:8 hex}-{log:4 hex}-8000-8000-{sequence:12 hex}`; ValueError for another kind or a number over 64 bits."""
    if kind not in _HEX_OF_KIND:
        raise ValueError(f"kind {kind!r} is none of {', '.join(_HEX_OF_KIND)}")
    if not 0 <= entity < 1 << 64:
        raise ValueError(f"id {entity} is not a number of 64 bits")
    return f"{_HEX_OF_KIND[kind]}-{entity >> 48:04x}-8000-8000-{entity & SEQUENCE_MAX:012x}"


def parse(text: str) -> tuple[str, int]:
    """Kind and id of a rendered id; ValueError for any other text."""
    parts = text.split("-")
    kind = _KIND_OF_HEX.get(parts[0])
    if kind is None or [len(part) for part in parts] != [8, 4, 4, 4, 12] or parts[2:4] != ["8000", "8000"]:
        raise ValueError(f"{text!r} is not the id of an order, account, instrument, trade or asset")
    digits = parts[1] + parts[4]
    if not set(digits) <= set("0123456789abcdef"):
        raise ValueError(f"{text!r} has a character that is no lower-case hexadecimal digit")
    return kind, int(digits, 16)
