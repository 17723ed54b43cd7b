"""What the endpoints of the identity provider share: errors as RFC 6749 has them, forms, and the client's address."""

import asyncio
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

FORM_BYTES_MAX = 16_384
FORM_S_MAX = 10.0
FIELDS_MAX = 50
UNCACHED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class OAuthError(Exception):
    """error: a code of RFC 6749, 5.2, or of OpenID Connect; description: for people."""

    def __init__(self, error: str, description: str, status: int = 400, headers: dict[str, str] | None = None) -> None:
        super().__init__(error, description)
        self.error = error
        self.description = description
        self.status = status
        self.headers = headers or {}

    def response(self) -> JSONResponse:
        told = {"error": self.error, "error_description": self.description}
        return JSONResponse(told, self.status, UNCACHED | self.headers)


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a urlencoded body; OAuthError if it is too large, too late, of another type, or names a field
    twice."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise OAuthError("invalid_request", "expected a body of type application/x-www-form-urlencoded")
    try:
        async with asyncio.timeout(FORM_S_MAX):
            return fields_of(await _body_of(request))
    except TimeoutError:
        told = f"the body was not complete within {FORM_S_MAX:g} seconds"
        raise OAuthError("invalid_request", told, 408, {"Connection": "close"}) from None
    except ClientDisconnect:  # nobody is there to hear it
        raise OAuthError("invalid_request", "the client left before the body was complete") from None


async def _body_of(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > FORM_BYTES_MAX:
            raise OAuthError("invalid_request", f"the body is larger than {FORM_BYTES_MAX} bytes", 413)
    return body


def fields_of(encoded: bytes) -> dict[str, str]:
    """Fields of a query or a form. A field may come once (RFC 6749, 3.1); empty ones count as absent."""
    try:
        pairs = parse_qsl(encoded.decode(), max_num_fields=FIELDS_MAX, errors="strict")
    except ValueError:
        raise OAuthError("invalid_request", "the parameters are malformed or too many") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise OAuthError("invalid_request", "a parameter comes more than once")
    return fields


def client_address(request: Request) -> str:
    """Network address of who asks, as the server that accepted the connection knows it."""
    return request.client.host if request.client else "unknown"
