"""uvicorn with limits that it does not have itself: on the time and size of a request's head, and on readers that stop.

A sweep once a second looks at every connection; nothing is paid on the way of a request.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from api_gateway.body import CLOSING
from api_gateway.settings import ApiGatewaySettings
from kernel.runtime import Runtime
from kernel.service import ASGIApp
from kernel.telemetry import Metrics

SWEEP_S = 1
CLOSING_SWEEPS_MAX = 3
CLOSING_S_MAX = 3
# So many connections beyond the limit are let in to be told so; those after them are closed at once.
TOLD_MAX = 32
HEAD_TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
HEAD_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class HttpConnection(HttpToolsProtocol):
    """An HTTP connection that knows whether it waits for a head, since when, and how large that is."""

    head_bytes_max = 65_536
    connections_max = 10_000
    waits_for_head = True
    head_sweeps = 0
    closing_sweeps = 0
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.connections_max + TOLD_MAX:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.waits_for_head:
            self._head_bytes += len(data)
            if self._head_bytes > self.head_bytes_max:
                self.refuse(HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.waits_for_head, self.head_sweeps, self._head_bytes = True, 0, 0

    def on_headers_complete(self) -> None:
        self.waits_for_head = False
        super().on_headers_complete()

    def refuse(self, response: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(response)
            self.transport.close()


class StreamConnection(WebSocketsSansIOProtocol):
    """A WebSocket whose close frame does not wait for a reader that stopped."""

    closing_sweeps = 0

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.close":
            self.writable.set()
        await super().send(message)


class GatewayServer(uvicorn.Server):
    """Serves a site on host:port until `should_exit`; signals stay with whoever runs it.

    service: whose connections they are, in the metrics."""

    def __init__(
        self,
        runtime: Runtime,
        app: ASGIApp,
        settings: ApiGatewaySettings,
        metrics: Metrics,
        host: str,
        port: int,
        service: str = "api-gateway",
    ) -> None:
        proxies = [address.strip() for address in settings.trusted_proxies.split(",") if address.strip()]
        limits = {"head_bytes_max": settings.head_bytes_max, "connections_max": settings.connections_max}
        connection = type("BoundHttpConnection", (HttpConnection,), limits)
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                loop="none",
                http=connection,
                ws=StreamConnection,
                ws_max_size=settings.stream_frame_bytes_max,
                # Frames are encoded once for all readers; compressing each again would cost more than it saves.
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(proxies),
                forwarded_allow_ips=proxies,
                limit_concurrency=settings.connections_max,
                timeout_keep_alive=settings.keep_alive_s,
                timeout_graceful_shutdown=CLOSING_S_MAX,
            )
        )
        self._runtime = runtime
        self._closing = asyncio.Event()
        self._head_sweeps_max = max(1, round(settings.head_timeout_s / SWEEP_S))
        metrics.active_connections.labels(service).set_function(lambda: len(self.server_state.connections))

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def serve(self, sockets: Any = None) -> None:
        sweeping = self._runtime.spawn(self._sweep(), "slow connections")
        try:
            await super().serve(sockets)
        finally:
            sweeping.cancel()

    async def startup(self, sockets: Any = None) -> None:
        # Every scope's state carries it, so that an answer without an end can end with the server.
        self.lifespan.state[CLOSING] = self._closing
        await super().startup(sockets)

    async def shutdown(self, sockets: Any = None) -> None:
        self._closing.set()
        await super().shutdown(sockets)

    async def _sweep(self) -> None:
        while True:
            await self._runtime.sleep(SWEEP_S)
            for connection in list(self.server_state.connections):
                assert isinstance(connection, HttpConnection | StreamConnection)
                self._look_at(connection)

    def _look_at(self, connection: HttpConnection | StreamConnection) -> None:
        if isinstance(connection, HttpConnection) and connection.waits_for_head:
            connection.head_sweeps += 1
            if connection.head_sweeps > self._head_sweeps_max:
                connection.refuse(HEAD_TOO_LATE)
        # A peer that does not read keeps a closing transport, and its buffer, alive.
        if connection.transport.is_closing() or getattr(connection, "close_sent", False):
            connection.closing_sweeps += 1
            if connection.closing_sweeps > CLOSING_SWEEPS_MAX:
                connection.transport.abort()
