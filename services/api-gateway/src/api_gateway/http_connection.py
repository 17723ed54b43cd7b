"""An HTTP connection with limits that uvicorn does not have: on the size and time of a head, on trailers, on clients
that owe the rest of a request, and on how many connections there are.
"""

import asyncio
import re
from enum import Enum
from functools import partial
from typing import Any, NamedTuple

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api_gateway.server_answers import (
    BUSY,
    HEAD_TOO_LARGE,
    HEAD_TOO_LATE,
    MALFORMED,
    NO_HANDSHAKE,
    busy,
    raw,
)
from kernel.refused import Refused
from kernel.runtime import Runtime

CLOSING_SWEEPS_MAX = 3
# So many connections beyond the limit are let in to be told so; those after them are closed at once.
TOLD_MAX = 32
# Of a request line besides method and path, and of a header besides name and value.
LINE_BYTES, HEADER_BYTES = len("  HTTP/1.1\r\n\r\n"), len(": \r\n")


KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")  # RFC 6455, 4.1: 16 bytes in base64


class Phase(Enum):
    """What the next byte belongs to: no request yet, a request's head, or its body."""

    BETWEEN = 0
    HEAD = 1
    BODY = 2


class Limits(NamedTuple):
    """Times are counted in sweeps."""

    head_bytes_max: int
    head_sweeps_max: int
    idle_sweeps_max: int
    connections_max: int


class HttpConnection(HttpToolsProtocol):
    """Refuses in order: what came before a fault is answered first, and nothing after it is heard."""

    runtime: Runtime
    limits: Limits

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._phase = Phase.BETWEEN
        self._bytes = 0  # of the head, or the trailers, as far as they are parsed
        self._unparsed_bytes = 0  # that came since, in pieces without anything to count or hand on
        self._marks = 0  # things that were recognised
        self._handed_on_bytes = 0
        self._fault: Refused | None = None  # found within the parser, which ends then
        self._refusal: bytes | None = None
        self._refused = False
        self._waited_sweeps = 0
        self._closing_sweeps = 0
        self._requests = 0

    # ---- what comes in

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections_max + TOLD_MAX:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._refusal is not None:
            return
        self._unset_keepalive_if_required()
        marks, self._handed_on_bytes = self._marks, 0
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
            return
        except httptools.HttpParserError:
            self.refuse(self._fault or MALFORMED)
            return
        is_going_on = marks == self._marks and self._phase is not Phase.BETWEEN
        self._unparsed_bytes = self._unparsed_bytes + len(data) - self._handed_on_bytes if is_going_on else 0
        if self._unparsed_bytes > self.limits.head_bytes_max:
            self.refuse(HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._phase, self._bytes, self._waited_sweeps = Phase.HEAD, LINE_BYTES, 0
        self._marks += 1
        self._requests += 1

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Trailers count, and are not kept: they come after the request was judged by its headers."""
        self._count(len(name) + len(value) + HEADER_BYTES)
        if self._phase is Phase.HEAD:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._count(len(self.parser.get_method()))
        self._phase, self._bytes = Phase.BODY, 0
        self._marks += 1
        if self._should_upgrade() and not self._begins_websocket():
            self._end(NO_HANDSHAKE)
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        self._marks += 1

    def on_body(self, body: bytes) -> None:
        self._handed_on_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._phase = Phase.BETWEEN
        self._marks += 1
        super().on_message_complete()

    def _count(self, size: int) -> None:
        self._bytes += size
        if self._bytes > self.limits.head_bytes_max:
            self._end(HEAD_TOO_LARGE)

    def _end(self, fault: Refused) -> None:
        """Leave the parser: it hands on whatever is raised as an error of its own."""
        self._fault = fault
        raise ValueError(fault.code)

    def _begins_websocket(self) -> bool:
        headers = dict(self.headers)
        has_body = b"content-length" in headers or b"transfer-encoding" in headers
        has_key = KEY.fullmatch(headers.get(b"sec-websocket-key", b"")) is not None
        is_known = headers.get(b"sec-websocket-version") == b"13"
        return self.parser.get_method() == b"GET" and not has_body and has_key and is_known

    # ---- what is done about it

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if self._is_crowded():
            app = partial(busy, request_id=self.runtime.uuid7())
        super()._start_asgi_task(cycle, app)

    def handle_websocket_upgrade(self) -> None:
        if self._is_crowded():
            self.refuse(BUSY)
        else:
            super().handle_websocket_upgrade()

    def _is_crowded(self) -> bool:
        connections_max = self.limits.connections_max
        return len(self.connections) > connections_max or len(self.tasks) >= connections_max

    def refuse(self, refused: Refused) -> None:
        """Answer what came last with this and close, once what came before is answered."""
        if self._refusal is not None or self.transport.is_closing():
            return
        self._refusal = raw(refused, self.runtime.uuid7())
        self.flow.pause_reading()
        if self._phase is Phase.BODY and self.cycle is not None and not self.cycle.response_complete:
            self._forget_request_without_end()
        if not self._is_answering():
            self._say_refusal()

    def _forget_request_without_end(self) -> None:
        """The fault is in the body of the newest request: it waits, or its handler is told that the client left."""
        if self.pipeline:
            self.pipeline.popleft()
        elif self.cycle.response_started:
            self.transport.close()
        self.cycle.disconnected = self.cycle.response_complete = True
        self.cycle.message_event.set()

    def _is_answering(self) -> bool:
        return bool(self.pipeline) or (self.cycle is not None and not self.cycle.response_complete)

    def on_response_complete(self) -> None:
        self._waited_sweeps = 0
        super().on_response_complete()
        if self._refusal is not None and not self._is_answering():
            self._say_refusal()

    def _say_refusal(self) -> None:
        """A close at once could overtake the answer, where the client has sent more than was read."""
        if self._refused or self.transport.is_closing() or self._refusal is None:
            return
        self._refused = True
        self._unset_keepalive_if_required()
        self.flow.pause_reading()
        self.transport.write(self._refusal)
        self.transport.write_eof()

    def sweep(self) -> None:
        """Once a second: close what owes the rest of a request, or does not read."""
        if self._refused or self.transport.is_closing():
            self._closing_sweeps += 1
            if self._closing_sweeps > CLOSING_SWEEPS_MAX:
                self.transport.abort()
            return
        if self._is_answering():
            return
        self._waited_sweeps += 1
        is_idle = self._phase is Phase.BETWEEN and self._requests > 0
        if self._waited_sweeps <= (self.limits.idle_sweeps_max if is_idle else self.limits.head_sweeps_max):
            return
        if is_idle or self._phase is Phase.BODY:
            self.transport.close()
        else:
            self.refuse(HEAD_TOO_LATE)
