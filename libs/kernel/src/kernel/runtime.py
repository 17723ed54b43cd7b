"""What a service may ask of the outside world: time, sleep, tasks, randomness, blocking work.

Services receive a Runtime and use nothing else for these (a lint enforces it), so that one seed can drive the whole
platform. `SystemRuntime` is the real one; `kernel.simulation.runtime.SimulatedRuntime` has a virtual clock and a
seeded order.
"""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
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

    async def in_thread(self, lane: str, call: Callable[..., T], *args: object) -> T:
        """Run blocking `call(*args)` on the lane's single thread, in order; inline in simulation."""


class SystemRuntime:
    """The operating system's clock, randomness and threads under asyncio."""

    def __init__(self) -> None:
        self._lanes: dict[str, ThreadPoolExecutor] = {}
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

    async def in_thread(self, lane: str, call: Callable[..., T], *args: object) -> T:
        executor = self._lanes.get(lane)
        if executor is None:
            executor = self._lanes[lane] = ThreadPoolExecutor(1, thread_name_prefix=lane)
        return await asyncio.get_running_loop().run_in_executor(executor, call, *args)

    def close(self) -> None:
        for executor in self._lanes.values():
            executor.shutdown(wait=True)
