"""All suites that run through the engine of the `matching` package, in the order in which they are told."""

from collections.abc import Iterator
from pathlib import Path

from trading_platform.conformance import cointossx, exchange_core, fix44, kraken, lobster
from trading_platform.conformance.suite import Outcome


def run_all(data: Path) -> Iterator[Outcome]:
    """Run every suite on the public data sets in `data`."""
    yield kraken.run(data / "kraken")
    yield from exchange_core.run(data / "exchange-core")
    yield from cointossx.run(data / "cointossx")
    yield from lobster.run(data / "lobster")
    yield fix44.run()
