"""/health, /ready and /metrics: for orchestrators and operators; no authentication, no limits, outside the contract."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from api_gateway.call import JSON, Platform, Reply, reply
from api_gateway.keys import KeyCache
from kernel.refused import Kind, Refused
from trading.v1.engine_pb2 import GetEngineBookRequest
from trading.v1.market_data_pb2 import GetMarketDataPositionRequest
from trading.v1.risk_pb2 import GetRiskPositionRequest
from trading.v1.trading_pb2 import GetViewPositionRequest
from trading.v1.user_pb2 import ListUsersRequest

PROBE_TIMEOUT_S = 2.0
REMEMBERED_NS = 1_000_000_000
METRICS_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class Health(msgspec.Struct, frozen=True):
    status: str


class Readiness(msgspec.Struct, frozen=True):
    """dependencies: each service, and `ready` or what is wrong with it."""

    status: str
    dependencies: dict[str, str]


class Probes:
    """Asks every service one cheap question; the answer is remembered for a second."""

    def __init__(self, platform: Platform, keys: KeyCache) -> None:
        self._platform = platform
        self._keys = keys
        self._asked_ns: int | None = None
        self._found: dict[str, str] = {}
        self._questions: dict[str, Callable[[], Awaitable[object]]] = {
            "order-service": lambda: platform.orders.GetViewPosition(GetViewPositionRequest()),
            "market-data": lambda: platform.market.GetMarketDataPosition(GetMarketDataPositionRequest()),
            "risk-management": lambda: platform.risk.GetRiskPosition(GetRiskPositionRequest()),
            "user-service": lambda: platform.users.ListUsers(ListUsersRequest(limit=1)),
            "trading-engine": self._engine,
            "identity-provider": self._identity,
        }

    async def answer(self, path: str) -> Reply:
        if path == "/health":
            return reply(200, Health("ok"))
        if path == "/metrics":
            return Reply(200, self._platform.metrics.exposition(), content_type=METRICS_TYPE)
        found = await self.dependencies()
        is_ready = all(state == "ready" for state in found.values())
        body = msgspec.json.encode(Readiness("ready" if is_ready else "waiting", found))
        return Reply(200 if is_ready else 503, body, content_type=JSON)

    async def dependencies(self) -> dict[str, str]:
        now = self._platform.runtime.monotonic_ns()
        if self._asked_ns is None or now - self._asked_ns > REMEMBERED_NS:
            states = await asyncio.gather(*(self._state(question) for question in self._questions.values()))
            self._found = dict(zip(self._questions, states, strict=True))
            self._asked_ns = now
        return self._found

    async def ready(self) -> str | None:
        """For `kernel.service.Service.ready`."""
        waiting = [f"{name}: {state}" for name, state in (await self.dependencies()).items() if state != "ready"]
        return "; ".join(waiting) or None

    async def _engine(self) -> None:
        """There is no instrument of this name, and only an engine that runs can know that."""
        try:
            await self._platform.engine.GetEngineBook(GetEngineBookRequest(symbol="-", depth=1))
        except Refused as refused:
            if refused.kind is not Kind.NOT_FOUND:
                raise

    async def _identity(self) -> None:
        if not self._keys.known:
            await self._keys.find("")

    async def _state(self, question: Callable[[], Awaitable[object]]) -> str:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await question()
        except Refused as refused:
            return refused.message
        except TimeoutError:
            return f"no answer within {PROBE_TIMEOUT_S:g} s"
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return "ready"
