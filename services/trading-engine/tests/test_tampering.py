"""A log that was changed behind the engine's back stops it, with the place."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kernel.eventlog.port import Corrupt
from kernel.eventlog.sqlite import TAIL_VERIFIED_EVENTS, SqliteLog
from kernel.refused import Refused
from kernel.runtime import SystemRuntime
from trading_engine.settings import TradingEngineSettings

from .venue import ALICE, OPENING, limit, sequencing

POSITION = 20  # of the changed event: an account's, at which no fold looks again


async def traded(path: Path) -> None:
    log = await SqliteLog.open(SystemRuntime(), path)
    # A snapshot spares the core the replay of what is changed.
    async with sequencing(log, TradingEngineSettings(snapshot_every_events=TAIL_VERIFIED_EVENTS)) as sequencer:
        await sequencer.execute(OPENING)
        for start in range(0, TAIL_VERIFIED_EVENTS + 500, 250):
            await sequencer.execute([limit(f"o{start + at}", ALICE, "BUY", "1", "20.001") for at in range(250)])
            await sequencer.execute([limit(f"p{start + at}", ALICE, "BUY", "1", "0.01") for at in range(250)])
    await log.close()


def change(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER events_are_not_updated")
        connection.execute("UPDATE events SET user_id = 'somebody-else' WHERE position = ?", (POSITION,))


def test_an_engine_answers_nobody_on_a_log_whose_newest_events_were_changed(tmp_path):
    path = tmp_path / "main.sqlite"
    asyncio.run(traded(path))
    change(path)

    async def start() -> None:
        log = await SqliteLog.open(SystemRuntime(), path)
        try:
            async with sequencing(log):
                raise AssertionError("the engine started")
        finally:
            await log.close()

    with pytest.raises(Corrupt, match=rf"position {POSITION} .* was changed"):
        asyncio.run(start())


def test_the_rest_of_the_log_is_checked_while_the_engine_runs(tmp_path, monkeypatch):
    path = tmp_path / "main.sqlite"
    asyncio.run(traded(path))
    change(path)
    monkeypatch.setattr("trading_engine.sequencer.CHECKED_BEFORE_START", 100)

    async def start() -> None:
        runtime = SystemRuntime()
        log = await SqliteLog.open(runtime, path)
        try:
            async with sequencing(log) as sequencer:
                with pytest.raises(Corrupt, match=rf"position {POSITION} .* was changed"):
                    await sequencer.audit()
                with pytest.raises(Refused, match=f"position {POSITION}"):
                    await sequencer.execute([limit("late", ALICE, "BUY", "1", "20")])
        finally:
            await log.close()

    asyncio.run(start())


def test_an_audit_of_a_log_that_nobody_changed_goes_on_in_silence(tmp_path, monkeypatch):
    path = tmp_path / "main.sqlite"
    asyncio.run(traded(path))
    monkeypatch.setattr("trading_engine.sequencer.CHECKED_BEFORE_START", 100)

    async def start() -> None:
        log = await SqliteLog.open(SystemRuntime(), path)
        try:
            async with sequencing(log) as sequencer:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(sequencer.audit(), 0.5)
                await sequencer.execute([limit("late", ALICE, "BUY", "1", "20")])
        finally:
            await log.close()

    asyncio.run(start())
