"""An engine killed while it trades: every answer still holds, and the state is the fold of the log."""

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from kernel.eventlog.sqlite import SqliteLog
from kernel.eventlog.verify import verify
from kernel.runtime import SystemRuntime
from matching.engine import Engine
from trading_engine.recovery import recover, replayed_hash
from trading_engine.results import result_of
from trading_engine.settings import TradingEngineSettings

from .killed_engine import fingerprint, random_command
from .venue import sequencing

HERE = Path(__file__).parent
COMMANDS_AFTER = 10_000


def trade_and_be_killed(path: Path, seed: int, chance: random.Random) -> dict[str, str]:
    """The answers that a killed engine gave: fingerprints by command id."""
    process = subprocess.Popen([sys.executable, HERE / "killed_engine.py", path, str(seed)], stdout=subprocess.PIPE)
    heard = b""
    enough = chance.randint(1, 1_500)
    try:
        while heard.count(b"\n") < enough:
            more = os.read(process.stdout.fileno(), 65_536)
            assert more, f"the engine ended by itself with {process.wait()}"
            heard += more
    finally:
        process.kill()
        heard += process.communicate()[0]
    whole = heard[: heard.rfind(b"\n") + 1].decode().splitlines()
    return dict(line.split() for line in whole)


async def look_at(path: Path, answers: dict[str, str]) -> None:
    """Every answer is what the log says, live and replayed states are equal, and so are all their further answers."""
    runtime = SystemRuntime()
    log = await SqliteLog.open(runtime, path)
    try:
        verified = await verify(runtime, log, lambda done, of: None)
        assert verified.events == await log.head()
        outcomes = await log.outcomes(list(answers))
        for command_id, answer in answers.items():
            assert fingerprint(result_of(command_id, outcomes[command_id])) == answer
        recovered = await recover(runtime, log, TradingEngineSettings())
        assert recovered.engine.state_hash() == await replayed_hash(runtime, log)
    finally:
        await log.close()
        runtime.close()


@pytest.mark.parametrize("rounds", [6, pytest.param(100, marks=pytest.mark.soak)])
def test_an_engine_killed_while_it_trades_keeps_its_word(tmp_path, rounds):
    chance = random.Random(5)
    path = tmp_path / "main.sqlite"
    answers: dict[str, str] = {}
    for seed in range(rounds):
        answers |= trade_and_be_killed(path, seed, chance)
        asyncio.run(look_at(path, answers))
    assert len(answers) > 50 * rounds


def test_after_a_kill_the_recovered_and_the_replayed_engine_answer_ten_thousand_commands_alike(tmp_path):
    path = tmp_path / "main.sqlite"
    trade_and_be_killed(path, 1, random.Random(11))

    async def further(folder_copy: Path, snapshots: bool) -> tuple[str, list[tuple[str, str, bytes]]]:
        """The state and every event that a restarted engine makes of the same commands."""
        runtime = SystemRuntime()
        log = await SqliteLog.open(runtime, folder_copy)
        if not snapshots:
            log.load_snapshots = no_snapshots  # type: ignore[method-assign]
        chance = random.Random(77)
        placed: list[str] = []
        async with sequencing(log) as sequencer:
            head = sequencer.core.position
            stamp_ns = sequencer.core.engine.last_stamp_ns  # one for both runs
            assert (sequencer.core.snapshot_position > 0) == snapshots
            for start in range(0, COMMANDS_AFTER, 500):
                commands = [random_command(chance, f"after-{start + number}", placed) for number in range(500)]
                for command in commands:
                    command.source_time_ns = stamp_ns
                await sequencer.execute(commands)
            state = sequencer.core.engine.state_hash()
            events = []
            while more := await log.read(head):
                events += [(event.event_id, event.event_type, event.event_data) for event in more]
                head = more[-1].position
        await log.close()
        return state, events

    copy = tmp_path / "copy.sqlite"
    for name in (path.name, f"{path.name}-wal"):
        source = path.parent / name
        if source.exists():
            (tmp_path / name.replace(path.name, copy.name)).write_bytes(source.read_bytes())
    recovered = asyncio.run(further(path, snapshots=True))
    replayed = asyncio.run(further(copy, snapshots=False))
    assert recovered[0] == replayed[0]
    assert recovered[1] == replayed[1]
    assert len(recovered[1]) > COMMANDS_AFTER


async def no_snapshots(kind: str, schema: str) -> list[object]:
    return []


def test_no_byte_of_a_snapshot_can_change_unnoticed(tmp_path):
    path = tmp_path / "main.sqlite"
    trade_and_be_killed(path, 2, random.Random(3))

    async def snapshot() -> tuple[bytes, str]:
        runtime = SystemRuntime()
        log = await SqliteLog.open(runtime, path)
        core = await recover(runtime, log, TradingEngineSettings())
        await log.close()
        return core.engine.snapshot(), core.engine.state_hash()

    data, state_hash = asyncio.run(snapshot())
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << (at % 8)
        try:
            other = Engine.restore(bytes(changed)).state_hash()
        except ValueError:
            continue
        assert other != state_hash, f"byte {at}"
