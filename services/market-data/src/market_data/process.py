"""What the trading calendars ask for: opens and closes instruments.

`react` looks at an instrument as the log left it and at the time, and says the one session change that is due; asked
again after that change, it says the next. So it makes no difference how long nobody asked: a close that was missed is
still due, because DAY orders end with it. A command id is derived from what is due, so asking twice changes nothing.

A session that someone else changed is theirs: what an operator closed stays closed until an operator opens it, and what
an operator opened stays open until the calendar's next close.
"""

from typing import NamedTuple

from kernel.ids import derived_id
from market_data.calendars import calendar
from market_data.market import InstrumentRow
from trading_events.words import Session

CLOSED_BY_CALENDAR = "calendar_close"
OPENED_BY_CALENDAR = "calendar_open"


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
