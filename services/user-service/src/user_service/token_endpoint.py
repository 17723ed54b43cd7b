"""The token endpoint (RFC 6749, 3.2): trades a code, a refresh token, a password or a client's secret for tokens."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from kernel.ids import derived_id
from kernel.refused import Kind, Refused
from kernel.telemetry import logger
from user_service import events, private_store
from user_service.clients import CODE, CREDENTIALS, PASSWORD, REFRESH, Client
from user_service.codes import Code
from user_service.grants import Grant
from user_service.oauth import UNCACHED, OAuthError, client_address, form_of
from user_service.persons import Person
from user_service.realm import Realm
from user_service.tokens import Subject, granted_scope

T = TypeVar("T")

GRANTS = (CODE, REFRESH, PASSWORD, CREDENTIALS)
VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")  # RFC 7636, 4.1
REFRESH_BYTES = 32
PASSWORD_SCOPE = "openid profile email"  # noqa: S105 (a scope)

_log = logger(events.ROLE)


class TokenEndpoint:
    """One method a grant; `answer` and `revoke` are the endpoints."""

    def __init__(self, realm: Realm) -> None:
        self._realm = realm

    async def answer(self, request: Request) -> Response:
        try:
            form = await form_of(request)
            client = self._client(request, form)
            return await self._granted(request, form, client)
        except OAuthError as error:
            return error.response()
        except Refused as refused:
            return _refused(refused).response()

    async def revoke(self, request: Request) -> Response:
        """RFC 7009: ends the family of a refresh or an access token, and thereby all its tokens."""
        try:
            form = await form_of(request)
            client = self._client(request, form)
        except OAuthError as error:
            return error.response()
        token = form.get("token", "")
        found = await self._private(self._realm.store.family_of, _hash(token), client.client_id)
        claims = self._realm.tokens.read(token) if found is None else None
        if found is not None:
            await self._realm.sessions.end_family(found[0])
        elif claims is not None and claims.get("azp") == client.client_id and isinstance(claims.get("sid"), str):
            await self._realm.sessions.end_family(claims["sid"])
        return Response(status_code=200, headers=UNCACHED)

    async def sign_out(self, refresh_token: str, client_id: str) -> None:
        """End the family of a refresh token, and the browser's session that gave it with all that it gave."""
        found = await self._private(self._realm.store.family_of, _hash(refresh_token), client_id)
        if found is None:
            return
        family, session = found
        await self._realm.sessions.end_family(family)
        if session:
            await self._realm.sessions.end(session)

    async def _granted(self, request: Request, form: dict[str, str], client: Client) -> Response:
        grant_type = form.get("grant_type", "")
        if grant_type not in GRANTS:
            raise OAuthError("unsupported_grant_type", f"expected one of {', '.join(GRANTS)}")
        if grant_type not in client.grants:
            raise OAuthError("unauthorized_client", f"{client.client_id} may not use the grant {grant_type}")
        if grant_type == CODE:
            return await self._by_code(form, client)
        if grant_type == REFRESH:
            return await self._by_refresh_token(form, client)
        if grant_type == PASSWORD:
            return await self._by_password(request, form, client)
        return self._by_secret(client)

    async def _by_code(self, form: dict[str, str], client: Client) -> Response:
        code = self._realm.codes.find(form.get("code", ""))
        if code is None or code.grant.client_id != client.client_id:
            raise OAuthError("invalid_grant", "the code is unknown or has expired; sign in again")
        code.uses += 1
        if code.uses > 1:
            await self._realm.sessions.end_family(code.grant.family)
            _log.warning("an authorization code came twice; its tokens end", user_id=code.grant.user_id)
            raise OAuthError("invalid_grant", "the code was used before; sign in again")
        if form.get("redirect_uri", "") != code.redirect_uri:
            raise OAuthError("invalid_grant", "redirect_uri is not the one of the authorization request")
        verifier = form.get("code_verifier", "")
        if not VERIFIER.fullmatch(verifier) or not code.is_answered_by(verifier):
            raise OAuthError("invalid_grant", "code_verifier does not fit the code_challenge")
        person = await self._person(code.grant)
        refresh = await self._first_refresh_token(code.grant, code)
        return self._tokens(person, code.grant, code.grant.scope, code.nonce, refresh)

    async def _by_refresh_token(self, form: dict[str, str], client: Client) -> Response:
        """Whatever can refuse comes before the token is spent: after that only the next one is of use."""
        realm = self._realm
        fresh, spent = self._random(), _hash(form.get("refresh_token", ""))
        grant = await self._private(realm.store.grant_of, spent, client.client_id, realm.runtime.now_ns())
        if grant is not None:
            scope = granted_scope(form.get("scope", grant.scope))
            if not set(scope.split()) <= set(grant.scope.split()):
                raise OAuthError("invalid_scope", f"at most {grant.scope!r} was granted")
            person = await self._person(grant)
        rotation = await self._private(
            realm.store.rotate_refresh_token,
            spent,
            client.client_id,
            _hash(fresh),
            realm.runtime.now_ns(),
            realm.settings.refresh_idle_s * 1_000_000_000,
        )
        if rotation.outcome == "reused":
            user_id = rotation.grant.user_id if rotation.grant else ""
            _log.warning("a refresh token came twice; its family ends", user_id=user_id)
            await realm.sessions.tell()
        if rotation.outcome != "rotated" or grant is None:
            raise OAuthError("invalid_grant", "the refresh token is unknown, spent or expired; sign in again")
        return self._tokens(person, grant, scope, "", fresh)

    async def _by_password(self, request: Request, form: dict[str, str], client: Client) -> Response:
        email, password = form.get("username", ""), form.get("password", "")
        if not email or not password:
            raise OAuthError("invalid_request", "username and password are required")
        signed_in = await self._realm.sign_in.with_password(email, password, client_address(request))
        if signed_in.must_choose:
            raise OAuthError(
                "invalid_grant", "this password is good for one sign-in with a browser: choose another there"
            )
        person = signed_in.person
        now_ns = self._realm.runtime.now_ns()
        grant = Grant(
            family=self._realm.runtime.uuid7(),
            session="",
            user_id=person.user_id,
            client_id=client.client_id,
            scope=granted_scope(form.get("scope", PASSWORD_SCOPE)),
            signed_in_at_ns=now_ns,
            ends_at_ns=now_ns + self._realm.settings.session_s * 1_000_000_000,
        )
        refresh = await self._first_refresh_token(grant, None)
        return self._tokens(person, grant, grant.scope, "", refresh)

    def _by_secret(self, client: Client) -> Response:
        subject = Subject(derived_id("client", client.client_id), client.roles, None)
        access = self._realm.tokens.access(subject, client.client_id, "", "")
        told = {"access_token": access, "token_type": "Bearer", "expires_in": self._realm.tokens.holds_s, "scope": ""}
        return JSONResponse(told, headers=UNCACHED)

    def _tokens(self, person: Person, grant: Grant, scope: str, nonce: str, refresh: str) -> Response:
        tokens = self._realm.tokens
        subject = Subject(person.user_id, person.roles, person)
        access = tokens.access(subject, grant.client_id, scope, grant.family)
        told = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": tokens.holds_s,
            "refresh_token": refresh,
            "refresh_expires_in": self._realm.settings.refresh_idle_s,
            "scope": scope,
        }
        if "openid" in scope.split():
            told["id_token"] = tokens.identity(
                person, grant.client_id, scope, grant.session or grant.family, grant.signed_in_at_ns, nonce, access
            )
        return JSONResponse(told, headers=UNCACHED)

    async def _first_refresh_token(self, grant: Grant, code: Code | None) -> str:
        token = self._random()
        now_ns = self._realm.runtime.now_ns()
        expires_at_ns = min(now_ns + self._realm.settings.refresh_idle_s * 1_000_000_000, grant.ends_at_ns)
        if not await self._private(self._realm.store.add_refresh_token, _hash(token), grant, expires_at_ns):
            raise OAuthError("invalid_grant", "the session was signed out; sign in again")
        if code is not None and code.uses > 1:  # it came a second time while the first was being answered
            await self._realm.sessions.end_family(grant.family)
            raise OAuthError("invalid_grant", "the code was used twice; sign in again")
        return token

    async def _person(self, grant: Grant) -> Person:
        """Roles are looked up for every token, so a refresh carries those of today."""
        person, _ = await self._realm.directory.find(grant.user_id, None)
        if person.erased:
            await self._realm.sessions.end_family(grant.family)
            raise OAuthError("invalid_grant", "there is no such user any more")
        return person

    def _client(self, request: Request, form: dict[str, str]) -> Client:
        """Who asks (RFC 6749, 2.3): HTTP Basic, or client_id and client_secret in the form."""
        client_id, secret = _basic(request.headers.get("authorization", ""))
        client_id = client_id or form.get("client_id", "")
        client = self._realm.clients.get(client_id)
        confidential = client is not None and bool(client.secret)
        if client is None or (confidential and not client.has_secret(secret or form.get("client_secret", ""))):
            headers = {"WWW-Authenticate": 'Basic realm="trading-platform"'}
            raise OAuthError("invalid_client", "the client is unknown or its secret is wrong", 401, headers)
        return client

    async def _private(self, call: Callable[..., T], *arguments: object) -> T:
        return await self._realm.runtime.in_thread(private_store.LANE, call, *arguments)

    def _random(self) -> str:
        return base64.urlsafe_b64encode(self._realm.runtime.random_bytes(REFRESH_BYTES)).decode().rstrip("=")


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise OAuthError("invalid_request", "the Basic credentials are malformed") from None
    return unquote_plus(client_id), unquote_plus(secret)


def _refused(refused: Refused) -> OAuthError:
    headers = {"Retry-After": str(refused.retry_after_s)} if refused.retry_after_s else {}
    if refused.kind is Kind.RATE_LIMITED:
        return OAuthError("temporarily_unavailable", refused.message, 429, headers)
    if refused.kind is Kind.UNAVAILABLE:
        return OAuthError("temporarily_unavailable", refused.message, 503, headers)
    return OAuthError("invalid_grant", refused.message)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
