"""An asyncio event loop with a virtual clock and a seeded order, which no thread, socket or wall clock can touch.

Each turn runs one handle, drawn by the seed from all that are ready. When none is ready, time jumps to the next timer:
an hour of waiting costs nothing, and what may happen in any order does. The loop keeps a fingerprint of its choices:
two runs of one seed are the same run if, and only if, something outside of the simulation has crept in nowhere.
"""

import asyncio
import contextvars
import hashlib
import heapq
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, NoReturn

import msgspec

TURN_NS = 1_000  # what a turn costs, so that stamps differ and a loop that never waits comes to its end
NS = 1_000_000_000


class OutsideWorld(Exception):
    """Simulated code asked for real input or output: a socket, a pipe, a process."""


class Stalled(Exception):
    """Nothing is ready and no timer is set, or the run takes more turns than it may: whoever waits, waits for ever."""


class Process:
    """What crashes together. From its crash on no code of it runs, not even a `finally`: as after `kill -9`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.on_crash: list[Callable[[], None]] = []


current_process: contextvars.ContextVar[Process | None] = contextvars.ContextVar("current_process", default=None)


class SimulatedLoop(asyncio.BaseEventLoop):
    """Runs in virtual time. Tasks belong to the process in whose context they were made."""

    # What asyncio.BaseEventLoop keeps for its own turn, which this class replaces.
    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self, seed: int, turns_max: int) -> None:
        super().__init__()
        self._random = Random(f"{seed} order")
        self._turns_max = turns_max
        self._withheld: list[asyncio.Handle] | None = []
        self._fingerprint = hashlib.sha256()
        self.turns = 0
        self.now_ns = 0

    def time(self) -> float:
        """In seconds, as asyncio has it."""
        return self.now_ns / NS

    @property
    def fingerprint(self) -> str:
        """Over every choice so far, and what was noted."""
        return self._fingerprint.hexdigest()

    def note(self, *said: Any) -> None:
        """Make something that happened part of the fingerprint."""
        if self._withheld is not None:
            self._fingerprint.update(msgspec.msgpack.encode((self.now_ns, *said)))

    def release(self) -> None:
        """Let crashed processes run again, to be cancelled first: the story is over, and its fingerprint stands."""
        withheld, self._withheld = self._withheld or [], None
        self._ready.extend(withheld)

    def _run_once(self) -> None:
        """One turn: the next timer if nothing is ready, then one of the ready handles."""
        self._ring()
        ready = self._ready
        if not ready:
            raise Stalled(f"nothing is left to do after {self.turns} turns")
        chosen = int(self._random.random() * len(ready))
        ready.rotate(-chosen)
        handle = ready.popleft()
        ready.rotate(chosen)
        self.now_ns += TURN_NS
        if self._withheld is not None:
            self.turns += 1
            if self.turns > self._turns_max:
                raise Stalled(f"more than {self._turns_max} turns")
        if handle.cancelled():
            return
        process = _context(handle).get(current_process)
        if process is not None and not process.alive and self._withheld is not None:
            self._withheld.append(handle)
            return
        if self._withheld is not None:
            self._fingerprint.update(b"%d %d %d;" % (self.now_ns, chosen, len(ready)))
        handle._run()

    def _ring(self) -> None:
        """Make timers ready that are due; if nothing is ready at all, jump to the first."""
        scheduled = self._scheduled
        while scheduled and (scheduled[0].cancelled() or not self._ready or scheduled[0].when() <= self.time()):
            timer = heapq.heappop(scheduled)
            timer._scheduled = False  # type: ignore[attr-defined]
            if not timer.cancelled():
                self.now_ns = max(self.now_ns, round(timer.when() * NS))
                self._ready.append(timer)

    def run_in_executor(self, executor: object, func: Callable[..., Any], *args: object) -> "asyncio.Future[Any]":
        """Inline: there are no threads here."""
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done

    def _write_to_self(self) -> None:
        """Nobody waits in a selector that would have to be woken."""

    def _outside(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise OutsideWorld("simulated code may not use sockets, pipes, signals or processes")

    create_connection = create_server = create_datagram_endpoint = _outside
    create_unix_connection = create_unix_server = getaddrinfo = getnameinfo = _outside
    sock_connect = sock_accept = sock_recv = sock_sendall = _outside
    add_reader = add_writer = add_signal_handler = _outside  # type: ignore[assignment]
    connect_read_pipe = connect_write_pipe = subprocess_exec = subprocess_shell = _outside


def _context(handle: asyncio.Handle) -> contextvars.Context:
    context: contextvars.Context = handle._context  # type: ignore[attr-defined]
    return context
