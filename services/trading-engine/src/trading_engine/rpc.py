"""The trading engine's servicer: parse, call, render. Queries answer committed state only."""

from decimal import Decimal
from typing import Any

from kernel.eventlog.port import EventLog
from kernel.money import canonical, decimal
from kernel.refused import Kind, Refused
from trading.v1 import engine_pb2, engine_pb2_grpc, types_pb2
from trading_engine.sequencer import Sequencer


class EngineServicer(engine_pb2_grpc.EngineServiceServicer):
    def __init__(self, sequencer: Sequencer, log: EventLog) -> None:
        self._sequencer = sequencer
        self._log = log

    async def Execute(self, request: engine_pb2.ExecuteRequest, context: Any) -> engine_pb2.ExecuteResponse:
        (result,) = await self._sequencer.execute([request.command])
        return engine_pb2.ExecuteResponse(result=result)

    async def ExecuteBatch(
        self, request: engine_pb2.ExecuteBatchRequest, context: Any
    ) -> engine_pb2.ExecuteBatchResponse:
        return engine_pb2.ExecuteBatchResponse(results=await self._sequencer.execute(list(request.commands)))

    async def GetEngineBook(
        self, request: engine_pb2.GetEngineBookRequest, context: Any
    ) -> engine_pb2.GetEngineBookResponse:
        async with self._sequencer.committed() as core:
            terms = core.listing.instrument(request.symbol)
            bids, asks = core.engine.book(terms.number, request.depth)
            return engine_pb2.GetEngineBookResponse(
                position=types_pb2.LogPosition(log=self._log.name, position=core.position),
                bids=[_level(*level, terms.price_unit, terms.lot_unit) for level in bids],
                asks=[_level(*level, terms.price_unit, terms.lot_unit) for level in asks],
            )

    async def GetStateHash(
        self, request: engine_pb2.GetStateHashRequest, context: Any
    ) -> engine_pb2.GetStateHashResponse:
        if self._sequencer.failure is not None:
            raise Refused("engine_stopped", self._sequencer.failure, Kind.UNAVAILABLE)
        async with self._sequencer.committed() as core:
            return engine_pb2.GetStateHashResponse(
                position=types_pb2.LogPosition(log=self._log.name, position=core.position),
                state_hash=core.engine.state_hash(),
            )


def _level(price: int, quantity: int, orders: int, price_unit: Decimal, lot_unit: Decimal) -> engine_pb2.EngineLevel:
    return engine_pb2.EngineLevel(
        price=canonical(decimal(price, price_unit)), quantity=canonical(decimal(quantity, lot_unit)), orders=orders
    )
