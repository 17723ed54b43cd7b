"""Who follows the orders of an account here, and the report to the engine when the last of them is gone.

An account that chose `cancel_on_disconnect` loses its open orders then. Each gateway counts its own connections.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from kernel.refused import Kind, Refused
from kernel.runtime import Runtime
from kernel.telemetry import logger
from trading.v1.engine_pb2 import Command, ExecuteRequest, ReportDisconnect
from trading.v1.risk_pb2 import Account, ListAccountsRequest

if TYPE_CHECKING:
    from trading.v1.engine_pb2_grpc import EngineServiceAsyncStub
    from trading.v1.risk_pb2_grpc import RiskServiceAsyncStub

ACCOUNTS_MAX = 500
CANCELS_PER_COMMAND_MAX = 50_000  # the engine's limit
ATTEMPTS_MAX = 10
PAUSE_S = 0.5
CLOSE_WAIT_S = 2.0
REASON = "the last stream of the account's orders ended"
FIRST = ""  # how a client names its first account

_log = logger("api-gateway")


class Presence:
    """Connections that follow orders, by user and account as the client names it."""

    def __init__(self, runtime: Runtime, risk: "RiskServiceAsyncStub", engine: "EngineServiceAsyncStub") -> None:
        self._runtime = runtime
        self._risk = risk
        self._engine = engine
        self._following: Counter[tuple[str, str]] = Counter()
        self._reports: set[asyncio.Task[None]] = set()

    def came(self, user_id: str, account_id: str) -> None:
        """A connection follows the account's orders."""
        self._following[user_id, account_id] += 1

    def left(self, user_id: str, account_ids: Iterable[str]) -> None:
        """A connection that followed these has ended, however it did."""
        gone = []
        for account_id in account_ids:
            self._following[user_id, account_id] -= 1
            if not self._following[user_id, account_id]:
                del self._following[user_id, account_id]
                gone.append(account_id)
        if gone:
            report = self._runtime.spawn(self._report(user_id, frozenset(gone)), "disconnect report")
            self._reports.add(report)
            report.add_done_callback(self._reports.discard)

    async def close(self) -> None:
        """What is being reported has a moment to arrive."""
        if self._reports:
            await asyncio.wait(self._reports, timeout=CLOSE_WAIT_S)
        for report in self._reports:
            report.cancel()

    async def _report(self, user_id: str, gone: frozenset[str]) -> None:
        """Until the engine has heard it; another connection that came in time makes it needless."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                for account_id in await self._left_alone(user_id, gone):
                    await self._tell(user_id, account_id)
                return
            except Refused as refused:
                if refused.kind not in (Kind.UNAVAILABLE, Kind.RATE_LIMITED) or attempt == ATTEMPTS_MAX:
                    _log.error("disconnect not reported", user_id=user_id, error=refused.code)
                    return
                await self._runtime.sleep(PAUSE_S * attempt)

    async def _left_alone(self, user_id: str, gone: frozenset[str]) -> list[str]:
        """The accounts that chose to be canceled, and that nobody follows any more by any of their names."""
        found = await self._risk.ListAccounts(ListAccountsRequest(user_id=user_id, limit=ACCOUNTS_MAX))
        alone = []
        for number, account in enumerate(found.accounts):
            names = _names(account, is_first=number == 0)
            followed = any(self._following[user_id, name] for name in names)
            if account.cancel_on_disconnect and not followed and not gone.isdisjoint(names):
                alone.append(account.id)
        return alone

    async def _tell(self, user_id: str, account_id: str) -> None:
        canceled = CANCELS_PER_COMMAND_MAX
        while canceled >= CANCELS_PER_COMMAND_MAX:
            command_id = self._runtime.uuid7()
            command = Command(
                command_id=command_id,
                user_id=user_id,
                correlation_id=command_id,
                report_disconnect=ReportDisconnect(account_id=account_id, reason=REASON),
            )
            result = (await self._engine.Execute(ExecuteRequest(command=command))).result
            canceled = result.canceled_orders
            _log.info("disconnect", user_id=user_id, account_id=account_id, canceled_orders=canceled)


def _names(account: Account, is_first: bool) -> tuple[str, ...]:
    return (account.id, FIRST) if is_first else (account.id,)
