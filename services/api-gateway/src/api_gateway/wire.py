"""Between the edge's JSON and the services' messages: the only place where one becomes the other.

Decimals stay text on the way: they are checked character by character and never become a float. A JSON number may have
an exponent, as programs write small ones so (1e-08); it is written out exactly.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from api_gateway.problems import field_refused, of_decoding
from api_gateway.repeated import repeated
from kernel.event import Position
from kernel.money import canonical
from trading.v1.types_pb2 import LogPosition

NS = 1_000_000_000
NUMBER_CHARACTERS_MAX = 40
TIME_NS_MAX = (1 << 63) - 1
SYMBOL = re.compile(r"[A-Z0-9]{1,12}([-.][A-Z0-9]{1,12})?", re.ASCII)
SYMBOL_INPUT = re.compile(r"[A-Z0-9]{1,12}([-./][A-Z0-9]{1,12})?", re.ASCII)
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_DECIMAL = re.compile(rb"([0-9]{1,20})(\.[0-9]{1,18})?")
# No more digits than a number within the bounds can need, so that 1e999999999 costs nothing.
_WITH_EXPONENT = re.compile(rb"[0-9]{1,20}(\.[0-9]{1,37})?[eE][+-]?[0-9]{1,2}")
_PLAIN_STRING = re.compile(rb'"[^"\\]*"')
ABSENT = msgspec.Raw(b"")


# ---- in


def decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """The body as the decoder's type; Refused with the field that is wrong, or that is given twice."""
    try:
        document = decoder.decode(body)
        twice = repeated(body)
    except (ValueError, RecursionError) as error:
        raise of_decoding(error) from None
    if twice is not None:
        raise field_refused(twice, "given twice")
    return document


def positive_decimal(raw: msgspec.Raw, field: str) -> str:
    """A number above zero, given as JSON text or number, exactly as canonical text.

    Refused: zero, negative, an exponent in a text, more than 20 digits before or 18 after the point, anything else.
    """
    given = bytes(raw)
    if given[:1] == b'"':
        given = given[1:-1] if _PLAIN_STRING.fullmatch(given) else msgspec.json.decode(given, type=str).encode()
    elif _WITH_EXPONENT.fullmatch(given):
        given = canonical(Decimal(given.decode())).encode()
    matched = _DECIMAL.fullmatch(given)
    if not matched:
        raise field_refused(field, _why_no_decimal(given))
    whole, fraction = matched.groups()
    if len(whole) > 1 and whole[:1] == b"0":
        raise field_refused(field, "must not start with a zero")
    number = given.rstrip(b"0").rstrip(b".") if fraction else given
    if number == b"0":
        raise field_refused(field, "must be above 0")
    return number.decode()


def _why_no_decimal(given: bytes) -> str:
    shown = given[:NUMBER_CHARACTERS_MAX].decode(errors="replace")
    if re.fullmatch(rb"-[0-9.]+", given):
        return f"must be above 0; {shown} was given"
    if re.fullmatch(rb"[0-9]+\.[0-9]+", given):
        return "is too long: at most 20 digits before the point and 18 after it"
    if re.fullmatch(rb"[0-9]+", given):
        return "is too large: at most 20 digits before the point"
    if re.fullmatch(rb"[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]+", given):
        return f"must be a text without exponent, or a number from 1e-18 to 20 digits; {shown} was given"
    return f"must be a plain decimal such as 12.5, without sign; {shown} was given"


def optional_decimal(raw: msgspec.Raw, field: str) -> str:
    """As `positive_decimal`; empty when the field is absent."""
    return positive_decimal(raw, field) if bytes(raw) else ""


def optional_offset(raw: msgspec.Raw, field: str) -> str:
    """As `optional_decimal`, and with a sign below zero."""
    given = bytes(raw)
    below_zero = given[:1] == b"-" or given[:2] == b'"-'
    if not below_zero:
        return optional_decimal(raw, field)
    return "-" + positive_decimal(msgspec.Raw(given.replace(b"-", b"", 1)), field)


def nullable_decimal(raw: msgspec.Raw, field: str) -> str:
    """As `positive_decimal`; empty for null."""
    return "" if bytes(raw) == b"null" else positive_decimal(raw, field)


def symbol_in(text: str, field: str = "symbol") -> str:
    """A symbol of a body or query in its canonical form: BTC/USD is BTC-USD."""
    if not SYMBOL_INPUT.fullmatch(text):
        raise field_refused(field, "must look like AAPL or BTC-USD: up to 12 capitals or digits on each side")
    return text.replace("/", "-")


def uuid_in(text: str, field: str) -> str:
    if not UUID.fullmatch(text):
        raise field_refused(field, "must be a UUID")
    return text.lower()


def text_in(text: str, field: str, longest: int, pattern: str | None = None) -> str:
    """Text of 1 to `longest` characters that fits the pattern, whole."""
    if not 0 < len(text) <= longest:
        raise field_refused(field, f"must have 1 to {longest} characters")
    if pattern is not None and not re.fullmatch(pattern, text, re.ASCII):
        raise field_refused(field, f"must fit the pattern ^{pattern}$")
    return text


def position_in(text: str, field: str) -> LogPosition:
    """`main:42`."""
    try:
        at = Position.parse(text)
    except ValueError as error:
        raise field_refused(field, str(error)) from None
    if not re.fullmatch(r"[a-z0-9-]{1,32}", at.log):
        raise field_refused(field, "must name a log and a position, such as main:42")
    return LogPosition(log=at.log, position=at.position)


def time_in(text: str, field: str) -> int:
    """RFC 3339 as nanoseconds since 1970 (0 before that, refused after 2262); fractions beyond microseconds are cut."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or "T" not in text.upper():
        raise field_refused(field, "must be an RFC 3339 time such as 2026-11-02T14:30:00Z")
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    ns = ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000
    if ns > TIME_NS_MAX:
        raise field_refused(field, "must be before 2262")
    return max(0, ns)


# ---- out


@lru_cache(4_096)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def time_text(ns: int) -> str:
    """RFC 3339 in UTC with microseconds, always of the same length."""
    second, rest = divmod(ns, NS)
    return f"{_second_text(second)}.{rest // 1_000:06d}Z"


def position_text(position: LogPosition) -> str:
    return f"{position.log}:{position.position}"


def or_none(text: str) -> str | None:
    """The services' empty text is the edge's null."""
    return text or None


def decimal_or_zero(text: str) -> str:
    return text or "0"


def compared(text: str) -> Decimal:
    """A service's decimal for sorting and sums; see `kernel.money` for anything that is divided."""
    return Decimal(text or "0")


def total(left: str, right: str) -> str:
    return canonical(compared(left) + compared(right))
