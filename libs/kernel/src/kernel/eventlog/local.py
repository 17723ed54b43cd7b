"""A log whose store is in this process: one queue, one commit at a time, live followers fed from memory.

Group commit without timers: while a commit is in flight, arrivals queue; the next commit takes everything that is
queued. So a lone caller waits for one flush, and 64 callers share one. Positions, the hash chain and the caches of
what was appended lately live here; `Store` only keeps rows.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass

from kernel.event import Append, Event
from kernel.eventlog.admission import Known, Plan, admit, build, checked_size, unknown_aggregates
from kernel.eventlog.facts import Facts
from kernel.eventlog.history import whole_commands
from kernel.eventlog.port import (
    BATCH_EVENTS_MAX,
    QUEUE_BYTES_MAX,
    QUEUE_EVENTS_MAX,
    READ_EVENTS_MAX,
    Appended,
    Corrupt,
    Fenced,
    LogError,
    LogFailed,
    Malformed,
    QueueFull,
    Snapshot,
    Writer,
)
from kernel.eventlog.store import Opened, Span, Store, Taken
from kernel.eventlog.tail import Tail
from kernel.runtime import Runtime

# A follower that lags reads this many events at once: enough to be fast, little enough for many followers at a time.
FOLLOW_EVENTS_MAX = 2_048


@dataclass(slots=True, eq=False)
class Request:
    """One call of append, waiting for its commit."""

    commands: tuple[Append, ...]
    writer: Writer
    events: int
    size_bytes: int
    answer: "asyncio.Future[list[Appended] | list[Span]]"

    def refuse(self, error: LogError) -> None:
        if not self.answer.done():  # the caller may be gone
            self.answer.set_exception(error)

    def succeed(self, outcome: list[Appended] | list[Span]) -> None:
        if not self.answer.done():
            self.answer.set_result(outcome)


@dataclass(slots=True, frozen=True)
class Verdict:
    """What a commit means for one of its requests: where its commands stand, or why it is refused."""

    request: Request
    told: list[Span] | LogError
    is_new: bool

    def tell(self, events: list[Event], first: int) -> None:
        """Answer the caller; `events` are those of the commit, from position `first` on."""
        if isinstance(self.told, LogError):
            self.request.refuse(self.told)
        elif self.is_new:
            spans = [(span, tuple(events[span.first - first : span.last - first + 1])) for span in self.told]
            self.request.succeed([Appended(span.first, span.last, True, own) for span, own in spans])
        else:
            self.request.succeed(self.told)


class LocalLog:
    """The event log over a store of this process; see the port for every contract."""

    def __init__(self, runtime: Runtime, name: str, store: Store, opened: Opened) -> None:
        self._runtime = runtime
        self._name = name
        self._store = store
        self._queue: deque[Request] = deque()
        self._queued_events = 0
        self._queued_bytes = 0
        self._committing = asyncio.Lock()
        self._appender: asyncio.Task[None] | None = None
        self._known = Known()
        self._failure: str | None = None
        self._closed = False
        self._news = asyncio.Event()
        self._start_at(opened)

    @property
    def name(self) -> str:
        return self._name

    async def acquire(self, role: str, aggregate_types: Sequence[str]) -> Writer:
        async with self._committing:
            if self._closed:
                raise LogFailed(f"log {self._name} is closed")
            if self._failure is not None:
                self._start_at(await self._store.reopen())
                self._failure = None
            for other in self._writers.values():
                taken = set(other.aggregate_types) & set(aggregate_types)
                if other.role != role and taken:
                    raise Fenced(f"role {other.role} writes {', '.join(sorted(taken))}; role {role} cannot")
            before = self._writers.get(role)
            writer = Writer(role, before.epoch + 1 if before else 1, tuple(aggregate_types))
            await self._store.save_writer(writer)
            self._writers[role] = writer
            return writer

    async def append(self, commands: Sequence[Append], writer: Writer) -> list[Appended]:
        events, size_bytes = checked_size(commands)
        self._require_open()
        if self._queue and (
            self._queued_events + events > QUEUE_EVENTS_MAX or self._queued_bytes + size_bytes > QUEUE_BYTES_MAX
        ):
            raise QueueFull(
                f"log {self._name}: {self._queued_events} events wait ({self._queued_bytes} bytes), {events} more do "
                f"not fit ({QUEUE_EVENTS_MAX} events, {QUEUE_BYTES_MAX} bytes); try again"
            )
        answer = asyncio.get_running_loop().create_future()
        self._queue.append(Request(tuple(commands), writer, events, size_bytes, answer))
        self._queued_events += events
        self._queued_bytes += size_bytes
        if self._appender is None:
            self._appender = self._runtime.spawn(self._commit_all(), f"append to {self._name}")
        outcome = await answer
        return [await self._first_outcome(each) if isinstance(each, Span) else each for each in outcome]

    async def outcomes(self, command_ids: Sequence[str]) -> dict[str, Appended]:
        wanted = list(dict.fromkeys(command_ids))
        events: dict[str, list[Event]] = {}
        for event in await self._store.commands(wanted) if wanted else ():
            if event.command_id is not None and event.position <= self._tail.head:
                events.setdefault(event.command_id, []).append(event)
        return {key: _appended(found, first_time=False) for key, found in events.items()}

    async def head(self) -> int:
        return self._tail.head

    async def read(self, after: int, limit: int = READ_EVENTS_MAX) -> list[Event]:
        return await self._between(after, min(self._tail.head, after + min(limit, READ_EVENTS_MAX)))

    async def facts(self, after: int, until: int, aggregate_types: Collection[str]) -> Facts:
        return await self._store.facts(after, min(self._tail.head, until), aggregate_types)

    async def read_stream(self, aggregate_id: str, after_version: int = 0, limit: int = READ_EVENTS_MAX) -> list[Event]:
        events = await self._store.read_stream(aggregate_id, after_version, min(limit, READ_EVENTS_MAX))
        return [event for event in events if event.position <= self._tail.head]

    async def subscribe(self, after: int) -> AsyncIterator[list[Event]]:
        position = after
        while True:
            if position > self._tail.head:
                raise Corrupt(
                    f"log {self._name} ends at {self._tail.head}, and a follower has seen {position}: "
                    "the log was cut or is another one; restore it, or rebuild the follower"
                )
            if self._closed:
                raise LogFailed(f"log {self._name} is closed")
            if position == self._tail.head:
                await self._news.wait()
                continue
            batch = await whole_commands(self, position, min(FOLLOW_EVENTS_MAX, self._tail.head - position))
            position = batch[-1].position
            yield batch

    async def save_checkpoint(self, name: str, position: int) -> None:
        if position > self._tail.head:  # kept, it would tell the next start that the log was cut
            raise Malformed(f"log {self._name} ends at {self._tail.head}: nobody has followed it to {position}")
        await self._store.save_checkpoint(name, position)

    async def load_checkpoint(self, name: str) -> int:
        return await self._store.load_checkpoint(name)

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        await self._store.save_snapshot(snapshot)

    async def load_snapshots(self, kind: str, schema: str) -> list[Snapshot]:
        return await self._store.load_snapshots(kind, schema)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._appender is not None:
            await self._appender
        self._notify()
        async with self._committing:
            await self._store.close()

    def _start_at(self, opened: Opened) -> None:
        self._known.clear()
        self._tail = Tail(opened.head)
        self._last_hash = opened.hash
        self._last_recorded_at_ns = opened.recorded_at_ns
        self._writers = {writer.role: writer for writer in opened.writers}
        self._notify()

    def _require_open(self) -> None:
        if self._closed:
            raise LogFailed(f"log {self._name} is closed")
        if self._failure is not None:
            raise LogFailed(self._failure)

    async def _between(self, after: int, until: int) -> list[Event]:
        if after < 0:
            raise ValueError(f"positions count from 1, and 0 is before the first: got {after}")
        if until <= after:
            return []
        events = self._tail.between(after, until)
        return await self._store.read(after, until, until - after) if events is None else events

    async def _first_outcome(self, span: Span) -> Appended:
        events: list[Event] = []
        while not events or events[-1].position < span.last:
            after = events[-1].position if events else span.first - 1
            more = await self._between(after, min(span.last, after + READ_EVENTS_MAX, self._tail.head))
            if not more:
                raise LogFailed(f"log {self._name}: the store holds events after {after} that this log never wrote")
            events += more
        return _appended(events, first_time=False)

    async def _commit_all(self) -> None:
        try:
            while self._queue:
                async with self._committing:
                    batch = self._take_batch()
                    try:
                        await self._commit(batch)
                    except Exception as error:
                        # Whatever it was, nobody may wait for ever, and nothing may follow a commit of unknown outcome.
                        self._fail(batch, error)
                    except asyncio.CancelledError as error:
                        self._fail(batch, error)
                        raise
        finally:
            self._appender = None

    def _take_batch(self) -> list[Request]:
        batch = [self._queue.popleft()]
        events = batch[0].events
        while self._queue and events + self._queue[0].events <= BATCH_EVENTS_MAX:
            batch.append(self._queue.popleft())
            events += batch[-1].events
        self._queued_events -= events
        self._queued_bytes -= sum([request.size_bytes for request in batch])
        return batch

    async def _commit(self, batch: list[Request]) -> None:
        self._known.looked_up = {}
        unknown = unknown_aggregates([request.commands for request in batch], self._known)
        if unknown:
            self._known.looked_up = await self._store.versions(unknown)
        first = self._tail.head + 1
        plan, verdicts = self._plan(batch)
        certain = not any(isinstance(verdict.told, LogError) for verdict in verdicts)
        events = await self._keep(plan) if certain else None
        if events is None:
            # Something was refused, or taken for new that is old: memory may have forgotten what decides it.
            await self._learn(batch)
            plan, verdicts = self._plan(batch)
            events = await self._keep(plan)
            if events is None:
                raise LogFailed(f"log {self._name}: the store holds events after {first - 1} that this log never wrote")
        for verdict in verdicts:
            verdict.tell(events, first)

    def _plan(self, batch: list[Request]) -> tuple[Plan, list[Verdict]]:
        plan = Plan(self._tail.head + 1)
        verdicts = []
        for request in batch:
            before = plan.position
            told = admit(request.commands, request.writer, self._writers, self._known, plan)
            verdicts.append(Verdict(request, told, plan.position > before))
        return plan, verdicts

    async def _keep(self, plan: Plan) -> list[Event] | None:
        """The plan's events, kept by the store and shown to followers; None if the store holds one of them already."""
        recorded_at_ns = max(self._last_recorded_at_ns, self._runtime.now_ns())
        events = build(plan, self._name, self._tail.head + 1, self._last_hash, recorded_at_ns)
        if not events:
            return events
        try:
            await self._store.commit(events)
        except Taken:
            return None
        self._last_hash, self._last_recorded_at_ns = events[-1].hash, recorded_at_ns
        self._known.versions.update(plan.versions)
        self._known.commands.update(plan.spans)
        self._tail.extend(events)
        self._notify()
        return events

    async def _learn(self, batch: list[Request]) -> None:
        """Look up every command and every unknown aggregate that the batch names."""
        commands = [command for request in batch for command in request.commands]
        ids = [command.command_id for command in commands if command.command_id is not None]
        spans: dict[str, Span] = {}
        for event in await self._store.commands(list(dict.fromkeys(ids))) if ids else ():
            if event.command_id is not None and event.command_index == 0:
                last = event.position + event.command_count - 1
                spans[event.command_id] = Span(event.position, last, event.request_hash)
        self._known.commands.update(spans)
        aggregates = dict.fromkeys(event.aggregate_id for command in commands for event in command.events)
        unknown = [key for key in aggregates if self._known.version(key) is None]
        self._known.looked_up |= await self._store.versions(unknown)

    def _fail(self, batch: list[Request], error: BaseException) -> None:
        self._failure = str(error) if isinstance(error, LogFailed) else f"log {self._name} failed: {error!r}"
        for request in [*batch, *self._queue]:
            failed = LogFailed(self._failure)
            failed.__cause__ = error
            request.refuse(failed)
        self._queue.clear()
        self._queued_events = self._queued_bytes = 0

    def _notify(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


def _appended(events: list[Event], *, first_time: bool) -> Appended:
    return Appended(events[0].position, events[-1].position, first_time, tuple(events))
