"""What is due at a time of its own: the engine does it without being asked, also after a restart, and only once."""

import asyncio

import pytest

from kernel.event import Append, Event
from kernel.eventlog.history import history
from kernel.eventlog.memory import MemoryLog, MemoryStore
from kernel.eventlog.port import EventLog
from kernel.runtime import SystemRuntime
from matching import command as record
from trading_engine.listing import Draft
from trading_engine.recovery import recover, replayed_hash
from trading_engine.sequencer import AGGREGATE_TYPES, ROLE
from trading_engine.settings import TradingEngineSettings

from .venue import BOB, OPENING, command, limit, sequencing

MS = 1_000_000
WAIT_MS_MAX = 10_000


async def orders_until(log: EventLog, runtime: SystemRuntime, *expire_at_ms: int) -> None:
    """Write orders that expire into the log, as an engine did that is gone."""
    core = await recover(runtime, log, TradingEngineSettings())
    draft = Draft()
    commands = [command(f"until {at}") for at in range(len(expire_at_ms))]
    for due in expire_at_ms:
        encoded = record.place_order(
            draft.texts,
            runtime.now_ns(),
            account_id=1 << 48 | 4,  # ALICE
            instrument_id=core.listing.instrument("AAPL").number,
            side=record.Side.BUY,
            order_type=record.OrderType.LIMIT,
            time_in_force=record.TimeInForce.GTD,
            quantity=1,
            price=2000,
            expire_at_ms=due,
        )
        draft.records.append(encoded)
    writer = await log.acquire(ROLE, AGGREGATE_TYPES)
    decided = [events for _, events in core.execute(draft, commands)]
    kept = [
        Append(events, one.correlation_id, one.command_id, "hash")
        for events, one in zip(decided, commands, strict=True)
    ]
    await log.append(kept, writer)


async def expired(log: EventLog, runtime: SystemRuntime, count: int) -> list[Event]:
    """The orders' expiries, when there are `count` of them."""
    for _ in range(WAIT_MS_MAX // 5):
        found = [event async for events in history(runtime, log, 0, await log.head()) for event in events]
        found = [event for event in found if event.event_type == "OrderExpired"]
        if len(found) >= count:
            return found
        await runtime.sleep(0.005)
    raise AssertionError(f"{len(found)} orders have expired, not {count}")


@pytest.mark.parametrize(
    ("sentence", "ahead_ms", "down_ms"), [("while it runs", 200, 0), ("while it was down", 20, 60)]
)
def test_orders_expire_at_their_time_without_any_command(sentence, ahead_ms, down_ms):
    async def scenario() -> None:
        runtime = SystemRuntime()
        store = MemoryStore()
        async with sequencing(MemoryLog(runtime, store=store)) as sequencer:
            await sequencer.execute(OPENING)
        store.owned = False
        log = MemoryLog(runtime, store=store)
        due = runtime.now_ns() // MS + ahead_ms
        await orders_until(log, runtime, due, due + 1, due + 3_600_000)
        await runtime.sleep(down_ms / 1000)
        store.owned = False
        log = MemoryLog(runtime, store=store)
        async with sequencing(log) as sequencer:
            events = await expired(log, runtime, 2)
            assert [event.occurred_at_ns // MS for event in events] == [due, due + 1], sentence
            assert runtime.now_ns() >= events[-1].occurred_at_ns, sentence
            assert len({event.command_id for event in events}) == 2, sentence
            await sequencer.execute([limit("after", BOB, "SELL", "1", "21")])
            assert sequencer.core.engine.next_due_ns == (due + 3_600_000) * MS, sentence
            assert len(await expired(log, runtime, 2)) == 2, sentence
            assert await replayed_hash(runtime, log) == sequencer.core.engine.state_hash(), sentence

    asyncio.run(scenario())
