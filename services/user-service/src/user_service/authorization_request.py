"""An authorization request (RFC 6749, 4.1.1; RFC 7636; OpenID Connect Core 1.0, 3.1.2.1), parsed and checked."""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from user_service.clients import CODE, Client
from user_service.oauth import OAuthError, fields_of
from user_service.tokens import granted_scope

QUERY_BYTES_MAX = 8_192
TEXT_CHARACTERS_MAX = 2_048
CHALLENGE = re.compile(r"[A-Za-z0-9\-_]{43}")  # base64url of a SHA-256


class Misdirected(Exception):
    """The client or where to send the answer is not known: people are told on a page, nobody is redirected."""


class Declined(Exception):
    """The request is refused, and its client is told by a redirect."""

    def __init__(self, error: str, description: str, redirect_uri: str, state: str) -> None:
        super().__init__(error, description)
        self.error = error
        self.description = description
        self.redirect_uri = redirect_uri
        self.state = state


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """query: as it came, to be carried through the forms. max_age_s: None if any session will do."""

    client: Client
    redirect_uri: str
    state: str
    scope: str
    nonce: str
    challenge: str
    prompt: frozenset[str]
    max_age_s: int | None
    login_hint: str
    query: str

    def declined(self, error: str, description: str) -> Declined:
        return Declined(error, description, self.redirect_uri, self.state)


def parsed(query: str, clients: dict[str, Client]) -> AuthorizationRequest:
    """The request; Misdirected or Declined, in the order of the checks."""
    if len(query) > QUERY_BYTES_MAX:
        raise Misdirected("The address is too long.")
    try:
        fields = fields_of(query.encode())
    except OAuthError as error:
        raise Misdirected(f"The address is malformed: {error.description}.") from None
    client = clients.get(fields.get("client_id", ""))
    if client is None or CODE not in client.grants:
        raise Misdirected("The program that sent you here is not known (client_id).")
    redirect_uri = fields.get("redirect_uri", "")
    if not client.returns_to(redirect_uri):
        raise Misdirected(f"{client.client_id} is not registered with this return address (redirect_uri).")
    state = fields.get("state", "")
    wrong = _wrong(fields)
    if wrong is not None:
        raise Declined(*wrong, redirect_uri, state[:TEXT_CHARACTERS_MAX])
    return AuthorizationRequest(
        client=client,
        redirect_uri=redirect_uri,
        state=state,
        scope=granted_scope(fields.get("scope", "")),
        nonce=fields.get("nonce", ""),
        challenge=fields["code_challenge"],
        prompt=frozenset(fields.get("prompt", "").split()),
        max_age_s=int(fields["max_age"]) if "max_age" in fields else None,
        login_hint=fields.get("login_hint", "")[:254],
        query=query,
    )


def _wrong(fields: dict[str, str]) -> tuple[str, str] | None:
    """What is wrong with a request whose client is known: error code and description."""
    if fields.get("response_type") != "code":
        return "unsupported_response_type", "expected response_type=code"
    if fields.get("response_mode", "query") != "query":
        return "invalid_request", "expected response_mode=query, or none"
    if "request" in fields or "request_uri" in fields:
        return "request_not_supported", "send the parameters themselves"
    if fields.get("code_challenge_method") != "S256" or not CHALLENGE.fullmatch(fields.get("code_challenge", "")):
        return "invalid_request", "expected code_challenge_method=S256 and its code_challenge (RFC 7636)"
    if any(len(fields.get(name, "")) > TEXT_CHARACTERS_MAX for name in ("state", "nonce")):
        return "invalid_request", f"state and nonce have at most {TEXT_CHARACTERS_MAX} characters"
    max_age = fields.get("max_age", "0")
    if not (max_age.isascii() and max_age.isdigit() and len(max_age) <= 9):
        return "invalid_request", "max_age is a number of seconds"
    prompt = fields.get("prompt", "").split()
    if "none" in prompt and len(prompt) > 1:
        return "invalid_request", "prompt=none stands alone"
    return None


def answer_address(redirect_uri: str, state: str, issuer: str, **answer: str) -> str:
    """Where the browser goes with the answer; `iss` says who answered (RFC 9207)."""
    fields = answer | ({"state": state} if state else {}) | {"iss": issuer}
    return redirect_uri + ("&" if "?" in redirect_uri else "?") + urlencode(fields)
