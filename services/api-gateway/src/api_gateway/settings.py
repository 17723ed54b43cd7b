"""Settings of the API gateway."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kernel.settings import Bytes, Count, Moment, Seconds, Settings


class ApiGatewaySettings(Settings):
    model_config = SettingsConfigDict(env_prefix="API_GATEWAY_")

    issuer: Annotated[str, Field(pattern=r"^https?://[^/\s]+(/\S+)?$")] = (
        "http://127.0.0.1:8080/realms/trading-platform"
    )
    """Who issues tokens, a URL: the claim `iss`, character by character."""
    jwks_url: str = ""
    """Where the issuer's keys are; empty means `<issuer>/protocol/openid-connect/certs`."""
    audience: str = "trading-platform"
    """What the claim `aud` must name."""
    client_id: str = "trading-web"
    """The web terminal's public client, told to browsers in /v1/public/config."""
    leeway_s: Annotated[int, Field(ge=0, le=300)] = 5
    """Tolerated difference between the issuer's clock and ours."""
    keys_lifetime_s: Seconds = 300
    """After this the issuer's keys are fetched again."""
    keys_cooldown_s: Seconds = 10
    """An unknown key id makes the keys be fetched again, at most this often."""
    remembered_tokens_max: Count = 10_000
    """Verified tokens and API keys kept; the oldest are verified anew."""
    api_key_memory_s: Seconds = 60
    """How long a verified API key is believed without asking again; a revocation ends it at once."""

    rate_limit_tokens: Count = 100
    """Size of a principal's (or address's) bucket, requests."""
    rate_limit_refill_tokens: Count = 100
    """Requests refilled in `rate_limit_refill_s`."""
    rate_limit_refill_s: Seconds = 60
    """Seconds in which `rate_limit_refill_tokens` come back."""
    rate_limit_buckets_max: Count = 100_000
    """Buckets kept; full ones go first."""

    body_bytes_max: Bytes = 1_048_576
    """Largest request body."""
    body_timeout_s: Moment = 10.0
    """A body must be complete within this."""
    head_timeout_s: Moment = 10.0
    """A request's head must be complete within this, also the first on a new connection."""
    head_bytes_max: Bytes = 65_536
    """Largest request line and headers together."""
    keep_alive_s: Seconds = 30
    """An idle connection is closed after this."""
    connections_max: Count = 10_000
    """Open connections and running requests; beyond it 503, and a little further connections are closed unheard. Less
    where the process may not open so many files: its log says so."""

    trusted_proxies: str = ""
    """Addresses, separated by commas, whose X-Forwarded-For is believed; empty believes none."""
    cors_origins: str = ""
    """Origins whose pages may call the API, separated by commas; `*` for all; empty for none but our own."""
    access_log_every: Count = 100
    """One request in so many is logged, so that a busy gateway does not drown in its log; 1 logs each. One that was
    refused is always logged, unless the rate limit refused it; what became of an order is a line of order-service."""

    stream_frame_bytes_max: Bytes = 16_384
    """Largest frame that a WebSocket client may send."""
    stream_frames_at_once: Count = 200
    """Frames of every kind that a WebSocket client may send at once, before `stream_frames_per_s` holds; beyond it the
    connection ends with the code 4429."""
    stream_frames_per_s: Count = 20
    """Frames that a WebSocket client may send in a second for long."""
    stream_subscriptions_max: Count = 100
    """Subscriptions of one connection."""
    stream_connections_max: Count = 20
    """WebSockets and event streams of one principal."""
    stream_queue_frames_max: Count = 1_000
    """Frames that may wait for a connection; beyond it the reader is too slow and is closed."""
    stream_heartbeat_s: Moment = 5.0
    """Interval of heartbeats."""
    stream_authentication_s: Moment = 5.0
    """A WebSocket must authenticate within this."""
    stream_conflation_s: Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)] = 0.02
    """Updates of a book or quote within this go out as one frame."""

    @property
    def keys_url(self) -> str:
        return self.jwks_url or f"{self.issuer}/protocol/openid-connect/certs"

    @property
    def origins(self) -> list[str]:
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]
