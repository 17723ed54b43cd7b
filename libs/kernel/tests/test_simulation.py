"""The simulated loop, runtime, network and disk: virtual time, a seeded order, crashes, and nothing from outside."""

import asyncio
import socket

import pytest

from kernel.event import Append, NewEvent
from kernel.eventlog.memory import MemoryLog, MemoryStore
from kernel.eventlog.port import LogFailed
from kernel.refused import Kind, Refused
from kernel.rpc import Registrar
from kernel.simulation.disk import SeededCommitFaults
from kernel.simulation.loop import OutsideWorld, Process, Stalled
from kernel.simulation.network import Network
from kernel.simulation.runtime import SimulatedRuntime, Simulation
from trading.v1 import eventlog_pb2
from trading.v1.eventlog_pb2_grpc import (
    EventLogServiceServicer,
    EventLogServiceStub,
    add_EventLogServiceServicer_to_server,
)

HOUR_S = 3_600
NS = 1_000_000_000


def order_of(seed):
    """Ten tasks become ready at once: the order in which they run, and the loop's fingerprint."""
    simulation = Simulation(seed)
    ran = []

    async def run(number):
        await asyncio.sleep(0)
        ran.append(number)

    async def main():
        await asyncio.gather(*(run(number) for number in range(10)))

    simulation.run(main)
    return ran, simulation.loop.fingerprint


def test_an_hour_takes_no_time_and_timers_ring_in_their_order():
    simulation = Simulation(1)
    rang = []

    async def ring(after_s):
        await asyncio.sleep(after_s)
        rang.append((after_s, simulation.loop.now_ns // NS))

    async def main():
        await asyncio.gather(*(ring(after_s) for after_s in (3 * HOUR_S, 1, HOUR_S)))

    simulation.run(main)
    assert rang == [(1, 1), (HOUR_S, HOUR_S), (3 * HOUR_S, 3 * HOUR_S)]


def test_a_seed_gives_one_order_and_other_seeds_others():
    assert order_of(1) == order_of(1)
    assert len({tuple(order_of(seed)[0]) for seed in range(10)}) > 5
    assert all(sorted(order_of(seed)[0]) == list(range(10)) for seed in range(10))


def test_time_and_chance_of_a_runtime_come_from_the_seed():
    def drawn(seed):
        simulation = Simulation(seed)
        runtime = SimulatedRuntime(simulation, skew_ns=5)
        return runtime.uuid7(), runtime.random_bytes(8), runtime.now_ns(), runtime.monotonic_ns()

    assert drawn(1) == drawn(1)
    assert drawn(1)[:2] != drawn(2)[:2]


def test_work_on_a_thread_is_done_inline_in_the_order_of_its_lane():
    simulation = Simulation(4)
    simulation.delay_max_s = 10
    runtime = SimulatedRuntime(simulation)
    done = []

    async def main():
        for number in range(20):
            runtime.spawn(runtime.in_thread("lane", done.append, number), "work")
            await asyncio.sleep(0.001)
        assert await runtime.in_thread("other lane", len, [1, 2]) == 2
        await asyncio.sleep(HOUR_S)
        assert await asyncio.get_running_loop().run_in_executor(None, len, [1]) == 1

    simulation.run(main)
    assert done == list(range(20))


@pytest.mark.parametrize(
    "outside",
    [
        lambda loop: loop.create_connection(asyncio.Protocol, "127.0.0.1", 80),
        lambda loop: loop.getaddrinfo("localhost", 80),
        lambda loop: loop.subprocess_exec(asyncio.SubprocessProtocol, "true"),
        lambda loop: loop.sock_connect(socket.socket(), ("127.0.0.1", 80)),
    ],
)
def test_asking_for_the_outside_world_is_an_error(outside):
    async def main():
        await outside(asyncio.get_running_loop())

    with pytest.raises(OutsideWorld):
        Simulation(1).run(main)


def test_waiting_for_ever_is_noticed():
    async def wait():
        await asyncio.Event().wait()

    async def spin():
        while True:  # noqa: ASYNC110  it is meant to wait for nothing
            await asyncio.sleep(0)

    with pytest.raises(Stalled, match="nothing is left to do"):
        Simulation(1).run(wait)
    with pytest.raises(Stalled, match="more than 1000 turns"):
        Simulation(1, turns_max=1_000).run(spin)


def test_a_crashed_process_runs_no_line_more_not_even_a_finally():
    simulation = Simulation(1)
    ran = []

    async def work():
        try:
            while True:
                await asyncio.sleep(1)
                ran.append(simulation.loop.now_ns // NS)
        finally:
            ran.append("finally")

    async def main():
        process = Process("worker")
        simulation.start(process, work(), "work")
        await asyncio.sleep(2.5)
        simulation.crash(process)
        await asyncio.sleep(HOUR_S)
        assert ran == [1, 2]

    simulation.run(main)
    assert ran == [1, 2, "finally"]  # when the simulation is over, what was left is ended in an orderly way


class Heads(EventLogServiceServicer):
    """Answers one kind of call, after a while, as its `says` is."""

    def __init__(self, says):
        self.says = says

    async def GetHead(self, request, context):
        await asyncio.sleep(5)
        if isinstance(self.says, Exception):
            raise self.says
        return eventlog_pb2.GetHeadResponse(position=self.says)

    async def SubscribeEvents(self, request, context):
        for _ in range(3):
            yield eventlog_pb2.SubscribeEventsResponse()
        await asyncio.sleep(HOUR_S)


def calling(says, loss, act):
    """What `act(stub, simulation, process)` comes to, with a servicer in a process of its own."""
    simulation = Simulation(1)
    network = Network(simulation, loss)
    process = Process("server")
    registrar = Registrar()
    add_EventLogServiceServicer_to_server(Heads(says), registrar)
    network.listen("log", process, registrar)
    stub = EventLogServiceStub(network.channel("log"))
    return simulation.run(lambda: act(stub, simulation, process)), simulation


async def ask(stub, simulation, process):
    try:
        return (await stub.GetHead(eventlog_pb2.GetHeadRequest(log="main"))).position
    except Refused as refused:
        return refused.code, simulation.loop.now_ns // NS


async def ask_and_crash(stub, simulation, process):
    asking = asyncio.create_task(ask(stub, simulation, process))
    await asyncio.sleep(2)
    simulation.crash(process)
    return await asking


async def ask_the_dead(stub, simulation, process):
    simulation.crash(process)
    return await ask(stub, simulation, process)


async def follow_and_crash(stub, simulation, process):
    simulation.loop.call_later(60, simulation.crash, process)
    messages = 0
    try:
        async for _ in stub.SubscribeEvents(eventlog_pb2.SubscribeEventsRequest(log="main")):
            messages += 1
    except Refused as refused:
        return messages, refused.code, simulation.loop.now_ns // NS


@pytest.mark.parametrize(
    ("says", "loss", "act", "expected"),
    [
        (7, 0, ask, 7),
        (Refused("no_such_log", "", Kind.NOT_FOUND), 0, ask, ("no_such_log", 5)),
        (7, 1_000, ask, ("unavailable", 10)),
        (7, 0, ask_and_crash, ("unavailable", 2)),
        (7, 0, ask_the_dead, ("unavailable", 0)),
        (7, 0, follow_and_crash, (3, "unavailable", 60)),
    ],
)
def test_a_call_is_answered_refused_lost_or_broken(says, loss, act, expected):
    assert calling(says, loss, act)[0] == expected


def test_a_servicer_that_fails_is_kept_as_a_failure():
    outcome, simulation = calling(ValueError("a bug"), 0, ask)
    assert outcome == ("unavailable", 5)
    assert simulation.failures == ["a servicer failed: ValueError: a bug"]


def an_append(number):
    event = NewEvent(f"event-{number}", f"aggregate-{number}", "Thing", "Happened", 1, b"{}", 1)
    return Append((event,), f"correlation-{number}", f"command-{number}")


@pytest.mark.parametrize(("lost", "unknown", "kept"), [(0, 0, 1), (1_000, 0, 0), (0, 1_000, 1)])
def test_a_commit_is_kept_lost_or_of_unknown_outcome(lost, unknown, kept):
    simulation = Simulation(1)
    store = MemoryStore(SeededCommitFaults(simulation, lost, unknown))

    async def main():
        log = MemoryLog(SimulatedRuntime(simulation), "main", store)
        writer = await log.acquire("writer", ["Thing"])
        if lost or unknown:
            with pytest.raises(LogFailed):
                await log.append([an_append(1)], writer)
        else:
            await log.append([an_append(1)], writer)
        return len(await store.read(0, 10, 10))

    assert simulation.run(main) == kept
