"""What operators see: structured logs with correlation ids, and Prometheus metrics.

Metric names and buckets are a contract (docs/api/metrics.md). Every service reports through one `Metrics`; the
registry is made by the composition root, so that two platforms in one process do not share counters.
"""

import logging
import sys
from typing import Any
from weakref import WeakSet

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from kernel.rpc import correlation_id

SECONDS_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5)


class Metrics:
    """The platform's metrics; each has the label `service`."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        routed = ("service", "method", "route", "status")
        self.http_requests = Counter("http_requests", "HTTP requests answered.", routed, registry=registry)
        self.http_seconds = Histogram(
            "http_request_duration_seconds",
            "Time to answer an HTTP request.",
            ("service", "method", "route"),
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        self.api_requests = Histogram(
            "api_requests", "Request timing by route.", ("service", "route"), buckets=SECONDS_BUCKETS, registry=registry
        )
        self.active_connections = Gauge(
            "active_connections", "Open client connections.", ("service",), registry=registry
        )
        self.errors = Counter("errors", "Server errors (not refusals).", ("service",), registry=registry)
        self.orders_processed = Counter("orders_processed", "Order commands decided.", ("service",), registry=registry)
        self.orders_created = Counter("orders_created", "Orders accepted.", ("service",), registry=registry)
        self.orders_executed = Counter("orders_executed", "Orders filled completely.", ("service",), registry=registry)
        self.orders_active = Gauge("orders_active", "Open orders.", ("service",), registry=registry)
        self.orders_api_created = Counter(
            "orders_api_created", "Orders created by REST.", ("service",), registry=registry
        )
        self.order_seconds = Histogram(
            "order_processing_time_seconds",
            "From the arrival of an order command to its durable outcome.",
            ("service",),
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        self.view_position = Gauge(
            "view_position", "Position that a read model covers.", ("service", "view"), registry=registry
        )
        self.log_position = Gauge("log_position", "Position of the log's head.", ("service",), registry=registry)

    def exposition(self) -> bytes:
        """The text format that Prometheus scrapes."""
        return generate_latest(self.registry)


# A logger that was used keeps the configuration of that moment, as that is faster, unless it is told to forget it.
_given: WeakSet[Any] = WeakSet()


def configure_logs(level: str = "INFO", json: bool = True) -> None:
    """Send structured logs to standard error; called once by the command. Loggers that were used before follow."""
    reset_logs()
    renderer: Any = structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_correlation_id,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def reset_logs() -> None:
    """As before `configure_logs`, for whoever runs several commands in one process."""
    structlog.reset_defaults()
    for one in _given:
        vars(one).pop("bind", None)


def _add_correlation_id(_: Any, __: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
    given = correlation_id.get()
    if given:
        entry.setdefault("correlation_id", given)
    return entry


def logger(service: str) -> structlog.typing.FilteringBoundLogger:
    """The service's logger; its lines carry `service`."""
    made = structlog.get_logger(service=service)
    _given.add(made)
    return made  # type: ignore[no-any-return]
