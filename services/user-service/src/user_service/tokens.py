"""Access and id tokens: which claims they carry (OpenID Connect Core 1.0, 2; RFC 7519), and how they are read back."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

from kernel.runtime import Runtime
from user_service.persons import Person
from user_service.roles import permissions_of, with_contained
from user_service.settings import UserServiceSettings
from user_service.signing import SigningKeys

AUDIENCE = "trading-platform"
SCOPES = ("openid", "profile", "email")


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose token it is: a person, or a program with roles of its own (then person is None)."""

    user_id: str
    roles: tuple[str, ...]
    person: Person | None


class Tokens:
    def __init__(self, runtime: Runtime, keys: SigningKeys, settings: UserServiceSettings) -> None:
        self._runtime = runtime
        self._keys = keys
        self._issuer = settings.issuer
        self.holds_s = settings.access_token_s

    def access(self, subject: Subject, client_id: str, scope: str, session: str) -> str:
        """What the gateway checks: audience, roles and permissions, and nothing that names a person.

        session: ends the token when it ends; the claim `sid`, empty for a program's."""
        roles = with_contained(subject.roles)
        claims = self._lasting(subject.user_id, AUDIENCE, client_id, "Bearer", session) | {
            "nbf": self._now_s(),
            "jti": self._runtime.uuid7(),
            "scope": scope,
            "roles": list(roles),
            "permissions": list(permissions_of(roles)),
        }
        return self._keys.sign(claims)

    def identity(
        self, person: Person, client_id: str, scope: str, session: str, signed_in_at_ns: int, nonce: str, access: str
    ) -> str:
        """The id token: who signed in, when, and for which request."""
        claims = self._lasting(person.user_id, client_id, client_id, "ID", session) | {
            "auth_time": signed_in_at_ns // 1_000_000_000,
            "at_hash": _half_hash(access),
        }
        if nonce:
            claims["nonce"] = nonce
        return self._keys.sign(claims | profile(person, scope))

    def read(self, token: str) -> dict[str, Any] | None:
        """Claims of an access token that holds now; None otherwise."""
        claims = self._keys.verified(token)
        if claims is None or claims.get("iss") != self._issuer or claims.get("typ") != "Bearer":
            return None
        expires = claims.get("exp")
        return claims if isinstance(expires, int) and expires > self._now_s() else None

    def read_hint(self, token: str) -> dict[str, Any] | None:
        """Claims of an id token of ours, expired or not: a hint who signs out."""
        claims = self._keys.verified(token)
        ours = claims is not None and claims.get("iss") == self._issuer and claims.get("typ") == "ID"
        return claims if ours else None

    def _lasting(self, user_id: str, audience: str, client_id: str, kind: str, session: str) -> dict[str, Any]:
        now_s = self._now_s()
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "sub": user_id,
            "aud": audience,
            "azp": client_id,
            "typ": kind,
            "iat": now_s,
            "exp": now_s + self.holds_s,
        }
        return claims | {"sid": session} if session else claims

    def _now_s(self) -> int:
        return self._runtime.now_ns() // 1_000_000_000


def granted_scope(asked: str) -> str:
    """The scopes asked for that exist, in a fixed order; unknown ones are left out (RFC 6749, 3.3)."""
    words = asked.split()
    return " ".join(scope for scope in SCOPES if scope in words)


def profile(person: Person, scope: str) -> dict[str, Any]:
    """The claims about a person that a scope opens (OpenID Connect Core 1.0, 5.4)."""
    words = scope.split()
    claims: dict[str, Any] = {}
    if "profile" in words:
        claims |= {"name": person.name, "preferred_username": person.email}
    if "email" in words:
        claims |= {"email": person.email, "email_verified": False}
    return claims


def _half_hash(token: str) -> str:
    """at_hash: base64url of the left half of the SHA-256 (OpenID Connect Core 1.0, 3.1.3.6)."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).decode().rstrip("=")
