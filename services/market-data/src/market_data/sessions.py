"""Sends the session changes that are due to the engine, and waits for the log to show each before it asks again."""

from typing import TYPE_CHECKING

import structlog

from kernel.projection import Projection
from kernel.refused import Kind, Refused
from kernel.runtime import Runtime
from market_data.calendars import NAMES
from market_data.process import react
from market_data.settings import MarketDataSettings
from market_data.views import MarketView
from market_data.wire import session_command
from trading.v1 import engine_pb2

if TYPE_CHECKING:
    from trading.v1.engine_pb2_grpc import EngineServiceAsyncStub


class Sessions:
    """Looks at every instrument, as the log's head has it, again and again."""

    def __init__(
        self,
        runtime: Runtime,
        view: MarketView,
        projection: Projection,
        engine: "EngineServiceAsyncStub",
        settings: MarketDataSettings,
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        self._runtime = runtime
        self._view = view
        self._projection = projection
        self._engine = engine
        self._settings = settings
        self._log = log
        self._misnamed: set[str] = set()  # symbols whose calendar is unknown, and was told
        self._answered: dict[str, str] = {}  # by symbol the last change that the engine has answered

    async def run(self) -> None:
        while True:
            try:
                await self._projection.reached()
                for symbol in sorted(self._view.markets):
                    await self._bring_up_to_date(symbol)
            except Refused as refused:
                self._log.warning("session changes wait", reason=str(refused))
            await self._runtime.sleep(self._settings.calendar_poll_s)

    async def _bring_up_to_date(self, symbol: str) -> None:
        name = self._view.markets[symbol].instrument.calendar
        if name not in NAMES and symbol not in self._misnamed:
            self._misnamed.add(symbol)
            known = ", ".join(sorted(NAMES))
            self._log.warning("unknown calendar: nothing opens or closes", symbol=symbol, calendar=name, known=known)
        while due := react(self._view.markets[symbol].instrument, self._runtime.now_ns()):
            if self._answered.get(symbol) == due.command_id:
                return  # the log has this command, and it changed nothing
            result = (await self._engine.Execute(engine_pb2.ExecuteRequest(command=session_command(due)))).result
            if result.refused_kind == Kind.UNAVAILABLE.value:
                raise Refused(result.refused, result.message, Kind.UNAVAILABLE)
            self._answered[symbol] = due.command_id
            told = {"symbol": symbol, "session": due.session, "due_ns": due.due_ns}
            if result.refused:
                self._log.warning("session change refused", refused=result.refused, **told)
                return
            self._log.info("session changed", **told)
            await self._projection.reached(result.position.position)
