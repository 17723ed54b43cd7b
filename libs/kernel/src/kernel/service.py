"""A service is data: its name, what it serves, what runs, when it is ready.

`build(runtime, settings, ...) -> Service` in each service's `service.py` makes one; the composition root starts them.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from kernel.rpc import Registrar

ASGIApp = Callable[..., Awaitable[None]]


async def always_ready() -> None:
    return None


async def nothing_to_close() -> None:
    return None


@dataclass(frozen=True)
class Service:
    """name: as in the architecture, such as `order-service`.

    register: adds the service's gRPC servicers to a registrar.
    mains: what runs while the service lives; one that ends or fails stops the service, loudly.
    ready: None once the service can answer, else one sentence that says what it waits for.
    http: an ASGI application, for the services that people and browsers reach.
    """

    name: str
    register: Callable[[Registrar], None]
    mains: Mapping[str, Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=dict)
    ready: Callable[[], Awaitable[str | None]] = always_ready
    close: Callable[[], Awaitable[None]] = nothing_to_close
    http: ASGIApp | None = None


async def as_http(app: ASGIApp, scope: Any, receive: Any, send: Any) -> None:
    """Answer the handshake of a WebSocket that is not there as `app` answers a GET of its path."""
    await receive()

    async def translated(message: Any) -> None:
        await send({**message, "type": f"websocket.{message['type']}"})

    await app({**scope, "type": "http", "method": "GET"}, receive, translated)
