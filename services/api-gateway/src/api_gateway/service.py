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
from api_gateway.probes import Probes
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
    client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=identity_app) if identity_app else None)
    keys = KeyCache(runtime, client, settings.keys_url, settings.keys_lifetime_s, settings.keys_cooldown_s)
    authenticator = Authenticator(
        runtime,
        keys,
        users,
        settings.issuer,
        settings.audience,
        settings.leeway_s,
        settings.remembered_tokens_max,
        settings.api_key_memory_s,
    )
    hub = Hub(runtime, market, orders, settings.stream_conflation_s)
    platform = Platform(
        runtime=runtime,
        log=log,
        settings=settings,
        metrics=metrics,
        orders_created=metrics.orders_api_created.labels(NAME),
        orders=orders,
        market=market,
        risk=RiskServiceStub(channels("risk-management")),
        users=users,
        engine=EngineServiceStub(channels("trading-engine")),
        hub=hub,
        places=Places(settings.stream_connections_max),
        authenticator=authenticator,
    )
    buckets = MemoryBuckets(
        settings.rate_limit_tokens,
        settings.rate_limit_refill_tokens,
        settings.rate_limit_refill_s,
        settings.rate_limit_buckets_max,
    )
    probes = Probes(platform, keys)

    def register(_: Registrar) -> None:
        """The gateway answers HTTP only."""

    async def follow_revocations() -> None:
        await revocations.follow(runtime, users, authenticator)

    async def close() -> None:
        await hub.close()
        await keys.close()

    return Service(
        NAME,
        register=register,
        mains={"revocations": follow_revocations},
        ready=probes.ready,
        close=close,
        http=with_cors(Site(platform, buckets, probes, identity_app, web_folder), settings.origins),
    )
