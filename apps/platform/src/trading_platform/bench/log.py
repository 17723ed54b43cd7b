"""`trading bench log`: the SQLite log alone, in this process, without any service."""

from collections.abc import Callable
from pathlib import Path

from kernel.eventlog import bench
from kernel.runtime import Runtime
from trading_platform.bench.report import Result

REFERENCES = {bench.LOADS[0].name: "at least 15,000"}


async def run(runtime: Runtime, folder: Path, seconds: int, started: Callable[[str], None]) -> list[Result]:
    """Every case of the log's own bench, each append case for so many seconds, flushed to disk (synchronous=FULL)."""
    results = []
    for measured in await bench.measure(runtime, folder, seconds, started):
        waits = {"p50_ms": measured.p50_ms, "p99_ms": measured.p99_ms, "max_ms": measured.max_ms}
        details = {"events": measured.events} | {name: wait for name, wait in waits.items() if wait is not None}
        reference = REFERENCES.get(measured.case, "")
        results.append(Result("log", measured.case, measured.value, measured.unit, reference, details))
    return results
