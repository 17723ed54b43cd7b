"""Commits that are lost, kept, kept unknown to the writer, and late: what a simulation does to the memory log."""

import asyncio

import pytest

from kernel.eventlog.memory import MemoryLog, MemoryStore
from kernel.eventlog.port import Fenced, LogFailed, LogLocked
from kernel.eventlog.verify import Chain
from kernel.runtime import SystemRuntime

from .makers import TYPES, single, take


class Faulty:
    """Loses the commits that hold a `lost` aggregate, hides the outcome of those that hold a `hidden` one."""

    def __init__(self, delay_s=0.0):
        self.delay_s = delay_s

    async def before_commit(self, events):
        await asyncio.sleep(self.delay_s)
        if any("lost" in event.aggregate_id for event in events):
            raise LogFailed("simulated: the commit is lost")

    async def after_commit(self, events):
        await asyncio.sleep(self.delay_s)
        if any("hidden" in event.aggregate_id for event in events):
            raise LogFailed("simulated: the outcome is unknown")


def scenario_on(faults, scenario):
    async def run():
        log = MemoryLog(SystemRuntime(), "main", MemoryStore(faults))
        await scenario(log, await log.acquire("engine", TYPES))
        await log.close()

    asyncio.run(run())


@pytest.mark.parametrize(("fate", "kept"), [("lost", False), ("hidden", True)])
@pytest.mark.parametrize("delay_s", [0.0, 0.01])
def test_after_a_failed_commit_nothing_is_appended_until_the_role_is_acquired_again(fate, kept, delay_s):
    async def scenario(log, writer):
        await log.append(single("before"), writer)
        told = await asyncio.gather(
            log.append(single("innocent"), writer), log.append(single(fate), writer), return_exceptions=True
        )
        assert [type(each) for each in told] == [LogFailed] * 2
        with pytest.raises(LogFailed, match="simulated"):
            await log.append(single("next"), writer)
        # What is unknown is not shown either.
        assert await log.head() == 1 and len(await log.read(0)) == 1 and await log.outcomes([fate]) == {}

        successor = await log.acquire("engine", TYPES)
        assert await log.head() == (3 if kept else 1)
        assert set(await log.outcomes([fate, "innocent"])) == ({fate, "innocent"} if kept else set())
        log.store.faults = MemoryStore().faults
        [again] = await log.append(single(fate), successor)
        assert again.first_time is not kept
        [more] = await log.append(single("more"), successor)
        assert more.last == await log.head()

    scenario_on(Faulty(delay_s), scenario)


def test_a_follower_sees_a_commit_of_unknown_outcome_once_the_log_is_open_again():
    async def scenario(log, writer):
        follower = asyncio.create_task(take(log, 0, 3))
        await log.append(single("before"), writer)
        with pytest.raises(LogFailed):
            await log.append(single("hidden"), writer)
        successor = await log.acquire("engine", TYPES)
        await log.append(single("after"), successor)
        batches = await follower
        assert [event.aggregate_id for batch in batches for event in batch] == [
            "order-before",
            "order-hidden",
            "order-after",
        ]

    scenario_on(Faulty(), scenario)


def test_a_store_outlives_its_process_and_has_one_owner():
    async def scenario(log, writer):
        await log.append(single("a"), writer)
        with pytest.raises(LogLocked):
            MemoryLog(SystemRuntime(), "main", log.store)
        log.store.abandon()
        successor = MemoryLog(SystemRuntime(), "main", log.store)
        next_writer = await successor.acquire("engine", TYPES)
        assert next_writer.epoch == 2
        [again] = await successor.append(single("a"), next_writer)
        assert not again.first_time
        await successor.append(single("b"), next_writer)
        # The dead process's log cannot append behind the living one's back.
        with pytest.raises(LogFailed):
            await log.append(single("c"), writer)
        assert await successor.head() == 2

    scenario_on(None, scenario)


def test_a_command_that_another_process_appended_behind_the_log_s_back_fails_the_log():
    async def scenario(log, writer):
        log.store.abandon()
        intruder = MemoryLog(SystemRuntime(), "main", log.store)
        await intruder.append(single("a"), await intruder.acquire("engine", TYPES))
        with pytest.raises(LogFailed, match="never wrote"):
            await asyncio.wait_for(log.append(single("a"), writer), 5)

    scenario_on(None, scenario)


class Gate:
    """Commits wait until they are let through."""

    def __init__(self):
        self.commits = []
        self.open = asyncio.Event()

    async def before_commit(self, events):
        self.commits.append([event.aggregate_id for event in events])
        await self.open.wait()

    async def after_commit(self, events):
        pass


def test_what_comes_during_a_commit_is_chained_to_it_and_committed_at_once_after_it():
    async def scenario(log, writer):
        asked = [asyncio.ensure_future(log.append(single("a"), writer))]
        await take_turns()
        asked += [asyncio.ensure_future(log.append(single(key), writer)) for key in ("b", "c")]
        await take_turns()
        assert log.store.faults.commits == [["order-a"]] and await log.head() == 0
        log.store.faults.open.set()
        assert [each.first for future in asked for each in await future] == [1, 2, 3]
        assert log.store.faults.commits == [["order-a"], ["order-b", "order-c"]]
        chain = Chain("main")
        for event in await log.read(0):
            chain.follow(event)

    scenario_on(Gate(), scenario)


def test_what_a_deposed_writer_has_chained_is_fenced():
    async def scenario(log, writer):
        first = asyncio.ensure_future(log.append(single("a"), writer))
        await take_turns()
        late = asyncio.ensure_future(log.append(single("b"), writer))
        await take_turns()
        acquiring = asyncio.ensure_future(log.acquire("engine", TYPES))
        await take_turns()
        log.store.faults.open.set()
        successor = await acquiring
        head = await log.head()
        [told] = await asyncio.gather(late, return_exceptions=True)
        assert (isinstance(told, Fenced) and head == 1) or head == 2, "kept before the role went over, or never"
        assert [each.first for each in await first] == [1]
        with pytest.raises(Fenced):
            await log.append(single("c"), writer)
        [next_one] = await log.append(single("d"), successor)
        assert next_one.first == head + 1

    scenario_on(Gate(), scenario)


async def take_turns():
    for _ in range(10):
        await asyncio.sleep(0)
