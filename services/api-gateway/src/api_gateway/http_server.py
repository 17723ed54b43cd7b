"""uvicorn with limits that it does not have itself, on connections that are slow, large or too many.

A sweep once a second looks at every connection; nothing is paid on the way of a request.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from api_gateway.body import CLOSING
from api_gateway.http_connection import HttpConnection, Limits
from api_gateway.settings import ApiGatewaySettings
from api_gateway.stream_connection import FrameLimits, StreamConnection
from kernel.runtime import Runtime
from kernel.service import ASGIApp
from kernel.telemetry import Metrics

SWEEP_S = 1
CLOSING_S_MAX = 3


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
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                loop="none",
                http=_bound(HttpConnection, runtime, _limits(settings)),
                ws=_bound(StreamConnection, runtime, _frame_limits(settings)),
                ws_max_size=settings.stream_frame_bytes_max,
                # Frames are encoded once for all readers; compressing each again would cost more than it saves.
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(proxies),
                forwarded_allow_ips=proxies,
                timeout_keep_alive=settings.keep_alive_s,
                timeout_graceful_shutdown=CLOSING_S_MAX,
            )
        )
        self._runtime = runtime
        self._closing = asyncio.Event()
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
                connection.sweep()


def _bound(connection: type, runtime: Runtime, limits: object) -> type:
    """uvicorn makes its connections itself: what they need stands in their class."""
    return type(f"Bound{connection.__name__}", (connection,), {"runtime": runtime, "limits": limits})


def _limits(settings: ApiGatewaySettings) -> Limits:
    return Limits(
        settings.head_bytes_max,
        max(1, round(settings.head_timeout_s / SWEEP_S)),
        max(1, round(settings.keep_alive_s / SWEEP_S)),
        settings.connections_max,
    )


def _frame_limits(settings: ApiGatewaySettings) -> FrameLimits:
    return FrameLimits(settings.stream_frames_at_once, settings.stream_frames_per_s)
