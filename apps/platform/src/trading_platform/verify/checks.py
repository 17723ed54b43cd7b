"""Every check of a stopped platform's folder, in order: the log, the money, the engine, the read models."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
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
from trading_platform.verify import engine, private, views
from trading_platform.verify.difference import Differences, Progress
from trading_platform.verify.ledger import Ledger

CANNOT_READ = (Corrupt, LogFailed, sqlite3.Error, msgspec.DecodeError, ValueError, AssertionError, KeyError)
# For the name of a check, a function that takes its progress.
Started = Callable[[str], Progress]


class Outcome(StrEnum):
    """How a check ended. Only OK and DIFFERS are about data that was compared with the log."""

    OK = "ok"
    DIFFERS = "differs"
    NOT_COMPARED = "not compared"
    MISSING = "missing"  # the service ran on this folder, and its file is gone
    NOT_HERE = "not here"  # the service never ran on this folder, or all of its folder is gone


@dataclass(frozen=True)
class Checked:
    """One check: what it did, and what it found."""

    check: str
    told: str
    differences: Differences
    without: Outcome | None = None  # what kept it from comparing

    @property
    def outcome(self) -> Outcome:
        return self.without or (Outcome.DIFFERS if self.differences.count else Outcome.OK)

    @property
    def ok(self) -> bool:
        """Nothing to worry about: a service that never ran here has nothing here."""
        return self.outcome in (Outcome.OK, Outcome.NOT_HERE)

    def document(self) -> dict[str, Any]:
        found = [difference._asdict() for difference in self.differences.first]
        return {
            "check": self.check,
            "ok": self.ok,
            "outcome": self.outcome,
            "told": self.told,
            "differences": self.differences.count,
            "first": found,
        }


async def checks(runtime: Runtime, log: EventLog, data: Path, started: Started) -> AsyncIterator[Checked]:
    """Run all of them, whatever each finds."""
    yield await _guarded("hash chain and positions", lambda name: _chain(runtime, log, started(name)))
    yield await _guarded("cash and assets", lambda name: _money(runtime, log, started(name)))
    yield await _guarded("engine", lambda name: engine.compare(runtime, log, started(name)))
    for name, path, make in known_views(data):
        if path.is_file():
            yield await _guarded(name, lambda name: views.compare(runtime, log, make(), path, started(name)))  # noqa: B023
        elif path.parent.is_dir():
            yield Checked(name, f"there is no file {path}", Differences(), Outcome.MISSING)
        else:
            yield Checked(name, f"there is no folder {path.parent}", Differences(), Outcome.NOT_HERE)
    store = data / private.STORE
    if store.parent.is_dir():
        yield await _guarded(private.STORE, lambda name: private.compare(runtime, log, store, started(name)))
    else:
        yield Checked(private.STORE, f"there is no folder {store.parent}", Differences(), Outcome.NOT_HERE)


def known_views(data: Path) -> Iterator[tuple[str, Path, Callable[[], View]]]:
    """The read models of all services: `<service>/<file>`, where the file lies, and how to make an empty one."""
    for service in SERVICES:
        made = getattr(import_module(f"{service.replace('-', '_')}.service"), "VIEWS", {})
        for file, make in made.items():
            yield f"{service}/{file}", data / service / file, make


async def _guarded(name: str, check: Callable[[str], Any]) -> Checked:
    """What a check cannot even read, or a fold cannot apply, is what it found."""
    try:
        told, differences = await check(name)
    except views.NotCompared as reason:
        return Checked(name, str(reason), Differences(), Outcome.NOT_COMPARED)
    except CANNOT_READ as error:
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
