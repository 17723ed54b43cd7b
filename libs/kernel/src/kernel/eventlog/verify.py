"""Checking that a log is what was written: every position, every hash, every command whole."""

from collections.abc import Callable

import msgspec

from kernel.event import GENESIS_HASH, HASH_VERSION, Event, chain_hash
from kernel.eventlog.history import Readable, history
from kernel.eventlog.port import Corrupt
from kernel.runtime import Runtime


class Verified(msgspec.Struct, frozen=True):
    """A log that holds what it claims. Keep (events, hash) elsewhere to notice later that its end was cut off."""

    log: str
    events: int
    commands: int
    hash: bytes


class Chain:
    """Follows events one by one; Corrupt at the first that does not belong where it stands."""

    def __init__(self, log: str, position: int = 0, hash: bytes = GENESIS_HASH) -> None:
        self.log = log
        self.position = position
        self.hash = hash
        self.commands = 0
        self._last: Event | None = None

    def follow(self, event: Event) -> None:
        expected = self.position + 1
        if event.position != expected:
            raise Corrupt(f"position {expected} is missing: {event.position} came instead")
        if event.log != self.log:
            raise Corrupt(f"position {expected} belongs to log {event.log}, not {self.log}")
        if event.hash_version != HASH_VERSION:
            raise Corrupt(f"position {expected} has hash version {event.hash_version}, expected {HASH_VERSION}")
        computed = chain_hash(self.hash, event)
        if computed != event.hash:
            raise Corrupt(
                f"position {expected} ({event.event_type} of {event.aggregate_id}) was changed: "
                f"its hash is {event.hash.hex()}, computed {computed.hex()}"
            )
        self._follow_command(event)
        self.position = event.position
        self.hash = event.hash

    def _follow_command(self, event: Event) -> None:
        last = self._last
        if last is None or last.ends_command:
            begins = event.command_index == 0 or (last is None and self.position > 0)
        else:
            begins = (event.command_index, event.command_count, event.command_id) == (
                last.command_index + 1,
                last.command_count,
                last.command_id,
            )
        if not begins or event.command_index >= event.command_count:
            raise Corrupt(
                f"position {event.position} is event {event.command_index} of {event.command_count} of command "
                f"{event.command_id}: it does not follow the event before it"
            )
        self.commands += event.ends_command
        self._last = event


async def verify(runtime: Runtime, log: Readable, progress: Callable[[int, int], None]) -> Verified:
    """Read the whole log up to its present head; progress(done, all) is called after each batch. Corrupt names the
    first position that is wrong."""
    head = await log.head()
    chain = Chain(log.name)
    async for batch in history(runtime, log, 0, head):
        for event in batch:
            chain.follow(event)
        progress(chain.position, head)
    return Verified(log.name, chain.position, chain.commands, chain.hash)
