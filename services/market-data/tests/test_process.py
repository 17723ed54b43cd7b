"""Sessions by calendar: what is due as a table, and the process against an engine that writes what it is told."""

import asyncio
from random import Random

import msgspec
import pytest
import structlog.testing

from kernel.eventlog.memory import MemoryStore
from kernel.rpc import LocalChannel, Registrar
from kernel.runtime import SystemRuntime
from market_data.market import InstrumentRow
from market_data.process import SessionDue, react
from market_data.settings import MarketDataSettings
from trading.v1 import engine_pb2, engine_pb2_grpc
from trading.v1.market_data_pb2 import GetClockRequest
from trading_events.sessions import SessionChanged

from .running import platform
from .test_calendars import ns, shown
from .venue import Venue, instrument_id

LISTED = InstrumentRow(
    instrument_id="i",
    symbol="X",
    base="X",
    quote="USD",
    price_unit="1",
    lot_unit="1",
    max_price="1",
    max_quantity="1",
    protection="0.05",
    calendar="24x7",
    session="CONTINUOUS",
    session_since_ns=ns("2026-03-03T12:00"),  # a Tuesday
)


def row(calendar="XNAS", session="CONTINUOUS", since="2026-03-03T15:00", reason="", command_id=None):
    return msgspec.structs.replace(
        LISTED,
        calendar=calendar,
        session=session,
        session_since_ns=ns(since),
        session_reason=reason,
        session_command_id=command_id or (reason and "someone's") or None,
    )


def opened_at(symbol, due):
    return SessionDue(symbol, "CONTINUOUS", "calendar_open", ns(due)).command_id


@pytest.mark.parametrize(
    ("sentence", "instrument", "now", "due"),
    [
        ("within the day nothing is due", row(), "2026-03-03T20:59:59", None),
        ("at the close it is closed", row(), "2026-03-03T21:00", ("CLOSED", "2026-03-03T21:00")),
        ("a close that was missed is still due the next morning", row(), "2026-03-04T15:00",
         ("CLOSED", "2026-03-03T21:00")),
        ("of several that were missed the last is due", row(), "2026-03-06T15:00", ("CLOSED", "2026-03-05T21:00")),
        ("closed by calendar it stays so overnight", row(session="CLOSED", reason="calendar_close"),
         "2026-03-04T14:29:59", None),
        ("and is opened in the morning", row(session="CLOSED", reason="calendar_close"), "2026-03-04T14:30",
         ("CONTINUOUS", "2026-03-04T14:30")),
        ("what an operator closed stays closed", row(session="CLOSED", reason="halt"), "2026-03-04T14:30", None),
        ("what an operator opened at night stays open",
         row(since="2026-03-03T22:00", reason="special session"), "2026-03-04T03:00", None),
        ("until the calendar's next close",
         row(since="2026-03-03T22:00", reason="special session"), "2026-03-04T21:00", ("CLOSED", "2026-03-04T21:00")),
        ("an instrument listed at night is closed at once", row(since="2026-03-03T22:00"), "2026-03-03T22:00",
         ("CLOSED", "2026-03-03T21:00")),
        ("one listed at night is left alone when nobody looked before the morning", row(since="2026-03-03T22:00"),
         "2026-03-04T14:31", None),
        ("around the clock the day ends at midnight", row("24x7"), "2026-03-04T00:00", ("CLOSED", "2026-03-04T00:00")),
        ("and the next begins at once", row("24x7", "CLOSED", "2026-03-04T00:00", "calendar_close"),
         "2026-03-04T00:00:01", ("CONTINUOUS", "2026-03-04T00:00")),
        ("also when the service died in between, days ago",
         row("24x7", "CLOSED", "2026-03-04T00:00", "calendar_close"), "2026-03-06T10:00",
         ("CONTINUOUS", "2026-03-06T00:00")),
        ("the day that began is not ended again", row("24x7", since="2026-03-04T00:00:01", reason="calendar_open"),
         "2026-03-04T12:00", None),
        ("not even if the engine's clock lags ours",
         row("24x7", since="2026-03-03T23:59:59", reason="calendar_open",
             command_id=opened_at("X", "2026-03-04T00:00")), "2026-03-04T00:00:01", None),
        ("without a calendar nothing is ever due", row("ALWAYS"), "2030-01-01T00:00", None),
    ],
)  # fmt: skip
def test_react(sentence, instrument, now, due):
    found = react(instrument, ns(now))
    assert (found and (found.session, shown(found.due_ns))) == due


class SetClock(SystemRuntime):
    """The system's runtime with a clock that the test sets; sleeping lets others run."""

    now = 0

    def now_ns(self):
        return self.now

    async def sleep(self, seconds):
        await asyncio.sleep(0.001)


class Engine(engine_pb2_grpc.EngineServiceServicer):
    """Writes the session changes that it is told, once for each command id."""

    def __init__(self, runtime, venue):
        self.runtime = runtime
        self.venue = venue
        self.told = []
        self.done = {}
        self.write = None

    async def Execute(self, request, context):
        command = request.command
        if command.command_id not in self.done:
            change = command.change_session
            session = engine_pb2.Session.Name(change.session).removeprefix("SESSION_")
            self.told.append((change.symbol, session, shown(self.runtime.now)))
            number = self.venue.symbols.index(change.symbol)
            event = SessionChanged(instrument_id(number), change.symbol, session, change.reason)
            self.venue.commands.append((self.runtime.now, [event]))
            self.done[command.command_id] = await self.write(self.venue)
        result = engine_pb2.CommandResult(command_id=command.command_id, position=self.done[command.command_id])
        return engine_pb2.ExecuteResponse(result=result)


async def settle():
    await asyncio.sleep(0.05)


def test_the_process_sends_each_change_once_also_over_a_restart(tmp_path):
    runtime = SetClock()
    venue = Venue(Random(1), symbols=("AAPL", "BTC-USD"), now_ns=ns("2026-03-03T15:00"))
    venue.list_instruments("24x7")
    us = msgspec.structs.replace(venue.commands[0][1][0], calendar="XNAS")
    venue.commands[0] = (venue.now_ns, [us])
    engine = Engine(runtime, venue)
    registrar = Registrar()
    engine_pb2_grpc.add_EngineServiceServicer_to_server(engine, registrar)
    store = MemoryStore()
    settings = MarketDataSettings(calendar_poll_s=0.01)
    asked = {"settings": settings, "channels": lambda _: LocalChannel(registrar), "store": store, "runtime": runtime}

    async def run():
        runtime.now = ns("2026-03-03T20:59:59")
        async with platform(tmp_path, **asked) as running:
            engine.write = running.write
            await running.write(venue)
            await settle()
            assert engine.told == []
            runtime.now = ns("2026-03-03T21:00:00")
            await settle()
            assert engine.told == [("AAPL", "CLOSED", "2026-03-03T21:00")]
            clock = await running.stub.GetClock(GetClockRequest())
            assert clock.time_ns == runtime.now
            seen = [
                (at.symbol, at.session, at.next_open_ns and shown(at.next_open_ns), shown(at.day_ends_ns))
                for at in clock.instruments
            ]
            assert seen == [
                ("AAPL", "CLOSED", "2026-03-04T14:30", "2026-03-04T21:00"),
                ("BTC-USD", "CONTINUOUS", 0, "2026-03-04T00:00"),
            ]
            written = running._written
        engine.told.clear()
        runtime.now = ns("2026-03-05T10:00:00")  # the service was down for a day and two nights
        async with platform(tmp_path, **asked) as running:
            running._written = written
            engine.write = running.write
            await settle()
            # AAPL is still closed, as it has to be; the days of BTC that nobody ended are ended at once.
            assert engine.told == [
                ("BTC-USD", "CLOSED", "2026-03-05T10:00"),
                ("BTC-USD", "CONTINUOUS", "2026-03-05T10:00"),
            ]
            await settle()
            assert len(engine.told) == 2

    asyncio.run(run())


@pytest.mark.parametrize(("name", "warnings"), [("24x7", 0), ("ALWAYS", 0), ("manual", 0), ("XNSA", 1)])
def test_an_unknown_calendar_is_told_once(tmp_path, name, warnings):
    runtime = SetClock()
    runtime.now = ns("2026-03-03T15:00")
    venue = Venue(Random(1), symbols=("AAPL",), now_ns=runtime.now)
    venue.list_instruments(name)

    async def run():
        settings = MarketDataSettings(calendar_poll_s=0.01)
        async with platform(tmp_path, settings=settings, runtime=runtime) as running:
            await running.write(venue)
            await settle()

    with structlog.testing.capture_logs() as lines:
        asyncio.run(run())
    told = [line["calendar"] for line in lines if line["event"].startswith("unknown calendar")]
    assert told == [name] * warnings


def test_command_ids_are_derived_from_what_is_due():
    first = SessionDue("X", "CLOSED", "calendar_close", 5)
    assert first.command_id == SessionDue("X", "CLOSED", "calendar_close", 5).command_id
    others = [SessionDue("Y", "CLOSED", "", 5), SessionDue("X", "CONTINUOUS", "", 5), SessionDue("X", "CLOSED", "", 6)]
    assert first.command_id not in {other.command_id for other in others}
