"""A view lets events gather for one transaction, and nobody waits for that."""

import asyncio

import msgspec
import pytest

from kernel.event import Append, NewEvent
from kernel.eventlog.memory import MemoryLog
from kernel.projection import Projection, Table, ViewStore
from kernel.runtime import SystemRuntime

LONG_S = 30


class Row(msgspec.Struct, frozen=True):
    version: int


class Last:
    """The last event of each aggregate."""

    name, version = "last", 1

    def __init__(self):
        self.rows = Table("rows", Row)
        self.tables, self.indexes = (self.rows,), {}

    def opened(self):
        pass

    def apply(self, event):
        self.rows.put(event.aggregate_id, Row(event.event_version))


class Venue:
    """A followed log; `commits` has the events of each transaction."""

    def __init__(self, runtime, log, writer, projection):
        self._runtime, self._log, self._writer = runtime, log, writer
        self._version = 0
        self.projection = projection
        self.commits = []
        self.committed = asyncio.Event()
        projection.on_commit.append(self._note)

    def _note(self, events):
        self.commits.append(len(events))
        self.committed.set()

    async def append(self):
        """One event; its position."""
        self._version += 1
        event = NewEvent(
            event_id=self._runtime.uuid7(), aggregate_id="thing", aggregate_type="Thing", event_type="ThingHappened",
            event_version=self._version, event_data=b"{}", occurred_at_ns=self._version,
        )  # fmt: skip
        (appended,) = await self._log.append([Append((event,), correlation_id="c")], self._writer)
        return appended.last

    async def until(self, position):
        """Without saying that it is waited for."""
        while self.projection.position < position:
            await self.committed.wait()
            self.committed.clear()


@pytest.fixture
def follow(monkeypatch):
    def run(pause_s, scenario):
        monkeypatch.setattr("kernel.projection.PAUSE_S", pause_s)

        async def whole():
            runtime = SystemRuntime()
            log = MemoryLog(runtime)
            projection = Projection(runtime, log, ViewStore(Last(), None))
            venue = Venue(runtime, log, await log.acquire("tests", ["Thing"]), projection)
            following = asyncio.create_task(projection.run())
            try:
                return await asyncio.wait_for(scenario(venue), 10)
            finally:
                following.cancel()
                await asyncio.wait([following])
                await projection.close()
                runtime.close()

        return asyncio.run(whole())

    return run


def test_the_first_event_after_a_quiet_time_is_shown_at_once(follow):
    async def scenario(venue):
        await venue.until(await venue.append())
        return venue.commits

    assert follow(LONG_S, scenario) == [1]


def test_events_that_follow_each_other_closely_share_a_transaction(follow):
    async def scenario(venue):
        await venue.until(await venue.append())
        for _ in range(50):
            last = await venue.append()
        await venue.until(last)
        return venue.commits

    assert follow(0.3, scenario) == [1, 50]


def test_who_waits_for_a_position_does_not_wait_for_others(follow):
    async def scenario(venue):
        for _ in range(5):
            await venue.projection.reached(await venue.append())
        await venue.append()
        await venue.projection.reached()
        return venue.commits

    assert follow(LONG_S, scenario) == [1] * 6


def test_who_waits_for_a_position_that_is_still_to_come_has_it_at_once(follow):
    async def scenario(venue):
        await venue.until(await venue.append())
        waiting = asyncio.create_task(venue.projection.reached(3))
        await venue.append()
        await venue.append()
        return await waiting

    assert follow(LONG_S, scenario) == 3
