"""Starts the service on a log in memory, with an engine that writes what it is told."""

import asyncio
from contextlib import asynccontextmanager

from kernel.eventlog.memory import MemoryLog
from kernel.refused import Kind, Refused
from kernel.rpc import LocalChannel, Registrar
from kernel.runtime import SystemRuntime
from kernel.telemetry import Metrics
from risk_management.service import build
from risk_management.settings import RiskManagementSettings
from trading.v1 import engine_pb2, engine_pb2_grpc
from trading.v1.risk_pb2_grpc import RiskServiceStub
from trading.v1.types_pb2 import LogPosition

from .ledger import appends


class Engine(engine_pb2_grpc.EngineServiceServicer):
    """Changes limits and states; each command id once. away: nobody reaches it."""

    def __init__(self, log, writer, ledger):
        self.log = log
        self.writer = writer
        self.ledger = ledger
        self.versions = {}
        self.done = {}
        self.told = []
        self.away = False
        self.written = 0

    async def write(self):
        """Append what the ledger has done since the last time."""
        for append in appends(self.ledger.commands[self.written :], self.versions, self.ledger.now_ns):
            await self.log.append([append], self.writer)
        self.written = len(self.ledger.commands)
        return LogPosition(log="main", position=await self.log.head())

    async def Execute(self, request, context):
        return engine_pb2.ExecuteResponse(result=await self._execute(request.command))

    async def ExecuteBatch(self, request, context):
        return engine_pb2.ExecuteBatchResponse(results=[await self._execute(one) for one in request.commands])

    async def _execute(self, command):
        if self.away:
            raise Refused("unavailable", "the engine is away", Kind.UNAVAILABLE)
        first_time = command.command_id not in self.done
        if first_time:
            self.done[command.command_id] = await self._decide(command)
        return engine_pb2.CommandResult(
            command_id=command.command_id, first_time=first_time, **self.done[command.command_id]
        )

    async def _decide(self, command):
        body = getattr(command, command.WhichOneof("body"))
        if body.account_id not in {name for one in self.ledger.commands for _, name, _ in one}:
            return {"refused": "unknown_account", "message": "no such account", "refused_kind": "not_found"}
        self.told.append((command.WhichOneof("body"), body.account_id))
        if isinstance(body, engine_pb2.ChangeLimits):
            limits = (body.max_order_notional or None, body.max_order_quantity or None, body.max_open_orders or None)
            self.ledger.change_limits(body.account_id, *limits)
        else:
            state = engine_pb2.AccountState.Name(body.state).removeprefix("ACCOUNT_STATE_")
            self.ledger.change_state(body.account_id, state, body.reason)
        (append,) = appends(self.ledger.commands[self.written :], self.versions, self.ledger.now_ns)
        self.written = len(self.ledger.commands)
        named = type(append)(append.events, command.correlation_id, command.command_id)
        (appended,) = await self.log.append([named], self.writer)
        return {"position": LogPosition(log="main", position=appended.last), "aggregate_id": body.account_id}


@asynccontextmanager
async def platform(ledger, folder=None, store=None, engine=None):
    """Yields the engine and a stub of the service; pass the engine of an earlier run to go on with it."""
    runtime = SystemRuntime()
    log = MemoryLog(runtime, store=store)
    writer = await log.acquire("trading-engine", ["Order", "Account", "Instrument", "Asset"])
    if engine is None:
        engine = Engine(log, writer, ledger)
    engine.log, engine.writer = log, writer
    engines, registrar = Registrar(), Registrar()
    engine_pb2_grpc.add_EngineServiceServicer_to_server(engine, engines)
    await engine.write()
    settings = RiskManagementSettings(retry_s=0.01, commands_a_batch_max=2)
    service = build(runtime, log, lambda _: LocalChannel(engines), settings, folder, Metrics())
    service.register(registrar)
    mains = [asyncio.create_task(main(), name=name) for name, main in service.mains.items()]
    try:
        yield engine, RiskServiceStub(LocalChannel(registrar, encoded=True))
    finally:
        for main in mains:
            main.cancel()
        for ended in await asyncio.gather(*mains, return_exceptions=True):
            if not isinstance(ended, asyncio.CancelledError):
                raise ended
        await service.close()
        await log.close()
