"""Reading a request's body: within the limit, within the time, and only if it says that it is JSON."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from api_gateway.at_once import body_at_once
from api_gateway.problems import HttpRefused
from kernel.refused import Kind, Refused

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
CLOSING = "closing"
"""Name in a scope's state: an asyncio.Event that is set when the server closes."""
CLOSE = ((b"connection", b"close"),)


class ClientGone(Exception):
    """The client closed the connection before its request was complete; nobody waits for an answer."""


async def read(receive: Receive, headers: dict[bytes, bytes], bytes_max: int, timeout_s: float) -> bytes:
    """The whole body. Refused: 413 over `bytes_max`, as soon as it is known; 408 after `timeout_s`; 415 if not JSON."""
    media_type = headers.get(b"content-type", b"application/json").partition(b";")[0].strip().lower()
    if media_type != b"application/json":
        shown = media_type.decode("latin-1")[:50]
        raise HttpRefused(415, "unsupported_media_type", f"The body must be application/json; it is {shown}.")
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > bytes_max:
        raise _too_large(bytes_max)
    body = body_at_once(receive)
    if body is not None:
        if len(body) > bytes_max:
            raise _too_large(bytes_max)
        return body
    try:
        async with asyncio.timeout(timeout_s):
            return await _chunks(receive, bytes_max)
    except TimeoutError:
        told = f"The body was not complete within {timeout_s:g} seconds."
        raise HttpRefused(408, "request_timeout", told, CLOSE) from None


async def _chunks(receive: Receive, bytes_max: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > bytes_max:
            raise _too_large(bytes_max)
        if not message.get("more_body", False):
            return b"".join([*chunks, chunk]) if chunks else chunk
        chunks.append(chunk)


def _too_large(bytes_max: int) -> Refused:
    return Refused("body_too_large", f"The body may have {bytes_max} bytes at most.", Kind.TOO_LARGE)
