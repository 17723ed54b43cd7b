"""The demo market trades slower while nobody looks: who counts as looking, and for how long."""

import pytest

from kernel.runtime import SystemRuntime
from kernel.telemetry import Metrics
from trading_platform.onlookers import LATELY_NS, Onlookers


class Clock(SystemRuntime):
    """Stands still until it is set."""

    at_ns = 0

    def monotonic_ns(self) -> int:
        return self.at_ns


def ask(metrics: Metrics, route: str) -> None:
    metrics.http_requests.labels("api-gateway", "GET", route, "200").inc()


@pytest.mark.parametrize(
    ("sentence", "happens", "there"),
    [
        ("nothing happens", lambda metrics: None, False),
        ("somebody asks for a book", lambda metrics: ask(metrics, "/v1/book"), True),
        ("a probe asks whether it is ready", lambda metrics: ask(metrics, "/ready"), False),
        ("a stream is open", lambda metrics: metrics.active_connections.labels("api-gateway").set(1), True),
        ("a stream was closed", lambda metrics: metrics.active_connections.labels("api-gateway").set(0), False),
    ],
)
def test_somebody_is_there(sentence, happens, there):
    clock, metrics = Clock(), Metrics()
    onlookers = Onlookers(clock, metrics)
    assert onlookers.there(), "who started it looks"
    clock.at_ns = LATELY_NS
    assert not onlookers.there()
    happens(metrics)
    assert onlookers.there() is there, sentence
    clock.at_ns = 2 * LATELY_NS - 1
    assert onlookers.there() is there, "a moment less than lately"
