"""A mass cancel of more orders than one command may cancel, on an engine that only counts."""

import asyncio

import pytest

from matching import engine as core
from order_service.execution import CANCELS_PER_COMMAND_MAX, executed
from trading.v1 import engine_pb2, types_pb2

FULL = CANCELS_PER_COMMAND_MAX


class Counting:
    """Has so many open orders, remembers the answer to each command id, and refuses from the given command on."""

    def __init__(self, open_orders: int, refuses_from: int) -> None:
        self.open_orders = open_orders
        self.refuses_from = refuses_from
        self.known: dict[str, engine_pb2.CommandResult] = {}

    async def ExecuteBatch(self, request: engine_pb2.ExecuteBatchRequest) -> engine_pb2.ExecuteBatchResponse:
        return engine_pb2.ExecuteBatchResponse(results=[self._decided(command) for command in request.commands])

    def _decided(self, command: engine_pb2.Command) -> engine_pb2.CommandResult:
        if command.command_id not in self.known:
            if len(self.known) == self.refuses_from:
                return engine_pb2.CommandResult(refused="queue_full")
            canceled = 0
            if command.HasField("cancel_all_orders"):
                canceled = min(self.open_orders, FULL)
                self.open_orders -= canceled
            else:
                self.open_orders += 1
            position = types_pb2.LogPosition(log="main", position=len(self.known) + 1)
            self.known[command.command_id] = engine_pb2.CommandResult(canceled_orders=canceled, position=position)
        return self.known[command.command_id]


def commands(*kinds: str) -> list[engine_pb2.Command]:
    bodies = {
        "cancel": {"cancel_all_orders": engine_pb2.CancelAllOrders()},
        "place": {"place_order": engine_pb2.PlaceOrder()},
    }
    return [engine_pb2.Command(command_id=f"{number} {kind}", **bodies[kind]) for number, kind in enumerate(kinds)]


@pytest.mark.parametrize(
    ("sentence", "open_orders", "asked", "canceled", "left"),
    [
        ("nothing to cancel", 0, ["cancel"], [0], 0),
        ("fewer than one command may", FULL - 1, ["cancel"], [FULL - 1], 0),
        ("as many as one command may", FULL, ["cancel"], [FULL], 0),
        ("more than two commands may", 2 * FULL + 3, ["cancel"], [2 * FULL + 3], 0),
        ("an order placed before is canceled", FULL, ["place", "cancel"], [0, FULL + 1], 0),
        ("an order placed after stays", FULL + 1, ["cancel", "place"], [FULL + 1, 0], 1),
        ("the second finds nothing left", FULL + 1, ["cancel", "cancel"], [FULL + 1, 0], 0),
        ("no mass cancel at all", 5, ["place", "place"], [0, 0], 7),
    ],
)
def test_every_order_is_canceled_before_what_follows(sentence, open_orders, asked, canceled, left):
    engine = Counting(open_orders, refuses_from=100)
    results = asyncio.run(executed(engine, commands(*asked)))
    assert ([result.canceled_orders for result in results], engine.open_orders) == (canceled, left)
    assert results[-1].position.position == len(engine.known)


def test_what_could_not_be_finished_is_told_and_the_same_request_goes_on():
    engine = Counting(FULL + 3, refuses_from=1)
    (refused,) = asyncio.run(executed(engine, commands("cancel")))
    assert (refused.refused, engine.open_orders) == ("queue_full", 3)
    engine.refuses_from = 100
    (whole,) = asyncio.run(executed(engine, commands("cancel")))
    assert (whole.canceled_orders, engine.open_orders) == (FULL + 3, 0)


def test_the_limit_is_the_core_s():
    assert core.CANCELS_PER_COMMAND_MAX == CANCELS_PER_COMMAND_MAX
