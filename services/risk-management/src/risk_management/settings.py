"""Settings of risk management."""

from pydantic_settings import SettingsConfigDict

from kernel.settings import Count, Moment, Settings


class RiskManagementSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="RISK_MANAGEMENT_")

    page_accounts_default: Count = 100
    """Accounts on a page when the caller does not say."""
    page_policies_default: Count = 100
    """Limit policies on a page when the caller does not say."""
    commands_a_batch_max: Count = 500
    """Changes of limits in one message to the engine."""
    retry_s: Moment = 1.0
    """Seconds until limits that could not be sent to the engine are sent again."""
    behind_events_max: Count = 10_000
    """The service is ready while its view is no more events than this behind the log's head."""
