"""What the gateway's /ready depends on: a cheap question to every service, the issuer's keys, what was revoked."""

import asyncio
from collections.abc import Awaitable, Callable

from api_gateway.call import Platform
from api_gateway.keys import KeyCache
from kernel.probes import Probes, Question
from kernel.refused import Kind, Refused
from trading.v1.engine_pb2 import GetEngineBookRequest
from trading.v1.market_data_pb2 import GetMarketDataPositionRequest
from trading.v1.risk_pb2 import GetRiskPositionRequest
from trading.v1.trading_pb2 import GetViewPositionRequest
from trading.v1.user_pb2 import ListUsersRequest

TOLD_WITHIN_S = 1.0


def probes_of(platform: Platform, keys: KeyCache) -> Probes:
    async def engine() -> str | None:
        """There is no instrument of this name, and only an engine that runs can know that."""
        try:
            await platform.engine.GetEngineBook(GetEngineBookRequest(symbol="-", depth=1))
        except Refused as refused:
            if refused.kind is not Kind.NOT_FOUND:
                raise
        return None

    async def identity() -> str | None:
        if not keys.known:
            await keys.find("")
        return None

    async def revocations() -> str | None:
        """It takes a moment after the start, which is waited for."""
        try:
            async with asyncio.timeout(TOLD_WITHIN_S):
                await platform.authenticator.told_what_ended.wait()
        except TimeoutError:
            return "the user service has not told what was revoked"
        return None

    questions: dict[str, Question] = {
        "order-service": _answers(lambda: platform.orders.GetViewPosition(GetViewPositionRequest())),
        "market-data": _answers(lambda: platform.market.GetMarketDataPosition(GetMarketDataPositionRequest())),
        "risk-management": _answers(lambda: platform.risk.GetRiskPosition(GetRiskPositionRequest())),
        "user-service": _answers(lambda: platform.users.ListUsers(ListUsersRequest(limit=1))),
        "trading-engine": engine,
        "identity-provider": identity,
        "revocations": revocations,
    }
    return Probes(platform.runtime, platform.metrics, questions)


def _answers(call: Callable[[], Awaitable[object]]) -> Question:
    async def ask() -> str | None:
        await call()
        return None

    return ask
