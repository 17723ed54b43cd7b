"""A process that appends as fast as it can and says what was acknowledged, until somebody kills it.

Arguments: the log's file, a number that makes this run's ids unique, and the synchronous setting (FULL, as the log
sets it itself; anything weaker is a fault that the tests must find).
"""

import asyncio
import os
import random
import sys
from pathlib import Path

from kernel.event import Append, NewEvent
from kernel.eventlog import sqlite
from kernel.runtime import SystemRuntime

CALLERS = 8


async def append_for_ever(log, writer, run, caller):
    chance = random.Random(f"{run}-{caller}")
    aggregate = f"order-{run}-{caller}"
    version = number = 0
    while True:
        commands = []
        for _ in range(chance.randint(1, 3)):
            events = []
            for _ in range(chance.choice((1, 1, 2, 4, 60))):
                version += 1
                data = b'{"filler":"%s"}' % (b"x" * chance.randint(0, 900))
                events.append(NewEvent(f"{aggregate}-{version}", aggregate, "Order", "Changed", version, data, 1))
            number += 1
            commands.append(Append(tuple(events), "correlation", f"command-{run}-{caller}-{number}", "body"))
        for command, outcome in zip(commands, await log.append(commands, writer), strict=True):
            # One write, so that a kill cannot cut a line that the reader has seen the end of.
            os.write(1, f"{command.command_id} {outcome.first} {outcome.last}\n".encode())


async def main(path, run, synchronous):
    sqlite.CHECKPOINT_EVENTS = 2_000  # so that many of the kills meet a checkpoint
    log = await sqlite.SqliteLog.open(SystemRuntime(), Path(path))
    if synchronous != "FULL":
        log._store._writer.execute(f"PRAGMA synchronous = {synchronous}")
    writer = await log.acquire("engine", ["Order"])
    await asyncio.gather(*(append_for_ever(log, writer, run, caller) for caller in range(CALLERS)))


asyncio.run(main(*sys.argv[1:]))
