"""Plain makers of requests, and one way to open each adapter."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from kernel.event import Append, NewEvent
from kernel.eventlog.local import LocalLog
from kernel.eventlog.memory import MemoryLog
from kernel.eventlog.port import EventLog
from kernel.eventlog.remote import RemoteLog
from kernel.eventlog.servicer import LogServicer
from kernel.eventlog.sqlite import SqliteLog
from kernel.rpc import LocalChannel, Registrar, connect, serve
from kernel.runtime import SystemRuntime
from trading.v1.eventlog_pb2_grpc import add_EventLogServiceServicer_to_server

ADAPTERS = ("memory", "sqlite", "remote in this process", "remote over the network")
LOCAL_ADAPTERS = ADAPTERS[:2]
TYPES = ("Order", "Account", "Instrument")


def event(aggregate: str, version: int, kind: str = "Order", data: bytes = b"{}", **more) -> NewEvent:
    return NewEvent(
        event_id=f"event-{aggregate}-{version}",
        aggregate_id=aggregate,
        aggregate_type=kind,
        event_type=f"{kind}Changed",
        event_version=version,
        event_data=data,
        occurred_at_ns=1_700_000_000_000_000_000 + version,
        **more,
    )


def command(key: str | None, *events: NewEvent, body: str = "body", **more) -> Append:
    return Append(events=events, correlation_id=f"correlation-{key}", command_id=key, request_hash=body, **more)


def single(key: str, aggregate: str | None = None, version: int = 1) -> list[Append]:
    """A request of one command with one event."""
    return [command(key, event(aggregate or f"order-{key}", version))]


@asynccontextmanager
async def opened(adapter: str, folder: Path) -> AsyncIterator[EventLog]:
    """A fresh log named main behind the adapter."""
    async with AsyncExitStack() as stack:
        runtime = SystemRuntime()
        stack.callback(runtime.close)
        local: LocalLog
        if adapter == "sqlite":
            local = await SqliteLog.open(runtime, folder / "main.db")
        else:
            local = MemoryLog(runtime)
        stack.push_async_callback(local.close)
        if not adapter.startswith("remote"):
            yield local
            return
        registrar = Registrar()
        add_EventLogServiceServicer_to_server(LogServicer(local), registrar)
        if adapter == "remote in this process":
            remote = RemoteLog(runtime, LocalChannel(registrar, encoded=True))
        else:
            server, port = await serve(registrar, "127.0.0.1:0")
            stack.push_async_callback(server.stop, None)
            channel = connect(f"127.0.0.1:{port}")
            stack.push_async_callback(channel.close)
            remote = RemoteLog(runtime, channel)
        stack.push_async_callback(remote.close)
        yield remote


async def take(log: EventLog, after: int, count: int) -> list:
    """The first `count` events of a subscription, one list a batch."""
    batches: list = []
    subscription = log.subscribe(after)
    async for batch in subscription:
        batches.append(batch)
        if sum(map(len, batches)) >= count:
            break
    await subscription.aclose()
    return batches
