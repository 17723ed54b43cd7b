"""Settings of risk management."""

from pydantic_settings import SettingsConfigDict

from kernel.settings import Settings


class RiskManagementSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="RISK_MANAGEMENT_")

    page_accounts_default: int = 100
    """Accounts on a page when the caller does not say."""
    page_policies_default: int = 100
    """Limit policies on a page when the caller does not say."""
    commands_a_batch_max: int = 500
    """Changes of limits in one message to the engine."""
    retry_s: float = 1.0
    """Seconds until limits that could not be sent to the engine are sent again."""
    behind_events_max: int = 10_000
    """The service is ready while its view is no more events than this behind the log's head."""
