"""What a log in this process asks of the place that keeps it: commit, read back, remember writers.

The order, the chain, idempotency, fencing and group commit are `LocalLog`'s and the same for every store; a store only
keeps rows, and refuses what its unique keys already hold.
"""

from collections.abc import Collection, Coroutine, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from kernel.event import GENESIS_HASH, Event
from kernel.eventlog.facts import Facts
from kernel.eventlog.port import Snapshot, Writer


class Span(NamedTuple):
    """The positions of a command's events, and the fingerprint of its body."""

    first: int
    last: int
    request_hash: str | None


class Opened(msgspec.Struct, frozen=True):
    """Where a store stands when it is opened: its last event and the epochs of its writers."""

    head: int = 0
    hash: bytes = GENESIS_HASH
    recorded_at_ns: int = 0
    writers: tuple[Writer, ...] = ()


class Taken(Exception):
    """A commit named an aggregate version or a command id that the store already holds; nothing of it was kept."""


class Store(Protocol):
    """Called by one LocalLog. Every method may raise LogFailed, every read Corrupt."""

    async def reopen(self) -> Opened:
        """Drop every connection and cache, look at what is really there, and verify its tail."""

    def commit(self, events: Sequence[Event]) -> Coroutine[Any, Any, None]:
        """Keep all of `events` durably, or none (Taken; LogFailed also when that is unknown).

        May begin before it is awaited. Called before the commit before has ended, it follows that one, and fails
        (LogFailed) if that one failed."""

    async def versions(self, aggregate_ids: Sequence[str]) -> dict[str, int]:
        """The last version of each aggregate, 0 for those that have no event."""

    async def commands(self, command_ids: Sequence[str]) -> list[Event]:
        """Every event of those commands that are known, in order."""

    async def read(self, after: int, until: int, limit: int) -> list[Event]:
        """The events from after+1 up to `until`, at most `limit`; Corrupt if one of them is missing."""

    async def facts(self, after: int, until: int, aggregate_types: Collection[str]) -> Facts:
        """The facts from after+1 to `until`; Corrupt if a position is missing."""

    async def read_stream(self, aggregate_id: str, after_version: int, limit: int) -> list[Event]: ...

    async def save_writer(self, writer: Writer) -> None: ...

    async def save_checkpoint(self, name: str, position: int) -> None: ...

    async def load_checkpoint(self, name: str) -> int: ...

    async def save_snapshot(self, snapshot: Snapshot) -> None: ...

    async def load_snapshots(self, kind: str, schema: str) -> list[Snapshot]: ...

    async def close(self) -> None: ...
