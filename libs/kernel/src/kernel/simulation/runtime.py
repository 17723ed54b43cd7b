"""The runtime of simulated services, and the world that they live in."""

import asyncio
import contextvars
import gc
import warnings
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, TypeVar

from kernel.ids import uuid7_text
from kernel.simulation.loop import NS, Process, SimulatedLoop, current_process

T = TypeVar("T")

BEGAN_NS = 1_767_225_600 * NS  # 2026-01-01 00:00 UTC
TURNS_MAX = 20_000_000
DRAIN_ROUNDS = 20


class Simulation:
    """One seed's world: its clock, its chance, its processes."""

    def __init__(self, seed: int, turns_max: int = TURNS_MAX) -> None:
        self.seed = seed
        self.loop = SimulatedLoop(seed, turns_max)
        self.chance = self.random("chance")
        self.delay_max_s = 0.0
        self.failures: list[str] = []
        self._over = False

    def random(self, purpose: str) -> Random:
        """A source of its own for a purpose: drawing from one moves no other."""
        return Random(f"{self.seed} {purpose}")

    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run to the end, then end what is left. Collecting garbage waits: its moments are nobody's seed."""
        collecting = gc.isenabled()
        gc.disable()
        try:
            return self.loop.run_until_complete(main())
        finally:
            self._over = True
            self._end()
            if collecting:
                gc.enable()

    def start(self, process: Process, work: Coroutine[Any, Any, T], name: str) -> "asyncio.Task[T]":
        """Run `work` as the process's: it ends where the process crashes."""
        context = contextvars.copy_context()
        context.run(current_process.set, process)
        return self.loop.create_task(work, name=name, context=context)

    def crash(self, process: Process) -> None:
        """From now on no code of the process runs. Whoever talks to it notices."""
        process.alive = False
        self.loop.note("crash", process.name)
        for told in process.on_crash:
            told()

    def fail(self, told: str) -> None:
        """Keep what no fault explains; what breaks while the leftovers are ended means nothing."""
        if not self._over:
            self.failures.append(told)

    async def delay(self) -> None:
        """What takes some time: often none, mostly little, sometimes long."""
        drawn = self.chance.random()
        if drawn < 0.3 or not self.delay_max_s:
            return
        await asyncio.sleep(self.delay_max_s * drawn**12)

    def _end(self) -> None:
        """Cancel whatever is left, so that nothing is destroyed while it waits. What this breaks tells nothing."""
        self.loop.set_exception_handler(lambda loop, told: None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # what was cancelled before it began was never awaited
            self.loop.release()
            for _ in range(DRAIN_ROUNDS):
                left = asyncio.all_tasks(self.loop)
                if not left:
                    break
                for task in left:
                    task.cancel()
                self.loop.run_until_complete(asyncio.wait(left, timeout=10 * NS))
            self.loop.close()
            gc.collect()


class SimulatedRuntime:
    """kernel.runtime.Runtime in a simulation. Each process has one, with a clock that is off by `skew_ns`."""

    def __init__(self, simulation: Simulation, skew_ns: int = 0) -> None:
        self._simulation = simulation
        self._skew_ns = skew_ns
        self._random = simulation.random(f"runtime {simulation.chance.random()}")
        self._lanes: dict[str, asyncio.Lock] = {}

    def now_ns(self) -> int:
        return BEGAN_NS + self._skew_ns + self._simulation.loop.now_ns

    def monotonic_ns(self) -> int:
        return self._simulation.loop.now_ns

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def spawn(self, work: Coroutine[Any, Any, T], name: str) -> "asyncio.Task[T]":
        return self._simulation.loop.create_task(work, name=name)

    def random_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def uuid7(self) -> str:
        return uuid7_text(self.now_ns() // 1_000_000, self.random_bytes(10))

    def begin(self, lane: str, call: Callable[..., T], *args: object) -> "asyncio.Future[T]":
        return self.spawn(self.in_thread(lane, call, *args), lane)

    async def in_thread(self, lane: str, call: Callable[..., T], *args: object) -> T:
        """Inline, but the lane's work waits its turn, and both its start and its answer may take a while."""
        turn = self._lanes.setdefault(lane, asyncio.Lock())
        async with turn:
            await self._simulation.delay()
            result = call(*args)
            await self._simulation.delay()
        return result
