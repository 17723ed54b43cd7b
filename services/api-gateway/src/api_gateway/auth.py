"""Authentication: a bearer token (JWT, RS256 only) or an API key becomes a Principal, or the request is refused.

A token is verified in this order: shape, algorithm, key, signature, issuer, audience, times. What was verified is
remembered until it expires or is revoked, so that the common request costs one lookup.
"""

import asyncio
import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, TypeVar

import msgspec
from joserfc import jws
from joserfc.errors import JoseError

from api_gateway.keys import KeyCache
from api_gateway.principal import Principal, Role, roles_of
from api_gateway.settings import ApiGatewaySettings
from kernel.refused import Kind, Refused
from kernel.runtime import Runtime
from trading.v1.user_pb2 import VerifyApiKeyRequest

if TYPE_CHECKING:
    from trading.v1.user_pb2_grpc import UserServiceAsyncStub

NS = 1_000_000_000
TOKEN_BYTES_MAX = 8_192
SUBJECT_CHARACTERS_MAX = 64
REVOKED_MAX = 100_000
ALGORITHM = "RS256"
TYPES = ("JWT", "at+jwt", "application/at+jwt")
TOKEN, API_KEY = b"authorization", b"x-api-key"

T = TypeVar("T")

# Which header it came in, and the token or key itself.
Presented = tuple[bytes, bytes]


class _Header(msgspec.Struct):
    alg: str
    kid: str
    typ: str = "JWT"


class _Claims(msgspec.Struct):
    sub: str
    exp: float
    iat: float
    iss: str
    aud: str | list[str]
    nbf: float = 0
    sid: str = ""
    roles: list[str] = []


_header_decoder = msgspec.json.Decoder(_Header)
_claims_decoder = msgspec.json.Decoder(_Claims)


class _Held(msgspec.Struct, frozen=True):
    """Roles that a user holds since then."""

    roles: frozenset[Role]
    changed_at_ns: int


def refuse(code: str, message: str) -> NoReturn:
    raise Refused(code, message, Kind.UNAUTHENTICATED)


class Authenticator:
    """Tokens and API keys to principals, with a bounded memory of what was verified."""

    def __init__(
        self, runtime: Runtime, keys: KeyCache, users: "UserServiceAsyncStub", settings: ApiGatewaySettings
    ) -> None:
        self._runtime = runtime
        self._keys = keys
        self._users = users
        self._issuer = settings.issuer
        self._audience = settings.audience
        self._leeway_s = settings.leeway_s
        self._remembered_max = settings.remembered_tokens_max
        self._api_key_memory_ns = settings.api_key_memory_s * NS
        # What was presented -> (who it is, wall clock nanoseconds until which that is believed).
        self._remembered: dict[Presented, tuple[Principal, int]] = {}
        # What was told to have ended: for connections that live on, for tokens that were issued before, and for answers
        # of the user service that were on their way.
        self._revoked_keys: dict[str, None] = {}
        self._ended_sessions: dict[str, None] = {}
        self._held: dict[str, _Held] = {}
        # What ended before this process started was told; until then nobody gets in.
        self.told_what_ended = asyncio.Event()

    def remembered(self, authorization: bytes | None, api_key: bytes | None) -> Principal | None:
        """The principal, if these very credentials were verified before and still hold."""
        presented = _presented(authorization, api_key)
        found = self._remembered.get(presented) if presented is not None else None
        if found is None:
            return None
        principal, until_ns = found
        return principal if self._runtime.now_ns() < until_ns else None

    async def authenticate(self, authorization: bytes | None, api_key: bytes | None) -> Principal:
        """The principal behind the headers Authorization and X-API-Key; Refused (unauthenticated) with a code."""
        if authorization and api_key:
            refuse("unauthenticated", "Send a bearer token or an API key, not both.")
        if not authorization and not api_key:
            refuse("unauthenticated", "Send a bearer token or an API key; neither came.")
        self._need_what_ended()
        presented = _presented(authorization or None, api_key or None)
        if presented is None:
            refuse("unauthenticated", "The Authorization header must be `Bearer <token>`.")
        header, given = presented
        return self._remember(presented, await (self.token(given) if header == TOKEN else self._api_key(given)))

    def _remember(self, presented: Presented, principal: Principal) -> Principal:
        if len(self._remembered) >= self._remembered_max:
            del self._remembered[next(iter(self._remembered))]
        until_ns = principal.expires_ns or 0
        if principal.key_id is not None:
            asked_again_ns = self._runtime.now_ns() + self._api_key_memory_ns
            until_ns = min(until_ns or asked_again_ns, asked_again_ns)
        self._remembered[presented] = (principal, until_ns)
        return principal

    # ---- tokens

    async def of_token(self, token: str) -> Principal:
        """The principal behind a token that came in a frame; one that was verified before is not verified again."""
        authorization = b"Bearer " + token.encode()
        return self.remembered(authorization, None) or await self.authenticate(authorization, None)

    async def token(self, token: bytes) -> Principal:
        """Verify a JWT. Refused (unavailable) while it is not known what ended."""
        self._need_what_ended()
        header = _read_header(token)
        if header.alg != ALGORITHM:
            refuse("token_algorithm", f"Tokens must be signed with {ALGORITHM}; this one says {header.alg[:20]!r}.")
        if header.typ not in TYPES:
            refuse("token_malformed", f"The token's type must be JWT; it is {header.typ[:20]!r}.")
        key = await self._keys.find(header.kid)
        if key is None:
            refuse("token_forged", "The token's key is none of the issuer's.")
        try:
            payload = jws.deserialize_compact(token, key, algorithms=[ALGORITHM]).payload
        except (JoseError, ValueError):
            refuse("token_forged", "The token's signature does not fit the issuer's key.")
        try:
            claims = _claims_decoder.decode(payload)
        except (ValueError, RecursionError) as error:
            refuse("token_malformed", f"The token's claims are not as expected: {error}.")
        return self._principal(claims)

    def _principal(self, claims: _Claims) -> Principal:
        now_s = self._runtime.now_ns() // NS
        audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        if claims.iss != self._issuer:
            refuse("token_wrong_issuer", f"The token must be issued by {self._issuer}.")
        if self._audience not in audience:
            refuse("token_wrong_audience", f"The token's audience must be {self._audience}.")
        if now_s >= claims.exp + self._leeway_s:
            refuse("token_expired", "The token has expired; get a new one.")
        if max(claims.nbf, claims.iat) > now_s + self._leeway_s:
            refuse("token_not_yet_valid", "The token is not valid yet; check the clocks.")
        if not 0 < len(claims.sub) <= SUBJECT_CHARACTERS_MAX or not claims.sub.isprintable():
            refuse("token_malformed", f"The token's subject must have 1 to {SUBJECT_CHARACTERS_MAX} characters.")
        if claims.sid in self._ended_sessions:
            refuse("token_revoked", "The session of this token was signed out; sign in again.")
        roles, held = roles_of(claims.roles), self._held.get(claims.sub)
        # A token tells whole seconds: one issued in the second of the change is held to the roles of after it.
        if held is not None and int(claims.iat) * NS <= held.changed_at_ns:
            roles &= held.roles
        return Principal(
            user_id=claims.sub,
            roles=roles,
            expires_ns=int(claims.exp + self._leeway_s) * NS,
            session=claims.sid,
        )

    # ---- API keys

    async def _api_key(self, presented: bytes) -> Principal:
        try:
            key_id, dot, secret = presented.decode("ascii").partition(".")
        except UnicodeDecodeError:
            key_id = dot = secret = ""
        if not dot or not 0 < len(key_id) <= 64 or not 0 < len(secret) <= 128:
            refuse("unauthenticated", "The API key must be `<key id>.<secret>`.")
        verified = await self._users.VerifyApiKey(VerifyApiKeyRequest(key_id=key_id, secret=secret))
        # The answer may be older than what was told meanwhile.
        if key_id in self._revoked_keys:
            refuse("key_revoked", "The API key was revoked; make a new one.")
        roles, held = roles_of(list(verified.roles)), self._held.get(verified.user_id)
        return Principal(
            user_id=verified.user_id,
            roles=roles & held.roles if held is not None else roles,
            expires_ns=verified.expires_at_ns or None,
            key_id=key_id,
        )

    # ---- revocations

    def _need_what_ended(self) -> None:
        if not self.told_what_ended.is_set():
            told = "What was revoked is not known yet: the user service has not told; try again."
            raise Refused("identity_unavailable", told, Kind.UNAVAILABLE, retry_after_s=1)

    def holds(self, principal: Principal) -> bool:
        """Whether a long-lived connection of this principal may go on: it is neither expired nor revoked."""
        expired = principal.expires_ns is not None and self._runtime.now_ns() >= principal.expires_ns
        ended = principal.key_id in self._revoked_keys or principal.session in self._ended_sessions
        return not expired and not ended

    async def still_holds(self, principal: Principal, api_key: bytes | None) -> bool:
        """As `holds`, and a key is verified anew once it is not remembered any more: a revocation may have been missed
        while it could not be told."""
        if not self.holds(principal):
            return False
        if principal.key_id is None or api_key is None or self.remembered(None, api_key) is not None:
            return True
        try:
            await self.authenticate(None, api_key)
        except Refused as refused:
            return refused.kind is not Kind.UNAUTHENTICATED
        return True

    def forget_key(self, key_id: str) -> None:
        """The key was revoked."""
        _keep(self._revoked_keys, key_id, None)
        self._forget(lambda principal: principal.key_id == key_id)

    def forget_session(self, session: str) -> None:
        """The session was signed out, and its tokens with it."""
        if session not in self._ended_sessions:
            _keep(self._ended_sessions, session, None)
            self._forget(lambda principal: principal.session == session)

    def forget_user(self, user_id: str, roles: list[str], changed_at_ns: int) -> None:
        """The user's roles changed: what was verified is verified anew, and grants no more than these."""
        _keep(self._held, user_id, _Held(roles_of(roles), changed_at_ns))
        self._forget(lambda principal: principal.user_id == user_id)

    def _forget(self, ended: Callable[[Principal], bool]) -> None:
        over = [presented for presented, (principal, _) in self._remembered.items() if ended(principal)]
        for presented in over:
            del self._remembered[presented]


def _keep(told: dict[str, T], name: str, value: T) -> None:
    """Add the newest; the oldest goes when there are too many."""
    told.pop(name, None)
    if len(told) >= REVOKED_MAX:
        del told[next(iter(told))]
    told[name] = value


def _presented(authorization: bytes | None, api_key: bytes | None) -> Presented | None:
    """The token, however its header is spaced and written, or the key; None for both, neither and any other scheme."""
    if authorization is None or api_key is not None:
        return (API_KEY, api_key) if authorization is None and api_key is not None else None
    scheme, _, token = authorization.partition(b" ")
    return (TOKEN, token.strip()) if scheme.lower() == b"bearer" else None


def _read_header(token: bytes) -> _Header:
    """The token's protected header, before anything in it is believed."""
    if len(token) > TOKEN_BYTES_MAX:
        refuse("token_malformed", f"A token may have {TOKEN_BYTES_MAX} bytes at most.")
    segments = token.split(b".")
    if len(segments) != 3:
        refuse("token_malformed", "A token has three parts separated by dots.")
    try:
        raw = base64.urlsafe_b64decode(segments[0] + b"=" * (-len(segments[0]) % 4))
        return _header_decoder.decode(raw)
    except (ValueError, RecursionError):
        refuse("token_malformed", "The token's header is not JSON with `alg` and `kid`.")
