"""Starts the service on a log in memory, reached through its contract."""

import asyncio
from contextlib import asynccontextmanager

from kernel.eventlog.memory import MemoryLog
from kernel.rpc import LocalChannel, Registrar
from kernel.runtime import SystemRuntime
from kernel.telemetry import Metrics
from market_data.service import build
from market_data.settings import MarketDataSettings
from trading.v1.market_data_pb2_grpc import MarketDataServiceStub
from trading.v1.types_pb2 import LogPosition

from .venue import appends


class Platform:
    """The log, the service over it, and a stub of the service."""

    def __init__(self, log, writer, service, stub):
        self.log = log
        self.service = service
        self.stub = stub
        self._writer = writer
        self._written = 0

    async def write(self, venue):
        """Append what the venue has done since the last time; returns the head."""
        new = appends(venue.commands[self._written :], self._written + 1)
        self._written = len(venue.commands)
        if new:
            await self.log.append(new, self._writer)
        return LogPosition(log="main", position=await self.log.head())


def no_engine(name):
    """A channel to a service that has no methods: calls of it fail."""
    return LocalChannel(Registrar())


@asynccontextmanager
async def platform(folder=None, settings=None, channels=no_engine, store=None, runtime=None):
    runtime = runtime or SystemRuntime()
    log = MemoryLog(runtime, store=store)
    service = build(runtime, log, channels, settings or MarketDataSettings(), folder, Metrics())
    registrar = Registrar()
    service.register(registrar)
    mains = [asyncio.create_task(main(), name=name) for name, main in service.mains.items()]
    stub = MarketDataServiceStub(LocalChannel(registrar, encoded=True))
    try:
        yield Platform(log, await log.acquire("trading-engine", ["Order"]), service, stub)
    finally:
        for main in mains:
            main.cancel()
        for ended in await asyncio.gather(*mains, return_exceptions=True):
            if not isinstance(ended, asyncio.CancelledError):
                raise ended
        await service.close()
        await log.close()
