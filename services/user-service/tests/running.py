"""Starts the service on a log, reached through its contract and, for the identity provider, through ASGI."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx2
import msgspec
from joserfc.jwk import RSAKey

from kernel.event import Append, NewEvent
from kernel.eventlog.memory import MemoryLog
from kernel.eventlog.port import EventLog
from kernel.rpc import LocalChannel, Registrar
from kernel.runtime import SystemRuntime
from kernel.service import Service
from kernel.telemetry import Metrics
from trading.v1 import engine_pb2, user_pb2
from trading.v1.engine_pb2_grpc import EngineServiceServicer, add_EngineServiceServicer_to_server
from trading.v1.user_pb2_grpc import UserServiceStub
from trading_events.engine import AccountOpened
from user_service.service import build
from user_service.settings import UserServiceSettings

PUBLIC_URL = "http://venue.test"
PASSWORD = "correct horse battery"
ADA = "Ada.Lovelace@example.com"
ADA_NAME = "Ada Lovelace"


class ShiftedRuntime(SystemRuntime):
    """The system's, on a clock that a test can move on."""

    def __init__(self):
        super().__init__()
        self.shift_ns = 0

    def now_ns(self):
        return super().now_ns() + self.shift_ns

    def move_on(self, seconds):
        self.shift_ns += seconds * 1_000_000_000


class OneAccountEach(EngineServiceServicer):
    """An engine that does nothing but open accounts: one a command id, as the real one."""

    def __init__(self, log):
        self.log = log
        self.away = 0
        self.asked: list[str] = []
        self._writer = None

    async def Execute(self, request, context):
        if self.away:
            self.away -= 1
            raise TimeoutError("the engine is away")
        command = request.command
        self.asked.append(command.command_id)
        self._writer = self._writer or await self.log.acquire("trading-engine", ["Account"])
        account_id = f"61636374-0001-8000-8000-{len(set(self.asked)):012x}"
        opened = AccountOpened(account_id, command.open_account.user_id, "CUSTOMER")
        event = NewEvent(
            event_id=command.command_id,
            aggregate_id=account_id,
            aggregate_type="Account",
            event_type="AccountOpened",
            event_version=1,
            event_data=msgspec.json.encode(opened),
            occurred_at_ns=1,
        )
        await self.log.append([Append((event,), command.correlation_id, command.command_id)], self._writer)
        return engine_pb2.ExecuteResponse(result=engine_pb2.CommandResult(command_id=command.command_id))

    async def ExecuteBatch(self, request, context):
        raise NotImplementedError

    GetEngineBook = GetStateHash = ExecuteBatch


@dataclass
class Running:
    runtime: ShiftedRuntime
    log: EventLog
    service: Service
    engine: OneAccountEach
    channel: Any
    stub: Any

    def browser(self, base_url=PUBLIC_URL):
        """A client with cookies of its own that follows no redirect."""
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.service.http), base_url=base_url)

    async def create(self, email=ADA, password=PASSWORD, name=ADA_NAME, **more):
        request = user_pb2.CreateUserRequest(email=email, password=password, name=name, **more)
        return (await self.stub.CreateUser(request)).user

    async def events(self):
        return await self.log.read(0)


@cache
def signing_key_pem():
    """Made once: a key takes as long as a whole test."""
    return RSAKey.generate_key(2048).as_pem(private=True).decode()


def quick_settings(**values):
    """Cheap password hashes, a key that is there already, and answers without delay."""
    given = {
        "public_url": PUBLIC_URL,
        "argon2_memory_kib": 64,
        "argon2_passes": 1,
        "registration_answer_ms": 0,
        "signing_key_pem": signing_key_pem(),
        "password_grant_clients": "trading-cli",
    }
    return UserServiceSettings.model_validate(given | values)


@asynccontextmanager
async def running(folder=None, log=None, runtime=None, **values):
    runtime = runtime or ShiftedRuntime()
    log = log or MemoryLog(runtime)
    engine = OneAccountEach(log)
    engines = Registrar()
    add_EngineServiceServicer_to_server(engine, engines)
    channels = {"trading-engine": LocalChannel(engines, encoded=True)}
    service = build(runtime, log, channels.__getitem__, quick_settings(**values), folder, Metrics())
    registrar = Registrar()
    service.register(registrar)
    mains = [asyncio.create_task(main(), name=name) for name, main in service.mains.items()]
    channel = LocalChannel(registrar, encoded=True)
    try:
        yield Running(runtime, log, service, engine, channel, UserServiceStub(channel))
    finally:
        for main in mains:
            main.cancel()
        for ended in await asyncio.gather(*mains, return_exceptions=True):
            if not isinstance(ended, asyncio.CancelledError):
                raise ended
        await service.close()
        await log.close()
        runtime.close()


async def until(true, seconds=5):
    """Wait until `await true()` holds."""
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110 (what is waited for is in another service)
            await asyncio.sleep(0.01)
