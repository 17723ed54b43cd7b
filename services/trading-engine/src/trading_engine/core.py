"""The core and what the service must know beside it: the instruments' units and the log position it stands at."""

from collections.abc import Sequence

from kernel.event import GENESIS_HASH, Event, NewEvent
from matching.engine import Engine
from trading.v1 import engine_pb2
from trading_engine.listing import Draft, Listing


class Core:
    """A matching engine at a position of the log."""

    def __init__(self, log_number: int) -> None:
        self.engine = Engine(log_number)
        self.position = 0
        self.chain_hash = GENESIS_HASH  # of the event at `position`
        self.snapshot_position = 0
        self.listing = Listing(self.engine)

    def stand_at(self, event: Event) -> None:
        """The state is now the fold of the log up to `event`."""
        self.position = event.position
        self.chain_hash = event.hash

    def refresh(self) -> None:
        """Read what is listed anew, after a restore or a listing."""
        self.listing = Listing(self.engine)

    def execute(self, draft: Draft, commands: Sequence[engine_pb2.Command]) -> list[list[NewEvent]]:
        """Let the core decide `draft`; the events of each command, in order. `commands` are those that it encodes."""
        batch = self.engine.execute(b"".join(draft.records), bytes(draft.texts))
        decided: list[list[NewEvent]] = [[] for _ in commands]
        stamps = batch.stamps
        listed = False
        for (
            number,
            event_type,
            aggregate_type,
            aggregate_id,
            version,
            event_id,
            data,
            account,
            instrument,
        ) in batch.events:
            decided[number].append(
                NewEvent(
                    event_id=event_id,
                    aggregate_id=aggregate_id,
                    aggregate_type=aggregate_type,
                    event_type=event_type,
                    event_version=version,
                    event_data=data,
                    occurred_at_ns=stamps[number],
                    account_id=account,
                    instrument_id=instrument,
                    user_id=commands[number].user_id or None,
                )
            )
            listed = listed or event_type in ("InstrumentListed", "AssetListed")
        if listed:
            self.refresh()
        return decided
