"""`trading up`: start, say where to look, run until interrupted or until something fails."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.markup import escape

from kernel.runtime import SystemRuntime
from trading_platform.demo.market import Demo
from trading_platform.demo.opening import opened_at_ns
from trading_platform.platform import SERVICES, Platform, chosen, running, until_ready
from trading_platform.settings import PlatformSettings, WrongUsage

READ_BYTES = 4_096

console = Console(highlight=False)


async def run(settings: PlatformSettings, demo_seed: int | None, until: Callable[[], "asyncio.Future[None]"]) -> None:
    """demo_seed: open the demo market with this seed; None runs the platform alone. until: says when to stop.

    RuntimeError with the reason when a service fails while running; WrongUsage for settings that do not go together."""
    if demo_seed is not None and chosen(settings) != SERVICES:
        raise WrongUsage("the demo market needs every service in this process: leave out --demo, or --services")
    asked = until()
    runtime = SystemRuntime()
    overrides: dict[str, dict[str, Any]] = {}
    if demo_seed is not None:
        overrides["trading-engine"] = {"opened_at_ns": opened_at_ns(runtime)}
        overrides["user-service"] = {"password_grant_clients": ("trading-cli",)}  # for the line that it prints
    async with running(settings, overrides, runtime) as platform:
        opening = runtime.spawn(_opened(platform, settings, demo_seed), "opening")
        platform.tasks.append(opening)
        ends: set[asyncio.Future[Any]] = {asked, platform.failed}
        await asyncio.wait({opening, *ends}, return_when=asyncio.FIRST_COMPLETED)
        if opening.done():
            opening.result()
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if platform.failed.done():
            raise RuntimeError(platform.failed.result())
        console.print("stopping")


async def _opened(platform: Platform, settings: PlatformSettings, demo_seed: int | None) -> None:
    """Wait for the services, open the demo market if there is one, and say where to look."""
    probes = f"[dim](http://{platform.http}/ready)[/]"
    await until_ready(platform, lambda reason: console.print(f"waiting   {escape(reason)} {probes}", soft_wrap=True))
    demo = None
    if demo_seed is not None:
        demo = Demo(platform, settings.data, demo_seed)
        await demo.open()
        platform.tasks.append(platform.runtime.spawn(demo.run(), "demo"))
    tell(platform, settings, demo)


def tell(platform: Platform, settings: PlatformSettings, demo: Demo | None) -> None:
    """Where to look, and a line that works."""
    url = settings.public_url or f"http://{platform.http}"
    console.print(f"running   {', '.join(platform.services)}", soft_wrap=True)
    console.print(f"data      {settings.data.absolute()}", soft_wrap=True)
    if platform.grpc:
        console.print(f"grpc      {platform.grpc}")
    if "api-gateway" in platform.services:
        console.print(f"terminal  [bold]{url}[/]")
        console.print(f"api docs  {url}/docs")
    elif "user-service" in platform.services:
        console.print(f"identity  {url}/realms/trading-platform")
    else:
        url = f"http://{platform.http}"
    console.print(f"metrics   {url}/metrics [dim](and /health, /ready)[/]")
    if demo is not None:
        demo.tell(console, url)
    console.print("stop with ctrl-c")


def interrupted() -> "asyncio.Future[None]":
    """Completes when the process is asked to stop (SIGINT or SIGTERM)."""
    loop = asyncio.get_running_loop()
    asked: asyncio.Future[None] = loop.create_future()

    def ask() -> None:
        if not asked.done():
            asked.set_result(None)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask)
    return asked


def input_ends() -> "asyncio.Future[None]":
    """Completes when standard input ends as well: it is a pipe whose other end goes with the process that holds it,
    however that one ends."""
    asked = interrupted()
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()

    def read() -> None:
        if os.read(descriptor, READ_BYTES):
            return
        loop.remove_reader(descriptor)
        if not asked.done():
            asked.set_result(None)

    loop.add_reader(descriptor, read)
    return asked
