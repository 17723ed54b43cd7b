"""What must hold when everything is at rest: each check returns the sentences that say what does not."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

from kernel.event import Event
from kernel.eventlog.memory import MemoryLog
from kernel.eventlog.port import Corrupt
from kernel.eventlog.verify import verify
from kernel.projection import View, ViewStore, parts_at_command_ends
from kernel.runtime import Runtime
from tests.simulation.intents import Promise
from tests.simulation.ledger import Ledger
from trading_engine.recovery import replayed_hash
from trading_events.engine import decode


def kept_promises(promises: Iterable[Promise], ledger: Ledger) -> list[str]:
    """Every acknowledged command is in the log, once, with the outcome that its client was told."""
    wrong = []
    for intent, told in promises:
        events = ledger.commands.get(intent.command_id, [])
        said = f"{intent.kind} {intent.key}, answered {told},"
        if told.status == "CANCELED" and ledger.orders[told.order_id].status != "CANCELED":
            wrong.append(f"{said} is {ledger.orders[told.order_id].status} in the log")
        if told.position <= 0:
            if told.position == 0 and told.refused and events:
                wrong.append(f"{said} was never sequenced, and yet stands at {events[0].position}")
            continue
        if not events:
            wrong.append(f"{said} is not in the log")
            continue
        last = events[-1]
        if len(events) != last.command_count or last.position != told.position:
            wrong.append(f"{said} ends at {last.position} with {len(events)} of {last.command_count} events")
        refusals = [
            event for event in events if event.event_type in ("OrderRejected", "OrderCancelRejected", "CommandRefused")
        ]
        if bool(refusals) != bool(told.refused):
            wrong.append(f"{said} is in the log as {[event.event_type for event in events]}")
        if told.order_id and events[0].aggregate_id != told.order_id:
            wrong.append(f"{said} is in the log as an event of {events[0].aggregate_id}")
        wrong += _outcome(said, told, [event for event in events if event.aggregate_id == told.order_id])
    return wrong


def _outcome(said: str, told: Any, own: Sequence[Event]) -> list[str]:
    if not own:
        return []
    happened: Any = decode(own[-1].event_type, own[-1].event_data)
    found = (happened.status, getattr(happened, "cum_quantity", "0"), own[-1].event_version)
    expected = (told.status, told.cum_quantity, told.version)
    return [] if found == expected else [f"{said} ends in the log as {found}"]


async def sound_log(runtime: Runtime, log: MemoryLog) -> list[str]:
    try:
        await verify(runtime, log, lambda done, whole: None)
    except Corrupt as corrupt:
        return [f"the log is corrupt: {corrupt}"]
    return []


async def same_state(runtime: Runtime, log: MemoryLog, live_hash: str) -> list[str]:
    """The engine's live state is what the whole log gives when it is replayed from its first event."""
    try:
        replayed = await replayed_hash(runtime, log)
    except Corrupt as corrupt:
        return [f"the log cannot be replayed: {corrupt}"]
    return [] if replayed == live_hash else [f"the engine's state is {live_hash}, replayed it is {replayed}"]


def same_views(names: Iterable[str], folder: Path, events: Sequence[Event]) -> list[str]:
    """Every table of every read model holds the rows that a new fold of the log gives."""
    wrong = []
    for name in names:
        views = getattr(import_module(f"{name.replace('-', '_')}.service"), "VIEWS", {})
        for file, kind in views.items():
            live, rebuilt = _rows(ViewStore(kind(), folder / name / file)), _rows(_rebuilt(kind(), events))
            wrong += [f"{name}: {told}" for table in rebuilt for told in _different(table, live[table], rebuilt[table])]
    return wrong


def _different(table: str, live: dict[str, Any], rebuilt: dict[str, Any]) -> list[str]:
    keys = sorted(key for key in {*rebuilt, *live} if rebuilt.get(key) != live.get(key))
    return [
        f"{table} {key} is {live.get(key)}, rebuilt it is {rebuilt.get(key)} ({len(keys)} such rows)"
        for key in keys[:3]
    ]


def _rebuilt(view: View, events: Sequence[Event]) -> ViewStore:
    store = ViewStore(view, None)
    for part in parts_at_command_ends(events, 512):
        for event in part:
            view.apply(event)
        store.commit(store.take(), part[-1].position)
    return store


def _rows(store: ViewStore) -> dict[str, dict[str, Any]]:
    rows = {table.name: dict(table.everything()) for table in store.view.tables}
    store.close()
    return rows


def same_books(market: Any, engine: Any, ledger: Ledger, symbol: str) -> list[str]:
    """Market data, the engine and a naive fold agree on the whole book."""
    told = [
        tuple(tuple((Decimal(level.price), Decimal(level.quantity), level.orders) for level in side) for side in sides)
        for sides in ((market.bids, market.asks), (engine.bids, engine.asks))
    ]
    wrong = []
    for who, book in zip(("market-data", "the engine"), told, strict=True):
        if book != ledger.books[symbol][-1]:
            wrong.append(f"{who} has the book of {symbol} as {book}, the log as {ledger.books[symbol][-1]}")
    if market.seq != len(ledger.books[symbol]) - 1:
        wrong.append(f"the book of {symbol} is at seq {market.seq}, the log at {len(ledger.books[symbol]) - 1}")
    return wrong
