"""Settings of market data."""

from pydantic_settings import SettingsConfigDict

from kernel.settings import Settings


class MarketDataSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="MARKET_DATA_")

    frames_a_message_max: int = 256
    """Top-of-book frames in one message of the stream of best levels."""
    subscriber_trades_max: int = 1_024
    """Commands with trades that may wait for one reader of a trades channel; a slower reader is ended."""
    subscriber_bars_max: int = 1_024
    """Changed bars that may wait for one reader of a bars channel; a slower reader is ended."""
    snapshot_trades: int = 50
    """Newest trades in the snapshot of a trades channel."""
    snapshot_bars: int = 500
    """Newest bars in the snapshot of a bars channel."""
    behind_events_max: int = 10_000
    """The service is ready while its view is no more events than this behind the log's head."""
    calendar_poll_s: float = 1.0
    """Seconds between looks at the trading calendars."""
