"""The programs that may ask for tokens, from the settings: two public ones of the platform, and confidential ones."""

import hmac
import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from user_service.settings import UserServiceSettings

WEB = "trading-web"
CLI = "trading-cli"
CODE = "authorization_code"
REFRESH = "refresh_token"
PASSWORD = "password"  # noqa: S105 (the name of a grant)
CREDENTIALS = "client_credentials"
LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\]):[0-9]{1,5}/signed-in", re.ASCII)


@dataclass(frozen=True)
class Client:
    """redirect_uris, signed_out_uris: compared exactly. secret: empty for a public client. roles: of its own tokens.

    is_native: runs on a person's machine and takes the answer there, at any loopback port (RFC 8252, 7.3).
    """

    client_id: str
    grants: frozenset[str]
    redirect_uris: tuple[str, ...] = ()
    signed_out_uris: tuple[str, ...] = ()
    secret: str = ""
    roles: tuple[str, ...] = ()
    is_native: bool = False

    def returns_to(self, uri: str) -> bool:
        """Whether people may be sent there with the answer."""
        return uri in self.redirect_uris or (self.is_native and LOOPBACK.fullmatch(uri) is not None)

    def has_secret(self, secret: str) -> bool:
        return bool(self.secret) and hmac.compare_digest(self.secret.encode(), secret.encode())


def clients_of(settings: UserServiceSettings) -> dict[str, Client]:
    """By client id. ValueError if a confidential client takes the id of a public one."""
    own = tuple(f"{url}/signed-in" for url in _own_urls(settings.public_url))
    redirects = (*own, *settings.web_redirect_uris)
    signed_out = tuple(dict.fromkeys(f"{origin_of(uri)}/" for uri in redirects))
    by_code = frozenset({CODE, REFRESH})
    clients = {WEB: Client(WEB, by_code, redirects, signed_out), CLI: Client(CLI, by_code, is_native=True)}
    for name in settings.password_grant_clients:
        public = clients.get(name, Client(name, frozenset()))
        clients[name] = replace(public, grants=public.grants | {PASSWORD, REFRESH})
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
