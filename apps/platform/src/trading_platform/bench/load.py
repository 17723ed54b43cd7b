"""The load generator of the HTTP bench: HTTP/1.1 by hand over asyncio's transports, on bytes that are ready made.

It shares the cores with the platform that it measures, so what it costs is missing there. A usual client library takes
300 to 500 microseconds a request, more than the platform itself; this one takes some 30 to 40, because a request is two
pieces of bytes around a counter and an answer is looked at only for its status, its length and what the case needs.
It runs in a process of its own: what a client waits for the interpreter must not count as the platform's.
It trusts the server to send Content-Length, as the platform does, and is no client for any other.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length: "

# status line and head, body: called once for each whole answer
Answered = Callable[[bytes], None]


class Broken(Exception):
    """The connection ended, or what came is no answer."""


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request under way at most. `answered` gets the whole answer, head and body."""

    def __init__(self) -> None:
        self.answered: Answered = _unexpected
        self.failed: Callable[[str], None] = lambda reason: None
        self._transport: asyncio.WriteTransport | None = None
        self._received = b""
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def send(self, request: bytes) -> None:
        assert self._transport is not None, "the connection is open"
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        head_end = received.find(HEAD_END)
        if head_end < 0:
            self._received = received
            return
        at = received.find(LENGTH, 0, head_end)
        if at < 0:
            self.failed(f"an answer without Content-Length: {received[:200]!r}")
            return
        length = int(received[at + len(LENGTH) : received.index(b"\r\n", at)])
        if len(received) < head_end + len(HEAD_END) + length:
            self._received = received
            return
        self._received = b""
        self.answered(received)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closing:
            self.failed(f"the connection was closed: {exc}")

    def close(self) -> None:
        self._closing = True
        if self._transport is not None:
            self._transport.close()


def _unexpected(answer: bytes) -> None:
    raise Broken(f"nobody asked for {answer[:200]!r}")


@dataclass
class Orders:
    """Requests of one user for one side, made around a counter: client order ids never repeat within a run."""

    before: bytes
    after: bytes
    _count: int = 0

    def next(self) -> bytes:
        self._count += 1
        return b"%b%010d%b" % (self.before, self._count, self.after)


def orders_of(host: str, token: str, name: str, body: str) -> Orders:
    """body: JSON of an order without its closing brace; the client order id is `<name>-<ten digits>`."""
    document_before = f'{body},"client_order_id":"{name}-'
    document_after = '"}'
    length = len(document_before) + 10 + len(document_after)
    head = (
        f"POST /v1/orders HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
    return Orders((head + document_before).encode(), document_after.encode())


def reading_of(host: str, token: str) -> tuple[bytes, bytes]:
    """What stands before and after the order id in a request that reads an order back."""
    return b"GET /v1/orders/", f" HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


async def connected(host: str, count: int) -> list[Connection]:
    """host: `name:port`."""
    name, _, port = host.rpartition(":")
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Connection, name, int(port)))[1] for _ in range(count)]


def status_of(answer: bytes) -> int:
    """The three digits after `HTTP/1.1 `."""
    return int(answer[9:12])


def order_id_in(answer: bytes) -> bytes:
    """The order id in an answer's body; Broken if there is none."""
    at = answer.find(b'"order_id":"')
    if at < 0:
        raise Broken(f"an answer without an order id: {answer[:300]!r}")
    return answer[at + 12 : at + 48]
