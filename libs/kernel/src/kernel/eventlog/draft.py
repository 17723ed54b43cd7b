"""A commit in the making: the requests that it takes, in order, and the events that they become.

Requests are chained as they come, also while the commit before is being flushed. A draft that has grown large is given
to the store before that is done, so that the store never waits for the loop to come round.
"""

import asyncio
from dataclasses import dataclass, field

from kernel.event import Append, Event
from kernel.eventlog.admission import Plan, build
from kernel.eventlog.port import Appended, LogError, Writer
from kernel.eventlog.store import Span


@dataclass(slots=True, eq=False)
class Request:
    """One call of append, waiting for its commit. turn: see `EventLog.append`."""

    commands: tuple[Append, ...]
    writer: Writer
    turn: int | None
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


@dataclass(slots=True, eq=False)
class Draft:
    """first: position of its first event. previous: the hash before it.

    Once it is given to the store: committing, its outcome to come; turns, the accepted turns of every role before it.
    is_learned: everything that it names was looked up, so that the store cannot know better.
    """

    log: str
    first: int
    previous: bytes
    recorded_at_ns: int
    plan: Plan
    verdicts: list[Verdict] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    committing: "asyncio.Task[None] | None" = None
    turns: dict[str, int] = field(default_factory=dict)
    is_learned: bool = False

    @classmethod
    def at(cls, log: str, first: int, previous: bytes, recorded_at_ns: int) -> "Draft":
        return cls(log, first, previous, recorded_at_ns, Plan(first))

    @property
    def next_position(self) -> int:
        return self.first + len(self.events)

    @property
    def last_hash(self) -> bytes:
        return self.events[-1].hash if self.events else self.previous

    @property
    def is_certain(self) -> bool:
        """Whether nothing in it is refused."""
        return not any(isinstance(verdict.told, LogError) for verdict in self.verdicts)

    @property
    def requests(self) -> list[Request]:
        return [verdict.request for verdict in self.verdicts]

    def chain(self, commands: int) -> None:
        """Make the events of the plan's commands from index `commands` on."""
        new = self.plan.commands[commands:]
        self.events += build(new, self.log, self.next_position, self.last_hash, self.recorded_at_ns)

    def tell(self) -> None:
        """Answer the callers, after the events are durable."""
        for verdict in self.verdicts:
            if isinstance(verdict.told, LogError):
                verdict.request.refuse(verdict.told)
            elif verdict.is_new:
                verdict.request.succeed([self._appended(span) for span in verdict.told])
            else:
                verdict.request.succeed(verdict.told)

    def _appended(self, span: Span) -> Appended:
        events = tuple(self.events[span.first - self.first : span.last - self.first + 1])
        return Appended(span.first, span.last, True, events)
