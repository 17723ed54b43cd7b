"""From the log to a core: the newest valid snapshot, then every event after it."""

from kernel.event import GENESIS_HASH
from kernel.eventlog.history import all_facts
from kernel.eventlog.port import Corrupt, EventLog, Snapshot
from kernel.runtime import Runtime
from kernel.settings import load
from kernel.telemetry import logger
from matching.engine import STATE_SCHEMA, Engine
from trading_engine.core import Core
from trading_engine.settings import TradingEngineSettings

KIND = "trading-engine"
# A snapshot's data: the chain hash of the event that it stands at, then the core's own bytes.
SCHEMA = f"{STATE_SCHEMA} after a chain hash"
HASH_BYTES = len(GENESIS_HASH)
AGGREGATE_TYPES = frozenset({"Order", "Account", "Instrument", "Asset"})

_log = logger(KIND)


async def recover(runtime: Runtime, log: EventLog, settings: TradingEngineSettings) -> Core:
    """A core whose state is the fold of the whole log. Corrupt names the event that does not fit."""
    began_ns = runtime.monotonic_ns()
    core = await restored(log, settings)
    replayed = await replay(runtime, log, core)
    core.refresh()
    _log.info(
        "recovered",
        snapshot_position=core.snapshot_position,
        position=core.position,
        events_replayed=replayed,
        milliseconds=(runtime.monotonic_ns() - began_ns) // 1_000_000,
    )
    return core


async def restored(log: EventLog, settings: TradingEngineSettings) -> Core:
    """The newest snapshot whose state has the hash that it claims; an empty core if there is none."""
    core = Core(settings.log_number)
    head = await log.head()
    for snapshot in await log.load_snapshots(KIND, SCHEMA):
        if snapshot.position > head:
            _log.warning("snapshot refused", position=snapshot.position, reason=f"the log ends at {head}")
            continue
        (last,) = await log.read(snapshot.position - 1, 1)
        chain_hash, state = snapshot.data[:HASH_BYTES], snapshot.data[HASH_BYTES:]
        if chain_hash != last.hash:
            _log.warning(
                "snapshot refused", position=snapshot.position, reason="it is of another log, or of another past"
            )
            continue
        try:
            engine = Engine.restore(state)
        except ValueError as error:
            _log.warning("snapshot refused", position=snapshot.position, reason=str(error))
            continue
        if engine.state_hash() != snapshot.state_hash:
            _log.warning("snapshot refused", position=snapshot.position, reason="its state has another hash")
            continue
        core.engine = engine
        core.stand_at(last)
        core.snapshot_position = snapshot.position
        break
    return core


async def replay(runtime: Runtime, log: EventLog, core: Core, until: int | None = None) -> int:
    """Apply every event after the core's position, up to the end of a command or to the head; returns how many."""
    began = core.position
    until = await log.head() if until is None else until
    async for facts in all_facts(runtime, log, began, until, AGGREGATE_TYPES):
        try:
            await runtime.in_thread("replay", core.engine.evolve_facts, facts.heads, facts.data)
        except ValueError as error:
            raise Corrupt(f"between positions {facts.first} and {facts.last}: {error}") from None
        core.position = facts.last
    if until > began:
        (last,) = await log.read(until - 1, 1)
        if not last.ends_command:
            raise Corrupt(f"log {log.name}: position {until} is within a command")
        core.stand_at(last)
    return core.position - began


async def save_snapshot(runtime: Runtime, log: EventLog, core: Core) -> None:
    """Keep the core's state. The sequencer waits, so that the state stands at a command's end; the loop does not."""
    data = await runtime.in_thread("snapshot", core.engine.snapshot)
    state_hash = core.engine.state_hash()
    await log.save_snapshot(Snapshot(KIND, SCHEMA, core.position, state_hash, core.chain_hash + data))
    core.snapshot_position = core.position
    _log.info("snapshot saved", position=core.position, bytes=len(data), state_hash=state_hash)


async def replayed_hash(runtime: Runtime, log: EventLog) -> str:
    """Hash of the state that the whole log gives when it is folded from its first event, without any snapshot."""
    core = Core(load(TradingEngineSettings).log_number)
    await replay(runtime, log, core)
    return core.engine.state_hash()
