"""Reading a log from a position, always in whole commands, one batch ahead of the reader."""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from kernel.event import Event
from kernel.eventlog.port import Corrupt
from kernel.runtime import Runtime

HISTORY_EVENTS_MAX = 4_096


class Readable(Protocol):
    """As much of a log as a reader of its history needs."""

    @property
    def name(self) -> str: ...

    async def head(self) -> int: ...

    async def read(self, after: int, limit: int = ...) -> list[Event]: ...


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
    """The events from after+1 to `until` (a command's end), in whole commands; reads ahead while the caller works."""
    ahead: asyncio.Task[list[Event]] | None = None
    position = after
    try:
        while position < until:
            if ahead is None:
                batch = await whole_commands(log, position, min(HISTORY_EVENTS_MAX, until - position))
            else:
                batch = await ahead
            position = batch[-1].position
            ahead = None
            if position < until:
                limit = min(HISTORY_EVENTS_MAX, until - position)
                ahead = runtime.spawn(whole_commands(log, position, limit), f"read ahead in {log.name}")
            yield batch
    finally:
        if ahead is not None:
            ahead.cancel()
