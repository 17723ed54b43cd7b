"""Sealed texts: what names a person stands in events only encrypted under that person's key.

AES-256-GCM, a random 96-bit nonce per text, the person and the field as associated data, so that a sealed text cannot
be moved to another person or field. Whoever destroys the key erases the person from every copy of the log.
Form: `s1.` and base64url of nonce, ciphertext and tag.
"""

import base64

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from user_service.user import Sealed

KEY_BYTES = 32
NONCE_BYTES = 12
PREFIX = "s1."
EMAIL = "email"
NAME = "name"
KEY_NAME = "api_key_name"


class Unreadable(Exception):
    """The text was not sealed under this key for this person and field: the log or the private store was altered."""


def seal(key: bytes, nonce: bytes, user_id: str, field: str, text: str) -> Sealed:
    """Encrypt `text`; `nonce` is never used twice with a key."""
    assert len(key) == KEY_BYTES and len(nonce) == NONCE_BYTES, "AES-256-GCM takes a key of 32 and a nonce of 12 bytes"
    sealed = AESGCM(key).encrypt(nonce, text.encode(), _bound_to(user_id, field))
    return Sealed(PREFIX + base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("="))


def unseal(key: bytes, user_id: str, field: str, sealed: str) -> str:
    """The text that `seal` was given; Unreadable if it was not sealed so."""
    if not sealed.startswith(PREFIX):
        raise Unreadable(f"expected a sealed {field} of user {user_id} that starts with {PREFIX}")
    encoded = sealed[len(PREFIX) :]
    raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    try:
        return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _bound_to(user_id, field)).decode()
    except InvalidTag:
        raise Unreadable(f"the {field} of user {user_id} does not open under the key of that person") from None


def _bound_to(user_id: str, field: str) -> bytes:
    return f"{user_id}|{field}".encode()
