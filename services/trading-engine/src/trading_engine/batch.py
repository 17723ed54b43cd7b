"""The commands of one commit: what is known answers for itself, the core decides the rest in order."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from struct import error as StructError
from typing import NamedTuple

from kernel.event import Append, Event, NewEvent
from kernel.eventlog.port import REQUEST_BYTES_MAX, REQUEST_EVENTS_MAX, Appended
from kernel.ids import derived_id
from kernel.refused import Kind, Refused
from matching.engine import CANCELS_PER_COMMAND_MAX
from trading.v1 import engine_pb2
from trading_engine.bounds import in_numbers
from trading_engine.core import Core
from trading_engine.listing import Draft, Listing
from trading_engine.results import refused_result, result_of
from trading_engine.wire import encode, request_hash

APPEND_BYTES_MAX = REQUEST_BYTES_MAX // 2  # the envelopes take the other half
DUE_HASH = "due"  # where the hash of a request stands: there was none
REUSED = Refused("command_id_reused", "This id was used before with another body; use a new one.")


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
    events: tuple[NewEvent, ...]

    def to_append(self) -> Append:
        command = self.command
        return Append(
            events=self.events,
            correlation_id=command.correlation_id,
            command_id=command.command_id,
            request_hash=self.request_hash,
            causation_id=command.causation_id or None,
            traceparent=command.traceparent or None,
        )

    @property
    def placed(self) -> str | None:
        return placed_order(self.events)


class Tally(NamedTuple):
    """Order commands decided, orders accepted, orders filled completely."""

    processed: int
    created: int
    executed: int


class Batch:
    """The commands of one commit in order, with the answer to each. Made anew when the core was rebuilt."""

    def __init__(self, submissions: Sequence[Submission]) -> None:
        self.submissions = submissions
        self.commands = [command for submission in submissions for command in submission.commands]
        self.ids = {command.command_id for command in self.commands}
        self.references = {reference for command in self.commands if (reference := placed_by(command))}
        self.known: asyncio.Task[dict[str, Appended]] | None = None  # the log's answer about its ids, once asked
        self.asked_beside: Sequence[Batch] = ()  # what was in flight then: the answer does not cover it
        self.appending: asyncio.Task[None] | None = None  # since it was decided
        self.decided: list[Decided] = []
        self.appends: list[list[Append]] = []  # what is decided, in parts that one append takes
        self.appended: list[Appended] = []  # the outcome of each of `decided`
        self._answers: list[engine_pb2.CommandResult | None] = [None] * len(self.commands)
        self._hashes = [request_hash(command) for command in self.commands]
        self._first_use: dict[str, int] = {}  # command id -> index of the command that is decided
        self._repeats: list[int] = []  # commands that wait for the answer of the first use
        self._placed: dict[str, str] = {}  # command id -> the order it placed, for those that refer to it
        self._listing: Listing | None = None  # what is listed, once decided
        self._draft = Draft()
        self._drafted: list[int] = []  # indexes of the commands in the draft

    def follows(self, earlier: "Batch") -> bool:
        """Whether the outcome of `earlier` must be in the log before this batch can be decided."""
        return not earlier.ids.isdisjoint(self.ids) or not earlier.ids.isdisjoint(self.references)

    def decide(self, core: Core, known: Mapping[str, Appended], placed: Mapping[str, str], now_ns: int) -> None:
        """Answer what is known or cannot be sequenced; let the core decide the rest in order.

        known: the log's outcomes of the ids that the batch uses, and of the references that are not in `placed`.
        placed: the orders that earlier commands placed, by command id."""
        self._listing = core.listing
        self.decided += [due(events) for events in core.fire_due(now_ns)]
        for reference in self.references:
            if reference in placed:
                self._placed[reference] = placed[reference]
            elif reference in known and (order_id := placed_order(known[reference].events)):
                self._placed[reference] = order_id
        for index, command in enumerate(self.commands):
            first = self._first_use.get(command.command_id)
            outcome = known.get(command.command_id)
            if outcome is None and first is None:
                self._first_use[command.command_id] = index
                self._add(index, core, now_ns)
                continue
            used = outcome.events[0].request_hash if outcome else self._hashes[first or 0]
            if used != self._hashes[index]:
                self._answers[index] = refused_result(command.command_id, REUSED)
            elif outcome is not None:
                self._answers[index] = self._result(index, outcome)
            else:
                self._repeats.append(index)
        self._flush(core, now_ns)
        self._listing = core.listing
        self.appends = list(self._parts())

    def answers(self) -> Iterator[list[engine_pb2.CommandResult]]:
        """What each submission is told, after everything decided is appended."""
        for decided, outcome in zip(self.decided, self.appended, strict=True):
            if decided.answer is not None:
                self._answers[decided.answer] = self._result(decided.answer, outcome)
        for index in self._repeats:
            self._answers[index] = self._answers[self._first_use[self.commands[index].command_id]]
        start = 0
        for submission in self.submissions:
            answers = self._answers[start : start + len(submission.commands)]
            start += len(answers)
            yield [_given(answer) for answer in answers]

    def _result(self, index: int, outcome: Appended) -> engine_pb2.CommandResult:
        result = result_of(self.commands[index].command_id, outcome)
        if result.refused and self._listing is not None:
            result.message = in_numbers(self.commands[index], result.refused, self._listing) or result.message
        return result

    def tally(self) -> Tally:
        """What became of the orders."""
        processed = created = executed = 0
        for decided in self.decided:
            first = decided.events[0]
            processed += first.aggregate_type == "Order" or first.event_type == "OrderCancelRejected"
            for event in decided.events:
                if event.event_type == "OrderCreated":
                    created += 1
                elif event.event_type == "OrderExecuted":
                    executed += b'"status":"EXECUTED"' in event.event_data
        return Tally(processed, created, executed)

    def _parts(self) -> Iterator[list[Append]]:
        """One append takes all that is decided, unless it is too much: the core's limits keep one command below it."""
        part: list[Append] = []
        events = size = 0
        for one in self.decided:
            more = sum([len(event.event_data) for event in one.events])
            if part and (events + len(one.events) > REQUEST_EVENTS_MAX or size + more > APPEND_BYTES_MAX):
                yield part
                part, events, size = [], 0, 0
            part.append(one.to_append())
            events += len(one.events)
            size += more
        if part:
            yield part

    def _add(self, index: int, core: Core, now_ns: int) -> None:
        """Encode one command for the core, which first decides what the command refers to."""
        command = self.commands[index]
        reference = placed_by(command)
        if reference and reference not in self._placed:
            self._flush(core, now_ns)
        try:
            self._encode(command, core, reference, now_ns)
        except Refused as refused:
            self._answers[index] = refused_result(command.command_id, refused)
            return
        self._drafted.append(index)
        if command.WhichOneof("body") == "change_session":
            self._flush(core, now_ns)  # what it ends in several steps, it ends before the next command

    def _encode(self, command: engine_pb2.Command, core: Core, reference: str, now_ns: int) -> None:
        placed = self._placed.get(reference, "")
        try:
            encode(command, core.listing, placed, now_ns, self._draft)
        except Refused:
            if not self._drafted:
                raise
            self._flush(core, now_ns)  # what it needs may be listed by a command of this very batch
            encode(command, core.listing, placed, now_ns, self._draft)
        except (StructError, OverflowError, ValueError) as error:
            told = f"A number of the command is beyond what the engine counts: {error}."
            raise Refused("number_out_of_range", told, Kind.INVALID) from None

    def _flush(self, core: Core, now_ns: int) -> None:
        """Let the core decide the draft, so that what follows can refer to it."""
        if not self._drafted:
            return
        commands = [self.commands[index] for index in self._drafted]
        indexes = iter(self._drafted)
        for command, events in core.execute(self._draft, commands):
            if command is None:
                self.decided.append(due(events))
                continue
            index = next(indexes)
            decided = Decided(index, command, self._hashes[index], events)
            if decided.placed:
                self._placed[command.command_id] = decided.placed
            self.decided.append(decided)
            if command.WhichOneof("body") == "change_session":
                self._end_the_rest(core, command, events, now_ns)
        self._draft = Draft()
        self._drafted = []

    def _end_the_rest(self, core: Core, command: engine_pb2.Command, events: tuple[NewEvent, ...], now_ns: int) -> None:
        """A close that ended as many day orders as one command may is repeated until none is left."""
        while len(events) > CANCELS_PER_COMMAND_MAX:
            following = engine_pb2.Command()
            following.CopyFrom(command)
            following.command_id = derived_id("next-chunk", command.command_id)
            following.causation_id = events[0].event_id
            command = following
            draft = Draft()
            encode(command, core.listing, "", now_ns, draft)
            for one, events in core.execute(draft, [command]):
                self.decided.append(due(events) if one is None else Decided(None, one, request_hash(one), events))


def due(events: tuple[NewEvent, ...]) -> Decided:
    """What the core did because it was due. Its id is derived from its first event's, which names log and number."""
    command_id = derived_id("due", events[0].event_id)
    return Decided(None, engine_pb2.Command(command_id=command_id, correlation_id=command_id), DUE_HASH, events)


def placed_order(events: Sequence[NewEvent | Event]) -> str | None:
    """The order that a command is about, by its events; None if it is about none."""
    return events[0].aggregate_id if events[0].aggregate_type == "Order" else None


def placed_by(command: engine_pb2.Command) -> str:
    """The id of the command that placed the order which `command` is about; empty if it names the order itself."""
    match command.WhichOneof("body"):
        case "cancel_order":
            return command.cancel_order.placed_by_command_id
        case "replace_order":
            return command.replace_order.placed_by_command_id
        case _:
            return ""


def _given(answer: engine_pb2.CommandResult | None) -> engine_pb2.CommandResult:
    assert answer is not None, "every command of a batch is decided, known or refused"
    return answer
