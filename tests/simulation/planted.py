"""Bugs on purpose, each built in place of the real part: what the simulation must find."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kernel.event import Event
from kernel.eventlog.memory import MemoryStore
from kernel.eventlog.port import Appended, EventLog
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
from trading_engine.recovery import recover
from trading_engine.results import result_of
from trading_engine.rpc import EngineServicer
from trading_engine.sequencer import AGGREGATE_TYPES, ROLE, Batch, Sequencer
from trading_engine.settings import TradingEngineSettings

# ---- the engine


class AnswersEarly(Sequencer):
    """Acknowledges what the core decided, before the log has it."""

    async def _append(self, batch: Batch) -> None:
        position = self.core.position
        for index, decided in batch.decided:
            command_id = batch.commands[index].command_id
            events = tuple(_as_if_kept(event, position + number) for number, event in enumerate(decided, 1))
            position += len(events)
            outcome = Appended(events[0].position, position, True, events)
            batch.answers[index] = result_of(command_id, outcome)
        self._answer(batch)
        await super()._append(batch)


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

    async def _rebuild(self) -> None:
        self._writer = await self._log.acquire(ROLE, AGGREGATE_TYPES)
        if not self.core.position:
            self.core = await recover(self._runtime, self._log, self._settings)


def engine_of(sequencer_of: type[Sequencer]) -> Build:
    def build(
        runtime: Runtime, log: EventLog, channels: Callable[[str], Any], folder: Path, metrics: Metrics
    ) -> Service:
        sequencer = sequencer_of(runtime, log, TradingEngineSettings(**ENGINE_SETTINGS), metrics)

        def register(registrar: Registrar) -> None:
            add_EngineServiceServicer_to_server(EngineServicer(sequencer, log), registrar)

        async def ready() -> str | None:
            return sequencer.failure

        return Service(ROLE, register=register, mains={"sequencer": sequencer.run}, ready=ready)

    return build


def _as_if_kept(event: Any, position: int) -> Event:
    unknown: dict[str, Any] = dict.fromkeys(Event.__struct_fields__)
    made = {name: getattr(event, name) for name in event.__struct_fields__}
    return Event(**(unknown | made | {"log": "main", "position": position}))


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
    "the engine acknowledges before the commit": Plant({"trading-engine": engine_of(AnswersEarly)}),
    "deduplication is dropped": Plant({"trading-engine": engine_of(ForgetsCommands)}),
    "the core survives a failed append": Plant({"trading-engine": engine_of(KeepsItsMemory)}),
    "a view stores its checkpoint before its rows": Plant({"order-service": orders_of(CheckpointFirst)}),
    "a view stores its rows before its checkpoint": Plant({"order-service": orders_of(RowsFirst)}),
    "a read does not wait for the caller's position": Plant({"order-service": orders_of(NeverWaits)}),
    "a commit is acknowledged before it is flushed": Plant(store=Forgetful),
}
