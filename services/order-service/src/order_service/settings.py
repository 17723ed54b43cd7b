"""Settings of the order service."""

from pydantic_settings import SettingsConfigDict

from kernel.settings import Settings


class OrderServiceSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="ORDER_SERVICE_")

    subscriber_frames_max: int = 1_024
    """Frames that may wait for one reader of an account's stream; a slower reader is ended."""
    page_orders_default: int = 100
    """Orders on a page when the caller does not say."""
