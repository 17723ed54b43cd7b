"""Bugs on purpose, each built in place of the real part: what the simulation must find."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kernel.event import Append, Event, NewEvent
from kernel.eventlog.memory import MemoryStore
from kernel.eventlog.port import Appended, EventLog, Writer
from kernel.projection import Projection, ViewStore
from kernel.rpc import Registrar
from kernel.runtime import Runtime
from kernel.service import Service
from kernel.telemetry import Metrics
from order_service.rpc import Orders, OrderServicer
from order_service.service import ORDERS_FILE
from order_service.settings import OrderServiceSettings
from order_service.streams import AccountStreams
from order_service.views import OrdersView
from tests.simulation.cluster import Build
from tests.simulation.scenario import ENGINE_SETTINGS, Plant
from trading.v1 import engine_pb2
from trading.v1.engine_pb2_grpc import EngineServiceStub, add_EngineServiceServicer_to_server
from trading.v1.trading_pb2_grpc import add_OrderServiceServicer_to_server
from trading_engine.core import Core
from trading_engine.rpc import EngineServicer
from trading_engine.sequencer import ROLE, Sequencer
from trading_engine.settings import TradingEngineSettings

# ---- the engine


class AnswersEarly:
    """The engine's log, told as durable before it is: whoever answers after the append answers before the commit."""

    def __init__(self, runtime: Runtime, log: EventLog) -> None:
        self._runtime = runtime
        self._log = log
        self._appending: list[asyncio.Task[list[Appended]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def append(self, commands: Sequence[Append], writer: Writer) -> list[Appended]:
        await asyncio.gather(*self._appending, return_exceptions=True)
        position = await self._log.head()
        self._appending = [self._runtime.spawn(self._log.append(commands, writer), "append later")]
        told = []
        for command in commands:
            numbered = enumerate(command.events, position + 1)
            events = tuple(_as_if_kept(event, command, number) for number, event in numbered)
            position = events[-1].position
            told.append(Appended(events[0].position, position, True, events))
        return told


class ForgetsCommands(Sequencer):
    """Takes every attempt for a new command."""

    async def execute(self, commands: Sequence[engine_pb2.Command]) -> list[engine_pb2.CommandResult]:
        fresh = [engine_pb2.Command() for _ in commands]
        for copy, command in zip(fresh, commands, strict=True):
            copy.CopyFrom(command)
            copy.command_id = self._runtime.uuid7()
        results = await super().execute(fresh)
        for result, command in zip(results, commands, strict=True):
            result.command_id = command.command_id
        return results


class KeepsItsMemory(Sequencer):
    """After a failed append it goes on with a core that has already moved."""

    async def _fold(self) -> Core:
        return self.core if self.core.position else await super()._fold()


def engine_of(sequencer_of: type[Sequencer], log_of: Callable[[Runtime, EventLog], Any] | None = None) -> Build:
    def build(
        runtime: Runtime, log: EventLog, channels: Callable[[str], Any], folder: Path, metrics: Metrics
    ) -> Service:
        log = log_of(runtime, log) if log_of else log
        sequencer = sequencer_of(runtime, log, TradingEngineSettings(**ENGINE_SETTINGS), metrics)

        def register(registrar: Registrar) -> None:
            add_EngineServiceServicer_to_server(EngineServicer(sequencer, log), registrar)

        async def ready() -> str | None:
            return sequencer.failure

        return Service(ROLE, register=register, mains={"sequencer": sequencer.run}, ready=ready)

    return build


def _as_if_kept(event: NewEvent, command: Append, position: int) -> Event:
    unknown: dict[str, Any] = dict.fromkeys(Event.__struct_fields__)
    made = {name: getattr(event, name) for name in event.__struct_fields__}
    placed = {"log": "main", "position": position, "command_id": command.command_id}
    return Event(**(unknown | made | placed))


# ---- the read model of order-service


class CheckpointFirst(Projection):
    """Stores how far it came, and then the rows: whoever crashes in between skips them for ever."""

    async def _apply(self, events: Sequence[Event]) -> None:
        lane = f"view-{self.view.name}"
        await self._runtime.in_thread(lane, self._store.commit, [], events[-1].position)
        await super()._apply(events)


class RowsFirst(Projection):
    """Stores its rows in one transaction and the checkpoint in another: a crash in between applies them twice."""

    async def _apply(self, events: Sequence[Event]) -> None:
        before = self._store.checkpoint
        await super()._apply(events)
        if self._store.checkpoint != before:
            lane = f"view-{self.view.name}"
            await self._runtime.in_thread(lane, self._store.commit, [], before)
            await self._runtime.in_thread(lane, self._store.commit, [], events[-1].position)


class NeverWaits(Projection):
    """Answers a reader from where it happens to be."""

    async def reached(self, position: int | None = None, wait_s: float = 0) -> int:
        return self.position


def orders_of(projection_of: type[Projection]) -> Build:
    def build(
        runtime: Runtime, log: EventLog, channels: Callable[[str], Any], folder: Path, metrics: Metrics
    ) -> Service:
        view = OrdersView()
        settings = OrderServiceSettings()
        projection = projection_of(runtime, log, ViewStore(view, folder / ORDERS_FILE))
        streams = AccountStreams(view, projection, log.name, settings)
        engine = EngineServiceStub(channels("trading-engine"))
        orders = Orders(runtime, log, view, projection, engine, settings)

        def register(registrar: Registrar) -> None:
            add_OrderServiceServicer_to_server(OrderServicer(orders, streams), registrar)

        return Service("order-service", register=register, mains={"orders-view": projection.run})

    return build


# ---- the disk


class Forgetful(MemoryStore):
    """Says that a commit is durable while its last events are still in a buffer, which a crash empties."""

    def abandon(self) -> None:
        super().abandon()
        kept = self._events[: max(0, len(self._events) - 3)]
        while kept and not kept[-1].ends_command:
            kept.pop()
        faults, writers = self.faults, self._writers
        self.__init__(faults)
        self._writers = writers
        for event in kept:
            self._events.append(event)
            self._streams.setdefault(event.aggregate_id, []).append(event)
            if event.command_id is not None and event.command_index == 0:
                self._commands[event.command_id] = event.position


PLANTS: dict[str, Plant] = {
    "the engine acknowledges before the commit": Plant({"trading-engine": engine_of(Sequencer, AnswersEarly)}),
    "deduplication is dropped": Plant({"trading-engine": engine_of(ForgetsCommands)}),
    "the core survives a failed append": Plant({"trading-engine": engine_of(KeepsItsMemory)}),
    "a view stores its checkpoint before its rows": Plant({"order-service": orders_of(CheckpointFirst)}),
    "a view stores its rows before its checkpoint": Plant({"order-service": orders_of(RowsFirst)}),
    "a read does not wait for the caller's position": Plant({"order-service": orders_of(NeverWaits)}),
    "a commit is acknowledged before it is flushed": Plant(store=Forgetful),
}
