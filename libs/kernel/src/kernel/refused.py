"""A refusal: the platform understood a request and says no, with a stable code.

A refusal is not a bug. It travels unchanged through every layer and is rendered once per protocol:
`STATUS_OF` says which kind it is, the gateway maps kinds to HTTP, `kernel.rpc` maps them to gRPC.
"""

from enum import Enum


class Kind(Enum):
    """What sort of refusal it is; each protocol has one rendering per kind."""

    INVALID = "invalid"  # the request itself is wrong: 400
    UNAUTHENTICATED = "unauthenticated"  # who are you: 401
    FORBIDDEN = "forbidden"  # known, but not allowed: 403
    NOT_FOUND = "not_found"  # 404
    CONFLICT = "conflict"  # 409
    UNPROCESSABLE = "unprocessable"  # well-formed, but the core or a rule decided against it: 422
    TOO_LARGE = "too_large"  # 413
    RATE_LIMITED = "rate_limited"  # 429
    UNAVAILABLE = "unavailable"  # try again: 503


class Refused(Exception):
    """Raised by a decision and carried to the edge.

    code: stable snake_case word for machines; message: one sentence for people that says what was expected,
    what came and what to do; retry_after_s: seconds after which the same request may succeed, if that is known;
    order_id: the order that records the refusal, if one does.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        kind: Kind = Kind.UNPROCESSABLE,
        retry_after_s: int | None = None,
        order_id: str = "",
    ) -> None:
        super().__init__(code, message, kind)
        self.code = code
        self.message = message or code.replace("_", " ")
        self.kind = kind
        self.retry_after_s = retry_after_s
        self.order_id = order_id

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
