"""Every check of a stopped platform's folder, in order: the log, the money, the engine, the read models."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from kernel.eventlog.history import history
from kernel.eventlog.port import Corrupt, EventLog, LogFailed
from kernel.eventlog.verify import verify as verify_chain
from kernel.projection import View
from kernel.runtime import Runtime
from trading_platform.platform import SERVICES
from trading_platform.verify import engine, views
from trading_platform.verify.difference import Differences, Progress
from trading_platform.verify.ledger import Ledger

# For the name of a check, a function that takes its progress.
Started = Callable[[str], Progress]


@dataclass(frozen=True)
class Checked:
    """One check: what it did, and what it found."""

    check: str
    told: str
    differences: Differences

    @property
    def ok(self) -> bool:
        return not self.differences.count

    def document(self) -> dict[str, Any]:
        found = [difference._asdict() for difference in self.differences.first]
        return {
            "check": self.check,
            "ok": self.ok,
            "told": self.told,
            "differences": self.differences.count,
            "first": found,
        }


async def checks(runtime: Runtime, log: EventLog, data: Path, started: Started) -> AsyncIterator[Checked]:
    """Run all of them, whatever each finds."""
    yield await _guarded("hash chain and positions", lambda name: _chain(runtime, log, started(name)))
    yield await _guarded("cash and assets", lambda name: _money(runtime, log, started(name)))
    yield await _guarded("engine", lambda name: engine.compare(runtime, log, started(name)))
    for name, path, make in stored_views(data):
        yield await _guarded(name, lambda name: views.compare(runtime, log, make(), path, started(name)))  # noqa: B023


def stored_views(data: Path) -> Iterator[tuple[str, Path, Callable[[], View]]]:
    """The read models that the folder holds: `<service>/<file>`, the file, and how to make an empty one."""
    for service in SERVICES:
        made = getattr(import_module(f"{service.replace('-', '_')}.service"), "VIEWS", {})
        for file, make in made.items():
            path = data / service / file
            if path.is_file():
                yield f"{service}/{file}", path, make


async def _guarded(name: str, check: Callable[[str], Any]) -> Checked:
    """What a check cannot even read, or a fold cannot apply, is what it found."""
    try:
        told, differences = await check(name)
    except (Corrupt, LogFailed, msgspec.DecodeError, ValueError, AssertionError, KeyError) as error:
        differences = Differences()
        differences.add("stopped", f"{type(error).__name__}: {error}")
        told = "stopped"
    return Checked(name, told, differences)


async def _chain(runtime: Runtime, log: EventLog, progress: Progress) -> tuple[str, Differences]:
    verified = await verify_chain(runtime, log, progress)
    told = f"{verified.events:,} events of {verified.commands:,} commands, last hash {verified.hash.hex()[:16]}"
    return told, Differences()


async def _money(runtime: Runtime, log: EventLog, progress: Progress) -> tuple[str, Differences]:
    ledger = Ledger()
    head = await log.head()
    async for events in history(runtime, log, 0, head):
        for event in events:
            ledger.follow(event)
        progress(events[-1].position, head)
    return f"{ledger.postings:,} postings", ledger.finish()
