"""The log in memory: for tests, and for simulations that lose commits on purpose."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Protocol

from kernel.event import Event
from kernel.eventlog.facts import Facts, facts_of
from kernel.eventlog.local import LocalLog
from kernel.eventlog.port import SNAPSHOTS_KEPT, LogFailed, LogLocked, Snapshot, Writer
from kernel.eventlog.store import Opened, Taken
from kernel.runtime import Runtime


class CommitFaults(Protocol):
    """What a simulated disk does to commits; either method may also wait, and the commit with it."""

    async def before_commit(self, events: Sequence[Event]) -> None:
        """Raise LogFailed: the commit is lost."""

    async def after_commit(self, events: Sequence[Event]) -> None:
        """Raise LogFailed: the commit is kept, but its writer does not learn it."""


class Reliable:
    """No faults at all."""

    async def before_commit(self, events: Sequence[Event]) -> None: ...

    async def after_commit(self, events: Sequence[Event]) -> None: ...


class MemoryStore:
    """What outlives a simulated process. One log owns it at a time, as one process owns a file."""

    def __init__(self, faults: CommitFaults | None = None) -> None:
        self.faults: CommitFaults = faults or Reliable()
        self.owned = False
        self._committing = asyncio.Lock()
        self._events: list[Event] = []
        self._streams: dict[str, list[Event]] = {}
        self._commands: dict[str, int] = {}
        self._writers: dict[str, Writer] = {}
        self._checkpoints: dict[str, int] = {}
        self._snapshots: dict[tuple[str, str], dict[int, Snapshot]] = {}

    def opened(self) -> Opened:
        if not self._events:
            return Opened(writers=tuple(self._writers.values()))
        last = self._events[-1]
        return Opened(last.position, last.hash, last.recorded_at_ns, tuple(self._writers.values()))

    async def reopen(self) -> Opened:
        return self.opened()

    async def commit(self, events: Sequence[Event]) -> None:
        async with self._committing:
            await self._commit(events)

    async def _commit(self, events: Sequence[Event]) -> None:
        await self.faults.before_commit(events)
        if events[0].position > len(self._events) + 1:
            raise LogFailed(f"the commit before position {events[0].position} failed")
        for event in events:
            if self._is_taken(event):
                raise Taken(event.event_id)
        for event in events:
            self._events.append(event)
            self._streams.setdefault(event.aggregate_id, []).append(event)
            if event.command_id is not None and event.command_index == 0:
                self._commands[event.command_id] = event.position
        await self.faults.after_commit(events)

    async def versions(self, aggregate_ids: Sequence[str]) -> dict[str, int]:
        return {key: len(self._streams.get(key, ())) for key in aggregate_ids}

    async def commands(self, command_ids: Sequence[str]) -> list[Event]:
        firsts = sorted(self._commands[key] for key in command_ids if key in self._commands)
        return [
            event
            for first in firsts
            for event in self._events[first - 1 : first - 1 + self._events[first - 1].command_count]
        ]

    async def read(self, after: int, until: int, limit: int) -> list[Event]:
        return self._events[after : min(until, after + limit)]

    async def facts(self, after: int, until: int, aggregate_types: Collection[str]) -> Facts:
        return facts_of(await self.read(after, until, until - after), aggregate_types)

    async def read_stream(self, aggregate_id: str, after_version: int, limit: int) -> list[Event]:
        return self._streams.get(aggregate_id, [])[after_version : after_version + limit]

    async def save_writer(self, writer: Writer) -> None:
        self._writers[writer.role] = writer

    async def save_checkpoint(self, name: str, position: int) -> None:
        self._checkpoints[name] = max(position, self._checkpoints.get(name, 0))

    async def load_checkpoint(self, name: str) -> int:
        return self._checkpoints.get(name, 0)

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        kept = self._snapshots.setdefault((snapshot.kind, snapshot.schema), {})
        kept[snapshot.position] = snapshot
        for position in sorted(kept)[:-SNAPSHOTS_KEPT]:
            del kept[position]

    async def load_snapshots(self, kind: str, schema: str) -> list[Snapshot]:
        kept = self._snapshots.get((kind, schema), {})
        return [kept[position] for position in sorted(kept, reverse=True)]

    async def close(self) -> None:
        self.owned = False

    def abandon(self) -> None:
        """The owning process died: what it had committed stays, and another log may open the store."""
        self.owned = False
        self._committing = asyncio.Lock()  # a dead process never leaves its own

    def _is_taken(self, event: Event) -> bool:
        return (
            event.position <= len(self._events)
            or event.event_version <= len(self._streams.get(event.aggregate_id, ()))
            or (event.command_index == 0 and event.command_id in self._commands)
        )


class MemoryLog(LocalLog):
    """The event log in memory. Pass the store of an earlier log to open what it left."""

    def __init__(self, runtime: Runtime, name: str = "main", store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        if self.store.owned:
            raise LogLocked(f"log {name}: another log of this process has opened the store")
        self.store.owned = True
        super().__init__(runtime, name, self.store, self.store.opened())
