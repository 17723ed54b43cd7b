"""The sequencer: the single writer of everything that must be consistent with matching.

One loop takes what is queued, drops commands whose id is known, lets the core decide the rest in order, appends all
their events in one commit, and only then answers. Memory never runs ahead of the log: if the append fails, the core is
thrown away and rebuilt from the log, and what the commit may have kept is found again by its command id.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from struct import error as StructError
from typing import NamedTuple

from kernel.event import Append, NewEvent
from kernel.eventlog.history import history
from kernel.eventlog.port import (
    REQUEST_BYTES_MAX,
    REQUEST_EVENTS_MAX,
    Appended,
    EventLog,
    Fenced,
    LogError,
    Malformed,
    Writer,
)
from kernel.eventlog.verify import Chain
from kernel.ids import derived_id
from kernel.refused import Kind, Refused
from kernel.runtime import Runtime
from kernel.telemetry import Metrics, logger
from matching.engine import CANCELS_PER_COMMAND_MAX
from trading.v1 import engine_pb2
from trading_engine.core import Core
from trading_engine.listing import Draft
from trading_engine.recovery import recover, save_snapshot
from trading_engine.results import result_of
from trading_engine.settings import TradingEngineSettings
from trading_engine.wire import encode, request_hash

ROLE = "trading-engine"
AGGREGATE_TYPES = ("Order", "Account", "Instrument", "Asset")
RECENT_COMMANDS_MAX = 50_000
ATTEMPTS_MAX = 5
RETRY_PAUSE_S = 0.05
AUDIT_PAUSE_S = 0.05
APPEND_BYTES_MAX = REQUEST_BYTES_MAX // 2  # the envelopes take the other half
REUSED = Refused("command_id_reused", "This id was used before with another body; use a new one.")

_log = logger(ROLE)


@dataclass(slots=True)
class Submission:
    """Commands of one caller, and where the answers go. The caller may leave; the commands stay queued."""

    commands: Sequence[engine_pb2.Command]
    answered: asyncio.Future[list[engine_pb2.CommandResult]]
    arrived_ns: int


class Decided(NamedTuple):
    """A command that the core decided: where its answer goes (None: nobody asked), and its events."""

    answer: int | None
    command: engine_pb2.Command
    request_hash: str
    events: list[NewEvent]


class Batch:
    """The commands of one commit in order, with the answer to each. Made anew when the core was rebuilt."""

    def __init__(self, submissions: list[Submission]) -> None:
        self.submissions = submissions
        self.commands = [command for submission in submissions for command in submission.commands]
        self.answers: list[engine_pb2.CommandResult | None] = [None] * len(self.commands)
        self.hashes = [request_hash(command) for command in self.commands]
        self.first_use: dict[str, int] = {}  # command id -> index of the command that is decided
        self.repeats: list[int] = []  # commands that wait for the answer of the first use
        self.placed: dict[str, str] = {}  # command id -> the order it placed, for those that refer to it
        self.decided: list[Decided] = []
        self.draft = Draft()
        self.drafted: list[int] = []  # indexes of the commands in the draft


class Sequencer:
    """Owns the core. `execute` is the only way in; `run` is the loop."""

    def __init__(self, runtime: Runtime, log: EventLog, settings: TradingEngineSettings, metrics: Metrics) -> None:
        self._runtime = runtime
        self._log = log
        self._settings = settings
        self.metrics = metrics
        self._queue: deque[Submission] = deque()
        self._queued_commands = 0
        self._arrived = asyncio.Event()
        self._recent: OrderedDict[str, str] = OrderedDict()  # command id -> the order it placed
        self._failure: str | None = "the engine is starting"
        self._writer: Writer | None = None
        self._turn = asyncio.Lock()  # held while the core is ahead of the log
        self.core = Core(settings.log_number)

    @property
    def failure(self) -> str | None:
        """Why nothing is sequenced now; None while all is well."""
        return self._failure

    async def execute(self, commands: Sequence[engine_pb2.Command]) -> list[engine_pb2.CommandResult]:
        """Decide `commands` in order and answer after their events are durable.

        Refused when the queue is full or the engine is stopped; nothing was sequenced then."""
        if self._failure is not None:
            raise Refused("engine_stopped", self._failure, Kind.UNAVAILABLE, retry_after_s=1)
        if self._queued_commands + len(commands) > self._settings.queue_commands_max:
            told = f"{self._queued_commands} commands are waiting, at most {self._settings.queue_commands_max} may"
            raise Refused("engine_busy", told, Kind.UNAVAILABLE, retry_after_s=1)
        answered = asyncio.get_running_loop().create_future()
        self._queue.append(Submission(commands, answered, self._runtime.monotonic_ns()))
        self._queued_commands += len(commands)
        self._arrived.set()
        return await asyncio.shield(answered)

    @asynccontextmanager
    async def committed(self) -> AsyncIterator[Core]:
        """The core while it stands at a committed position. Refused while there is none: starting, or stopped."""
        async with self._turn:
            if self._failure is not None:
                raise Refused("engine_stopped", self._failure, Kind.UNAVAILABLE, retry_after_s=1)
            yield self.core

    async def run(self) -> None:
        """Recover, then sequence until cancelled. A log that fails for good stops the engine with its reason."""
        try:
            await self._rebuild()
            await self._open_venue()
            self._failure = None
            while True:
                await self._arrived.wait()
                batch = self._take()
                if batch.submissions:
                    async with self._turn:
                        await self._commit(batch)
        except Exception as error:
            self._stop(f"{type(error).__name__}: {error}")
            raise

    async def audit(self) -> None:
        """Check the whole log once, in the background: a start reads its end only. Tampering stops the engine."""
        while self._failure is not None:
            await self._runtime.sleep(AUDIT_PAUSE_S)
        try:
            chain = Chain(self._log.name)
            async for events in history(self._runtime, self._log, 0, await self._log.head()):
                for event in events:
                    chain.follow(event)
                await self._runtime.sleep(AUDIT_PAUSE_S)
        except LogError as error:
            self._stop(f"{type(error).__name__}: {error}")
            raise
        await asyncio.get_running_loop().create_future()  # a main that ends would stop the service

    async def _rebuild(self) -> None:
        """Become the writer, which also opens a failed log anew, and fold the log into a fresh core."""
        self._writer = await self._log.acquire(ROLE, AGGREGATE_TYPES)
        self.core = await recover(self._runtime, self._log, self._settings)

    async def _open_venue(self) -> None:
        """The first command of a log: the accounts against which deposits and fees are posted."""
        command = engine_pb2.Command(
            command_id=derived_id("open-venue", self._log.name),
            correlation_id=derived_id("open-venue", self._log.name),
            source_time_ns=self._settings.opened_at_ns,
            open_venue=engine_pb2.OpenVenue(),
        )
        answered: asyncio.Future[list[engine_pb2.CommandResult]] = asyncio.get_running_loop().create_future()
        await self._commit(Batch([Submission([command], answered, self._runtime.monotonic_ns())]))

    def _take(self) -> Batch:
        taken: list[Submission] = []
        commands = 0
        while self._queue and (
            not taken or commands + len(self._queue[0].commands) <= self._settings.batch_commands_max
        ):
            taken.append(self._queue.popleft())
            commands += len(taken[-1].commands)
        self._queued_commands -= commands
        if not self._queue:
            self._arrived.clear()
        return Batch(taken)

    async def _commit(self, batch: Batch) -> None:
        """Decide and append; after a failed append rebuild and try again: ids that were kept answer for themselves."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                await self._decide(batch)
                await self._append(batch)
                break
            except LogError as error:
                final = isinstance(error, Fenced | Malformed) or attempt == ATTEMPTS_MAX
                _log.warning("append failed", error=str(error), attempt=attempt, final=final)
                if final:
                    self._fail(batch.submissions, f"the outcome is not known: {error}")
                    raise
                await self._runtime.sleep(RETRY_PAUSE_S * attempt)
                await self._rebuild_for(batch)
                batch = Batch(batch.submissions)
            except Exception as error:
                self._fail(batch.submissions, f"the outcome is not known: {type(error).__name__}: {error}")
                raise
        self._answer(batch)
        if self.core.position - self.core.snapshot_position >= self._settings.snapshot_every_events:
            await self._save_snapshot()

    async def _rebuild_for(self, batch: Batch) -> None:
        try:
            await self._rebuild()
        except Exception as error:
            self._fail(batch.submissions, f"the outcome is not known: {error}")
            raise

    async def _save_snapshot(self) -> None:
        """A snapshot only makes the next start faster: without one the engine goes on."""
        try:
            await save_snapshot(self._runtime, self._log, self.core)
        except (LogError, OSError) as error:
            _log.warning("snapshot not saved", position=self.core.position, reason=str(error))
            self.core.snapshot_position = self.core.position  # try again after as many events

    async def _decide(self, batch: Batch) -> None:
        """Answer what is known or cannot be sequenced; let the core decide the rest in order."""
        known = await self._known(batch)
        for index, command in enumerate(batch.commands):
            first = batch.first_use.get(command.command_id)
            outcome = known.get(command.command_id)
            if outcome is not None or first is not None:
                used = outcome.events[0].request_hash if outcome else batch.hashes[first or 0]
                if used != batch.hashes[index]:
                    batch.answers[index] = refused_result(command.command_id, REUSED)
                elif outcome is not None:
                    batch.answers[index] = result_of(command.command_id, outcome)
                else:
                    batch.repeats.append(index)
                continue
            batch.first_use[command.command_id] = index
            self._draft(batch, index, known)
        self._flush(batch)

    async def _known(self, batch: Batch) -> dict[str, Appended]:
        """Outcomes of every id that the batch uses or refers to, in one statement."""
        wanted = {command.command_id for command in batch.commands}
        for command in batch.commands:
            reference = placed_by(command)
            if reference and reference in self._recent:
                batch.placed[reference] = self._recent[reference]
            elif reference:
                wanted.add(reference)
        return await self._log.outcomes(sorted(wanted))

    def _draft(self, batch: Batch, index: int, known: dict[str, Appended]) -> None:
        """Encode one command for the core, which first decides what the command refers to."""
        command = batch.commands[index]
        reference = placed_by(command)
        if reference and reference not in batch.placed:
            if reference in known:
                batch.placed[reference] = known[reference].events[0].aggregate_id
            else:
                self._flush(batch)
        try:
            self._encode(batch, command, reference)
        except Refused as refused:
            batch.answers[index] = refused_result(command.command_id, refused)
            return
        batch.drafted.append(index)
        if command.WhichOneof("body") == "change_session":
            self._flush(batch)  # what it ends in several steps, it ends before the next command

    def _encode(self, batch: Batch, command: engine_pb2.Command, reference: str) -> None:
        placed = batch.placed.get(reference, "")
        now_ns = self._runtime.now_ns()
        try:
            encode(command, self.core.listing, placed, now_ns, batch.draft)
        except Refused:
            if not batch.drafted:
                raise
            self._flush(batch)  # what it needs may be listed by a command of this very batch
            encode(command, self.core.listing, placed, now_ns, batch.draft)
        except (StructError, OverflowError, ValueError) as error:
            told = f"A number of the command is beyond what the engine counts: {error}."
            raise Refused("number_out_of_range", told, Kind.INVALID) from None

    def _flush(self, batch: Batch) -> None:
        """Let the core decide the draft, so that what follows can refer to it."""
        if not batch.drafted:
            return
        commands = [batch.commands[index] for index in batch.drafted]
        for index, command, events in zip(
            batch.drafted, commands, self.core.execute(batch.draft, commands), strict=True
        ):
            if events[0].aggregate_type == "Order":
                batch.placed[command.command_id] = events[0].aggregate_id
            batch.decided.append(Decided(index, command, batch.hashes[index], events))
            if command.WhichOneof("body") == "change_session":
                self._end_the_rest(batch, command, events)
        batch.draft = Draft()
        batch.drafted = []

    def _end_the_rest(self, batch: Batch, command: engine_pb2.Command, events: list[NewEvent]) -> None:
        """A close that ended as many day orders as one command may is repeated until none is left."""
        while len(events) > CANCELS_PER_COMMAND_MAX:
            following = engine_pb2.Command()
            following.CopyFrom(command)
            following.command_id = derived_id("next-chunk", command.command_id)
            following.causation_id = events[0].event_id
            command = following
            draft = Draft()
            encode(command, self.core.listing, "", self._runtime.now_ns(), draft)
            (events,) = self.core.execute(draft, [command])
            batch.decided.append(Decided(None, command, request_hash(command), events))

    async def _append(self, batch: Batch) -> None:
        """Append what was decided; one commit, unless it is more than one append of the log takes."""
        assert self._writer is not None, "run() acquires the writer first"
        for part in _appendable(batch.decided):
            outcomes = await self._log.append([_append_of(decided) for decided in part], self._writer)
            self.core.position = outcomes[-1].last
            for decided, outcome in zip(part, outcomes, strict=True):
                if decided.answer is not None:
                    batch.answers[decided.answer] = result_of(decided.command.command_id, outcome)
                if decided.events[0].aggregate_type == "Order":
                    self._recent[decided.command.command_id] = decided.events[0].aggregate_id
                self._count(decided.events)
        while len(self._recent) > RECENT_COMMANDS_MAX:
            self._recent.popitem(last=False)

    def _count(self, events: list[NewEvent]) -> None:
        """Tell the metrics what became of orders."""
        self.metrics.log_position.labels(ROLE).set(self.core.position)
        if events[0].aggregate_type == "Order" or events[0].event_type == "OrderCancelRejected":
            self.metrics.orders_processed.labels(ROLE).inc()
        for event in events:
            if event.event_type == "OrderCreated":
                self.metrics.orders_created.labels(ROLE).inc()
            elif event.event_type == "OrderExecuted" and b'"status":"EXECUTED"' in event.event_data:
                self.metrics.orders_executed.labels(ROLE).inc()

    def _answer(self, batch: Batch) -> None:
        for index in batch.repeats:
            batch.answers[index] = batch.answers[batch.first_use[batch.commands[index].command_id]]
        now_ns = self._runtime.monotonic_ns()
        start = 0
        for submission in batch.submissions:
            answers = batch.answers[start : start + len(submission.commands)]
            start += len(answers)
            if not submission.answered.done():
                submission.answered.set_result([_given(answer) for answer in answers])
            self.metrics.order_seconds.labels(ROLE).observe((now_ns - submission.arrived_ns) / 1e9)

    def _fail(self, submissions: Iterable[Submission], told: str) -> None:
        refusal = Refused("engine_stopped", told, Kind.UNAVAILABLE, retry_after_s=1)
        for submission in submissions:
            if not submission.answered.done():
                submission.answered.set_exception(refusal)

    def _stop(self, reason: str) -> None:
        _log.error("engine stopped", reason=reason)
        self._failure = reason
        self._fail(self._queue, f"nothing was done: {reason}")
        self._queue.clear()
        self._queued_commands = 0


def _given(answer: engine_pb2.CommandResult | None) -> engine_pb2.CommandResult:
    assert answer is not None, "every command of a batch is decided, known or refused"
    return answer


def _append_of(decided: Decided) -> Append:
    command = decided.command
    return Append(
        events=tuple(decided.events),
        correlation_id=command.correlation_id,
        command_id=command.command_id,
        request_hash=decided.request_hash,
        causation_id=command.causation_id or None,
        traceparent=command.traceparent or None,
    )


def _appendable(decided: Sequence[Decided]) -> Iterator[Sequence[Decided]]:
    """`decided` in parts that one append takes: the core's limits keep a single command below it."""
    part: list[Decided] = []
    events = size = 0
    for one in decided:
        more = sum(len(event.event_data) for event in one.events)
        if part and (events + len(one.events) > REQUEST_EVENTS_MAX or size + more > APPEND_BYTES_MAX):
            yield part
            part, events, size = [], 0, 0
        part.append(one)
        events += len(one.events)
        size += more
    if part:
        yield part


def placed_by(command: engine_pb2.Command) -> str:
    """The id of the command that placed the order which `command` is about; empty if it names the order itself."""
    match command.WhichOneof("body"):
        case "cancel_order":
            return command.cancel_order.placed_by_command_id
        case "replace_order":
            return command.replace_order.placed_by_command_id
        case _:
            return ""


def refused_result(command_id: str, refused: Refused) -> engine_pb2.CommandResult:
    """The answer to a command that never reached the core: no event, no position."""
    return engine_pb2.CommandResult(
        command_id=command_id, refused=refused.code, message=refused.message, refused_kind=refused.kind.value
    )
