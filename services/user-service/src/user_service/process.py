"""After a registration the engine is asked to open an account: `react(event) -> commands`, and the loop that does it.

Commands have derived ids, so an event that is met twice opens one account. The checkpoint follows what was done.
"""

from typing import TYPE_CHECKING

from kernel.event import Event
from kernel.eventlog.port import EventLog, LogFailed
from kernel.ids import derived_id
from kernel.refused import Kind, Refused
from kernel.runtime import Runtime
from kernel.telemetry import logger
from trading.v1 import engine_pb2
from user_service import events
from user_service.user import UserRegistered

if TYPE_CHECKING:
    from trading.v1.engine_pb2_grpc import EngineServiceAsyncStub

CHECKPOINT = "user-service-accounts"
CHECKPOINT_EVERY = 5_000  # positions without anything to do
FIRST_RETRY_S = 0.1
LAST_RETRY_S = 5.0
LOG_RETRY_S = 0.5

_log = logger(events.ROLE)


def react(event: Event) -> list[engine_pb2.Command]:
    """The engine commands that follow from `event`; pure."""
    if event.event_type != UserRegistered.__name__ or event.aggregate_type != events.USER:
        return []
    return [
        engine_pb2.Command(
            command_id=derived_id(CHECKPOINT, event.event_id, "0"),
            user_id=event.aggregate_id,
            correlation_id=event.correlation_id,
            causation_id=event.event_id,
            open_account=engine_pb2.OpenAccount(user_id=event.aggregate_id),
        )
    ]


async def open_accounts(runtime: Runtime, log: EventLog, engine: "EngineServiceAsyncStub") -> None:
    """Follow the log until cancelled. Waits for a log or an engine that is away; any other refusal stops it, loudly."""
    while True:
        try:
            await _follow(runtime, log, engine)
        except LogFailed as failure:
            _log.warning("the log is away; accounts wait", error=str(failure))
        await runtime.sleep(LOG_RETRY_S)


async def _follow(runtime: Runtime, log: EventLog, engine: "EngineServiceAsyncStub") -> None:
    saved = await log.load_checkpoint(CHECKPOINT)
    async for batch in log.subscribe(saved):
        commands = [command for event in batch for command in react(event)]
        for command in commands:
            await _execute(runtime, engine, command)
        position = batch[-1].position
        if commands or position - saved >= CHECKPOINT_EVERY:
            await log.save_checkpoint(CHECKPOINT, position)
            saved = position


async def _execute(runtime: Runtime, engine: "EngineServiceAsyncStub", command: engine_pb2.Command) -> None:
    wait_s = FIRST_RETRY_S
    while True:
        try:
            result = (await engine.Execute(engine_pb2.ExecuteRequest(command=command))).result
            if not result.refused:
                return
            raise Refused(result.refused, result.message, Kind(result.refused_kind or Kind.UNPROCESSABLE.value))
        except (Refused, TimeoutError) as failure:
            if isinstance(failure, Refused) and failure.kind not in (Kind.UNAVAILABLE, Kind.RATE_LIMITED):
                raise
            _log.warning("the engine is away; the account waits", user_id=command.user_id, error=str(failure))
        await runtime.sleep(wait_s)
        wait_s = min(wait_s * 2, LAST_RETRY_S)
