"""Settings of the order service."""

from pydantic_settings import SettingsConfigDict

from kernel.settings import Count, Settings


class OrderServiceSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="ORDER_SERVICE_")

    subscriber_events_max: Count = 4_096
    """Events that may wait for one reader of an account's stream, who gets them as one frame; a slower reader is
    ended."""
    subscriber_frames_max: Count = 1_024
    """Frames of market data that may wait for one reader; then their sources wait."""
    page_orders_default: Count = 100
    """Orders on a page when the caller does not say."""
    behind_events_max: Count = 10_000
    """The service is ready while its view is no more events than this behind the log's head."""
