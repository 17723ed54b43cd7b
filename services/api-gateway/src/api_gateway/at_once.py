"""Shortcuts past ASGI's messages for the common request: its body came with its head, its answer goes in one piece.

They reach into uvicorn's cycle and leave alone what is not exactly that: under another server, behind a middleware that
wraps `send`, or with anything unusual about the exchange, both say so, and the messages of ASGI do the work.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

CLOSE = b"connection: close\r\n"


def body_at_once(receive: Callable[[], Awaitable[Any]]) -> bytes | None:
    """The whole body if it is here already; None if it must be waited for."""
    cycle = getattr(receive, "__self__", None)
    if type(cycle) is not RequestResponseCycle:
        return None
    if cycle.more_body or cycle.disconnected or cycle.response_started or cycle.waiting_for_100_continue:
        return None
    if cycle.transport.is_closing():
        return None  # nobody will get an answer: the messages of ASGI say so
    body = bytes(cycle.body)
    cycle.body = bytearray()
    return body


def answered_at_once(
    send: Callable[[Any], Awaitable[None]], status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes
) -> bool:
    """Whether the answer was written: `headers` tell its length, and nothing about its connection."""
    cycle = getattr(send, "__self__", None)
    if type(cycle) is not RequestResponseCycle or cycle.response_started or cycle.flow.write_paused:
        return False
    if cycle.disconnected or cycle.transport.is_closing() or cycle.scope["method"] == "HEAD":
        return False
    pieces = [STATUS_LINE[status]]
    for name, value in (*cycle.default_headers, *headers):
        pieces += (name, b": ", value, b"\r\n")
    if not cycle.keep_alive:
        pieces.append(CLOSE)
    pieces += (b"\r\n", body)
    cycle.response_started = cycle.response_complete = True
    cycle.transport.write(b"".join(pieces))
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
    return True
