"""A log whose store is in this process: one queue, one commit at a time, live followers fed from memory.

Group commit without timers: while a commit is in flight, arrivals gather; the next commit takes all of them. So a lone
caller waits for one flush, and 64 callers share one. What memory alone can admit is chained at once, on top of the
commit in flight, and given to the store behind it if it is much; the rest queues, and is looked up between two commits.
Positions, the hash chain and the caches of what was appended lately live here; `Store` only keeps rows.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Collection, Sequence

from kernel.event import Append, Event
from kernel.eventlog.admission import Known, admit, checked_size, unknown_aggregates
from kernel.eventlog.draft import Draft, Request, Verdict
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

# So many chained events are given to the store at once, behind the commit in flight: fewer gather until it is done.
HAND_OVER_EVENTS = 128
# A follower that lags reads this many events at once: enough to be fast, little enough for many followers at a time.
FOLLOW_EVENTS_MAX = 2_048


class LocalLog:
    """The event log over a store of this process; see the port for every contract."""

    def __init__(self, runtime: Runtime, name: str, store: Store, opened: Opened) -> None:
        self._runtime = runtime
        self._name = name
        self._store = store
        self._queue: deque[Request] = deque()
        self._queued_events = 0
        self._queued_bytes = 0
        self._draft: Draft | None = None  # chained, and next to be committed: before anything that is queued
        self._given: deque[Draft] = deque()  # to the store, oldest first, at most two: what comes is chained to them
        self._looking_up: list[Request] = []  # while there are some nothing may be chained: they come before
        self._acquiring = 0
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
        self._acquiring += 1
        try:
            return await self._acquired(role, aggregate_types)
        finally:
            self._acquiring -= 1

    async def _acquired(self, role: str, aggregate_types: Sequence[str]) -> Writer:
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
            self._known.turns[role] = 0
            self._unchain()  # what the deposed writer has in the draft is to be fenced
            return writer

    async def append(self, commands: Sequence[Append], writer: Writer, turn: int | None = None) -> list[Appended]:
        events, size_bytes = checked_size(commands)
        self._require_open()
        if self._queued_events and (
            self._queued_events + events > QUEUE_EVENTS_MAX or self._queued_bytes + size_bytes > QUEUE_BYTES_MAX
        ):
            raise QueueFull(
                f"log {self._name}: {self._queued_events} events wait ({self._queued_bytes} bytes), {events} more do "
                f"not fit ({QUEUE_EVENTS_MAX} events, {QUEUE_BYTES_MAX} bytes); try again"
            )
        answer = asyncio.get_running_loop().create_future()
        request = Request(tuple(commands), writer, turn, events, size_bytes, answer)
        self._queued_events += events
        self._queued_bytes += size_bytes
        if not self._chained(request):
            self._queue.append(request)
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
        self._known.forget()
        self._known.turns = {}
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

    def _chained(self, request: Request) -> bool:
        """Let the request into the draft that is committed next, if memory alone can tell that all of it is new.

        Only when nothing waits for the store: requests are looked at in the order in which they came."""
        if self._queue or self._looking_up:
            return False
        draft = self._draft or self._next_draft()
        if draft.events and len(draft.events) + request.events > BATCH_EVENTS_MAX:
            return False
        if any(key not in draft.plan.versions for key in unknown_aggregates([request.commands], self._known)):
            return False
        before = len(draft.plan.commands)
        told = self._admitted(request, draft)
        if isinstance(told, LogError) or len(draft.plan.commands) == before:
            return False
        draft.verdicts.append(Verdict(request, told, is_new=True))
        draft.chain(before)
        self._draft = draft
        if len(self._given) == 1 and len(draft.events) >= HAND_OVER_EVENTS and not self._acquiring:
            self._give(draft)
        return True

    def _next_draft(self) -> Draft:
        """An empty draft after what was given to the store, or after the head."""
        recorded_at_ns = max(self._last_recorded_at_ns, self._runtime.now_ns())
        if not self._given:
            return Draft.at(self._name, self._tail.head + 1, self._last_hash, recorded_at_ns)
        last = self._given[-1]
        return Draft.at(self._name, last.next_position, last.last_hash, max(last.recorded_at_ns, recorded_at_ns))

    def _unchain(self) -> None:
        """Let the draft's requests wait to be looked at again, before all others."""
        if self._draft is not None:
            self._queue.extendleft(reversed(self._draft.requests))
            self._draft = None

    def _admitted(self, request: Request, draft: Draft) -> list[Span] | LogError:
        return admit(request.commands, request.writer, request.turn, self._writers, self._known, draft.plan)

    async def _commit_all(self) -> None:
        try:
            while self._draft is not None or self._queue:
                async with self._committing:
                    try:
                        await self._commit()
                    except Exception as error:
                        # Whatever it was, nobody may wait for ever, and nothing may follow a commit of unknown outcome.
                        await self._settle()
                        self._fail(error)
                    except asyncio.CancelledError as error:
                        self._fail(error)
                        raise
        finally:
            self._appender = None

    async def _commit(self) -> None:
        """Commit the draft, or what waits in the queue, and what is given to the store meanwhile."""
        draft = self._draft
        if draft is None:
            self._looking_up = batch = self._taken()
            self._known.looked_up = {}
            unknown = unknown_aggregates([request.commands for request in batch], self._known)
            if unknown:
                self._known.looked_up = await self._store.versions(unknown)
            draft = self._planned(batch)
            if not draft.is_certain:
                draft = await self._learned(batch)
        self._give(draft)
        while self._given:
            await self._conclude()

    def _taken(self) -> list[Request]:
        """The requests that wait, as many as one commit takes."""
        batch = [self._queue.popleft()]
        events = batch[0].events
        while self._queue and events + self._queue[0].events <= BATCH_EVENTS_MAX:
            batch.append(self._queue.popleft())
            events += batch[-1].events
        return batch

    def _planned(self, batch: list[Request]) -> Draft:
        draft = self._next_draft()
        for request in batch:
            before = draft.plan.position
            told = self._admitted(request, draft)
            draft.verdicts.append(Verdict(request, told, draft.plan.position > before))
        return draft

    async def _learned(self, batch: list[Request]) -> Draft:
        """Something was refused, or taken for new that is old: memory may have forgotten what decides it."""
        self._looking_up = batch
        await self._learn(batch)
        draft = self._planned(batch)
        draft.is_learned = True
        return draft

    def _give(self, draft: Draft) -> None:
        """Let the store commit the draft, after those that it was given before."""
        if not draft.events:
            draft.chain(0)
        draft.turns = dict(self._known.turns)
        self._known.add(draft.plan)
        if draft.events:
            what = f"commit of positions {draft.first} to {draft.next_position - 1}"
            draft.committing = self._runtime.spawn(self._store.commit(draft.events), what)
        self._given.append(draft)
        self._draft, self._looking_up = None, []
        self._count(draft, -1)

    async def _conclude(self) -> None:
        """Wait for the oldest commit; show it to followers and answer its callers."""
        draft = self._given[0]
        if draft.committing is not None:
            try:
                await draft.committing
            except Taken:
                await self._take_back(draft)
                return
            self._last_hash, self._last_recorded_at_ns = draft.last_hash, draft.recorded_at_ns
            self._tail.extend(draft.events)
            self._notify()
        self._given.popleft()
        draft.tell()

    async def _take_back(self, draft: Draft) -> None:
        """The store holds some of `draft` already: look up all of it, and let what was chained to it wait."""
        await self._settle()
        self._unchain()
        for later in reversed(self._given):
            if later is not draft:
                self._queue.extendleft(reversed(later.requests))
                self._count(later, +1)
        self._given.clear()
        self._known.forget()
        self._known.turns = draft.turns
        if draft.is_learned:
            self._looking_up = draft.requests
            raise LogFailed(f"log {self._name}: the store holds events after {draft.first - 1} that it never wrote")
        self._count(draft, +1)
        self._give(await self._learned(draft.requests))

    async def _settle(self) -> None:
        """Wait until the store has done with everything that it was given: it refuses what follows a failure."""
        committing = [draft.committing for draft in self._given if draft.committing is not None]
        await asyncio.gather(*committing, return_exceptions=True)

    def _count(self, draft: Draft, sign: int) -> None:
        """Requests that the store was not given count as queued."""
        self._queued_events += sign * sum([request.events for request in draft.requests])
        self._queued_bytes += sign * sum([request.size_bytes for request in draft.requests])

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

    def _fail(self, error: BaseException) -> None:
        self._failure = str(error) if isinstance(error, LogFailed) else f"log {self._name} failed: {error!r}"
        self._unchain()
        given = [request for draft in self._given for request in draft.requests]
        for request in [*given, *self._looking_up, *self._queue]:
            failed = LogFailed(self._failure)
            failed.__cause__ = error
            request.refuse(failed)
        self._given.clear()
        self._looking_up = []
        self._queue.clear()
        self._queued_events = self._queued_bytes = 0

    def _notify(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


def _appended(events: list[Event], *, first_time: bool) -> Appended:
    return Appended(events[0].position, events[-1].position, first_time, tuple(events))
