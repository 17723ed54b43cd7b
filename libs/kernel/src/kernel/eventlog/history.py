"""Reading a log from a position, ahead of the reader: events in whole commands, or facts."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Coroutine
from contextlib import aclosing
from functools import partial
from typing import Any, Protocol, TypeVar

from kernel.event import Event
from kernel.eventlog.facts import Facts
from kernel.eventlog.port import Corrupt
from kernel.runtime import Runtime

HISTORY_EVENTS_MAX = 4_096
# Several at a time: SQLite finds two batches on two threads while a third is at work with the caller.
READS_AHEAD = 3

T = TypeVar("T")


class Readable(Protocol):
    """As much of a log as a reader of its history needs."""

    @property
    def name(self) -> str: ...

    async def head(self) -> int: ...

    async def read(self, after: int, limit: int = ...) -> list[Event]: ...


class Foldable(Readable, Protocol):
    """As much of a log as a fold of its facts needs."""

    async def facts(self, after: int, until: int, aggregate_types: Collection[str]) -> Facts: ...


async def whole_commands(log: Readable, after: int, limit: int) -> list[Event]:
    """About `limit` events from after+1, cut at the last end of a command; a longer command is read to its end.

    There must be at least one event after `after`. Corrupt if the log ends within a command.
    """
    events = await log.read(after, limit)
    length = len(events)
    while length and not events[length - 1].ends_command:
        length -= 1
    if length:
        return events[:length]
    while not events or not events[-1].ends_command:
        more = await log.read(events[-1].position if events else after, limit)
        if not more:
            raise Corrupt(f"log {log.name} ends within a command, after position {after + len(events)}")
        for event in more:
            events.append(event)
            if event.ends_command:
                break
    return events


async def history(runtime: Runtime, log: Readable, after: int, until: int) -> AsyncIterator[list[Event]]:
    """The events from after+1 to `until` (a command's end), in whole commands; reads ahead while the caller works.

    Corrupt if the log holds less than that, or `until` is within a command.
    """
    unfinished: list[Event] = []
    async with aclosing(_ahead(runtime, log, after, until, partial(_read_all, log))) as parts:
        async for part in parts:
            events = unfinished + part
            length = len(events)
            while length and not events[length - 1].ends_command:
                length -= 1
            unfinished = events[length:]
            if length:
                yield events[:length]
    if unfinished:
        raise Corrupt(f"log {log.name}: position {until} is within a command")


async def all_facts(
    runtime: Runtime, log: Foldable, after: int, until: int, aggregate_types: Collection[str]
) -> AsyncIterator[Facts]:
    """The facts from after+1 to `until` in order; reads ahead while the caller works. Corrupt if one is missing."""

    async def read(start: int, count: int) -> Facts:
        return await log.facts(start, start + count, aggregate_types)

    async with aclosing(_ahead(runtime, log, after, until, read)) as parts:
        async for facts in parts:
            yield facts


async def _ahead(
    runtime: Runtime, log: Readable, after: int, until: int, read: Callable[[int, int], Coroutine[Any, Any, T]]
) -> AsyncGenerator[T, None]:
    """What `read` gives for one part of the positions after another; several reads are under way at a time."""
    ahead: deque[asyncio.Task[T]] = deque()
    asked = after
    try:
        while ahead or asked < until:
            while len(ahead) < READS_AHEAD and asked < until:
                count = min(HISTORY_EVENTS_MAX, until - asked)
                ahead.append(runtime.spawn(read(asked, count), f"read ahead in {log.name}"))
                asked += count
            yield await ahead.popleft()
    finally:
        for task in ahead:
            task.cancel()


async def _read_all(log: Readable, after: int, count: int) -> list[Event]:
    events = await log.read(after, count)
    if len(events) != count:
        raise Corrupt(f"log {log.name}: {count} events were expected after position {after}, got {len(events)}")
    return events
