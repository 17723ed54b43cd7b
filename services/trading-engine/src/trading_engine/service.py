"""The trading engine, put together."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kernel.eventlog.port import EventLog
from kernel.rpc import Registrar
from kernel.runtime import Runtime
from kernel.service import Service
from kernel.telemetry import Metrics
from trading.v1 import engine_pb2_grpc
from trading_engine.rpc import EngineServicer
from trading_engine.sequencer import ROLE, Sequencer
from trading_engine.settings import TradingEngineSettings


def build(
    runtime: Runtime,
    log: EventLog,
    channels: Callable[[str], Any],
    settings: TradingEngineSettings,
    folder: Path | None,
    metrics: Metrics,
) -> Service:
    """The engine needs nobody else and keeps nothing of its own: `channels` and `folder` are not used."""
    sequencer = Sequencer(runtime, log, settings, metrics)

    def register(registrar: Registrar) -> None:
        engine_pb2_grpc.add_EngineServiceServicer_to_server(EngineServicer(sequencer, log), registrar)  # type: ignore[arg-type]

    async def ready() -> str | None:
        return sequencer.failure

    return Service(ROLE, register=register, mains={"sequencer": sequencer.run, "audit": sequencer.audit}, ready=ready)
