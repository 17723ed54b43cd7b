"""Market data, put together."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kernel.eventlog.port import EventLog
from kernel.projection import Projection, View, ViewStore
from kernel.rpc import Registrar
from kernel.runtime import Runtime
from kernel.service import Service
from kernel.telemetry import Metrics, logger
from market_data.feeds import Feeds
from market_data.rpc import MarketDataServicer
from market_data.sessions import Sessions
from market_data.settings import MarketDataSettings
from market_data.top_of_book import TopsOfBook
from market_data.views import MarketView
from trading.v1 import market_data_pb2_grpc
from trading.v1.engine_pb2_grpc import EngineServiceStub

NAME = "market-data"
MARKET_FILE = "market-data.sqlite"
# The read models by file: who rebuilds them from the log must get the same rows.
VIEWS: Mapping[str, Callable[[], View]] = {MARKET_FILE: MarketView}


def build(
    runtime: Runtime,
    log: EventLog,
    channels: Callable[[str], Any],
    settings: MarketDataSettings,
    folder: Path | None,
    metrics: Metrics,
) -> Service:
    """folder: where the read model lives; None keeps it in memory."""
    view = MarketView()
    store = ViewStore(view, folder / MARKET_FILE if folder else None)
    view.position = store.checkpoint
    projection = Projection(runtime, log, store)
    feeds = Feeds(view, projection, settings)
    tops = TopsOfBook(log, view, projection)
    engine = EngineServiceStub(channels("trading-engine"))
    sessions = Sessions(runtime, view, projection, engine, settings, logger(NAME))
    servicer = MarketDataServicer(runtime, log.name, view, projection, feeds, tops, settings)
    metrics.view_position.labels(NAME, view.name).set_function(lambda: projection.position)

    def register(registrar: Registrar) -> None:
        market_data_pb2_grpc.add_MarketDataServiceServicer_to_server(servicer, registrar)  # type: ignore[arg-type]

    async def ready() -> str | None:
        behind = await log.head() - projection.position
        return f"market data is {behind} events behind" if behind > settings.behind_events_max else None

    mains = {"market-view": projection.run, "market-sessions": sessions.run}
    return Service(NAME, register=register, mains=mains, ready=ready, close=projection.close)
