"""Starts the gateway over the small services, with an issuer of its own and a clock that a test moves."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from joserfc import jwt
from joserfc.jwk import RSAKey

from api_gateway.service import build
from api_gateway.settings import ApiGatewaySettings
from kernel.eventlog.memory import MemoryLog
from kernel.rpc import LocalChannel, Registrar
from kernel.runtime import SystemRuntime
from kernel.telemetry import Metrics
from trading.v1.engine_pb2_grpc import add_EngineServiceServicer_to_server
from trading.v1.market_data_pb2_grpc import add_MarketDataServiceServicer_to_server
from trading.v1.risk_pb2_grpc import add_RiskServiceServicer_to_server
from trading.v1.trading_pb2_grpc import add_OrderServiceServicer_to_server
from trading.v1.user_pb2_grpc import add_UserServiceServicer_to_server

from .resting_orders import Orders
from .services import ADA, NOW_NS, Engine, Market, Risk, Users

ISSUER = "http://issuer.test/realms/trading-platform"
KEYS_PATH = "/realms/trading-platform/protocol/openid-connect/certs"
KEY = RSAKey.generate_key(2048, {"kid": "first"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "first"})
SECOND_KEY = RSAKey.generate_key(2048, {"kid": "second"})
RATE_LIMIT = {"rate_limit_tokens": 10_000}


class Clock(SystemRuntime):
    """A clock that stands still until it is moved."""

    def __init__(self):
        super().__init__()
        self.moved_ns = 0

    def now_ns(self):
        return NOW_NS + self.moved_ns

    def monotonic_ns(self):
        return 10**15 + self.moved_ns

    def move_on(self, seconds):
        self.moved_ns += int(seconds * 1_000_000_000)


class Issuer:
    """An identity provider that only has keys, as an ASGI application."""

    def __init__(self):
        self.keys = [KEY]
        self.asked = 0
        self.is_down = False

    async def __call__(self, scope, receive, send):
        import json

        self.asked += 1
        status = 503 if self.is_down else 200 if scope["path"] == KEYS_PATH else 404
        keys = {"keys": [key.as_dict(private=False) | {"use": "sig", "alg": "RS256"} for key in self.keys]}
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(keys).encode()})


def claims(clock: Clock | None = None, **changed: Any) -> dict[str, Any]:
    now_s = (clock.now_ns() if clock else NOW_NS) // 1_000_000_000
    given = {
        "sub": ADA,
        "iss": ISSUER,
        "aud": "trading-platform",
        "iat": now_s,
        "exp": now_s + 300,
        "roles": ["USER", "TRADER"],
        "permissions": ["orders:write"],
    } | changed
    return {name: value for name, value in given.items() if value is not None}


def token(given: dict[str, Any] | None = None, key: RSAKey = KEY, **header: Any) -> str:
    return jwt.encode({"alg": "RS256", "kid": key.kid, **header}, given or claims(), key, algorithms=["RS256"])


def bearer(**changed: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(claims(**changed))}"}


TRADER = bearer()
READER = bearer(roles=["USER"])
ADMIN = bearer(roles=["ADMIN"])


class Gateway:
    """Everything of one running gateway that a test looks at."""

    def __init__(self, web_folder: Path | None = None, **settings: Any) -> None:
        self.clock = Clock()
        self.issuer = Issuer()
        self.log = MemoryLog(self.clock)
        self.metrics = Metrics()
        self.orders, self.market, self.risk, self.users = Orders(), Market(), Risk(), Users()
        self.engine = Engine(self.log, self.market)
        registrar = Registrar()
        add_OrderServiceServicer_to_server(self.orders, registrar)
        add_MarketDataServiceServicer_to_server(self.market, registrar)
        add_RiskServiceServicer_to_server(self.risk, registrar)
        add_UserServiceServicer_to_server(self.users, registrar)
        add_EngineServiceServicer_to_server(self.engine, registrar)
        channel = LocalChannel(registrar, encoded=True)
        self.settings = ApiGatewaySettings(issuer=ISSUER, **(RATE_LIMIT | settings))
        self.service = build(
            self.clock,
            self.log,
            lambda _: channel,
            self.settings,
            None,
            self.metrics,
            identity_app=self.issuer,
            web_folder=web_folder,
        )
        self.app: Any = self.service.http
        self.client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.app), base_url="http://gateway.test")

    async def call(self, method: str, path: str, headers: Any = TRADER, **rest: Any) -> httpx2.Response:
        return await self.client.request(method, path, headers=headers, **rest)


@asynccontextmanager
async def running(**settings: Any):
    gateway = Gateway(**settings)
    async with started(gateway):
        await gateway.users.has_told.wait()
        yield gateway


@asynccontextmanager
async def started(gateway: Gateway):
    mains = [asyncio.create_task(main()) for main in gateway.service.mains.values()]
    try:
        yield gateway
    finally:
        for main in mains:
            main.cancel()
        await asyncio.gather(*mains, return_exceptions=True)
        await gateway.client.aclose()
        await gateway.service.close()
        await gateway.log.close()


def run(test: Callable[[Gateway], Awaitable[None]], **settings: Any) -> None:
    """Run an async test against a fresh gateway, within ten seconds."""

    async def whole() -> None:
        async with asyncio.timeout(10), running(**settings) as gateway:
            await test(gateway)

    asyncio.run(whole())
