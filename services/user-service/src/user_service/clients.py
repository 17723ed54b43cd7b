"""The programs that may ask for tokens, from the settings: two public ones of the platform, and confidential ones."""

import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

from user_service.settings import UserServiceSettings

WEB = "trading-web"
CODE = "authorization_code"
REFRESH = "refresh_token"
PASSWORD = "password"  # noqa: S105 (the name of a grant)
CREDENTIALS = "client_credentials"


@dataclass(frozen=True)
class Client:
    """redirect_uris, signed_out_uris: compared exactly. secret: empty for a public client. roles: of its own tokens."""

    client_id: str
    grants: frozenset[str]
    redirect_uris: tuple[str, ...] = ()
    signed_out_uris: tuple[str, ...] = ()
    secret: str = ""
    roles: tuple[str, ...] = ()

    def has_secret(self, secret: str) -> bool:
        return bool(self.secret) and hmac.compare_digest(self.secret.encode(), secret.encode())


def clients_of(settings: UserServiceSettings) -> dict[str, Client]:
    """By client id. ValueError if a confidential client takes the id of a public one."""
    own = tuple(f"{url}/signed-in" for url in _own_urls(settings.public_url))
    redirects = (*own, *settings.web_redirect_uris)
    signed_out = tuple(dict.fromkeys(f"{origin_of(uri)}/" for uri in redirects))
    clients = {WEB: Client(WEB, frozenset({CODE, REFRESH}), redirects, signed_out)}
    for name in settings.password_grant_clients:
        public = clients.get(name, Client(name, frozenset()))
        grants = public.grants | {PASSWORD, REFRESH}
        clients[name] = Client(name, grants, public.redirect_uris, public.signed_out_uris)
    for name, given in settings.confidential_clients.items():
        if name in clients:
            raise ValueError(f"USER_SERVICE_CONFIDENTIAL_CLIENTS: {name} is a public client; choose another id")
        clients[name] = Client(name, frozenset({CREDENTIALS}), secret=given.secret, roles=given.roles)
    return clients


def origins_of(settings: UserServiceSettings) -> tuple[str, ...]:
    """Origins whose pages may call the token endpoint."""
    redirects = tuple(origin_of(uri) for uri in settings.web_redirect_uris)
    own = (origin_of(url) for url in _own_urls(settings.public_url))
    return tuple(dict.fromkeys((*own, *redirects, *settings.web_origins)))


def origin_of(uri: str) -> str:
    """`scheme://host[:port]` of a URI."""
    split = urlsplit(uri)
    return f"{split.scheme}://{split.netloc}"


def _own_urls(public_url: str) -> tuple[str, ...]:
    """On one's own machine people type localhost as well as 127.0.0.1: both are the platform."""
    split = urlsplit(public_url)
    other = {"127.0.0.1": "localhost", "localhost": "127.0.0.1"}.get(split.hostname or "")
    if other is None:
        return (public_url,)
    return (public_url, split._replace(netloc=split.netloc.replace(split.hostname or "", other)).geturl())
