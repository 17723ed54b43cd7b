"""Trading calendars: when a venue's trading days open and close, as pure functions of the date.

`24x7` trades without a pause; its trading day, and DAY orders with it, ends at 00:00 UTC. `XNAS` and `XNYS` are US
equities: 09:30 to 16:00 in New York. `ALWAYS` and `manual` have no trading days: nothing ever opens or closes by
calendar. Any other name is a mistake, and is taken for one of those two until somebody sees the warning.

US holidays follow NYSE Rule 7.2 and Nasdaq's like rule (Equity 1, Section 1): the days themselves, Friday before for
a Saturday, Monday after for a Sunday, but no Friday for a New Year's Day that is a Saturday. Trading ends at 13:00 on
the day after Thanksgiving, on 3 July and on 24 December. Right from 2005 on; closures by special order are listed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
# No calendar here is closed for longer.
CLOSED_DAYS_MAX = 14

US_OPENS, US_CLOSES, US_CLOSES_EARLY = time(9, 30), time(16), time(13)
US_CLOSED_BY_ORDER = frozenset(
    {
        date(2007, 1, 2),  # mourning for President Ford
        date(2012, 10, 29),  # hurricane Sandy
        date(2012, 10, 30),
        date(2018, 12, 5),  # mourning for President Bush
        date(2025, 1, 9),  # mourning for President Carter
    }
)


@dataclass(frozen=True)
class TradingDay:
    """[opens_ns, closes_ns), nanoseconds since 1970 UTC."""

    opens_ns: int
    closes_ns: int


@dataclass(frozen=True)
class Calendar:
    """day: the trading day of a local date in `zone`, None when there is none."""

    zone: ZoneInfo
    day: Callable[[date], TradingDay | None]

    def is_open(self, now_ns: int) -> bool:
        return any(day.opens_ns <= now_ns < day.closes_ns for day in self._days_around(now_ns))

    def last_open(self, now_ns: int) -> int:
        """The latest opening at or before now."""
        return max(day.opens_ns for day in self._days_around(now_ns) if day.opens_ns <= now_ns)

    def last_close(self, now_ns: int) -> int:
        """The latest close at or before now."""
        return max(day.closes_ns for day in self._days_around(now_ns) if day.closes_ns <= now_ns)

    def next_open(self, now_ns: int) -> int:
        return min(day.opens_ns for day in self._days_around(now_ns) if day.opens_ns > now_ns)

    def next_close(self, now_ns: int) -> int:
        return min(day.closes_ns for day in self._days_around(now_ns) if day.closes_ns > now_ns)

    def _days_around(self, now_ns: int) -> Iterator[TradingDay]:
        today = (EPOCH + timedelta(microseconds=now_ns // 1_000)).astimezone(self.zone).date()
        for offset in range(-CLOSED_DAYS_MAX, CLOSED_DAYS_MAX + 1):
            day = self.day(today + offset * DAY)
            if day is not None:
                yield day


def calendar(name: str) -> Calendar | None:
    """The calendar of that name; None when nothing opens or closes by it."""
    return CALENDARS.get(name)


@lru_cache(1_024)
def around_the_clock(day: date) -> TradingDay:
    midnight = datetime.combine(day, time(), UTC)
    return TradingDay(_ns(midnight), _ns(midnight + DAY))


@lru_cache(1_024)
def us_equities(day: date) -> TradingDay | None:
    if day.weekday() >= 5 or day in US_CLOSED_BY_ORDER or day in us_holidays(day.year):
        return None
    closes = US_CLOSES_EARLY if _closes_early(day) else US_CLOSES
    return TradingDay(
        _ns(datetime.combine(day, US_OPENS, NEW_YORK)),
        _ns(datetime.combine(day, closes, NEW_YORK)),
    )


@lru_cache(64)
def us_holidays(year: int) -> frozenset[date]:
    """The days of `year` on which US equities do not trade because of a holiday."""
    new_year = date(year, 1, 1)
    days = {
        new_year + DAY if new_year.weekday() == 6 else new_year,
        _weekday_of(year, 1, 0, 3),  # Martin Luther King, Jr.
        _weekday_of(year, 2, 0, 3),  # Washington's Birthday
        _easter(year) - 2 * DAY,  # Good Friday
        _weekday_of(year, 6, 0, 1) - 7 * DAY,  # Memorial Day: the last Monday of May
        _observed(date(year, 7, 4)),
        _weekday_of(year, 9, 0, 1),  # Labor Day
        _thanksgiving(year),
        _observed(date(year, 12, 25)),
    }
    if year >= 2022:
        days.add(_observed(date(year, 6, 19)))  # Juneteenth
    return frozenset(days)


CALENDARS: Mapping[str, Calendar] = {
    "24x7": Calendar(ZoneInfo("UTC"), around_the_clock),
    "XNAS": Calendar(NEW_YORK, us_equities),
    "XNYS": Calendar(NEW_YORK, us_equities),
}


WITHOUT_DAYS = frozenset(["ALWAYS", "manual"])
NAMES = frozenset([*CALENDARS, *WITHOUT_DAYS])


def _closes_early(day: date) -> bool:
    return (day.month, day.day) in ((7, 3), (12, 24)) or day == _thanksgiving(day.year) + DAY


def _thanksgiving(year: int) -> date:
    return _weekday_of(year, 11, 3, 4)


def _weekday_of(year: int, month: int, weekday: int, count: int) -> date:
    """The `count`th such weekday (Monday is 0) of a month; a date in the month after, if it has fewer."""
    first = date(year, month, 1)
    return first + ((weekday - first.weekday()) % 7 + 7 * (count - 1)) * DAY


def _observed(holiday: date) -> date:
    return holiday + {5: -DAY, 6: DAY}.get(holiday.weekday(), timedelta())


def _easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar: Meeus, Astronomical Algorithms, chapter 8, with its letters."""
    a = year % 19
    b, c = divmod(year, 100)
    d, e = divmod(b, 4)
    g = (b - (b + 8) // 25 + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    l = (32 + 2 * e + 2 * i - h - k) % 7  # noqa: E741
    m = (a + 11 * h + 22 * l) // 451
    month, day = divmod(h + l - 7 * m + 114, 31)
    return date(year, month, day + 1)


def _ns(at: datetime) -> int:
    return (at - EPOCH) // timedelta(seconds=1) * 1_000_000_000
