"""The sequencer: the single writer of everything that must be consistent with matching.

One loop takes what is queued, drops commands whose id is known, lets the core decide the rest in order, appends all
their events in one commit, and only then answers. Memory never runs ahead of the log: if the append fails, the core is
thrown away and rebuilt from the log, and what the commit may have kept is found again by its command id.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kernel.event import Append, NewEvent
from kernel.eventlog.port import Appended, EventLog, Fenced, LogError, LogFailed, Writer
from kernel.ids import derived_id
from kernel.refused import Kind, Refused
from kernel.runtime import Runtime
from kernel.telemetry import Metrics, logger
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
REBUILDS_MAX = 5
REUSED = Refused("command_id_reused", "This id was used before with another body; use a new one.")

_log = logger(ROLE)


@dataclass(slots=True)
class Submission:
    """Commands of one caller, and where the answers go. The caller may leave; the commands stay queued."""

    commands: Sequence[engine_pb2.Command]
    answered: asyncio.Future[list[engine_pb2.CommandResult]]
    arrived_ns: int


class Batch:
    """The commands of one commit in order, with the answer to each."""

    def __init__(self, submissions: list[Submission]) -> None:
        self.submissions = submissions
        self.commands = [command for submission in submissions for command in submission.commands]
        self.restart()

    def restart(self) -> None:
        """Forget what was decided: the core was rebuilt."""
        self.answers: list[engine_pb2.CommandResult | None] = [None] * len(self.commands)
        self.hashes = [request_hash(command) for command in self.commands]
        self.first_use: dict[str, int] = {}  # command id -> index of the command that is decided
        self.repeats: list[int] = []  # commands that wait for the answer of the first use
        self.placed: dict[str, str] = {}  # command id -> the order it placed, for those that refer to it
        self.decided: list[tuple[int, list[NewEvent]]] = []
        self.draft = Draft()
        self.drafted: list[int] = []  # indexes of the commands in the draft


class Sequencer:
    """Owns the core. `execute` is the only way in; `run` is the loop."""

    def __init__(self, runtime: Runtime, log: EventLog, settings: TradingEngineSettings, metrics: Metrics) -> None:
        self._runtime = runtime
        self._log = log
        self._settings = settings
        self._metrics = metrics
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
        """The core while it stands at a committed position."""
        async with self._turn:
            yield self.core

    async def run(self) -> None:
        """Recover, then sequence until cancelled. A log that fails for good stops the engine with its reason."""
        try:
            await self._rebuild()
            if not self.core.position:
                await self._open_venue()
            self._failure = None
            while True:
                await self._arrived.wait()
                batch = self._take()
                if batch.submissions:
                    async with self._turn:
                        await self._commit(batch)
        except (LogError, AssertionError) as error:
            self._stop(f"{type(error).__name__}: {error}")
            raise

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
        for attempt in range(REBUILDS_MAX):
            try:
                await self._decide(batch)
                if batch.decided:
                    await self._append(batch)
                break
            except LogError as error:
                if isinstance(error, Fenced) or attempt + 1 == REBUILDS_MAX:
                    self._fail(batch, error)
                    raise
                _log.warning("append failed, rebuilding", error=str(error), attempt=attempt)
                try:
                    await self._rebuild()
                except LogError as again:
                    self._fail(batch, again)
                    raise
                batch.restart()
        self._answer(batch)
        if self.core.position - self.core.snapshot_position >= self._settings.snapshot_every_events:
            await save_snapshot(self._runtime, self._log, self.core)

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

    def _flush(self, batch: Batch) -> None:
        if not batch.drafted:
            return
        decided = self.core.execute(batch.draft, [batch.commands[index] for index in batch.drafted])
        for index, events in zip(batch.drafted, decided, strict=True):
            batch.placed[batch.commands[index].command_id] = events[0].aggregate_id
            batch.decided.append((index, events))
        batch.draft = Draft()
        batch.drafted = []

    async def _append(self, batch: Batch) -> None:
        assert self._writer is not None, "run() acquires the writer first"
        appends = [
            Append(
                events=tuple(events),
                correlation_id=batch.commands[index].correlation_id,
                command_id=batch.commands[index].command_id,
                request_hash=batch.hashes[index],
                causation_id=batch.commands[index].causation_id or None,
                traceparent=batch.commands[index].traceparent or None,
            )
            for index, events in batch.decided
        ]
        outcomes = await self._log.append(appends, self._writer)
        self.core.position = outcomes[-1].last
        for (index, events), outcome in zip(batch.decided, outcomes, strict=True):
            command_id = batch.commands[index].command_id
            batch.answers[index] = result_of(command_id, outcome)
            self._recent[command_id] = events[0].aggregate_id
        while len(self._recent) > RECENT_COMMANDS_MAX:
            self._recent.popitem(last=False)

    def _answer(self, batch: Batch) -> None:
        for index in batch.repeats:
            batch.answers[index] = batch.answers[batch.first_use[batch.commands[index].command_id]]
        now_ns = self._runtime.monotonic_ns()
        start = 0
        for submission in batch.submissions:
            answers = batch.answers[start : start + len(submission.commands)]
            start += len(answers)
            if not submission.answered.done():
                submission.answered.set_result([answer for answer in answers if answer is not None])
            self._metrics.order_seconds.labels(ROLE).observe((now_ns - submission.arrived_ns) / 1e9)
            self._metrics.orders_processed.labels(ROLE).inc(len(answers))

    def _fail(self, batch: Batch, error: Exception) -> None:
        refusal = Refused("engine_stopped", f"the outcome is not known: {error}", Kind.UNAVAILABLE, retry_after_s=1)
        for submission in batch.submissions:
            if not submission.answered.done():
                submission.answered.set_exception(refusal)

    def _stop(self, reason: str) -> None:
        _log.error("engine stopped", reason=reason)
        self._failure = reason
        while self._queue:
            self._fail(Batch([self._queue.popleft()]), LogFailed(reason))
        self._queued_commands = 0


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
