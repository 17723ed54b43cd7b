"""`trading bench memory`: what the whole platform with its demo market holds in memory once it has settled."""

from pathlib import Path

from kernel.runtime import Runtime
from trading_platform.bench.child import child
from trading_platform.bench.process import status_of
from trading_platform.bench.report import Result


async def run(runtime: Runtime, folder: Path, seconds: int) -> Result:
    """Resident memory after so many seconds, and the highest it ever was, as the kernel counts them."""
    async with child(runtime, folder, "--demo") as platform:
        await runtime.sleep(seconds)
        counted = status_of(platform.pid)
    details = {"highest_mb": counted["VmHWM"] // 1_024, "threads": counted["Threads"], "seconds": seconds}
    return Result("memory", "all services with the demo market", counted["VmRSS"] // 1_024, "MB", "under 400", details)
