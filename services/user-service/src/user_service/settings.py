"""Settings of the user service, read once at start from variables that begin with USER_SERVICE_."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from pydantic_settings import SettingsConfigDict

from kernel.settings import Count, Settings
from user_service.roles import Role

REALM_PATH = "/realms/trading-platform"


def _listed(value: Any) -> Any:
    """`a,b` from a variable as a list; anything else as it is."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class ConfidentialClient(BaseModel):
    """A program with an account of its own: it trades its secret for a token with these roles."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    secret: str = Field(min_length=32, repr=False)
    roles: tuple[Role, ...]


class UserServiceSettings(Settings):
    """Times end in their unit; lists are separated by commas."""

    model_config = SettingsConfigDict(env_prefix="USER_SERVICE_")

    public_url: str = "http://127.0.0.1:8080"
    """Where people reach the platform, without a slash at the end; the issuer is this and /realms/trading-platform."""

    self_registration_roles: Annotated[tuple[Role, ...], BeforeValidator(_listed)] = ("USER", "TRADER")
    """Roles of whoever registers himself. On a paper venue everybody trades; a broker sets USER."""

    registration_answer_ms: int = Field(default=400, ge=0, le=10_000)
    """Registration answers at a multiple of this after the request came, so that its duration tells nothing."""

    access_token_s: int = Field(default=900, ge=10, le=86_400)
    """How long an access token and an id token hold."""

    refresh_idle_s: int = Field(default=86_400, ge=60, le=31_536_000)
    """A refresh token that is not used for so long has expired."""

    session_s: int = Field(default=604_800, ge=60, le=31_536_000)
    """After this a person signs in again, however active."""

    code_s: int = Field(default=60, ge=1, le=600)
    """How long an authorization code holds."""

    one_time_password_s: int = Field(default=86_400, ge=60, le=31_536_000)
    """How long a password that an administrator reset may be used for the one sign-in that it is good for."""

    web_redirect_uris: Words = ()
    """Where trading-web may send people after they signed in, besides <public_url>/signed-in. Compared exactly."""

    web_origins: Words = ()
    """Origins whose pages may call the token endpoint, besides that of public_url."""

    password_grant_clients: Words = ()
    """Public clients that may trade a password for tokens, such as trading-cli. Only for trying things out: a program
    that is given a password can do more with it than sign in (RFC 9700, 2.4). The demo market names trading-cli."""

    confidential_clients: Annotated[dict[str, ConfidentialClient], BeforeValidator(_json)] = Field(
        default_factory=dict, repr=False
    )
    """Programs that may use client_credentials, as JSON: {"<client id>": {"secret": "...", "roles": ["USER"]}}."""

    first_admin_email: str = ""
    """With `first_admin_password`: this administrator is made at the start, unless the address has a user."""

    first_admin_password: str = Field(default="", repr=False)
    """The first administrator's; of no meaning once the user is there, and better removed then."""

    signing_key_pem: str = Field(default="", repr=False)
    """RSA private key in PEM that signs the tokens; empty: made at first start and kept in the private store."""

    signing_key_days: int = Field(default=90, ge=1, le=3_650)
    """Age at which an own signing key is replaced; the old one stays published until its tokens have expired."""

    argon2_memory_kib: int = Field(default=19_456, ge=8, le=1 << 22)
    """Memory of one password hash (argon2id)."""

    argon2_passes: int = Field(default=2, ge=1, le=100)
    """Passes of one password hash over its memory."""

    password_queue_max: int = Field(default=64, ge=1, le=1_000_000)
    """Hashes that may wait; beyond it a sign-in or registration is told to try again."""

    address_failures_max: int = Field(default=10, ge=1, le=1_000_000)
    """Failed sign-ins of one e-mail address from one network within the window; after that, that network waits for the
    window's end, and the owner signs in from elsewhere."""

    address_failures_everywhere_max: int = Field(default=100, ge=1, le=1_000_000)
    """Failed sign-ins of one e-mail address from all networks within the window; after that it waits wherever it was
    not signed in to since the service started."""

    client_failures_max: int = Field(default=100, ge=1, le=1_000_000)
    """Failed sign-ins from one network address within the window."""

    client_registrations_max: int = Field(default=50, ge=1, le=1_000_000)
    """Registrations from one network address within the window, by form and by the API together."""

    accept_lost_persons: bool = False
    """Start although the private store with the keys of the log's users is gone: they are lost for ever."""

    behind_events_max: Count = 10_000
    """The service is ready while its view is no more events than this behind the log's head."""
    failures_window_s: int = Field(default=900, ge=1, le=31_536_000)
    """Length of the window in which failed sign-ins and registrations are counted."""

    @field_validator("public_url")
    @classmethod
    def _no_slash_at_the_end(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")) or value.endswith("/"):
            raise ValueError("expected http(s)://host[:port] without a slash at the end")
        return value

    @property
    def issuer(self) -> str:
        return self.public_url + REALM_PATH

    @property
    def secure(self) -> bool:
        """Whether people come over TLS: cookies are then Secure."""
        return self.public_url.startswith("https://")
