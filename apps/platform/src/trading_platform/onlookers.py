"""Whether anybody looks at the platform: a client is connected, or asked for something lately."""

from kernel.runtime import Runtime
from kernel.telemetry import Metrics

LATELY_NS = 60_000_000_000
# Who watches over the process does not look at the market.
PROBES = frozenset(["/health", "/ready", "/metrics"])


class Onlookers:
    """Knows of them what the metrics count. Somebody who starts a platform looks at it."""

    def __init__(self, runtime: Runtime, metrics: Metrics) -> None:
        self._runtime = runtime
        self._metrics = metrics
        self._requests = self._counted()
        self._seen_ns = runtime.monotonic_ns()

    def there(self) -> bool:
        now_ns, requests = self._runtime.monotonic_ns(), self._counted()
        if requests != self._requests or self._connected():
            self._requests, self._seen_ns = requests, now_ns
        return now_ns - self._seen_ns < LATELY_NS

    def _counted(self) -> int:
        (family,) = self._metrics.http_requests.collect()
        counts = (sample for sample in family.samples if sample.name == "http_requests_total")
        return sum(int(sample.value) for sample in counts if sample.labels["route"] not in PROBES)

    def _connected(self) -> bool:
        (family,) = self._metrics.active_connections.collect()
        return any(sample.value for sample in family.samples)
