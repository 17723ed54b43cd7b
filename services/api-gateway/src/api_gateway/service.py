"""The API gateway, put together."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2

from api_gateway import revocations
from api_gateway.app import Site, with_cors
from api_gateway.auth import Authenticator
from api_gateway.call import Platform
from api_gateway.fanout import Hub, Places
from api_gateway.keys import KeyCache
from api_gateway.limits import MemoryBuckets
from api_gateway.presence import Presence
from api_gateway.probes import probes_of
from api_gateway.settings import ApiGatewaySettings
from kernel.eventlog.port import EventLog
from kernel.rpc import Registrar
from kernel.runtime import Runtime
from kernel.service import ASGIApp, Service
from kernel.telemetry import Metrics
from trading.v1.engine_pb2_grpc import EngineServiceStub
from trading.v1.market_data_pb2_grpc import MarketDataServiceStub
from trading.v1.risk_pb2_grpc import RiskServiceStub
from trading.v1.trading_pb2_grpc import OrderServiceStub
from trading.v1.user_pb2_grpc import UserServiceStub

NAME = "api-gateway"


def build(
    runtime: Runtime,
    log: EventLog,
    channels: Callable[[str], Any],
    settings: ApiGatewaySettings,
    folder: Path | None,
    metrics: Metrics,
    *,
    identity_app: ASGIApp | None = None,
    web_folder: Path | None = None,
) -> Service:
    """The gateway; `Service.http` is the whole site. It keeps nothing, so `folder` is not used.

    identity_app: the embedded OpenID provider, served below /realms and asked for its keys without a network.
    web_folder: the built web terminal.
    """
    users = UserServiceStub(channels("user-service"))
    orders = OrderServiceStub(channels("order-service"))
    market = MarketDataServiceStub(channels("market-data"))
    keys = KeyCache(runtime, _http_client(identity_app), settings)
    authenticator = Authenticator(runtime, keys, users, settings)
    hub = Hub(runtime, market, orders, settings.stream_conflation_s)
    risk, engine = RiskServiceStub(channels("risk-management")), EngineServiceStub(channels("trading-engine"))
    presence = Presence(runtime, risk, engine)
    platform = Platform(
        runtime=runtime,
        log=log,
        settings=settings,
        metrics=metrics,
        orders_created=metrics.orders_api_created.labels(NAME),
        orders=orders,
        market=market,
        risk=risk,
        users=users,
        engine=engine,
        hub=hub,
        places=Places(settings.stream_connections_max),
        presence=presence,
        authenticator=authenticator,
    )
    probes = probes_of(platform, keys)
    site = Site(platform, MemoryBuckets(settings), probes, identity_app, web_folder)

    async def close() -> None:
        await presence.close()
        await hub.close()
        await keys.close()

    return Service(
        NAME,
        register=_nothing,
        mains={"revocations": lambda: revocations.follow(runtime, users, authenticator)},
        ready=probes.ready,
        close=close,
        http=with_cors(site, settings.origins),
    )


def _http_client(identity_app: ASGIApp | None) -> httpx2.AsyncClient:
    """A client that reaches the provider in this process, or over the network."""
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=identity_app) if identity_app else None)


def _nothing(_: Registrar) -> None:
    """The gateway answers HTTP only."""
