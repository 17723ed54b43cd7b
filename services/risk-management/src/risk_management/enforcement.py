"""Turns policies into engine commands: for every account that they cover, now and when it is opened."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(slots=True)
class Enforced:
    """changed: accounts whose limits the engine changed, the last at `position`. pending: those that are still due.
    waits_for: why, None if nothing is due."""

    changed: int = 0
    position: int = 0
    pending: int = 0
    waits_for: str | None = None


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
            enforced = await self.bring_up_to_date()
            if enforced.waits_for is not None:
                self._log.warning("limits wait for the engine", reason=enforced.waits_for)
                await self._runtime.sleep(self._settings.retry_s)
                self._wanted.set()

    async def bring_up_to_date(self) -> Enforced:
        """Send every change of limits that is due. What the engine could not be told stays due; `run` tries again."""
        done = Enforced()
        async with self._sending:
            try:
                await self._projection.reached()
                while due := self._due(self._settings.commands_a_batch_max):
                    await self._send(due, done)
            except Refused as refused:
                done.waits_for = str(refused)
                done.pending = len(self._due())
                self._wanted.set()
        return done

    async def _send(self, due: Sequence[LimitsDue], done: Enforced) -> None:
        commands = [limits_command(one) for one in due]
        answer = await self._engine.ExecuteBatch(engine_pb2.ExecuteBatchRequest(commands=commands))
        for one, result in zip(due, answer.results, strict=True):
            done.position = max(done.position, result.position.position)
            if result.refused_kind == Kind.UNAVAILABLE.value:
                raise Refused(result.refused, result.message, Kind.UNAVAILABLE)
            if result.refused:
                # The log has this answer for ever: asking again would change nothing.
                self._log.warning("limits refused", account_id=one.account_id, refused=result.refused)
                self._view.uncovered.pop(one.account_id, None)
            else:
                done.changed += 1
        await self._projection.reached(done.position)

    def _due(self, at_most: int | None = None) -> list[LimitsDue]:
        due: list[LimitsDue] = []
        for account_id in tuple(self._view.uncovered):
            account = self._view.accounts.get(account_id)
            found = react(account, self._view.by_scope) if account is not None else None
            if found is None:
                self._view.uncovered.pop(account_id)
                continue
            due.append(found)
            if len(due) == at_most:
                break
        return due

    def _look(self, _: Sequence[Event]) -> None:
        if self._view.uncovered:
            self._wanted.set()
