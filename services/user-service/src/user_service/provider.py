"""The embedded OpenID provider as an ASGI application, on the URLs that Keycloak has for a realm.

It answers under /realms/trading-platform, and under /trading-platform when a gateway mounts it at /realms.
"""

from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from kernel.refused import Refused
from user_service.authorization import Authorization
from user_service.clients import origins_of
from user_service.oauth import UNCACHED
from user_service.realm import Realm
from user_service.settings import REALM_PATH
from user_service.sign_out import SignOut
from user_service.signing import ALGORITHM
from user_service.token_endpoint import GRANTS, TokenEndpoint
from user_service.tokens import SCOPES, profile

PROTOCOL = "/protocol/openid-connect"
KEYS_CACHED_S = 300
READ = ["GET", "OPTIONS"]


def provider(realm: Realm) -> Starlette:
    """Every endpoint of the realm."""
    authorization = Authorization(realm)
    tokens = TokenEndpoint(realm)
    sign_out = SignOut(realm, tokens)
    information = Information(realm)
    anyone = [Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET"])]
    own_pages = [
        Middleware(
            CORSMiddleware,
            allow_origins=list(origins_of(realm.settings)),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
            max_age=600,
        )
    ]
    routes = [
        Route("/.well-known/openid-configuration", information.discovery, methods=READ, middleware=anyone),
        Route(f"{PROTOCOL}/certs", information.keys, methods=READ, middleware=anyone),
        Route(f"{PROTOCOL}/auth", authorization.authorize, methods=["GET"]),
        Route("/login-actions/authenticate", authorization.authenticate, methods=["GET", "POST"]),
        Route("/login-actions/choose-password", authorization.choose_password, methods=["POST"]),
        Route("/login-actions/registration", authorization.register, methods=["GET", "POST"]),
        Route(f"{PROTOCOL}/token", tokens.answer, methods=["POST", "OPTIONS"], middleware=own_pages),
        Route(f"{PROTOCOL}/revoke", tokens.revoke, methods=["POST", "OPTIONS"], middleware=own_pages),
        Route(f"{PROTOCOL}/userinfo", information.person, methods=["GET", "POST", "OPTIONS"], middleware=own_pages),
        Route(f"{PROTOCOL}/logout", sign_out.answer, methods=["GET", "POST"]),
    ]
    mounted = REALM_PATH.removeprefix("/realms")
    return Starlette(
        routes=[Mount(REALM_PATH, routes=routes), Mount(mounted, routes=routes)],
        exception_handlers={Refused: _unavailable},
    )


async def _unavailable(_: Request, error: Exception) -> Response:
    """What no endpoint renders itself: the view is behind, or the log is away."""
    assert isinstance(error, Refused)
    told = {"error": "temporarily_unavailable", "error_description": error.message}
    return JSONResponse(told, 503, UNCACHED | {"Retry-After": str(error.retry_after_s or 1)})


class Information:
    """What the realm says about itself, and about who holds a token."""

    def __init__(self, realm: Realm) -> None:
        self._realm = realm
        offered = [grant for grant in GRANTS if any(grant in client.grants for client in realm.clients.values())]
        self._discovery = _discovery(realm.settings.issuer, offered)

    async def discovery(self, request: Request) -> Response:
        return JSONResponse(self._discovery, headers={"Cache-Control": f"public, max-age={KEYS_CACHED_S}"})

    async def keys(self, request: Request) -> Response:
        headers = {"Cache-Control": f"public, max-age={KEYS_CACHED_S}"}
        return JSONResponse(self._realm.keys.published(), headers=headers)

    async def person(self, request: Request) -> Response:
        """Claims about the person behind an access token (OpenID Connect Core 1.0, 5.3)."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        claims = self._realm.tokens.read(token) if scheme.lower() == "bearer" else None
        if claims is not None and await self._realm.sessions.has_ended(str(claims.get("sid"))):
            claims = None
        if claims is None or "openid" not in str(claims.get("scope")).split():
            headers = {"WWW-Authenticate": 'Bearer realm="trading-platform", error="invalid_token"'}
            told = {"error": "invalid_token", "error_description": "send a valid access token with the scope openid"}
            return JSONResponse(told, 401, UNCACHED | headers)
        person, _ = await self._realm.directory.find(str(claims["sub"]), None)
        claimed: dict[str, Any] = {"sub": person.user_id, "roles": list(person.roles)} | profile(
            person, str(claims["scope"])
        )
        return JSONResponse(claimed, headers=UNCACHED)


def _discovery(issuer: str, grants: list[str]) -> dict[str, Any]:
    """OpenID Connect Discovery 1.0, 3."""
    endpoints = issuer + PROTOCOL
    authentication = ["none", "client_secret_basic", "client_secret_post"]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{endpoints}/auth",
        "token_endpoint": f"{endpoints}/token",
        "userinfo_endpoint": f"{endpoints}/userinfo",
        "jwks_uri": f"{endpoints}/certs",
        "end_session_endpoint": f"{endpoints}/logout",
        "revocation_endpoint": f"{endpoints}/revoke",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": grants,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "scopes_supported": list(SCOPES),
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "name", "preferred_username", "email"],
        "token_endpoint_auth_methods_supported": authentication,
        "revocation_endpoint_auth_methods_supported": authentication,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "create"],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
    }
