"""Calendars as tables, in New York's local time where it matters: summer and winter time, holidays, short days."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml

from buf.validate import validate_pb2
from market_data.calendars import NAMES, calendar, us_holidays
from trading.v1 import engine_pb2

ROOT = Path(__file__).resolve().parents[3]

SECOND_NS = 1_000_000_000


def ns(text):
    at = datetime.fromisoformat(text)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()) * SECOND_NS


def shown(at_ns):
    return datetime.fromtimestamp(at_ns // SECOND_NS, UTC).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize(
    ("sentence", "name", "now", "is_open", "last_open", "last_close", "next_open", "next_close"),
    [
        ("a winter day opens at 14:30 UTC", "XNAS", "2026-01-07T15:00", True,
         "2026-01-07T14:30", "2026-01-06T21:00", "2026-01-08T14:30", "2026-01-07T21:00"),
        ("a summer day opens at 13:30 UTC", "XNAS", "2026-07-08T13:30", True,
         "2026-07-08T13:30", "2026-07-07T20:00", "2026-07-09T13:30", "2026-07-08T20:00"),
        ("a second before the opening it is closed", "XNAS", "2026-07-08T13:29:59", False,
         "2026-07-07T13:30", "2026-07-07T20:00", "2026-07-08T13:30", "2026-07-08T20:00"),
        ("at the close it is closed", "XNAS", "2026-07-08T20:00", False,
         "2026-07-08T13:30", "2026-07-08T20:00", "2026-07-09T13:30", "2026-07-09T20:00"),
        ("over the weekend of 8 March 2026 the clocks go forward", "XNAS", "2026-03-07T12:00", False,
         "2026-03-06T14:30", "2026-03-06T21:00", "2026-03-09T13:30", "2026-03-09T20:00"),
        ("over the weekend of 1 November 2026 the clocks go back", "XNYS", "2026-11-01T12:00", False,
         "2026-10-30T13:30", "2026-10-30T20:00", "2026-11-02T14:30", "2026-11-02T21:00"),
        ("Thanksgiving is closed, the day after is short", "XNAS", "2026-11-26T16:00", False,
         "2026-11-25T14:30", "2026-11-25T21:00", "2026-11-27T14:30", "2026-11-27T18:00"),
        ("Christmas Eve is short, Christmas and the weekend are closed", "XNAS", "2026-12-24T18:00", False,
         "2026-12-24T14:30", "2026-12-24T18:00", "2026-12-28T14:30", "2026-12-28T21:00"),
        ("a hurricane closed two days", "XNYS", "2012-10-29T15:00", False,
         "2012-10-26T13:30", "2012-10-26T20:00", "2012-10-31T13:30", "2012-10-31T20:00"),
        ("around the clock the day ends at midnight UTC and the next begins", "24x7", "2026-03-08T00:00", True,
         "2026-03-08T00:00", "2026-03-08T00:00", "2026-03-09T00:00", "2026-03-09T00:00"),
        ("around the clock there is no weekend", "24x7", "2026-03-08T23:59:59", True,
         "2026-03-08T00:00", "2026-03-08T00:00", "2026-03-09T00:00", "2026-03-09T00:00"),
    ],
)  # fmt: skip
def test_calendar(sentence, name, now, is_open, last_open, last_close, next_open, next_close):
    days = calendar(name)
    at = ns(now)
    assert days.is_open(at) == is_open
    seen = [shown(look(at)) for look in (days.last_open, days.last_close, days.next_open, days.next_close)]
    assert seen == [last_open, last_close, next_open, next_close]


@pytest.mark.parametrize(
    ("year", "published"),
    [
        # https://www.nyse.com/markets/hours-calendars, as published for these years
        (2012, "0102 0116 0220 0406 0528 0704 0903 1122 1225"),
        (2021, "0101 0118 0215 0402 0531 0705 0906 1125 1224"),
        (2022, "0117 0221 0415 0530 0620 0704 0905 1124 1226"),
        (2023, "0102 0116 0220 0407 0529 0619 0704 0904 1123 1225"),
        (2024, "0101 0115 0219 0329 0527 0619 0704 0902 1128 1225"),
        (2025, "0101 0120 0217 0418 0526 0619 0704 0901 1127 1225"),
        (2026, "0101 0119 0216 0403 0525 0619 0703 0907 1126 1225"),
        (2027, "0101 0118 0215 0326 0531 0618 0705 0906 1125 1224"),
    ],
)
def test_the_holidays_of_a_year_are_the_published_ones(year, published):
    weekdays = sorted(day for day in us_holidays(year) if day.weekday() < 5)
    assert [day.strftime("%m%d") for day in weekdays] == published.split()


@pytest.mark.parametrize(
    ("sentence", "day", "closes"),
    [
        ("3 July before a Friday", date(2025, 7, 3), "2025-07-03T17:00"),
        ("3 July that is the holiday itself", date(2026, 7, 3), None),
        ("2 July before a long weekend is a whole day", date(2026, 7, 2), "2026-07-02T20:00"),
        ("24 December that is the holiday itself", date(2027, 12, 24), None),
        ("31 December before a Saturday's New Year", date(2021, 12, 31), "2021-12-31T21:00"),
    ],
)
def test_short_days(sentence, day, closes):
    found = calendar("XNAS").day(day)
    assert (shown(found.closes_ns) if found else None) == closes


@pytest.mark.parametrize("name", ["ALWAYS", "XXXX", ""])
def test_other_names_have_no_trading_days(name):
    assert calendar(name) is None


def test_the_contract_takes_the_calendars_that_are_known_and_no_others():
    rules = {rule.name: value for rule, value in calendar_rules().ListFields()}
    assert set(rules["in"]) == NAMES
    contract = yaml.safe_load((ROOT / "contracts" / "openapi.yaml").read_text())
    assert set(contract["components"]["schemas"]["NewInstrument"]["properties"]["calendar"]["enum"]) == NAMES


def calendar_rules():
    field = engine_pb2.ListInstrument.DESCRIPTOR.fields_by_name["calendar"]
    return field.GetOptions().Extensions[validate_pb2.field].string
