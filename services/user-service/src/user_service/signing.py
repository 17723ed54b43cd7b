"""The keys that sign tokens: RSA 2048, RS256. One signs; those before it stay published
until their tokens have expired.

The key comes from the settings, or is made at first start and kept in the private store.
"""

from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from kernel.runtime import Runtime
from user_service.private_store import PrivateStore
from user_service.settings import UserServiceSettings

ALGORITHM = "RS256"
RSA_BITS = 2048
DAY_NS = 86_400 * 1_000_000_000
SKEW_S = 300  # retired keys stay that much longer than the last token they signed


class SigningKeys:
    """Blocks while it makes a key (about a tenth of a second): at first start, and at a rotation."""

    def __init__(self, runtime: Runtime, store: PrivateStore, settings: UserServiceSettings) -> None:
        self._runtime = runtime
        self._store = store
        self._given = settings.signing_key_pem
        self._days_max = settings.signing_key_days
        self._published_ns = (settings.access_token_s + SKEW_S) * 1_000_000_000
        self._made_at_ns = 0
        self._keys: list[RSAKey] = []
        self._load()

    @property
    def current(self) -> RSAKey:
        return self._keys[0]

    def sign(self, claims: dict[str, Any]) -> str:
        """A compact JWS of `claims` by the current key."""
        header = {"alg": ALGORITHM, "typ": "JWT", "kid": self.current.kid}
        return jwt.encode(header, claims, self.current, [ALGORITHM])

    def verified(self, token: str) -> dict[str, Any] | None:
        """The claims of a token that one of these keys signed; None for any other. Times are the caller's business."""
        try:
            return jwt.decode(token, KeySet(list(self._keys)), [ALGORITHM]).claims
        except (JoseError, ValueError):
            return None

    def published(self) -> dict[str, Any]:
        """The public halves as a JSON Web Key Set (RFC 7517)."""
        extras = {"use": "sig", "alg": ALGORITHM}
        return {"keys": [key.as_dict(private=False) | {"kid": key.kid} | extras for key in self._keys]}

    def rotate(self) -> None:
        """Sign with a new key from now on; the old one stays published. A key from the settings is not replaced."""
        if self._given:
            return
        key = _made()
        assert key.kid is not None
        self._store.replace_signing_key(key.kid, _pem(key), self._runtime.now_ns())
        self._load()

    def keep_fresh(self) -> None:
        """Replace a key that is too old, and forget those whose tokens have expired."""
        if self._given:
            return
        now_ns = self._runtime.now_ns()
        self._store.drop_signing_keys(now_ns - self._published_ns)
        if now_ns - self._made_at_ns > self._days_max * DAY_NS:
            self.rotate()
        else:
            self._load()

    def _load(self) -> None:
        if self._given:
            self._keys = [_read(self._given)]
            return
        rows = self._store.signing_keys()
        if not rows:
            self.rotate()
            return
        rows.sort(key=lambda row: row[3] is not None)  # the one that is not retired signs
        self._keys = [_read(row[1]) for row in rows]
        self._made_at_ns = rows[0][2]


def _made() -> RSAKey:
    return _with_id(RSAKey.generate_key(RSA_BITS, auto_kid=False))


def _read(pem: str) -> RSAKey:
    return _with_id(RSAKey.import_key(pem))


def _with_id(key: RSAKey) -> RSAKey:
    key.ensure_kid()  # the thumbprint of RFC 7638: the same key has the same id everywhere
    return key


def _pem(key: RSAKey) -> str:
    return key.as_pem(private=True).decode()
