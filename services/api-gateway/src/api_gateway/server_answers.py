"""What the HTTP server itself answers, before or instead of the application: problem documents like all others."""

from typing import Any
from urllib.parse import quote

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from api_gateway.call import encode
from api_gateway.problems import CONTENT_TYPE, HttpRefused, problem_of, retry_after_s, status_of
from kernel.refused import Kind, Refused

MALFORMED = HttpRefused(400, "invalid_request", "What came is not HTTP/1.1.")
NO_HANDSHAKE = HttpRefused(
    400, "invalid_request", "A WebSocket begins with a GET without a body, with a key, in version 13."
)
HEAD_TOO_LATE = HttpRefused(408, "request_timeout", "The request's head was not complete in time.")
HEAD_TOO_LARGE = HttpRefused(431, "head_too_large", "The request line and headers, or the trailers, are too large.")
BUSY = Refused("busy", "Too many connections are open; try again.", Kind.UNAVAILABLE, retry_after_s=1)


def raw(refused: Refused, request_id: str) -> bytes:
    """A whole response that closes its connection."""
    headers, body = _headers_and_body(refused, "", request_id)
    lines = [b"%b: %b\r\n" % header for header in headers]
    return b"".join([STATUS_LINE[status_of(refused)], *lines, b"\r\n", body])


async def busy(scope: Any, receive: Any, send: Any, request_id: str) -> None:
    """ASGI over HTTP, in place of the application."""
    await refused(BUSY, request_id, scope, send)


async def refused(refusal: Refused, request_id: str, scope: Any, send: Any) -> None:
    """A whole answer over ASGI that closes its connection."""
    headers, body = _headers_and_body(refusal, quote(scope["path"]), request_id)
    await send({"type": "http.response.start", "status": status_of(refusal), "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _headers_and_body(refused: Refused, instance: str, request_id: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    body = encode(problem_of(refused, instance, request_id))
    headers = [
        (b"content-type", CONTENT_TYPE),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id.encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    wait_s = retry_after_s(refused)
    return (headers if wait_s is None else [*headers, (b"retry-after", b"%d" % wait_s)]), body
