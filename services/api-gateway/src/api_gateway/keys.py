"""The issuer's public keys: fetched without blocking, remembered, and fetched again when an unknown one appears."""

import asyncio
from typing import Any

import httpx2
import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from api_gateway.settings import ApiGatewaySettings
from kernel.refused import Kind, Refused
from kernel.runtime import Runtime
from kernel.telemetry import logger

NS = 1_000_000_000
KEYS_MAX = 32
MODULUS_CHARACTERS_MIN = 342  # 2,048 bits in base64url
FETCH_TIMEOUT_S = 5.0

log = logger("api-gateway")


class KeyCache:
    """RSA signing keys by key id.

    Keys older than their lifetime are still used while new ones are fetched. Between two fetches there is a cool-down,
    so that tokens with invented key ids cannot make us flood the issuer.
    """

    def __init__(self, runtime: Runtime, client: httpx2.AsyncClient, settings: ApiGatewaySettings) -> None:
        self._runtime = runtime
        self._client = client
        self._url = settings.keys_url
        self._lifetime_ns = settings.keys_lifetime_s * NS
        self._cooldown_ns = settings.keys_cooldown_s * NS
        self._keys: dict[str, RSAKey] = {}
        self._fetched_ns: int | None = None
        self._tried_ns: int | None = None
        self._fetching = asyncio.Lock()
        self._refresh: asyncio.Task[None] | None = None

    @property
    def known(self) -> bool:
        return bool(self._keys)

    async def find(self, kid: str) -> RSAKey | None:
        """The key, or None when the issuer does not have it. Refused (unavailable) when no key was ever fetched."""
        now = self._runtime.monotonic_ns()
        stale = self._fetched_ns is None or now - self._fetched_ns > self._lifetime_ns
        if kid not in self._keys:
            await self._fetch_unless_just_tried()
        elif stale and (self._refresh is None or self._refresh.done()):
            self._refresh = self._runtime.spawn(self._fetch_unless_just_tried(), "refresh the issuer's keys")
        if not self._keys:
            told = "The identity provider's keys cannot be fetched; try again."
            raise Refused("identity_unavailable", told, Kind.UNAVAILABLE, retry_after_s=1)
        return self._keys.get(kid)

    async def close(self) -> None:
        if self._refresh is not None:
            self._refresh.cancel()
        await self._client.aclose()

    async def _fetch_unless_just_tried(self) -> None:
        async with self._fetching:
            now = self._runtime.monotonic_ns()
            # Without any key there is nothing to protect but the issuer: a tenth of the time is enough.
            cooldown = self._cooldown_ns if self._keys else self._cooldown_ns // 10
            if self._tried_ns is not None and now - self._tried_ns < cooldown:
                return
            self._tried_ns = now
            try:
                response = await self._client.get(self._url, timeout=FETCH_TIMEOUT_S)
                response.raise_for_status()
                self._keys = _signing_keys(response.content)
                self._fetched_ns = now
            except (httpx2.HTTPError, JoseError, ValueError, LookupError) as error:
                log.warning("keys_not_fetched", url=self._url, error=f"{type(error).__name__}: {error}")


class _KeySet(msgspec.Struct):
    keys: list[dict[str, Any]]


def _signing_keys(document: bytes) -> dict[str, RSAKey]:
    """The usable keys of a JWKS: RSA of at least 2,048 bits, for signatures, with an id. Others are passed over."""
    usable: dict[str, RSAKey] = {}
    for given in msgspec.json.decode(document, type=_KeySet).keys[:KEYS_MAX]:
        kid = given.get("kid")
        if given.get("kty") != "RSA" or given.get("use", "sig") != "sig" or given.get("alg", "RS256") != "RS256":
            continue
        if not isinstance(kid, str) or not kid or len(str(given.get("n", ""))) < MODULUS_CHARACTERS_MIN:
            continue
        usable[kid] = RSAKey.import_key({"kty": "RSA", "n": given["n"], "e": given["e"]})
    return usable
