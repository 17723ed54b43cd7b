"""Settings of the trading engine."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kernel.settings import Count, Settings


class TradingEngineSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="TRADING_ENGINE_")

    log_number: Annotated[int, Field(ge=1, le=65_535)] = 1
    """Number of the log in order and trade ids; each shard has its own."""
    queue_commands_max: Count = 16_384
    """Commands that may wait to be sequenced; beyond it callers are refused and may try again."""
    batch_commands_max: Count = 256
    """Commands decided and committed together, unless one caller sends more at once: while a batch commits, the next
    is decided, so smaller ones keep both busy."""
    snapshot_every_events: Count = 100_000
    """Events between two snapshots of the engine's state; fewer make the start faster and the run slower."""
    opened_at_ns: Annotated[int, Field(ge=0, lt=1 << 63)] = 0
    """Stamp of a new log's first command, nanoseconds since 1970; 0 is now. Stamps never go back: a replay of an old
    day opens the venue on that day."""
