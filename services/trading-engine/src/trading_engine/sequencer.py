"""The sequencer: the single writer of everything that must be consistent with matching.

One loop takes what is queued, drops commands whose id is known, lets the core decide the rest in order, appends all
their events in one commit, and only then answers. While one batch is being flushed, the next is decided and handed to
the log behind it, so the core is ahead of the log by a few batches: if an append fails, the core is thrown away and
rebuilt from the log, every batch under way is decided anew, and what the commit may have kept is found again by its
command id.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from kernel.event import Append
from kernel.eventlog.history import history, whole_commands
from kernel.eventlog.port import Appended, EventLog, Fenced, LogError, Malformed, OutOfTurn, QueueFull, Writer
from kernel.eventlog.verify import Chain
from kernel.ids import derived_id
from kernel.refused import Kind, Refused
from kernel.runtime import Runtime
from kernel.telemetry import Metrics, logger
from trading.v1 import engine_pb2
from trading_engine.batch import Batch, Submission
from trading_engine.core import Core
from trading_engine.recovery import recover, save_snapshot
from trading_engine.settings import TradingEngineSettings

ROLE = "trading-engine"
AGGREGATE_TYPES = ("Order", "Account", "Instrument", "Asset")
RECENT_COMMANDS_MAX = 50_000
APPENDS_MAX = 3  # under way at once: one is flushed, one waits behind it in the store, one is chained
ATTEMPTS_MAX = 5
RETRY_PAUSE_S = 0.05
# So many events of the log's end are checked before the engine answers anybody, the rest while it runs.
CHECKED_BEFORE_START = 200_000
AUDIT_PAUSE_S = 0.005  # between two parts of the rest
ALARM_PAUSE_S_MAX = 60  # the wall clock may be set meanwhile

_log = logger(ROLE)


class Sequencer:
    """Owns the core. `execute` is the only way in; `run` is the loop."""

    def __init__(self, runtime: Runtime, log: EventLog, settings: TradingEngineSettings, metrics: Metrics) -> None:
        self._runtime = runtime
        self._log = log
        self._settings = settings
        self.metrics = metrics
        self._orders_processed = metrics.orders_processed.labels(ROLE)
        self._orders_created = metrics.orders_created.labels(ROLE)
        self._orders_executed = metrics.orders_executed.labels(ROLE)
        self._order_seconds = metrics.order_seconds.labels(ROLE)
        self._log_position = metrics.log_position.labels(ROLE)
        self._queue: deque[Submission] = deque()
        self._queued_commands = 0
        self._arrived = asyncio.Event()
        self._under_way: deque[Batch] = deque()  # taken and not appended, oldest first
        self._appends = 0  # given to the log since it was acquired
        self._attempt = 1  # at appending what is under way
        self._appended: Batch | None = None  # appended and not answered
        self._recent: OrderedDict[str, str] = OrderedDict()  # command id -> the order it placed
        self._failure: str | None = "the engine is starting"
        self._writer: Writer | None = None
        self._turn = asyncio.Lock()  # held while the core is ahead of the log
        self._waiting_for_turn = 0
        self._checked_from = 0
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
        self._waiting_for_turn += 1
        try:
            await self._turn.acquire()
        finally:
            self._waiting_for_turn -= 1
        try:
            if self._failure is not None:
                raise Refused("engine_stopped", self._failure, Kind.UNAVAILABLE, retry_after_s=1)
            yield self.core
        finally:
            self._turn.release()

    async def run(self) -> None:
        """Recover, then sequence until cancelled. A log that fails for good stops the engine with its reason."""
        try:
            await self._rebuild()
            await self._check_newest()
            await self._open_venue()
            self._failure = None
            while True:
                await self._something_to_do()
                async with self._turn:
                    await self._sequence()
        except Exception as error:
            self._stop(f"{type(error).__name__}: {error}")
            raise

    async def _something_to_do(self) -> None:
        """Wait for commands, or for the time of what is due first."""
        if not self._queue:
            self._arrived.clear()
        due_ns = self.core.engine.next_due_ns
        if due_ns is None:
            await self._arrived.wait()
            return
        alarm = self._runtime.spawn(self._alarm(due_ns), "wait for what is due")
        try:
            await self._arrived.wait()
        finally:
            alarm.cancel()

    async def _alarm(self, due_ns: int) -> None:
        while (early_ns := due_ns - self._runtime.now_ns()) > 0:
            await self._runtime.sleep(min(early_ns / 1e9, ALARM_PAUSE_S_MAX))
        self._under_way.append(Batch([]))  # of nobody's commands: deciding it does what is due
        self._arrived.set()

    async def audit(self) -> None:
        """Check the rest of the log once, in the background; tampering stops the engine."""
        while self._failure is not None:
            await self._runtime.sleep(AUDIT_PAUSE_S)
        try:
            await self._check(Chain(self._log.name), self._checked_from, AUDIT_PAUSE_S)
        except LogError as error:
            self._stop(f"{type(error).__name__}: {error}")
            raise
        await asyncio.get_running_loop().create_future()  # a main that ends would stop the service

    async def _check_newest(self) -> None:
        """Check the chain of the newest events before anything is answered. Corrupt says where it was tampered with."""
        head = await self._log.head()
        chain = Chain(self._log.name)
        if head > CHECKED_BEFORE_START:
            before = (await whole_commands(self._log, head - CHECKED_BEFORE_START - 1, 1))[-1]
            chain = Chain(self._log.name, before.position, before.hash)
        self._checked_from = chain.position
        await self._check(chain, head, 0)

    async def _check(self, chain: Chain, until: int, pause_s: float) -> None:
        """Follow the chain to `until`, which ends a command."""
        async for events in history(self._runtime, self._log, chain.position, until):
            for event in events:
                chain.follow(event)
            await self._runtime.sleep(pause_s)

    async def _rebuild(self) -> None:
        """Become the writer, which also opens a failed log anew, and fold the log into a fresh core.

        What was under way is to be decided anew, after the rest of every close that the log holds only a part of."""
        self._writer = await self._log.acquire(ROLE, AGGREGATE_TYPES)
        self._appends = 0
        self.core = await self._fold()
        self._under_way = deque(Batch(batch.submissions) for batch in self._under_way)
        closes = [self._rest_of_close(symbol) for symbol in self.core.engine.unfinished_closes()]
        if closes:
            self._under_way.appendleft(self._batch_of(closes))

    async def _fold(self) -> Core:
        return await recover(self._runtime, self._log, self._settings)

    def _rest_of_close(self, symbol: str) -> engine_pb2.Command:
        told = derived_id("unfinished-close", self._log.name, symbol, str(self.core.engine.command_sequence))
        change = engine_pb2.ChangeSession(
            symbol=symbol, session=engine_pb2.SESSION_CLOSED, reason="the rest of an unfinished close"
        )
        return engine_pb2.Command(command_id=told, correlation_id=told, change_session=change)

    async def _open_venue(self) -> None:
        """The first command of a log: the accounts against which deposits and fees are posted."""
        command = engine_pb2.Command(
            command_id=derived_id("open-venue", self._log.name),
            correlation_id=derived_id("open-venue", self._log.name),
            source_time_ns=self._settings.opened_at_ns,
            open_venue=engine_pb2.OpenVenue(),
        )
        self._under_way.append(self._batch_of([command]))
        await self._sequence()

    def _batch_of(self, commands: list[engine_pb2.Command]) -> Batch:
        """The engine's own commands, whose answers nobody waits for."""
        answered = asyncio.get_running_loop().create_future()
        answered.add_done_callback(lambda told: told.cancelled() or told.exception())  # the sequencer itself knows
        return Batch([Submission(commands, answered, self._runtime.monotonic_ns())])

    def _take(self) -> Batch:
        """The next batch under way: what is queued, up to as many commands as one commit takes."""
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
        batch = Batch(taken)
        self._under_way.append(batch)
        return batch

    async def _sequence(self) -> None:
        """Commit what is under way and queued, until the queue is empty or somebody waits to see the core."""
        try:
            while self._under_way or (self._queue and not self._waiting_for_turn):
                try:
                    await self._step()
                except LogError as error:
                    await self._begin_again(error)
            self._answer()
        except Exception as error:
            await self._settle()
            self._answer()
            told = f"the outcome is not known: {type(error).__name__}: {error}"
            self._fail([submission for batch in self._under_way for submission in batch.submissions], told)
            raise

    async def _step(self) -> None:
        """Decide the next batch and give it to the log, or wait for the oldest append if none may be decided now."""
        in_flight = [batch for batch in self._under_way if batch.appending is not None]
        batch = self._next(in_flight)
        if batch is None:
            await self._finish(in_flight)
            return
        known = await self._asked(batch, in_flight)
        self._answer()
        self._decide(batch, known)
        batch.appending = self._runtime.spawn(self._append(batch, self._appends), "append a batch")
        self._appends += len(batch.appends)
        if self._queue and not self._waiting_for_turn:
            self._asked(self._take(), [*in_flight, batch])

    def _asked(self, batch: Batch, in_flight: Sequence[Batch]) -> "asyncio.Task[dict[str, Appended]]":
        """What the log knows of the ids that the batch names; asked for early, while others are decided and flushed."""
        if batch.known is None or any(batch.follows(earlier) for earlier in batch.asked_beside):
            batch.known = self._runtime.spawn(self._known(batch), "look a batch up")
            batch.asked_beside = in_flight
        return batch.known

    def _next(self, in_flight: Sequence[Batch]) -> Batch | None:
        """The batch to decide; None while one in flight must be finished before."""
        several_parts = any(len(batch.appends) > 1 for batch in in_flight)
        if len(in_flight) == APPENDS_MAX or several_parts or (in_flight and self._is_snapshot_due):
            return None
        if len(self._under_way) > len(in_flight):
            batch = self._under_way[len(in_flight)]
        elif self._queue and not self._waiting_for_turn:
            batch = self._take()
        else:
            return None
        return None if any(batch.follows(earlier) for earlier in in_flight) else batch

    async def _finish(self, in_flight: Sequence[Batch]) -> None:
        """Answer what is durable and wait for the oldest append."""
        self._answer()
        oldest = in_flight[0].appending
        assert oldest is not None, "what is in flight is being appended"
        await oldest
        self._attempt = 1
        self._appended = self._under_way.popleft()
        if self._is_snapshot_due and len(in_flight) == 1:
            self._answer()
            await self._save_snapshot()

    async def _settle(self) -> None:
        """Wait until all that the log was asked has ended, however it ends: appends behind a failed one fail too."""
        tasks = [task for batch in self._under_way for task in (batch.known, batch.appending) if task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _begin_again(self, error: LogError) -> None:
        """After a failed append: rebuild, and decide what was under way anew; ids that were kept answer for themselves.

        Raises `error` if no retry will help."""
        await self._settle()
        self._answer()
        final = isinstance(error, Fenced | Malformed) or self._attempt == ATTEMPTS_MAX
        _log.warning("append failed", error=str(error), attempt=self._attempt, final=final)
        if final:
            raise error
        await self._runtime.sleep(RETRY_PAUSE_S * self._attempt)
        self._attempt += 1
        await self._rebuild()

    async def _save_snapshot(self) -> None:
        """A snapshot only makes the next start faster: without one the engine goes on."""
        try:
            await save_snapshot(self._runtime, self._log, self.core)
        except (LogError, OSError) as error:
            _log.warning("snapshot not saved", position=self.core.position, reason=str(error))
            self.core.snapshot_position = self.core.position  # try again after as many events

    @property
    def _is_snapshot_due(self) -> bool:
        return self.core.position - self.core.snapshot_position >= self._settings.snapshot_every_events

    async def _known(self, batch: Batch) -> dict[str, Appended]:
        """Outcomes of every id that the batch uses, or refers to unless it is remembered; in one statement."""
        wanted = batch.ids | {reference for reference in batch.references if reference not in self._recent}
        return await self._log.outcomes(sorted(wanted)) if wanted else {}

    def _decide(self, batch: Batch, known: Mapping[str, Appended]) -> None:
        batch.decide(self.core, known, self._recent, max(self._runtime.now_ns(), self.core.time_ns))

    async def _append(self, batch: Batch, before: int) -> None:
        """Append what was decided; one commit, unless it is more than one append of the log takes.

        before: how many appends of this writer come before it."""
        assert self._writer is not None, "run() acquires the writer first"
        for turn, part in enumerate(batch.appends, before + 1):
            outcomes = await self._append_part(part, self._writer, turn)
            self.core.stand_at(outcomes[-1].events[-1])
            batch.appended += outcomes
        for decided in batch.decided:
            if decided.placed:
                self._recent[decided.command.command_id] = decided.placed
        while len(self._recent) > RECENT_COMMANDS_MAX:
            self._recent.popitem(last=False)

    async def _append_part(self, appends: Sequence[Append], writer: Writer, turn: int) -> list[Appended]:
        """One append; a log whose queue is full, or that lacks the append before, took nothing: ask again."""
        for attempt in range(1, ATTEMPTS_MAX):
            try:
                return await self._log.append(appends, writer, turn)
            except (QueueFull, OutOfTurn):
                await self._runtime.sleep(RETRY_PAUSE_S * attempt)
        return await self._log.append(appends, writer, turn)

    def _answer(self) -> None:
        """Tell the callers of the batch that was appended last, and the metrics."""
        batch, self._appended = self._appended, None
        if batch is None:
            return
        now_ns = self._runtime.monotonic_ns()
        try:
            for submission, answers in zip(batch.submissions, batch.answers(), strict=True):
                if not submission.answered.done():
                    submission.answered.set_result(answers)
                self._order_seconds.observe((now_ns - submission.arrived_ns) / 1e9)
        except Exception as error:
            self._fail(batch.submissions, f"it was done, but cannot be told: {type(error).__name__}: {error}")
            raise
        tally = batch.tally()
        self._orders_processed.inc(tally.processed)
        self._orders_created.inc(tally.created)
        self._orders_executed.inc(tally.executed)
        self._log_position.set(self.core.position)

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
