"""Refusals as RFC 9457 problem details: the only mapping of `kernel.refused.Kind` to HTTP."""

import re
from collections.abc import Sequence

import msgspec

from kernel.refused import Kind, Refused

CONTENT_TYPE = b"application/problem+json"

STATUS_OF = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.UNPROCESSABLE: 422,
    Kind.RATE_LIMITED: 429,
    Kind.UNAVAILABLE: 503,
}
UNAVAILABLE_RETRY_S = 1


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field: its path in the body (`orders.3.quantity`) or the parameter's name."""

    field: str
    message: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A problem document (schema Problem of the contract)."""

    type: str
    title: str
    status: int
    code: str
    message: str
    detail: str
    instance: str
    request_id: str
    order_id: str | None = None
    errors: Sequence[FieldError] = ()


class HttpRefused(Refused):
    """A refusal that only HTTP knows (405, 408, 415): its status and headers are its own."""

    def __init__(self, status: int, code: str, message: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__(code, message, Kind.INVALID)
        self.status = status
        self.headers = headers


class FieldsRefused(Refused):
    """A request that is wrong in named fields; 400."""

    def __init__(self, errors: Sequence[FieldError], code: str = "invalid_request") -> None:
        told = "; ".join(f"{error.field}: {error.message}" for error in errors)
        super().__init__(code, told + ".", Kind.INVALID)
        self.errors = errors


def field_refused(field: str, message: str) -> FieldsRefused:
    return FieldsRefused((FieldError(field, message),))


def status_of(refused: Refused) -> int:
    return refused.status if isinstance(refused, HttpRefused) else STATUS_OF[refused.kind]


def problem_of(refused: Refused, instance: str, request_id: str) -> Problem:
    return Problem(
        type=f"/problems/{refused.code}",
        title=refused.code.replace("_", " ").capitalize(),
        status=status_of(refused),
        code=refused.code,
        message=refused.message,
        detail=refused.message,
        instance=instance,
        request_id=request_id,
        order_id=refused.order_id or None,
        errors=refused.errors if isinstance(refused, FieldsRefused) else (),
    )


def retry_after_s(refused: Refused) -> int | None:
    """Seconds for the header Retry-After; every 503 has it."""
    if refused.retry_after_s is not None:
        return max(1, refused.retry_after_s)
    return UNAVAILABLE_RETRY_S if refused.kind is Kind.UNAVAILABLE else None


# ---- what msgspec says about a body

_AT = re.compile(r" - at `(?:key in )?\$\.?([^`]*)`$")
_NAMED = re.compile(r"^Object (contains unknown field|missing required field) `([^`]*)`")


def of_decoding(error: Exception) -> Refused:
    """The refusal of a body that msgspec could not read into its type: malformed JSON, or a field that is wrong."""
    if isinstance(error, msgspec.ValidationError):
        return FieldsRefused((_field_error(str(error)),))
    if isinstance(error, RecursionError):
        return Refused("malformed_json", "The body is nested too deeply.", Kind.INVALID)
    if isinstance(error, UnicodeDecodeError):
        return Refused("malformed_json", "The body is not UTF-8.", Kind.INVALID)
    return Refused("malformed_json", f"The body is not JSON: {error}.", Kind.INVALID)


def _field_error(told: str) -> FieldError:
    at = _AT.search(told)
    path = _dotted(at.group(1)) if at else ""
    bare = told[: at.start()] if at else told
    named = _NAMED.match(bare)
    if named:
        message = "unknown field" if named.group(1).startswith("contains") else "required, but missing"
        return FieldError(f"{path}.{named.group(2)}" if path else named.group(2), message)
    return FieldError(path or "body", bare[:1].lower() + bare[1:].replace("`", ""))


def _dotted(path: str) -> str:
    """`orders[3].price` as `orders.3.price`."""
    return path.replace("[", ".").replace("]", "").lstrip(".")
