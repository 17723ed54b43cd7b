"""Which requests of a commit may go on, and the events that they become. Pure: no I/O, no clock.

Requests are looked at in the order in which they came. Each is checked whole before anything of it counts, so that a
conflicting request fails alone, and later ones see exactly the accepted ones before them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from envelope import events as native
from kernel.event import (
    COMMAND_EVENTS_MAX,
    EVENT_DATA_BYTES_MAX,
    HASH_VERSION,
    TEXT_CHARACTERS_MAX,
    Append,
    Event,
)
from kernel.eventlog.port import (
    REQUEST_BYTES_MAX,
    REQUEST_EVENTS_MAX,
    CommandReused,
    Conflict,
    Fenced,
    LogError,
    Malformed,
    OutOfTurn,
    Writer,
)
from kernel.eventlog.store import Span

RECENT_AGGREGATES_MAX = 65_536
RECENT_COMMANDS_MAX = 65_536

T = TypeVar("T")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Append]).decode


class Recent(Generic[T]):
    """A bounded map that forgets what was not written lately: two generations, the older dropped whole."""

    def __init__(self, entries_max: int) -> None:
        self._generation_max = entries_max // 2
        self._young: dict[str, T] = {}
        self._old: dict[str, T] = {}

    def get(self, key: str) -> T | None:
        value = self._young.get(key)
        return self._old.get(key) if value is None else value

    def update(self, entries: Mapping[str, T]) -> None:
        self._young.update(entries)
        if len(self._young) > self._generation_max:
            self._old, self._young = self._young, {}

    def clear(self) -> None:
        self._young, self._old = {}, {}


@dataclass(slots=True)
class Known:
    """What is known of the store before a commit.

    versions and commands outlive the commit and are bounded; looked_up answers for the aggregates of this commit.
    An aggregate in neither is taken for new: the store's unique key contradicts if it is not (Taken).
    They hold what the store holds, and what is being committed: if that turns out not to be kept, forget() all.
    turns: how many numbered appends of each role were accepted since it was acquired.
    """

    versions: Recent[int] = field(default_factory=lambda: Recent(RECENT_AGGREGATES_MAX))
    commands: Recent[Span] = field(default_factory=lambda: Recent(RECENT_COMMANDS_MAX))
    looked_up: dict[str, int] = field(default_factory=dict)
    turns: dict[str, int] = field(default_factory=dict)

    def version(self, aggregate_id: str) -> int | None:
        version = self.versions.get(aggregate_id)
        return self.looked_up.get(aggregate_id) if version is None else version

    def add(self, plan: "Plan") -> None:
        """Take what a plan changes for what is."""
        self.versions.update(plan.versions)
        self.commands.update(plan.spans)
        self.turns |= plan.turns

    def forget(self) -> None:
        """Ask the store again for every version and command; nothing but memory knows the turns."""
        self.versions.clear()
        self.commands.clear()
        self.looked_up = {}


@dataclass(slots=True, eq=False)
class Plan:
    """A commit in the making: what its accepted requests change, and the verdict on each of the others."""

    position: int
    commands: list[Append] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    turns: dict[str, int] = field(default_factory=dict)


def checked_size(commands: Sequence[Append]) -> tuple[int, int]:
    """Events and bytes of a request; Malformed names the field that has a wrong type or breaks a limit."""
    size = native.plain_size(commands, TEXT_CHARACTERS_MAX, EVENT_DATA_BYTES_MAX, COMMAND_EVENTS_MAX)
    events, size_bytes = size or _looked_at(commands)
    if not commands:
        raise Malformed("the request cannot be appended: it holds no command")
    if events > REQUEST_EVENTS_MAX or size_bytes > REQUEST_BYTES_MAX:
        raise Malformed(
            f"the request cannot be appended: {events} events in {size_bytes} bytes, "
            f"at most {REQUEST_EVENTS_MAX} events in {REQUEST_BYTES_MAX} bytes"
        )
    ids = [command.command_id for command in commands if command.command_id is not None]
    if len(set(ids)) < len(ids):
        raise Malformed("the request cannot be appended: a command id stands in it twice")
    return events, size_bytes


def _looked_at(commands: Sequence[Append]) -> tuple[int, int]:
    """Events and bytes of a request that is not plainly right."""
    try:
        packed = _encode(list(commands))
        _decode(packed)
    except (msgspec.ValidationError, TypeError, OverflowError, ValueError) as wrong:
        raise Malformed(f"the request cannot be appended: {wrong}") from wrong
    return sum([len(command.events) for command in commands]), len(packed)


def unknown_aggregates(requests: Iterable[Sequence[Append]], known: Known) -> list[str]:
    """The aggregates whose last version must be looked up: those that go on, and are not known."""
    first: dict[str, int] = {}
    for commands in requests:
        for command in commands:
            for event in command.events:
                first.setdefault(event.aggregate_id, event.event_version)
    return [key for key, version in first.items() if version > 1 and known.version(key) is None]


def admit(
    commands: Sequence[Append],
    writer: Writer,
    turn: int | None,
    writers: Mapping[str, Writer],
    known: Known,
    plan: Plan,
) -> list[Span] | LogError:
    """The positions of the request's commands, or why it is refused.

    A new request is added to `plan`; of one that is known in full the first outcomes are returned.
    """
    refusal = _fenced(writer, writers)
    if refusal is not None:
        return refusal
    earlier = _earlier(commands, known, plan)
    if isinstance(earlier, LogError):
        return earlier
    done = plan.turns.get(writer.role, known.turns.get(writer.role, 0))
    if earlier is not None:
        if turn == done + 1:
            plan.turns[writer.role] = turn
        return earlier
    if turn is not None and turn != done + 1:
        return OutOfTurn(
            f"role {writer.role} has done {done} appends in this epoch: the next is {done + 1}, got {turn}"
        )
    types = writers[writer.role].aggregate_types
    versions: dict[str, int] = {}
    for command in commands:
        for event in command.events:
            key = event.aggregate_id
            version = versions.get(key)
            if version is None:
                version = plan.versions.get(key)
                if version is None:
                    version = known.version(key) or 0
            if event.event_version != version + 1:
                return Conflict(
                    f"{event.aggregate_type} {key} is at version {version}: "
                    f"the next event is {version + 1}, got {event.event_version} ({event.event_type})"
                )
            if event.aggregate_type not in types:
                return Fenced(
                    f"role {writer.role} writes {', '.join(types) or 'nothing'}, not {event.aggregate_type} ({key})"
                )
            versions[key] = event.event_version
    plan.versions.update(versions)
    if turn is not None:
        plan.turns[writer.role] = turn
    return [_place(command, plan) for command in commands]


def build(commands: Iterable[Append], log: str, position: int, previous: bytes, recorded_at_ns: int) -> list[Event]:
    """The events of `commands` from `position` on, each chained to the one before (see kernel.event)."""
    return native.chain(commands, Event, log, position, previous, recorded_at_ns, HASH_VERSION)


def _fenced(writer: Writer, writers: Mapping[str, Writer]) -> Fenced | None:
    current = writers.get(writer.role)
    if current is None:
        return Fenced(f"role {writer.role} was never acquired in this log")
    if current.epoch != writer.epoch:
        return Fenced(f"role {writer.role}: epoch {writer.epoch} is over, epoch {current.epoch} writes now")
    return None


def _earlier(commands: Sequence[Append], known: Known, plan: Plan) -> list[Span] | LogError | None:
    """The first outcomes of a request that is known in full; None if it is new."""
    spans: list[Span] = []
    for command in commands:
        key = command.command_id
        span = None if key is None else plan.spans.get(key) or known.commands.get(key)
        if span is None:
            continue
        if span.request_hash != command.request_hash:
            return CommandReused(
                f"command {key} was used at position {span.first} for another request: "
                f"its fingerprint is {span.request_hash}, got {command.request_hash}"
            )
        spans.append(span)
    if spans and len(spans) < len(commands):
        return Conflict(
            f"{len(spans)} of the {len(commands)} commands were appended before (the first at position "
            f"{spans[0].first}); send only new ones, or the whole request as it was"
        )
    return spans or None


def _place(command: Append, plan: Plan) -> Span:
    span = Span(plan.position, plan.position + len(command.events) - 1, command.request_hash)
    plan.position = span.last + 1
    plan.commands.append(command)
    if command.command_id is not None:
        plan.spans[command.command_id] = span
    return span
