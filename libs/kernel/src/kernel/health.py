"""The standard gRPC health service, which says what a process's services say of themselves."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kernel.eventlog.port import LogFailed, QueueFull
from kernel.refused import Refused
from kernel.runtime import Runtime

WATCHED_EVERY_S = 1.0

Ready = Callable[[], Awaitable[str | None]]
Status = health_pb2.HealthCheckResponse


class HealthServicer(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # its package has no types
    """ready: gives None once the process can answer, else what it waits for; asked at each check. Without it the
    process is healthy as long as it answers.

    Every service of the process has the same health, and so has the empty name, which stands for the process."""

    def __init__(self, runtime: Runtime, ready: Ready | None, services: Collection[str]) -> None:
        self._runtime = runtime
        self._ready = ready
        self._services = frozenset(["", *services])

    async def Check(self, request: Any, context: Any) -> Any:
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"there is no service {request.service} here")
        return Status(status=await self._status())

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        """The health now and whenever it is another one. A service that is not here may not be watched for."""
        if request.service not in self._services:
            yield Status(status=Status.SERVICE_UNKNOWN)
            return
        told = None
        while True:
            status = await self._status()
            if status != told:
                yield Status(status=status)
                told = status
            await self._runtime.sleep(WATCHED_EVERY_S)

    async def _status(self) -> Any:
        try:
            waits_for = await self._ready() if self._ready is not None else None
        except (Refused, LogFailed, QueueFull) as error:
            waits_for = str(error)
        return Status.SERVING if waits_for is None else Status.NOT_SERVING
