"""While a batch is flushed, the next is decided and chained: nothing is answered early, nothing happens twice."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from kernel.event import Event
from kernel.eventlog.memory import MemoryLog, MemoryStore
from kernel.eventlog.port import LogFailed
from kernel.runtime import SystemRuntime
from trading_engine.core import Core
from trading_engine.recovery import replay, replayed_hash
from trading_engine.sequencer import AGGREGATE_TYPES, APPENDS_MAX, ROLE, Sequencer
from trading_engine.settings import TradingEngineSettings

from .test_sequencer import told
from .venue import ALICE, BOB, OPENING, cancel, limit, sequencing

TURNS = 50  # of the loop: enough for whatever can go on without the disk


class Gate:
    """A disk whose commits wait until they are let through, each with or without success."""

    def __init__(self) -> None:
        self.shut = False
        self.waiting: asyncio.Queue[asyncio.Future[str]] = asyncio.Queue()
        self._after = ""

    async def before_commit(self, events: Sequence[Event]) -> None:
        if not self.shut:
            return
        outcome = asyncio.get_running_loop().create_future()
        await self.waiting.put(outcome)
        self._after = await outcome
        if self._after == "lost":
            raise LogFailed("the disk lost it")

    async def after_commit(self, events: Sequence[Event]) -> None:
        if self._after == "kept silently":
            self._after = ""
            raise LogFailed("the disk kept it and did not say so")


class Venue:
    """A sequencer with money and shares in it, and the disk below it."""

    def __init__(self, sequencer: Sequencer, log: MemoryLog, disk: Gate) -> None:
        self.sequencer = sequencer
        self.log = log
        self.disk = disk

    async def decided_ahead(self, first: list, second: list) -> tuple[asyncio.Future, asyncio.Future, asyncio.Future]:
        """Send both; returns the commit of the first, which waits, and the callers, when the second is decided."""
        self.disk.shut = True
        one = asyncio.ensure_future(self.sequencer.execute(first))
        commit = await self.disk.waiting.get()
        two = asyncio.ensure_future(self.sequencer.execute(second))
        await self.pass_turns()
        return commit, one, two

    async def pass_turns(self) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def commands_in_log(self) -> int:
        return sum(event.command_index == 0 for event in await self.log.read(0))


@asynccontextmanager
async def a_venue(settings: TradingEngineSettings | None = None) -> AsyncIterator[Venue]:
    disk = Gate()
    log = MemoryLog(SystemRuntime(), store=MemoryStore(disk))
    async with sequencing(log, settings or TradingEngineSettings(batch_commands_max=1)) as sequencer:
        await sequencer.execute(OPENING)
        yield Venue(sequencer, log, disk)


def test_batches_are_decided_while_one_is_flushed_and_nobody_is_answered_early():
    async def scenario() -> None:
        async with a_venue() as venue:
            before = venue.sequencer.core.engine.command_sequence
            venue.disk.shut = True
            orders = [limit("s", BOB, "SELL", "5", "20"), limit("b", ALICE, "BUY", "5", "20")]
            orders += [limit(f"rests {number}", ALICE, "BUY", "1", "20") for number in range(4)]
            burst = [asyncio.ensure_future(venue.sequencer.execute([order])) for order in orders]
            commit = await venue.disk.waiting.get()
            await venue.pass_turns()
            assert venue.sequencer.core.engine.command_sequence == before + APPENDS_MAX
            assert not any(caller.done() for caller in burst), "none is answered: nothing is flushed"
            commit.set_result("")
            second = await venue.disk.waiting.get()
            await venue.pass_turns()
            answered = [caller.done() for caller in burst]
            assert answered[0] and answered == sorted(answered, reverse=True) and not answered[-1]
            venue.disk.shut = False
            second.set_result("")
            answers = [told(result) for caller in burst for result in await caller]
            assert answers == ["pending 0", "executed 5"] + ["pending 0"] * 4

    asyncio.run(scenario())


@pytest.mark.parametrize("fault", ["lost", "kept silently"])
def test_when_an_append_fails_what_was_decided_ahead_of_it_is_decided_anew(fault):
    async def scenario() -> None:
        async with a_venue() as venue:
            venue.disk.shut = True
            burst = [
                asyncio.ensure_future(venue.sequencer.execute([order]))
                for order in (
                    limit("s", BOB, "SELL", "5", "20"),
                    limit("b", ALICE, "BUY", "3", "20"),
                    limit("t", ALICE, "BUY", "3", "20"),
                )
            ]
            commit = await venue.disk.waiting.get()
            await venue.pass_turns()
            venue.disk.shut = False
            commit.set_result(fault)
            answers = [told(result) for caller in burst for result in await caller]
            assert answers == ["pending 0", "executed 3", "partially_executed 2"]
            assert await venue.commands_in_log() == 1 + len(OPENING) + 3, "the venue's opening comes before all"
            async with venue.sequencer.committed() as core:
                assert core.engine.state_hash() == await replayed_hash(SystemRuntime(), venue.log)
            writer = await venue.log.acquire(ROLE, AGGREGATE_TYPES)
            assert writer.epoch == 3, "the engine began anew once: what it decided ahead then went through"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("sentence", "second", "outcome"),
    [
        ("the same command again", limit("s", BOB, "SELL", "5", "20"), "pending 0"),
        ("another body under the same id", limit("s", BOB, "SELL", "6", "20"), "command_id_reused"),
        ("a cancel of the order in flight", cancel("c", BOB, "s"), "canceled 0"),
    ],
)
def test_what_refers_to_a_command_in_flight_waits_for_its_outcome(sentence, second, outcome):
    async def scenario() -> None:
        async with a_venue() as venue:
            commit, first, caller = await venue.decided_ahead([limit("s", BOB, "SELL", "5", "20")], [second])
            venue.disk.shut = False
            commit.set_result("")
            assert told((await first)[0]) == "pending 0"
            assert told((await caller)[0]) == outcome

    asyncio.run(scenario())


def test_who_looks_at_the_core_sees_what_the_log_holds_however_busy_it_is():
    async def scenario() -> None:
        async with a_venue() as venue:
            trading = [
                asyncio.ensure_future(venue.sequencer.execute([limit(f"o{number}", ALICE, "BUY", "1", "0.01")]))
                for number in range(60)
            ]
            for _ in range(5):
                async with venue.sequencer.committed() as core:
                    head = await venue.log.head()
                    assert core.position == head
                    folded = Core(core.engine.log_number)
                    await replay(SystemRuntime(), venue.log, folded)
                    assert folded.engine.state_hash() == core.engine.state_hash()
                await asyncio.sleep(0)
            assert {told((await caller)[0]) for caller in trading} == {"pending 0"}

    asyncio.run(scenario())


def test_snapshots_are_made_at_the_log_s_end_also_under_load():
    async def scenario() -> None:
        settings = TradingEngineSettings(batch_commands_max=1, snapshot_every_events=7)
        async with a_venue(settings) as venue:
            trading = [
                asyncio.ensure_future(venue.sequencer.execute([limit(f"o{number}", ALICE, "BUY", "1", "0.01")]))
                for number in range(40)
            ]
            for caller in trading:
                await caller
            assert venue.sequencer.core.position - venue.sequencer.core.snapshot_position < 7 + 2

    asyncio.run(scenario())
