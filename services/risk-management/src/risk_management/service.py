"""Risk management, put together."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kernel.eventlog.port import EventLog
from kernel.projection import Projection, View, ViewStore
from kernel.rpc import Registrar
from kernel.runtime import Runtime
from kernel.service import Service
from kernel.telemetry import Metrics, logger
from risk_management.enforcement import Enforcement
from risk_management.policies import LimitPolicies
from risk_management.rpc import RiskServicer
from risk_management.settings import RiskManagementSettings
from risk_management.views import RiskView
from trading.v1 import risk_pb2_grpc
from trading.v1.engine_pb2_grpc import EngineServiceStub

NAME = "risk-management"
RISK_FILE = "risk.sqlite"
# The read models by file: who rebuilds them from the log must get the same rows.
VIEWS: Mapping[str, Callable[[], View]] = {RISK_FILE: RiskView}


def build(
    runtime: Runtime,
    log: EventLog,
    channels: Callable[[str], Any],
    settings: RiskManagementSettings,
    folder: Path | None,
    metrics: Metrics,
) -> Service:
    """folder: where the read model lives; None keeps it in memory."""
    view = RiskView()
    store = ViewStore(view, folder / RISK_FILE if folder else None)
    view.position = store.checkpoint
    projection = Projection(runtime, log, store)
    engine = EngineServiceStub(channels("trading-engine"))
    policies = LimitPolicies(runtime, log, view, projection)
    enforcement = Enforcement(runtime, view, projection, engine, settings, logger(NAME))
    servicer = RiskServicer(runtime, log.name, view, projection, policies, enforcement, engine, settings)
    metrics.view_position.labels(NAME, view.name).set_function(lambda: projection.position)

    def register(registrar: Registrar) -> None:
        risk_pb2_grpc.add_RiskServiceServicer_to_server(servicer, registrar)  # type: ignore[arg-type]

    async def ready() -> str | None:
        behind = await log.head() - projection.position
        return f"the risk view is {behind} events behind" if behind > settings.behind_events_max else None

    mains = {"risk-view": projection.run, "risk-limits": enforcement.run}
    return Service(NAME, register=register, mains=mains, ready=ready, close=projection.close)
