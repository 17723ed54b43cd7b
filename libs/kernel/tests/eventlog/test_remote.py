"""What only a network can do to a log: be away, come back, and hold another log."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from kernel.eventlog.memory import MemoryLog
from kernel.eventlog.port import LogFailed, Malformed, Snapshot
from kernel.eventlog.remote import RemoteLog
from kernel.eventlog.servicer import LogServicer
from kernel.rpc import Registrar, connect, serve
from kernel.runtime import SystemRuntime
from trading.v1.eventlog_pb2_grpc import add_EventLogServiceServicer_to_server

from .makers import TYPES, command, event, single


async def served(log, port=0):
    registrar = Registrar()
    add_EventLogServiceServicer_to_server(LogServicer(log), registrar)
    return await serve(registrar, f"127.0.0.1:{port}")


@asynccontextmanager
async def remote(port, name="main"):
    channel = connect(f"127.0.0.1:{port}")
    log = RemoteLog(SystemRuntime(), channel, name)
    try:
        yield log
    finally:
        await log.close()
        await channel.close()


class Follower:
    """Follows a log from its beginning and remembers the positions."""

    def __init__(self, log):
        self.positions = []
        self._news = asyncio.Event()
        self.task = asyncio.create_task(self._follow(log))

    async def _follow(self, log):
        async for batch in log.subscribe(0):
            self.positions.extend(event.position for event in batch)
            self._news.set()

    async def reached(self, position):
        async with asyncio.timeout(20):
            while not self.positions or self.positions[-1] < position:
                self._news.clear()
                await self._news.wait()


def test_a_subscription_goes_on_where_it_stood_when_the_log_comes_back():
    async def scenario():
        local = MemoryLog(SystemRuntime())
        writer = await local.acquire("engine", TYPES)
        server, port = await served(local)
        async with remote(port) as log:
            follower = Follower(log)
            for start in (0, 40, 80):
                for n in range(start, start + 20):
                    await local.append(single(f"{n}"), writer)
                await follower.reached(start + 10)
                await server.stop(None)
                for n in range(start + 20, start + 40):  # meanwhile, unseen
                    await local.append(single(f"{n}"), writer)
                server, port = await served(local, port)
                await follower.reached(start + 40)
            assert follower.positions == list(range(1, 121))
            await log.close()
            with pytest.raises(LogFailed, match="closed"):
                await follower.task
        await server.stop(None)

    asyncio.run(scenario())


def test_a_log_that_is_away_fails_calls_and_the_same_request_may_be_sent_again():
    async def scenario():
        local = MemoryLog(SystemRuntime())
        server, port = await served(local)
        async with remote(port) as log:
            writer = await log.acquire("engine", TYPES)
            [first] = await log.append(single("a"), writer)
            await server.stop(None)
            for call in (log.append(single("a"), writer), log.head(), log.read(0), log.load_checkpoint("view")):
                with pytest.raises(LogFailed):
                    await call
            server, port = await served(local, port)
            async with asyncio.timeout(20):
                while True:
                    try:
                        [again] = await log.append(single("a"), writer)
                        break
                    except LogFailed:
                        await asyncio.sleep(0.05)
            assert (again.first_time, again.events) == (False, first.events)
        await server.stop(None)

    asyncio.run(scenario())


def test_another_log_than_the_one_served_is_refused_and_not_waited_for():
    async def scenario():
        server, port = await served(MemoryLog(SystemRuntime(), "main"))
        async with remote(port, "other") as log:
            with pytest.raises(Malformed, match="serves log main, not other"):
                await log.head()
            with pytest.raises(Malformed):
                await Follower(log).task
        await server.stop(None)

    asyncio.run(scenario())


def test_what_does_not_fit_a_message_is_refused_before_it_is_sent():
    async def scenario():
        server, port = await served(MemoryLog(SystemRuntime()))
        async with remote(port) as log:
            writer = await log.acquire("engine", TYPES)
            large = [command("a", *(event("order", n, data=bytes(1 << 20)) for n in range(1, 18)))]
            with pytest.raises(Malformed, match="16777216 fit"):
                await log.append(large, writer)
            with pytest.raises(Malformed):
                await log.save_snapshot(Snapshot("engine", "1", 0, "hash", bytes(17 << 20)))
        await server.stop(None)

    asyncio.run(scenario())


def test_events_that_do_not_fit_one_message_are_read_in_several():
    async def scenario():
        local = MemoryLog(SystemRuntime())
        writer = await local.acquire("engine", TYPES)
        await local.append([command("a", *(event("order", n, data=bytes(1 << 20)) for n in range(1, 25)))], writer)
        server, port = await served(local)
        async with remote(port) as log:
            events = await local.read(0)
            assert await log.read(0) == await log.read_stream("order") == events
            assert list((await log.outcomes(["a"]))["a"].events) == events
            assert await anext(log.subscribe(0)) == events
        await server.stop(None)

    asyncio.run(scenario())


def test_a_role_that_the_owning_process_holds_is_not_given_away_nor_a_checkpoint_beyond_the_head_kept():
    async def scenario():
        log = MemoryLog(SystemRuntime())
        registrar = Registrar()
        add_EventLogServiceServicer_to_server(LogServicer(log, held=["engine"]), registrar)
        server, port = await serve(registrar, "127.0.0.1:0")
        writer = await log.acquire("engine", TYPES)
        async with remote(port) as other:
            with pytest.raises(Malformed, match="held by a service of the process that owns the log"):
                await other.acquire("engine", TYPES)
            assert await other.acquire("users", ["User"])
            await log.append(single("1", "o1"), writer)  # still the writer
            await other.save_checkpoint("follower", 1)
            with pytest.raises(Malformed, match="ends at 1: nobody has followed it to 2"):
                await other.save_checkpoint("follower", 2)
            assert await other.load_checkpoint("follower") == 1
        await server.stop(0)

    asyncio.run(scenario())
