"""A process a service: they come up in any order, say how they are over HTTP, and recover when the log's comes back."""

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import uvloop

from kernel.runtime import SystemRuntime
from trading_platform.bench.child import VARIABLES
from trading_platform.bench.market import channel_to
from trading_platform.platform import OPEN_TO_PEOPLE, SERVICES, bound
from user_service.bootstrap import InitialUser, bootstrap

from .scenario import PASSWORD, played
from .test_one_or_many import OUTCOME

ENGINE = "trading-engine"
PLAIN_OUTCOME = {what: told for what, told in OUTCOME.items() if what != "words"}
WITHIN_S = 60


class Processes:
    """Every service by its name, each at addresses that stay its own over restarts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.grpc = {name: bound("127.0.0.1:0") for name in SERVICES}
        self.http = {name: bound("127.0.0.1:0") for name in SERVICES}
        self.running: dict[str, asyncio.subprocess.Process] = {}

    async def start(self, name: str) -> None:
        peers = ",".join(f"{other}={address}" for other, address in self.grpc.items() if other != name)
        arguments = ["--services", name, "--grpc", self.grpc[name], "--http", self.http[name], "--peers", peers]
        if name != ENGINE:
            arguments += ["--event-log", self.grpc[ENGINE]]
        issuer = f"http://{self.http['user-service']}/realms/trading-platform"
        environment = VARIABLES | {"TRADING_PLATFORM_LOG_LEVEL": "ERROR", "API_GATEWAY_ISSUER": issuer}
        self.running[name] = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "trading_platform", "up", "--data", str(self.folder), *arguments),
            stdout=asyncio.subprocess.DEVNULL,
            env=os.environ | environment,
        )

    async def asked(self, name: str, path: str) -> httpx2.Response:
        async with httpx2.AsyncClient(base_url=f"http://{self.http[name]}") as client:
            return await client.get(path)

    async def until(self, name: str, status: int) -> httpx2.Response:
        """The answer of /ready once it has this status; the process may not end meanwhile."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                assert self.running[name].returncode is None, f"{name} ended"
                try:
                    answer = await self.asked(name, "/ready")
                    if answer.status_code == status:
                        return answer
                except httpx2.TransportError:
                    pass
                await asyncio.sleep(0.1)

    async def stop(self) -> None:
        for process in self.running.values():
            if process.returncode is None:
                process.terminate()
        await asyncio.gather(*(process.wait() for process in self.running.values()))


@asynccontextmanager
async def processes(folder: Path):
    started = Processes(folder)
    try:
        yield started
    finally:
        await started.stop()


async def the_callers_first(folder: Path) -> None:
    runtime = SystemRuntime()
    async with processes(folder) as all_of_them:
        for name in reversed(SERVICES[1:]):
            await all_of_them.start(name)
        waiting = {name: (await all_of_them.until(name, 503)).json() for name in SERVICES[1:]}
        assert {told["status"] for told in waiting.values()} == {"waiting"}
        for name in SERVICES[1:-1]:
            assert waiting[name]["dependencies"][name].startswith(("the log cannot answer now", "waiting to become"))
        await all_of_them.start(ENGINE)
        await say_how_they_are(all_of_them)
        async with channel_to(all_of_them.grpc["user-service"], folder) as users:
            assert await played(runtime, f"http://{all_of_them.http['api-gateway']}", users) == PLAIN_OUTCOME

            all_of_them.running[ENGINE].kill()
            await all_of_them.running[ENGINE].wait()
            for name in SERVICES[1:]:
                await all_of_them.until(name, 503)
            await all_of_them.start(ENGINE)
            await say_how_they_are(all_of_them)
            late = InitialUser("late@example.com", "Late", PASSWORD, ("USER",))
            (made,) = await bootstrap(runtime, users, [late], accounts_wait_s=WITHIN_S)
            assert made.created
            assert made.account_id


async def say_how_they_are(all_of_them: Processes) -> None:
    for name in SERVICES:
        ready = (await all_of_them.until(name, 200)).json()
        assert (ready["status"], set(ready["dependencies"].values())) == ("ready", {"ready"})
        assert (await all_of_them.asked(name, "/health")).json() == {"status": "ok"}
        if name not in OPEN_TO_PEOPLE:
            assert (await all_of_them.asked(name, "/nothing")).status_code == 404
        shown = (await all_of_them.asked(name, "/metrics")).text
        assert f'active_connections{{service="{name}"}}' in shown
        if name not in ("trading-engine", "api-gateway"):
            assert f'view_position{{service="{name}"' in shown


def test_processes_come_up_in_any_order_and_outlive_the_one_that_owns_the_log(tmp_path):
    uvloop.run(the_callers_first(tmp_path / "data"))
