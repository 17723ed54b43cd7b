"""Reads aggregates from the log, lets them decide, and appends what follows: the shell around the deciders."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kernel.decider import Decider
from kernel.event import Append, Event, NewEvent
from kernel.eventlog.port import (
    READ_EVENTS_MAX,
    Appended,
    CommandReused,
    Conflict,
    EventLog,
    Fenced,
    LogFailed,
    QueueFull,
    Writer,
)
from kernel.refused import Kind, Refused
from kernel.rpc import correlation_id
from kernel.runtime import Runtime
from kernel.telemetry import logger
from user_service import events

ATTEMPTS_MAX = 5
RETRY_S = 0.5

_log = logger(events.ROLE)


@dataclass(frozen=True)
class Change:
    """Events of one aggregate that follow its version `after_version`."""

    aggregate_type: str
    aggregate_id: str
    after_version: int
    events: Sequence[events.UserServiceEvent]


@dataclass(frozen=True)
class Cause:
    """Who or what asks. command_id and request_hash make a retry find the first outcome; None: every call is new."""

    user_id: str | None = None
    command_id: str | None = None
    request_hash: str | None = None


class Journal:
    """Writes as the role `user-service`; becomes its writer at the first append.

    acquired: whether it has been the writer. A log that was lost meanwhile is asked again at the next append."""

    def __init__(self, runtime: Runtime, log: EventLog) -> None:
        self._runtime = runtime
        self._log = log
        self._writer: Writer | None = None
        self.acquired = False

    async def acquire(self) -> None:
        """Become the writer; deposes an earlier process of this service."""
        self._writer = await self._log.acquire(events.ROLE, events.AGGREGATE_TYPES)
        self.acquired = True

    async def acquire_when_there(self) -> None:
        """Become the writer as soon as the log answers."""
        while True:
            try:
                return await self.acquire()
            except LogFailed as failure:
                _log.warning("the log is away; the writer of users waits", error=str(failure))
            await self._runtime.sleep(RETRY_S)

    async def load(self, decider: Decider, aggregate_id: str) -> tuple[Any, int]:
        """The aggregate's state and version (0: it has no events)."""
        state, version = decider.initial, 0
        while True:
            page = await self._log.read_stream(aggregate_id, version)
            for event in page:
                state = decider.evolve(state, _known(event))
                version = event.event_version
            if len(page) < READ_EVENTS_MAX:
                return state, version

    async def outcome(self, cause: Cause) -> Appended | None:
        """What the command did when it was sent before; Refused if it was another request."""
        if cause.command_id is None:
            return None
        appended = (await self._log.outcomes([cause.command_id])).get(cause.command_id)
        if appended is not None and appended.events[0].request_hash != cause.request_hash:
            raise _reused()
        return appended

    async def change(self, decide: Callable[[], Awaitable[Sequence[Change]]], cause: Cause) -> Appended | None:
        """Append what `decide` returns, deciding anew when an aggregate has moved on meanwhile.

        None: nothing was to be changed. Refused as the decision refused, or when the log cannot take it now."""
        for _ in range(ATTEMPTS_MAX):
            try:
                changes = [change for change in await decide() if change.events]
            except Refused:
                # A retry beside its first attempt is refused for what that attempt did: it gets its outcome.
                known = await self.outcome(cause)
                if known is None:
                    raise
                return known
            if not changes:
                return None
            try:
                return await self._append(changes, cause)
            except Conflict:
                continue
            except CommandReused:
                raise _reused() from None
            except QueueFull:
                raise Refused("unavailable", "the log is busy; try again", Kind.UNAVAILABLE, retry_after_s=1) from None
            except (LogFailed, Fenced) as failure:
                self._writer = None  # the log takes appends again once its writer has acquired its role
                raise Refused("unavailable", f"the log failed: {failure}", Kind.UNAVAILABLE, retry_after_s=1) from None
        raise Refused("unavailable", "others change the same user; try again", Kind.UNAVAILABLE, retry_after_s=1)

    async def _append(self, changes: Sequence[Change], cause: Cause) -> Appended:
        if self._writer is None:
            await self.acquire()
        assert self._writer is not None
        now_ns = self._runtime.now_ns()
        made = tuple(
            NewEvent(
                event_id=self._runtime.uuid7(),
                aggregate_id=change.aggregate_id,
                aggregate_type=change.aggregate_type,
                event_type=type(event).__name__,
                event_version=change.after_version + number,
                event_data=events.encode(event),
                occurred_at_ns=now_ns,
                user_id=event.user_id,
            )
            for change in changes
            for number, event in enumerate(change.events, 1)
        )
        append = Append(
            events=made,
            correlation_id=correlation_id.get() or self._runtime.uuid7(),
            command_id=cause.command_id,
            request_hash=cause.request_hash,
        )
        return (await self._log.append([append], self._writer))[0]


def _known(event: Event) -> events.UserServiceEvent:
    known = events.decode(event.event_type, event.event_data)
    assert known is not None, f"{event.event_type} at {event.log}:{event.position} is no event of this service"
    return known


def _reused() -> Refused:
    told = "this idempotency key was used for another request; choose a new one"
    return Refused("idempotency_key_reused", told, Kind.UNPROCESSABLE)
