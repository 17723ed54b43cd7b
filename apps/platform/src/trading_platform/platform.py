"""The composition root: the services of this process, wired to each other, to the log and to the rest.

It reads like the architecture: one log, its services, calls through the generated interface that are local when the
other service is here and go over the network when it is not.
"""

import asyncio
import gc
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import uvicorn

from kernel.eventlog.port import EventLog
from kernel.eventlog.remote import RemoteLog
from kernel.eventlog.servicer import LogServicer
from kernel.eventlog.sqlite import SqliteLog
from kernel.probes import READY, Probes, told
from kernel.rpc import LocalChannel, Registrar, connect, serve
from kernel.runtime import Runtime, SystemRuntime
from kernel.service import Service
from kernel.settings import Settings, load
from kernel.telemetry import Metrics, logger
from trading.v1.eventlog_pb2_grpc import add_EventLogServiceServicer_to_server
from trading_platform.grpc_token import token_of
from trading_platform.open_files import connections_within, grpc_connections_within, raise_limit
from trading_platform.settings import ADDRESS, PlatformSettings, WrongUsage, address_in
from trading_platform.site import site

# Callees before callers; the gateway last.
SERVICES = ("trading-engine", "market-data", "order-service", "risk-management", "user-service", "api-gateway")
OPEN_TO_PEOPLE = ("api-gateway", "user-service")
HTTP_OF_PEOPLE = "127.0.0.1:8080"
SWITCH_INTERVAL_S = 0.0005
# New objects before a collection, and young ones before an older one: messages make many, and hardly ever a cycle.
COLLECT_AFTER = (20_000, 20, 20)
SAY_EVERY_NS = 1_000_000_000
BACKLOG = 2_048
GRPC_STOP_S = 1.0

_log = logger("platform")


@dataclass
class Platform:
    """What runs in this process. `failed` is set when a service's main ended; nothing restarts behind one's back.

    probes: of its services. http, grpc: host:port, gRPC empty where it is not served."""

    runtime: Runtime
    log: EventLog
    metrics: Metrics
    services: dict[str, Service]
    probes: Probes
    registrar: Registrar
    channels: Callable[[str], Any]
    failed: "asyncio.Future[str]"
    http: str = ""
    grpc: str = ""
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    async def not_ready(self) -> dict[str, str]:
        """What each service still waits for; empty when all are ready."""
        return {name: state for name, state in (await self.probes.asked()).items() if state != READY}


def chosen(settings: PlatformSettings) -> tuple[str, ...]:
    """The services of this process in starting order; WrongUsage names an unknown one."""
    if settings.services == "all":
        return SERVICES
    names = [name.strip() for name in settings.services.split(",") if name.strip()]
    for name in names:
        if name not in SERVICES:
            raise WrongUsage(f"there is no service {name!r}; there are {', '.join(SERVICES)}")
    if not names:
        raise WrongUsage(f"no service was named; there are {', '.join(SERVICES)}")
    return tuple(name for name in SERVICES if name in names)


def check_reach(settings: PlatformSettings) -> None:
    """WrongUsage if gRPC is open beyond this machine and nobody chose the token that all its callers must show."""
    host = settings.grpc.rpartition(":")[0].strip("[]")
    if settings.grpc and not settings.grpc_token and host not in ("localhost", "::1") and not host.startswith("127."):
        raise WrongUsage(f"gRPC on {settings.grpc} is open beyond this machine: set TRADING_PLATFORM_GRPC_TOKEN")


def parse_peers(text: str) -> dict[str, str]:
    """`name=host:port,…` as a table; WrongUsage says what was expected."""
    peers = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, equals, address = entry.partition("=")
        if not equals or name not in SERVICES or not ADDRESS.fullmatch(address):
            raise WrongUsage(f"expected <service>=<host>:<port>, got {entry!r}")
        peers[name] = address_in(address)
    return peers


def build_services(
    names: tuple[str, ...],
    runtime: Runtime,
    log: EventLog,
    channels: Callable[[str], Any],
    metrics: Metrics,
    folder: Callable[[str], Path | None],
    overrides: Mapping[str, Mapping[str, Any]],
    web: Path | None,
) -> dict[str, Service]:
    """All of `building`, by name."""
    made = building(names, runtime, log, channels, metrics, folder, overrides, web)
    return {service.name: service for service in made}


def building(
    names: tuple[str, ...],
    runtime: Runtime,
    log: EventLog,
    channels: Callable[[str], Any],
    metrics: Metrics,
    folder: Callable[[str], Path | None],
    overrides: Mapping[str, Mapping[str, Any]],
    web: Path | None,
) -> Iterator[Service]:
    """Each chosen service in turn, by the one convention: package `x_y`, `settings.XYSettings`, `service.build`.

    folder(name): where it may keep files, None is memory; overrides: settings by service that win over the environment.
    Packages are imported when they are chosen, so a process pays only for the services that it runs.
    """
    built: dict[str, Service] = {}
    for name in names:
        settings = load(settings_class(name), **overrides.get(name, {}))
        more: dict[str, object] = {}
        if name == "api-gateway":
            identity = built.get("user-service")
            more = {"identity_app": identity.http if identity else None, "web_folder": web}
        build = import_module(f"{name.replace('-', '_')}.service").build
        try:
            built[name] = build(runtime, log, channels, settings, folder(name), metrics, **more)
        except ValueError as error:  # how a service says that its settings do not fit together
            raise WrongUsage(str(error)) from error
        yield built[name]


def settings_class(name: str) -> type[Settings]:
    """Of the service `x-y` the class `XYSettings` in `x_y.settings`."""
    found: type[Settings] = getattr(
        import_module(f"{name.replace('-', '_')}.settings"), name.title().replace("-", "") + "Settings"
    )
    return found


def public_settings(public_url: str, environment: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What several services must know alike: under which URL people reach the platform.

    A variable that says otherwise for one of them wins: tokens may come from an issuer that runs elsewhere."""
    told: dict[str, dict[str, Any]] = {}
    if "USER_SERVICE_PUBLIC_URL" not in environment:
        told["user-service"] = {"public_url": public_url}
    if "API_GATEWAY_ISSUER" not in environment:
        told["api-gateway"] = {"issuer": f"{public_url}/realms/trading-platform"}
    return told


@asynccontextmanager
async def running(
    settings: PlatformSettings,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    runtime: SystemRuntime | None = None,
) -> AsyncIterator[Platform]:
    """Start everything, hand over the platform, and stop it in reverse order.

    overrides: settings by service that win over the environment.
    LogLocked if another process owns the data; OSError if an address is taken; WrongUsage for settings that do not go
    together. Whatever fails on the way, what was opened is closed."""
    names = chosen(settings)
    check_reach(settings)
    files_max = raise_limit()
    sys.setswitchinterval(SWITCH_INTERVAL_S)  # the log's thread must not wait 5 ms for the interpreter
    runtime = runtime or SystemRuntime()
    metrics = Metrics()
    peers = parse_peers(settings.peers)
    registrar = Registrar()
    local = LocalChannel(registrar)

    def channels(name: str) -> Any:
        if name in names:
            return local
        if name not in peers:
            raise WrongUsage(f"{name} does not run here: say where it is, as --peers {name}=<host>:<port>")
        return connect(peers[name], token_of(settings, runtime))

    def folder(name: str) -> Path:
        path = settings.data / name
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path

    services: dict[str, Service] = {}
    tasks: list[asyncio.Task[None]] = []
    async with AsyncExitStack() as opened:  # whatever fails from here on: what was opened is closed
        opened.callback(runtime.close)
        log = await open_log(settings, runtime)
        opened.push_async_callback(log.close)
        if not settings.event_log:
            add_EventLogServiceServicer_to_server(LogServicer(log, names), registrar)  # type: ignore[arg-type]
        http = bound(settings.http or http_default(names))
        public_url = settings.public_url or f"http://{http}"
        wanted = public_settings(public_url, os.environ)
        for name, given in (overrides or {}).items():
            wanted[name] = wanted.get(name, {}) | dict(given)
        web = settings.web or built_web()
        for service in building(names, runtime, log, channels, metrics, folder, wanted, web):
            opened.push_async_callback(service.close)
            services[service.name] = service
            service.register(registrar)
        opened.push_async_callback(_end, tasks)
        failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        probes = Probes(runtime, metrics, {name: service.ready for name, service in services.items()})
        platform = Platform(runtime, log, metrics, services, probes, registrar, channels, failed, tasks=tasks)
        async with serving(platform, settings, http, files_max):
            gc.collect()
            gc.freeze()  # what lives now lives for ever: spare the collector from walking it
            gc.set_threshold(*COLLECT_AFTER)
            yield platform


async def _end(tasks: list["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def open_log(settings: PlatformSettings, runtime: Runtime) -> EventLog:
    if settings.event_log:
        return RemoteLog(runtime, connect(settings.event_log, token_of(settings, runtime)), settings.log_name)
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    return await SqliteLog.open(runtime, settings.data / f"{settings.log_name}.log.sqlite", settings.log_name)


def built_web() -> Path | None:
    """The web terminal of this repository, if it is built."""
    for parent in Path(__file__).resolve().parents:
        folder = parent / "frontends" / "web" / "dist"
        if (folder / "index.html").is_file():
            return folder
    return None


@asynccontextmanager
async def serving(platform: Platform, settings: PlatformSettings, http: str, files_max: int) -> AsyncIterator[None]:
    """Run the services' mains and the servers that this process needs, until the block ends.

    files_max: how many files and sockets may be open."""
    for name, service in platform.services.items():
        for title, main in service.mains.items():
            platform.tasks.append(platform.runtime.spawn(_watched(platform, name, title, main), f"{name}/{title}"))
    if isinstance(platform.log, SqliteLog):
        watching = _watched(platform, "event log", "its files", platform.log.watch_files)
        platform.tasks.append(platform.runtime.spawn(watching, "event log/its files"))
    async with AsyncExitStack() as servers:
        grpc_connections = 0
        if settings.grpc or len(platform.services) < len(SERVICES):
            grpc_connections = grpc_connections_within(files_max)
            address, token = settings.grpc or "127.0.0.1:0", token_of(settings, platform.runtime)
            try:
                waits_for = partial(_waits_for, platform)
                grpc_server, port = await serve(platform.registrar, address, waits_for, token, grpc_connections)
            except RuntimeError:  # grpc's own, which names neither the reason nor what to do
                why = f"cannot listen on {address}: the port is taken, or the host is another machine's"
                raise OSError(f"{why}; choose another with --grpc host:port") from None
            servers.push_async_callback(grpc_server.stop, GRPC_STOP_S)
            platform.grpc = f"{address.rpartition(':')[0]}:{port}"
        servers.push_async_callback(await _start_http(platform, http, files_max, grpc_connections))
        yield


async def _waits_for(platform: Platform) -> str | None:
    """What this process still waits for, in one line; None once it can answer."""
    return told(await platform.not_ready())


async def _watched(platform: Platform, name: str, title: str, main: Callable[[], Any]) -> None:
    """Run one main; when it ends or fails, the platform has failed, with the reason."""
    try:
        await main()
        reason = "ended"
    except asyncio.CancelledError:
        raise
    except Exception as error:
        _log.exception("service failed", failed_service=name, part=title)
        reason = f"{type(error).__name__}: {error}"
    if not platform.failed.done():
        platform.failed.set_result(f"{name} ({title}): {reason}")


def http_default(names: Collection[str]) -> str:
    """Where people and browsers look; a process that they do not reach takes any free port for its probes."""
    return HTTP_OF_PEOPLE if set(OPEN_TO_PEOPLE) & set(names) else "127.0.0.1:0"


def bound(address: str) -> str:
    """`host:port` with a free port in place of 0: tokens name the URL, so it must be known before the server starts."""
    host, _, port = address.rpartition(":")
    if port != "0":
        return address
    with socket.socket() as probe:
        probe.bind((host, 0))
        return f"{host}:{probe.getsockname()[1]}"


async def _start_http(
    platform: Platform, address: str, files_max: int, grpc: int
) -> Callable[[], Coroutine[Any, Any, None]]:
    """Serve this process's site; returns what stops it. OSError says why the address cannot be had. grpc: how many
    connections the other server may have."""
    listening = _listening(address)
    settings = load(import_module("api_gateway.settings").ApiGatewaySettings)
    granted = connections_within(files_max, settings.connections_max, grpc)
    if granted < settings.connections_max:
        _log.warning("connections_max_capped", connections_max=granted, open_files_max=files_max)
        settings = settings.model_copy(update={"connections_max": granted})
    make_server = import_module("api_gateway.http_server").GatewayServer
    app = site(platform.services, platform.probes)
    serves = next((name for name in OPEN_TO_PEOPLE if name in platform.services), next(iter(platform.services)))
    server: uvicorn.Server = make_server(platform.runtime, app, settings, platform.metrics, "", 0, serves)
    task = platform.runtime.spawn(server.serve([listening]), "http")
    while not server.started:
        if task.done():
            raise OSError(f"the HTTP server on {address} ended at once")
        await platform.runtime.sleep(0.01)
    platform.http = address

    async def stop() -> None:
        server.should_exit = True
        await task

    return stop


def _listening(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), int(port)), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]
        raise OSError(f"cannot listen on {address}: {reason}; choose another with --http host:port") from None


async def until_ready(platform: Platform, waits: Callable[[str], None] = lambda reason: None) -> None:
    """Wait until every service is ready, however long the others take to come.

    waits: is told what is waited for whenever that is something else. RuntimeError when a service failed meanwhile."""
    said, said_ns = "", platform.runtime.monotonic_ns()
    while reason := told(await platform.not_ready()):
        if platform.failed.done():
            raise RuntimeError(platform.failed.result())
        now_ns = platform.runtime.monotonic_ns()
        if reason != said and now_ns - said_ns >= SAY_EVERY_NS:
            waits(reason)
            said, said_ns = reason, now_ns
        await platform.runtime.sleep(0.02)
