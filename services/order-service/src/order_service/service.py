"""The order service, put together."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kernel.eventlog.port import EventLog
from kernel.projection import Projection, View, ViewStore
from kernel.rpc import Registrar
from kernel.runtime import Runtime
from kernel.service import Service
from kernel.telemetry import Metrics
from order_service.rpc import Orders, OrderServicer, TradingServicer
from order_service.settings import OrderServiceSettings
from order_service.streams import AccountStreams
from order_service.views import OrdersView
from trading.v1 import trading_pb2_grpc
from trading.v1.engine_pb2_grpc import EngineServiceStub
from trading.v1.market_data_pb2_grpc import MarketDataServiceStub

NAME = "order-service"
ORDERS_FILE = "orders.sqlite"
# The read models by file: who rebuilds them from the log must get the same rows.
VIEWS: Mapping[str, Callable[[], View]] = {ORDERS_FILE: OrdersView}


def build(
    runtime: Runtime,
    log: EventLog,
    channels: Callable[[str], Any],
    settings: OrderServiceSettings,
    folder: Path | None,
    metrics: Metrics,
) -> Service:
    """folder: where the read model lives; None keeps it in memory."""
    view = OrdersView()
    projection = Projection(runtime, log, ViewStore(view, folder / ORDERS_FILE if folder else None))
    streams = AccountStreams(view, projection, log.name, settings)
    orders = Orders(runtime, log, view, projection, EngineServiceStub(channels("trading-engine")), settings)
    metrics.orders_active.labels(NAME).set_function(lambda: view.open_orders)
    metrics.view_position.labels(NAME, view.name).set_function(lambda: projection.position)

    def register(registrar: Registrar) -> None:
        trading_pb2_grpc.add_OrderServiceServicer_to_server(OrderServicer(orders, streams), registrar)  # type: ignore[arg-type]
        market_data = MarketDataServiceStub(channels("market-data"))
        trading_pb2_grpc.add_TradingServiceServicer_to_server(TradingServicer(orders, market_data), registrar)  # type: ignore[arg-type]

    async def ready() -> str | None:
        behind = await log.head() - projection.position
        return f"the orders view is {behind} events behind" if behind > settings.behind_events_max else None

    return Service(NAME, register=register, mains={"orders-view": projection.run}, ready=ready, close=projection.close)
