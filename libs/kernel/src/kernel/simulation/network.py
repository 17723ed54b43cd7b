"""Calls between simulated processes: encoded messages that take their time, get lost, and break with the other side.

A server's code runs in its own process, so it stops where that crashes; the caller is refused as by a network. Refusals
and deadlines are those of `kernel.rpc`, whose LocalChannel does the call itself.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from kernel.refused import Kind, Refused
from kernel.rpc import DEADLINE_S, LocalChannel, Registrar, correlation_id
from kernel.simulation.loop import Process
from kernel.simulation.runtime import Simulation

STREAM_MESSAGES_MAX = 16  # under way or unread; a server that is ahead waits
ENDED = object()


def unavailable(why: str) -> Refused:
    return Refused("unavailable", why, Kind.UNAVAILABLE)


class Network:
    """Who listens where. loss: how many of 1,000 unary calls lose their request, and as many their answer."""

    def __init__(self, simulation: Simulation, loss: int = 0) -> None:
        self.simulation = simulation
        self.loss = loss
        self._servers: dict[str, tuple[Process, LocalChannel]] = {}

    def listen(self, address: str, process: Process, registrar: Registrar) -> None:
        self._servers[address] = (process, LocalChannel(registrar, encoded=True))

    def channel(self, address: str) -> "SimulatedChannel":
        return SimulatedChannel(self, address)

    def find(self, address: str) -> tuple[Process, LocalChannel]:
        found = self._servers.get(address)
        if found is None or not found[0].alive:
            raise unavailable(f"nobody listens at {address}")
        return found

    def loses(self) -> bool:
        return self.simulation.chance.randrange(1000) < self.loss

    async def ask(self, address: str, name: str, work: Callable[[LocalChannel], Awaitable[Any]]) -> Any:
        """Let whoever listens at an address do `work`, in its own process; its answer, or Refused.

        It waits for ever when a message is lost: a deadline is the caller's."""
        await self.simulation.delay()
        process, local = self.find(address)
        answer: asyncio.Future[Any] = self.simulation.loop.create_future()
        lost_request, lost_answer = self.loses(), self.loses()

        async def serve() -> None:
            outcome = await self.watched(work(local))
            await self.simulation.delay()
            if not answer.done() and not lost_answer:
                answer.set_result(outcome)

        def broken() -> None:
            if not answer.done():
                answer.set_result(unavailable(f"{process.name} went away"))

        task = None if lost_request else self.simulation.start(process, serve(), name)
        process.on_crash.append(broken)
        try:
            outcome = await answer
        finally:
            process.on_crash.remove(broken)
            if task is not None:
                task.cancel()
        if isinstance(outcome, Refused):
            raise outcome
        return outcome

    async def watched(self, work: Awaitable[Any]) -> Any:
        """The answer of a servicer, or its Refused; anything else is a bug of the servicer, and is kept as one."""
        try:
            return await work
        except Refused as refused:
            return refused
        except Exception as error:
            self.simulation.fail(f"a servicer failed: {type(error).__name__}: {error}")
            return unavailable(f"the servicer failed: {error!r}")


class SimulatedChannel:
    """A channel to whoever listens at an address at the moment of the call."""

    def __init__(self, network: Network, address: str) -> None:
        self._network = network
        self._address = address

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes],
        response_deserializer: Callable[[bytes], Any],
        _registered_method: bool = False,
    ) -> Callable[..., Awaitable[Any]]:
        codecs = (request_serializer, response_deserializer)

        async def call(
            request: Any,
            timeout: float | None = None,  # noqa: ASYNC109
            metadata: Sequence[tuple[str, str]] = (),
        ) -> Any:
            given = correlation_id.get()

            async def work(local: LocalChannel) -> Any:
                correlation_id.set(given)
                return await local.unary_unary(method, *codecs)(request, None, metadata)

            deadline = asyncio.timeout(timeout or DEADLINE_S)
            try:
                async with deadline:
                    return await self._network.ask(self._address, method, work)
            except TimeoutError:
                if deadline.expired():
                    raise unavailable(f"{method} took too long") from None
                raise

        return call

    def unary_stream(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes],
        response_deserializer: Callable[[bytes], Any],
        _registered_method: bool = False,
    ) -> Callable[..., AsyncIterator[Any]]:
        codecs = (request_serializer, response_deserializer)

        async def call(
            request: Any,
            timeout: float | None = None,  # noqa: ASYNC109
            metadata: Sequence[tuple[str, str]] = (),
        ) -> AsyncIterator[Any]:
            network = self._network
            await network.simulation.delay()
            process, local = network.find(self._address)
            arriving: asyncio.Queue[Any] = asyncio.Queue()
            room = asyncio.Semaphore(STREAM_MESSAGES_MAX)

            async def forward() -> None:
                async for message in local.unary_stream(method, *codecs)(request, None, metadata):
                    await room.acquire()
                    await network.simulation.delay()
                    arriving.put_nowait(message)

            async def serve() -> None:
                refused = await network.watched(forward())
                arriving.put_nowait(ENDED if refused is None else refused)

            def broken() -> None:
                arriving.put_nowait(unavailable(f"{process.name} went away"))

            process.on_crash.append(broken)
            task = network.simulation.start(process, serve(), method)
            try:
                while (message := await arriving.get()) is not ENDED:
                    if isinstance(message, Refused):
                        raise message
                    room.release()
                    yield message
            finally:
                process.on_crash.remove(broken)
                task.cancel()

        return call

    def stream_unary(self, *args: object, **kwargs: object) -> None:
        raise NotImplementedError("no contract of the platform streams requests")

    stream_stream = stream_unary
