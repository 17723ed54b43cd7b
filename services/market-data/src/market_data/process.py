"""Opens and closes instruments by their trading calendars.

`react` looks at an instrument as the log left it and at the time, and says the one session change that is due; asked
again after that change, it says the next. So it makes no difference how long nobody asked: a close that was missed is
still due, because DAY orders end with it. A command id is derived from what is due, so asking twice changes nothing.

A session that someone else changed is theirs: what an operator closed stays closed until an operator opens it, and what
an operator opened stays open until the calendar's next close.
"""

from typing import TYPE_CHECKING, NamedTuple

import structlog

from kernel.ids import derived_id
from kernel.projection import Projection
from kernel.refused import Refused
from kernel.runtime import Runtime
from market_data.calendars import calendar
from market_data.market import InstrumentRow
from market_data.settings import MarketDataSettings
from market_data.views import MarketView
from trading.v1 import engine_pb2
from trading_events.engine import Session

if TYPE_CHECKING:
    from trading.v1.engine_pb2_grpc import EngineServiceAsyncStub

CLOSED_BY_CALENDAR = "calendar_close"
OPENED_BY_CALENDAR = "calendar_open"

SESSIONS = {"CONTINUOUS": engine_pb2.SESSION_CONTINUOUS, "CLOSED": engine_pb2.SESSION_CLOSED}


class SessionDue(NamedTuple):
    """due_ns: the instant of the calendar that asks for it, not the time at which it is sent."""

    symbol: str
    session: Session
    reason: str
    due_ns: int

    @property
    def command_id(self) -> str:
        return derived_id("session-by-calendar", self.symbol, self.session, str(self.due_ns))


def react(instrument: InstrumentRow, now_ns: int) -> SessionDue | None:
    """The session change that is due, None if the instrument is as its calendar wants it."""
    days = calendar(instrument.calendar)
    if days is None:
        return None
    opened = SessionDue(instrument.symbol, "CONTINUOUS", OPENED_BY_CALENDAR, days.last_open(now_ns))
    if instrument.session == "CLOSED":
        return opened if instrument.session_reason == CLOSED_BY_CALENDAR and days.is_open(now_ns) else None
    close_ns = days.last_close(now_ns)
    missed = close_ns > instrument.session_since_ns
    # The engine's clock may lag ours: a session that was opened for the running day is not closed for the day before.
    if opened.due_ns >= close_ns and instrument.session_command_id == opened.command_id:
        missed = False
    listed_out_of_hours = instrument.session_command_id is None and not days.is_open(now_ns)
    if missed or listed_out_of_hours:
        return SessionDue(instrument.symbol, "CLOSED", CLOSED_BY_CALENDAR, close_ns)
    return None


class SessionProcess:
    """Sends what is due to the engine, and waits for the log to show it before it asks again."""

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
        while due := react(self._view.markets[symbol].instrument, self._runtime.now_ns()):
            if self._answered.get(symbol) == due.command_id:
                return  # the log has this command, and it changed nothing
            command = engine_pb2.Command(
                command_id=due.command_id,
                correlation_id=due.command_id,
                change_session=engine_pb2.ChangeSession(
                    symbol=symbol, session=SESSIONS[due.session], reason=due.reason
                ),
            )
            result = (await self._engine.Execute(engine_pb2.ExecuteRequest(command=command))).result
            self._answered[symbol] = due.command_id
            told = {"symbol": symbol, "session": due.session, "due_ns": due.due_ns}
            if result.refused:
                self._log.warning("session change refused", refused=result.refused, **told)
                return
            self._log.info("session changed", **told)
            await self._projection.reached(result.position.position)
