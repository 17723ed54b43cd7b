"""Sends a submission's commands to the engine, and repeats a mass cancel, as one command cancels so many at most."""

from collections.abc import Iterator, Sequence
from typing import Any

from kernel.ids import derived_id
from trading.v1 import engine_pb2

CANCELS_PER_COMMAND_MAX = 50_000  # the engine's limit
MASS_CANCELS = frozenset({"cancel_all_orders", "mass_cancel"})


async def executed(engine: Any, commands: Sequence[engine_pb2.Command]) -> list[engine_pb2.CommandResult]:
    """The result of each command, in order. A mass cancel has ended every order before what follows it is decided."""
    results: list[engine_pb2.CommandResult] = []
    for part in parts_at_mass_cancels(commands):
        answer = await engine.ExecuteBatch(engine_pb2.ExecuteBatchRequest(commands=part))
        results += answer.results
        if results[-1].canceled_orders >= CANCELS_PER_COMMAND_MAX:
            results[-1] = await _cancel_the_rest(engine, part[-1], results[-1])
    return results


def parts_at_mass_cancels(commands: Sequence[engine_pb2.Command]) -> Iterator[Sequence[engine_pb2.Command]]:
    """The commands in parts, each of which ends with a mass cancel or at the end."""
    start = 0
    for stop, command in enumerate(commands, 1):
        if stop == len(commands) or command.WhichOneof("body") in MASS_CANCELS:
            yield commands[start:stop]
            start = stop


async def _cancel_the_rest(
    engine: Any, command: engine_pb2.Command, first: engine_pb2.CommandResult
) -> engine_pb2.CommandResult:
    """The first result with all counts in one, at the last position; or why it could not go on, for a retry to do so.

    The ids of the commands follow from the first one's: the same mass cancel again gets the same answer."""
    whole = engine_pb2.CommandResult()
    whole.CopyFrom(first)
    last = first
    while last.canceled_orders >= CANCELS_PER_COMMAND_MAX:
        following = engine_pb2.Command()
        following.CopyFrom(command)
        following.command_id = derived_id("next-chunk", command.command_id)
        command = following
        answer: engine_pb2.ExecuteBatchResponse = await engine.ExecuteBatch(
            engine_pb2.ExecuteBatchRequest(commands=[command])
        )
        (last,) = answer.results
        if last.refused:
            return last
        whole.canceled_orders += last.canceled_orders
        whole.position.CopyFrom(last.position)
    return whole
