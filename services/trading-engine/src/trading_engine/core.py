"""The core and what the service must know beside it: the instruments' units and the log position it stands at."""

from collections.abc import Iterator, Sequence

from kernel.event import GENESIS_HASH, Event, NewEvent
from matching.engine import Engine
from trading.v1 import engine_pb2
from trading_engine.listing import Draft, Listing

LISTINGS = frozenset({"AssetListed", "InstrumentListed"})


class Core:
    """A matching engine at a position of the log."""

    def __init__(self, log_number: int) -> None:
        self.engine = Engine(log_number)
        self.position = 0
        self.chain_hash = GENESIS_HASH  # of the event at `position`
        self.time_ns = 0  # of it: a rebuilt core knows its last stamp to the millisecond only
        self.snapshot_position = 0
        self.listing = Listing(self.engine)

    def stand_at(self, event: Event) -> None:
        """The state is now the fold of the log up to `event`."""
        self.position = event.position
        self.chain_hash = event.hash
        self.time_ns = event.occurred_at_ns

    def refresh(self) -> None:
        """Read what is listed anew, after a restore or a listing."""
        self.listing = Listing(self.engine)

    def execute(
        self, draft: Draft, commands: Sequence[engine_pb2.Command]
    ) -> Iterator[tuple[engine_pb2.Command | None, tuple[NewEvent, ...]]]:
        """Let the core decide `draft`: each command with its events, in order. `commands` are those that it encodes;
        None is one that the core put in, because something was due before the next."""
        batch = self.engine.execute(b"".join(draft.records), bytes(draft.texts))
        decided = batch.make_events(NewEvent, [command.user_id or None for command in commands])
        if any(event.event_type in LISTINGS for events in decided for event in events):
            self.refresh()
        given = (None if index is None else commands[index] for index in batch.given)
        return zip(given, decided, strict=True)

    def fire_due(self, until_ns: int) -> list[tuple[NewEvent, ...]]:
        """Let the core do what is due at or before `until_ns`; the events of each command that it took."""
        if not self.is_due(until_ns):
            return []
        return self.engine.fire_due(until_ns).make_events(NewEvent, [])

    def is_due(self, now_ns: int) -> bool:
        due_ns = self.engine.next_due_ns
        return due_ns is not None and due_ns <= now_ns
