"""Turns policies into engine commands: for every account that they cover, now and when it is opened."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from kernel.event import Event
from kernel.projection import Projection
from kernel.refused import Kind, Refused
from kernel.runtime import Runtime
from risk_management.process import LimitsDue, react
from risk_management.settings import RiskManagementSettings
from risk_management.views import RiskView
from risk_management.wire import limits_command
from trading.v1 import engine_pb2

if TYPE_CHECKING:
    from trading.v1.engine_pb2_grpc import EngineServiceAsyncStub


class Enforcement:
    """Sends what is due, and waits for the log to show it before it looks again."""

    def __init__(
        self,
        runtime: Runtime,
        view: RiskView,
        projection: Projection,
        engine: "EngineServiceAsyncStub",
        settings: RiskManagementSettings,
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        self._runtime = runtime
        self._view = view
        self._projection = projection
        self._engine = engine
        self._settings = settings
        self._log = log
        self._sending = asyncio.Lock()
        self._wanted = asyncio.Event()
        projection.on_commit.append(self._look)

    async def run(self) -> None:
        self._wanted.set()
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self.bring_up_to_date()
            except Refused as refused:
                self._log.warning("limits wait for the engine", reason=str(refused))
                await self._runtime.sleep(self._settings.retry_s)
                self._wanted.set()

    async def bring_up_to_date(self) -> tuple[int, int]:
        """Send every change of limits that is due; returns how many the engine made, and the position of the last."""
        changed, position = 0, 0
        async with self._sending:
            await self._projection.reached()
            while due := self._due():
                commands = [limits_command(one) for one in due]
                answer = await self._engine.ExecuteBatch(engine_pb2.ExecuteBatchRequest(commands=commands))
                for one, result in zip(due, answer.results, strict=True):
                    position = max(position, result.position.position)
                    if result.refused_kind == Kind.UNAVAILABLE.value:
                        raise Refused(result.refused, result.message, Kind.UNAVAILABLE)
                    if result.refused:
                        # The log has this answer for ever: asking again would change nothing.
                        self._log.warning("limits refused", account_id=one.account_id, refused=result.refused)
                        self._view.uncovered.pop(one.account_id, None)
                    else:
                        changed += 1
                await self._projection.reached(position)
        return changed, position

    def _due(self) -> list[LimitsDue]:
        due = []
        for account_id in tuple(self._view.uncovered):
            account = self._view.accounts.get(account_id)
            found = react(account, self._view.by_scope) if account is not None else None
            if found is None:
                self._view.uncovered.pop(account_id)
                continue
            due.append(found)
            if len(due) == self._settings.commands_a_batch_max:
                break
        return due

    def _look(self, _: Sequence[Event]) -> None:
        if self._view.uncovered:
            self._wanted.set()
