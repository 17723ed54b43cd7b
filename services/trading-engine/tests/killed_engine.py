"""An engine on a file that trades at random and tells each answer, until it is killed: `killed_engine.py PATH SEED`."""

import asyncio
import hashlib
import random
import sys
from pathlib import Path

from kernel.eventlog.sqlite import SqliteLog
from kernel.runtime import SystemRuntime
from kernel.telemetry import configure_logs
from trading.v1 import engine_pb2
from trading_engine.settings import TradingEngineSettings

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.venue import ALICE, BOB, OPENING, cancel, limit, replace, sequencing

SNAPSHOT_EVERY_EVENTS = 400
BATCH_COMMANDS = 20


def random_command(chance: random.Random, name: str, placed: list[str]) -> engine_pb2.Command:
    """A plausible mix: half of the orders cross, some are changed or canceled, also when they are long gone."""
    account = chance.choice((ALICE, BOB))
    kind = chance.randrange(10)
    if placed and kind < 2:
        return cancel(name, account, chance.choice(placed))
    if placed and kind == 2:
        return replace(name, account, chance.choice(placed), quantity=str(chance.randint(1, 9)))
    price = f"{20 + chance.randint(-5, 5) / 100:.2f}"
    placed.append(name)
    side = chance.choice(("BUY", "SELL"))
    return limit(name, account, side, str(chance.randint(1, 9)), price, chance.choice(("GTC", "DAY", "IOC")))


def fingerprint(result: engine_pb2.CommandResult) -> str:
    """What was answered, but for whether it was the first time."""
    result.first_time = True
    return hashlib.sha256(result.SerializeToString(deterministic=True)).hexdigest()


async def main(path: str, seed: str) -> None:
    configure_logs("ERROR")  # standard output is for the answers
    runtime = SystemRuntime()
    chance = random.Random(seed)
    placed: list[str] = []
    log = await SqliteLog.open(runtime, Path(path))
    settings = TradingEngineSettings(snapshot_every_events=SNAPSHOT_EVERY_EVENTS)
    async with sequencing(log, settings) as sequencer:
        await sequencer.execute(OPENING)
        number = 0
        while True:
            commands = []
            for _ in range(chance.randint(1, BATCH_COMMANDS)):
                number += 1
                commands.append(random_command(chance, f"{seed}-{number}", placed))
            for command, result in zip(commands, await sequencer.execute(commands), strict=True):
                sys.stdout.write(f"{command.command_id} {fingerprint(result)}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
