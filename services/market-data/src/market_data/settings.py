"""Settings of market data."""

from pydantic_settings import SettingsConfigDict

from kernel.settings import Count, Moment, Settings


class MarketDataSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="MARKET_DATA_")

    frames_a_message_max: Count = 256
    """Top-of-book frames in one message of the stream of best levels."""
    subscriber_trades_max: Count = 1_024
    """Commands with trades that may wait for one reader of a trades channel; a slower reader is ended."""
    subscriber_bars_max: Count = 1_024
    """Changed bars that may wait for one reader of a bars channel; a slower reader is ended."""
    snapshot_trades: Count = 50
    """Newest trades in the snapshot of a trades channel."""
    snapshot_bars: Count = 500
    """Newest bars in the snapshot of a bars channel."""
    behind_events_max: Count = 10_000
    """The service is ready while its view is no more events than this behind the log's head."""
    calendar_poll_s: Moment = 1.0
    """Seconds between looks at the trading calendars."""
