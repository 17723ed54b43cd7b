"""What the demo market trades, and what its participants own at first."""

from typing import NamedTuple

from trading.v1 import engine_pb2


class Listed(NamedTuple):
    """An instrument of the demo: its terms, where its price starts and how it moves, in ticks and lots."""

    symbol: str
    base: str
    base_scale: int
    base_kind: engine_pb2.AssetKind.ValueType
    tick: str
    lot: str
    start_ticks: int
    step_ticks: int
    lots_max: int


SECURITY, CURRENCY = engine_pb2.ASSET_KIND_SECURITY, engine_pb2.ASSET_KIND_CURRENCY
INSTRUMENTS = (
    Listed("AAPL", "AAPL", 0, SECURITY, "0.01", "1", 18_950, 3, 200),
    Listed("MSFT", "MSFT", 0, SECURITY, "0.01", "1", 41_210, 5, 150),
    Listed("BTC-USD", "BTC", 14, CURRENCY, "0.01", "0.0001", 6_412_050, 900, 5_000),
    Listed("ETH-USD", "ETH", 14, CURRENCY, "0.01", "0.001", 345_075, 60, 4_000),
)
FUNDS = {"USD": "100000000", "AAPL": "100000", "MSFT": "100000", "BTC": "1000", "ETH": "10000"}
TRADER_FUNDS = {"USD": "100000", "AAPL": "100", "BTC": "0.5"}
