"""The platform in a simulation: all services in one process, or each in its own, kept alive by a supervisor.

What outlives a process stands here: the log's store and the folders of the read models.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kernel.eventlog.memory import MemoryLog, MemoryStore
from kernel.eventlog.port import Corrupt, EventLog, LogError
from kernel.eventlog.remote import RemoteLog
from kernel.eventlog.servicer import LogServicer
from kernel.rpc import LocalChannel, Registrar
from kernel.runtime import Runtime
from kernel.service import Service
from kernel.simulation.disk import SeededCommitFaults
from kernel.simulation.loop import NS, Process
from kernel.simulation.network import Network
from kernel.simulation.runtime import SimulatedRuntime, Simulation
from kernel.telemetry import Metrics
from trading.v1.eventlog_pb2_grpc import add_EventLogServiceServicer_to_server
from trading_platform.platform import build_services

LOG = "log"
KEEPS_THE_LOG = "trading-engine"
EDGE = ("user-service", "api-gateway")

# The same ingredients as every service.build, for a service with something planted in it.
Build = Callable[[Runtime, EventLog, Callable[[str], Any], Path, Metrics], Service]


def _apart(names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Each in a process of its own; but the gateway asks the identity provider for its keys without a network."""
    units = {name: (name,) for name in names if name not in EDGE}
    return units | {"edge": EDGE}


class Cluster:
    """Starts, crashes and restarts. `services` are those of the processes that live now."""

    def __init__(
        self,
        simulation: Simulation,
        folder: Path,
        names: tuple[str, ...],
        together: bool,
        planted: Mapping[str, Build],
        store: MemoryStore,
        overrides: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self.simulation = simulation
        self.network = Network(simulation)
        self.faults = SeededCommitFaults(simulation)
        self.store = store
        self.store.faults = self.faults
        self.folder = folder
        self.units: dict[str, tuple[str, ...]] = {"platform": names} if together else _apart(names)
        self.processes: dict[str, Process] = {}
        self.services: dict[str, Service] = {}
        self.crashes = 0
        self.broken: asyncio.Future[None] = simulation.loop.create_future()
        self.restarts_s = 1.0
        self._planted = planted
        self._overrides = overrides
        self._skews = simulation.random("clocks")

    def start(self) -> None:
        for unit in self.units:
            self.simulation.loop.create_task(self._keep(unit), name=f"keep {unit}")

    def crash(self, unit: str) -> None:
        process = self.processes.get(unit)
        if process is not None and process.alive:
            self.crashes += 1
            self.simulation.crash(process)

    async def ready(self) -> None:
        """Wait until every service says that it is ready."""
        for name in [name for unit in self.units.values() for name in unit]:
            while name not in self.services or await self.services[name].ready():  # noqa: ASYNC110  it can only be asked
                await asyncio.sleep(0.1)

    async def _keep(self, unit: str) -> None:
        while True:
            process = self.processes[unit] = Process(unit)
            ended: asyncio.Future[None] = self.simulation.loop.create_future()
            process.on_crash.append(lambda ended=ended: ended.done() or ended.set_result(None))
            self.simulation.start(process, self._life(process), unit)
            await ended
            for name in self.units[unit]:
                self.services.pop(name, None)
            await asyncio.sleep(self.restarts_s * self.simulation.chance.random())

    async def _life(self, process: Process) -> None:
        """What a process does until it crashes, or ends itself because one of its mains did."""
        try:
            mains = self._build(process)
            done, _ = await asyncio.wait(mains, return_when=asyncio.FIRST_COMPLETED)
            errors = [error for task in done if (error := task.exception()) is not None]
            if errors:
                raise errors[0]
            told = "a main ended"
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            if not isinstance(error, LogError) or isinstance(error, Corrupt):
                self.simulation.fail(f"{process.name} stopped: {told}")
                if not self.broken.done():
                    self.broken.set_result(None)
        self.simulation.loop.note("stopped", process.name, told)
        self.simulation.crash(process)

    def _build(self, process: Process) -> list["asyncio.Task[None]"]:
        names = self.units[process.name]
        runtime = SimulatedRuntime(self.simulation, self._skews.randint(-NS, NS))
        registrar = Registrar()
        log: EventLog
        if KEEPS_THE_LOG in names:
            self.store.abandon()
            log = MemoryLog(runtime, "main", self.store)
            add_EventLogServiceServicer_to_server(LogServicer(log), registrar)
            self.network.listen(LOG, process, registrar)
        else:
            log = RemoteLog(runtime, self.network.channel(LOG), "main")
        local = LocalChannel(registrar, encoded=True)

        def channels(name: str) -> Any:
            return local if name in names else self.network.channel(name)

        metrics = Metrics()
        ordinary = tuple(name for name in names if name not in self._planted)
        services = build_services(ordinary, runtime, log, channels, metrics, self._folder, self._overrides, None)
        for name in names:
            if name in self._planted:
                services[name] = self._planted[name](runtime, log, channels, self._folder(name), metrics)
            services[name].register(registrar)
            self.services[name] = services[name]
            self.network.listen(name, process, registrar)
        return [
            runtime.spawn(main(), f"{name}/{title}")
            for name, service in services.items()
            for title, main in service.mains.items()
        ]

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder
