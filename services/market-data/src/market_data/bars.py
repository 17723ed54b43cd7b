"""Bars: open, high, low, close, volume and number of trades by interval, aligned to UTC.

Prices and volumes are counts of the instrument's units, notional is the sum of their products.
"""

from collections.abc import Iterator, Mapping

import msgspec

from market_data.grid import Grid

SECOND_NS = 1_000_000_000
INTERVALS_S: Mapping[str, int] = {
    "1s": 1,
    "5s": 5,
    "15s": 15,
    "1m": 60,
    "5m": 300,
    "15m": 900,
    "1h": 3_600,
    "1d": 86_400,
}


class BarRow(msgspec.Struct, frozen=True, gc=False):
    """A bar as it is kept and shown; decimals as text. An interval without a trade has no bar."""

    start_ns: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    notional: str
    trades: int


class Bar:
    """The running bar of one interval."""

    __slots__ = ("close", "high", "low", "notional", "open", "start_ns", "trades", "volume")

    def __init__(self, start_ns: int, price: int) -> None:
        self.start_ns = start_ns
        self.open = self.high = self.low = self.close = price
        self.volume = self.notional = self.trades = 0


class BarFold:
    """The running bar of each interval of one instrument, and which of them changed."""

    def __init__(self, prices: Grid, quantities: Grid, notionals: Grid) -> None:
        self._prices = prices
        self._quantities = quantities
        self._notionals = notionals
        self._running: dict[str, Bar] = {}
        self._changed: dict[tuple[str, int], Bar] = {}

    def add(self, time_ns: int, price: int, quantity: int) -> None:
        """Count a trade. Trades come in the order of their time."""
        notional = price * quantity
        for interval, seconds in INTERVALS_S.items():
            start_ns = time_ns - time_ns % (seconds * SECOND_NS)
            bar = self._running.get(interval)
            if bar is None or bar.start_ns != start_ns:
                if bar is not None and start_ns < bar.start_ns:
                    raise ValueError(f"a trade at {time_ns} ns comes after one of the {interval} bar {bar.start_ns}")
                bar = self._running[interval] = Bar(start_ns, price)
            if price > bar.high:
                bar.high = price
            elif price < bar.low:
                bar.low = price
            bar.close = price
            bar.volume += quantity
            bar.notional += notional
            bar.trades += 1
            self._changed[interval, start_ns] = bar

    def take_changed(self) -> Iterator[tuple[str, BarRow]]:
        """The bars that changed since this was last asked, by interval, oldest first."""
        changed, self._changed = self._changed, {}
        for (interval, _), bar in changed.items():
            yield interval, self._row(bar)

    def load(self, interval: str, row: BarRow) -> None:
        """Go on with a bar that was kept."""
        bar = self._running[interval] = Bar(row.start_ns, self._prices.count(row.open))
        bar.high, bar.low = self._prices.count(row.high), self._prices.count(row.low)
        bar.close = self._prices.count(row.close)
        bar.volume, bar.notional = self._quantities.count(row.volume), self._notionals.count(row.notional)
        bar.trades = row.trades

    def _row(self, bar: Bar) -> BarRow:
        price = self._prices.text
        return BarRow(
            start_ns=bar.start_ns,
            open=price(bar.open),
            high=price(bar.high),
            low=price(bar.low),
            close=price(bar.close),
            volume=self._quantities.text(bar.volume),
            notional=self._notionals.text(bar.notional),
            trades=bar.trades,
        )
