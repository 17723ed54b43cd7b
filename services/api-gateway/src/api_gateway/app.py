"""The whole application: what stands at which path."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.middleware.cors import CORSMiddleware

from api_gateway.api import Api
from api_gateway.body import Message, Receive
from api_gateway.call import Platform
from api_gateway.limits import Buckets
from api_gateway.pages import Pages
from api_gateway.routes import ROUTES, Table
from api_gateway.server_answers import refused
from api_gateway.stream import Stream
from kernel.probes import PATHS as PROBES
from kernel.probes import Probes
from kernel.refused import Kind, Refused
from kernel.service import ASGIApp, as_http

VERSIONS = ("/v1", "/api/v1")
EXPOSED = [
    *("X-Request-ID", "X-Log-Position", "Retry-After"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
]
ACCEPTED = [
    *("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"),
    *("X-API-Key", "X-Log-Position", "X-Request-ID", "traceparent"),
]


class Site:
    """Paths to applications. identity_app answers below /realms, by whole paths."""

    def __init__(
        self,
        platform: Platform,
        buckets: Buckets,
        probes: Probes,
        identity_app: ASGIApp | None,
        web_folder: Path | None,
    ) -> None:
        self._api = Api(platform, buckets, Table(ROUTES))
        self._stream = Stream(platform, buckets)
        self._probes = probes
        self._runtime = platform.runtime
        self._pages = Pages(platform.runtime, web_folder)
        self._identity_app = identity_app

    async def __call__(self, scope: Message, receive: Receive, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        path: str = scope["path"]
        below = _below_version(path)
        if scope["type"] == "websocket":
            if below == "/stream":
                await self._stream(scope, receive, send)
            else:
                await as_http(self._no_websocket, scope, receive, send)
        elif below is not None:
            await self._api(scope, receive, send, below)
        elif path in PROBES:
            await self._probes(scope, receive, send)
        elif path.startswith("/realms") and self._identity_app is not None:
            await self._identity_app(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    async def _no_websocket(self, scope: Message, receive: Receive, send: Any) -> None:
        told = f"There is no WebSocket at {scope['path'][:200]}; see /v1/stream."
        await refused(Refused("not_found", told, Kind.NOT_FOUND), self._runtime.uuid7(), scope, send)


def _below_version(path: str) -> str | None:
    """What follows /v1 or /api/v1; None for any other path."""
    for version in VERSIONS:
        if path.startswith(version) and path[len(version) : len(version) + 1] in ("/", ""):
            return path[len(version) :]
    return None


def with_cors(app: ASGIApp, origins: list[str]) -> ASGIApp:
    """Let pages of `origins` call the API. Tokens travel in headers, never in cookies."""
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=ACCEPTED,
        expose_headers=EXPOSED,
        max_age=600,
    )


async def _lifespan(receive: Receive, send: Callable[[Message], Any]) -> None:
    """Nothing to start: the service's mains run beside."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return
