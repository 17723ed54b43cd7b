"""When the service says that it is ready: a view that is a little behind is how a busy platform looks."""

import asyncio

import msgspec
import pytest

from kernel.event import Append, NewEvent
from kernel.eventlog.memory import MemoryLog
from kernel.ids import derived_id
from kernel.telemetry import Metrics
from trading_events.engine import AccountOpened
from user_service.service import build
from user_service.settings import UserServiceSettings

from .running import ShiftedRuntime, quick_settings, until


def opened(number):
    account_id = f"61636374-0001-8000-8000-{number:012x}"
    data = msgspec.json.encode(AccountOpened(account_id, "somebody", "CUSTOMER"))
    return NewEvent(derived_id(account_id), account_id, "Account", "AccountOpened", 1, data, 1)


# Events that the view has not applied, and whether the service is ready.
BEHIND_EVENTS_MAX: int = UserServiceSettings.model_fields["behind_events_max"].default
BEHIND = [(0, True), (1, True), (BEHIND_EVENTS_MAX, True), (BEHIND_EVENTS_MAX + 1, False)]


@pytest.mark.parametrize(("behind", "is_ready"), BEHIND)
def test_the_service_is_ready_unless_its_view_catches_up(behind, is_ready):
    async def run():
        runtime = ShiftedRuntime()
        log = MemoryLog(runtime)
        service = build(runtime, log, lambda _: None, quick_settings(), None, Metrics())
        assert await service.ready() == "waiting to become the log's writer of users"
        upkeep = asyncio.create_task(service.mains["upkeep"]())

        async def acquired():
            return "writer" not in (await service.ready() or "")

        await until(acquired)
        writer = await log.acquire("trading-engine", ["Account"])
        for start in range(0, behind, 1_000):
            events = tuple(opened(number) for number in range(start, min(start + 1_000, behind)))
            await log.append([Append(events, "test", derived_id("append", str(start)))], writer)
        told = None if is_ready else f"the users view is {behind} events behind"
        assert await service.ready() == told
        upkeep.cancel()
        await asyncio.gather(upkeep, return_exceptions=True)
        await service.close()
        await log.close()
        runtime.close()

    asyncio.run(run())
