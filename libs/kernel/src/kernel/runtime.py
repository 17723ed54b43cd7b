"""What a service may ask of the outside world: time, sleep, tasks, randomness, blocking work.

Services receive a Runtime and use nothing else for these (a lint enforces it), so that one seed can drive the whole
platform. `SystemRuntime` is the real one; `kernel.simulation.runtime.SimulatedRuntime` has a virtual clock and a
seeded order.
"""

import asyncio
import os
import threading
import time
import weakref
from collections.abc import Callable, Coroutine
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

from kernel.ids import uuid7_text

T = TypeVar("T")


class Runtime(Protocol):
    def now_ns(self) -> int:
        """Wall clock, nanoseconds since 1970 UTC."""

    def monotonic_ns(self) -> int:
        """A clock that never goes back, for measuring and deadlines; its zero means nothing."""

    async def sleep(self, seconds: float) -> None: ...

    def spawn(self, work: Coroutine[Any, Any, T], name: str) -> "asyncio.Task[T]":
        """Run beside the caller. The caller keeps the task and awaits or cancels it."""

    def random_bytes(self, count: int) -> bytes:
        """Unpredictable bytes (seeded in simulation)."""

    def uuid7(self) -> str:
        """A new time-ordered id, RFC 9562 version 7."""

    def begin(self, lane: str, call: Callable[..., T], *args: object) -> "asyncio.Future[T]":
        """in_thread, but given to the lane before this returns, however busy the loop is."""

    async def in_thread(self, lane: str, call: Callable[..., T], *args: object) -> T:
        """Run blocking `call(*args)` on the lane's single thread, in order; inline in simulation."""


class Lane:
    """A thread that runs blocking calls one after the other.

    A call costs its loop one queue and one future. An executor's takes three locks more, and waits for its thread to
    leave them: with several busy lanes that was a tenth of the loop's time.
    """

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def begin(self, call: Callable[..., Any], arguments: tuple[object, ...]) -> "asyncio.Future[Any]":
        """A future of the running loop. To cancel it takes back a call that has not begun."""
        answer = asyncio.get_running_loop().create_future()
        self._calls.put((answer, call, arguments))
        return answer

    def close(self) -> None:
        """Wait until everything that was begun is done."""
        self._calls.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        while (taken := self._calls.get()) is not None:
            answer, call, arguments = taken
            if not answer.cancelled():
                outcome: object = None
                failure: BaseException | None = None
                try:
                    outcome = call(*arguments)
                except BaseException as error:
                    failure = error
                _tell(answer, outcome, failure)
            del taken, answer, call, arguments  # nothing is kept alive until the next call


_Call = tuple["asyncio.Future[Any]", Callable[..., Any], tuple[object, ...]]


def _tell(answer: "asyncio.Future[Any]", outcome: object, failure: BaseException | None) -> None:
    """Complete a future from another thread than its loop's."""

    def complete() -> None:
        if answer.done():
            return
        if failure is None:
            answer.set_result(outcome)
        else:
            answer.set_exception(failure)

    try:
        answer.get_loop().call_soon_threadsafe(complete)
    except RuntimeError:
        return  # the loop was closed: nobody waits any more


def _close_all(lanes: dict[str, Lane]) -> None:
    while lanes:
        lanes.popitem()[1].close()


class SystemRuntime:
    """The operating system's clock, randomness and threads under asyncio."""

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}
        weakref.finalize(self, _close_all, self._lanes)  # also when the interpreter ends
        self._pool = b""
        self._pool_at = 0

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def spawn(self, work: Coroutine[Any, Any, T], name: str) -> "asyncio.Task[T]":
        return asyncio.get_running_loop().create_task(work, name=name)

    def random_bytes(self, count: int) -> bytes:
        # One system call per few hundred ids: a urandom call costs about 27 microseconds.
        if count > 1024:
            return os.urandom(count)
        if self._pool_at + count > len(self._pool):
            self._pool, self._pool_at = os.urandom(4096), 0
        taken = self._pool[self._pool_at : self._pool_at + count]
        self._pool_at += count
        return taken

    def uuid7(self) -> str:
        return uuid7_text(self.now_ns() // 1_000_000, self.random_bytes(10))

    def begin(self, lane: str, call: Callable[..., T], *args: object) -> "asyncio.Future[T]":
        running = self._lanes.get(lane)
        if running is None:
            running = self._lanes[lane] = Lane(lane)
        return running.begin(call, args)

    async def in_thread(self, lane: str, call: Callable[..., T], *args: object) -> T:
        return await self.begin(lane, call, *args)

    def close(self) -> None:
        """Wait until what runs in threads is done."""
        _close_all(self._lanes)
