"""The engine against the log: folded from the first event, its state must be that of the newest snapshot."""

from kernel.eventlog.port import Corrupt, EventLog
from kernel.runtime import Runtime
from kernel.settings import load
from trading_engine.core import Core
from trading_engine.recovery import KIND, SCHEMA, replay
from trading_engine.settings import TradingEngineSettings
from trading_platform.verify.difference import Differences, Progress


async def compare(runtime: Runtime, log: EventLog, progress: Progress) -> tuple[str, Differences]:
    """Replay the log and compare its state with the newest snapshot at that snapshot's position."""
    differences = Differences()
    head = await log.head()
    snapshot = next(iter(await log.load_snapshots(KIND, SCHEMA)), None)
    core = Core(load(TradingEngineSettings).log_number)
    if snapshot is not None and snapshot.position > head:
        told = f"stands at {snapshot.position}, beyond the log's head {head}"
        differences.add("newest snapshot", told)
        snapshot = None
    try:
        if snapshot is not None:
            await replay(runtime, log, core, snapshot.position)
            progress(snapshot.position, head)
            if (replayed := core.engine.state_hash()) != snapshot.state_hash:
                told = f"has state {snapshot.state_hash}, the log gives {replayed}"
                differences.add(f"snapshot at {snapshot.position}", told)
        await replay(runtime, log, core)
        progress(head, head)
    except Corrupt as error:
        differences.add("replay", str(error))
        return "stopped", differences
    compared = f"snapshot at {snapshot.position:,} compared" if snapshot is not None else "no snapshot yet"
    return f"{compared}, state {core.engine.state_hash()[:16]} at {head:,}", differences
