"""What a process answers over HTTP: /health, /ready and /metrics always, and what people reach where that runs here."""

from collections.abc import Mapping
from typing import Any

from kernel.probes import PATHS, Probes
from kernel.service import ASGIApp, Service, as_http


def site(services: Mapping[str, Service], probes: Probes) -> ASGIApp:
    """The gateway's whole site, which has these paths and the identity provider; without it the probes of this process,
    and the identity provider if it is here."""
    gateway, identity = services.get("api-gateway"), services.get("user-service")
    if gateway is not None and gateway.http is not None:
        return gateway.http
    people = identity.http if identity is not None else None

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and (people is None or scope["path"] in PATHS):
            await probes(scope, receive, send)
        elif scope["type"] == "http" and people is not None:
            await people(scope, receive, send)
        else:
            await as_http(probes.not_found, scope, receive, send)

    return app
