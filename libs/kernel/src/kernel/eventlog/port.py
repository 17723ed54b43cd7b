"""The port of the event log, and the few ways in which it says no.

A log has a name, one order and one commit at a time. Positions are gap-free from 1. One compliance suite
(`tests/eventlog/test_compliance.py`) runs against every adapter.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Protocol

import msgspec

from kernel.event import Append, Event
from kernel.eventlog.facts import Facts

# What may wait: beyond it an append is refused with QueueFull.
QUEUE_EVENTS_MAX = 65_536
QUEUE_BYTES_MAX = 256 << 20
# One request; the longest match is one command, hence so many.
REQUEST_EVENTS_MAX = 65_536
REQUEST_BYTES_MAX = 128 << 20
# One commit gathers requests up to this many events, or is a single longer request.
BATCH_EVENTS_MAX = 8_192
READ_EVENTS_MAX = 10_000
SNAPSHOTS_KEPT = 3


class Writer(msgspec.Struct, frozen=True):
    """The right to append for a role. A later `acquire` of the same role deposes it: its epoch is fenced."""

    role: str
    epoch: int
    aggregate_types: tuple[str, ...]


class Appended(msgspec.Struct, frozen=True):
    """Where a command's events stand. `first_time` is False when an earlier append of the same command id answered."""

    first: int
    last: int
    first_time: bool
    events: tuple[Event, ...]


class Snapshot(msgspec.Struct, frozen=True):
    """A fold's state after `position`, valid for one state schema (`kind` and `schema`)."""

    kind: str
    schema: str
    position: int
    state_hash: str
    data: bytes


class LogError(Exception):
    """The append did not happen."""


class Malformed(LogError):
    """The request itself is wrong (a field's type or limit, no events, too many): no retry will help."""


class Conflict(LogError):
    """An aggregate has moved on (event_version is not the next one), or part of the request is already known."""


class CommandReused(LogError):
    """The command id is known with another request_hash."""


class Fenced(LogError):
    """The writer's epoch is over, or the aggregate type belongs to another role."""


class OutOfTurn(LogError):
    """A numbered append whose predecessor was not accepted; try again if that one is still to come."""


class QueueFull(LogError):
    """More is queued than the log takes; try again."""


class LogFailed(LogError):
    """The store failed (disk full, tampered, closed). Nothing of the request is acknowledged; it may or may not have
    been kept. The log refuses every append until a writer acquires its role again, which opens the store anew: then
    read back before going on."""


class LogLocked(LogError):
    """Another process owns this log."""


class Corrupt(LogError):
    """The stored log contradicts itself: a gap, a wrong hash. The message names the position and what was found."""


class EventLog(Protocol):
    """Append-only, gap-free, hash-chained. All times come from the runtime that the adapter was built with."""

    @property
    def name(self) -> str: ...

    async def acquire(self, role: str, aggregate_types: Sequence[str]) -> Writer:
        """Become the writer of `aggregate_types` under `role`; deposes the role's earlier writer.

        When it returns, no append of the earlier writer can follow: what the log holds is all there is.
        A log that has failed is opened anew first (LogFailed if that fails too).
        Fenced if one of the types belongs to another role."""

    async def append(self, commands: Sequence[Append], writer: Writer, turn: int | None = None) -> list[Appended]:
        """Append every command of the request in one commit: all of them, or none.

        turn: the writer's appends numbered from 1 since it acquired its role, for one that builds on another before
        that is known to be durable: OutOfTurn unless every append before it was accepted.
        Requests of several callers share a commit but fail alone. If every command id of the request is known with
        the same request_hash, the first outcomes are returned; if only some are, Conflict.
        A request outlives its caller: once queued it is committed, also when the caller is cancelled.
        Returns after the commit is durable. Raises the errors above."""

    async def outcomes(self, command_ids: Sequence[str]) -> dict[str, Appended]:
        """The outcomes of those ids that were ever used, with their events; one statement for all."""

    async def head(self) -> int:
        """Position of the last committed event, 0 if there is none; nothing beyond it is ever read."""

    async def read(self, after: int, limit: int = READ_EVENTS_MAX) -> list[Event]:
        """Up to `limit` events (at most READ_EVENTS_MAX) in order, from position after+1, from 0 for all.

        Positions are contiguous, or Corrupt says which one is missing or broken. Empty at the head."""

    async def facts(self, after: int, until: int, aggregate_types: Collection[str]) -> Facts:
        """The events from after+1 to `until` (1 to READ_EVENTS_MAX of them), as little of each as a fold needs.

        Corrupt if one of the positions is missing."""

    async def read_stream(self, aggregate_id: str, after_version: int = 0, limit: int = READ_EVENTS_MAX) -> list[Event]:
        """Events of one aggregate in order."""

    def subscribe(self, after: int) -> AsyncIterator[list[Event]]:
        """History from after+1, then live: nothing lost, nothing repeated; each batch ends at a command's end.

        A slow subscriber never slows the appender: it falls back to reading the store. It never ends by itself:
        Corrupt if `after` is beyond the head (the follower has seen what the log lost), LogFailed when closed."""

    async def save_checkpoint(self, name: str, position: int) -> None:
        """Remember how far a follower without a store of its own has come; never moves backwards. Malformed beyond the
        head."""

    async def load_checkpoint(self, name: str) -> int:
        """The checkpoint of that name, 0 if it was never saved."""

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep a snapshot (the newest few of a kind are kept)."""

    async def load_snapshots(self, kind: str, schema: str) -> list[Snapshot]:
        """Newest first."""

    async def close(self) -> None:
        """Finish what is queued, then release the store."""
