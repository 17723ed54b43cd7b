"""The texts that this service's events carry, described for their JSON schemas.

For the schema only: the service proves the form when it writes, and readers do not pay for it again.
"""

from typing import Annotated

import msgspec


def _text(pattern: str, description: str) -> msgspec.Meta:
    return msgspec.Meta(extra_json_schema={"pattern": f"^{pattern}$", "description": description})


UserIdText = Annotated[
    str, _text("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", "Id of a user: a UUIDv7.")
]
EmailIdText = Annotated[
    str, _text("[0-9a-f]{64}", "HMAC-SHA256 of the normalised e-mail address, under a key that is not in the log.")
]
SealedText = Annotated[
    str, _text("s1[.][A-Za-z0-9_-]{38,}", "AES-256-GCM under the person's key: base64url of nonce, ciphertext, tag.")
]
KeyIdText = Annotated[str, _text("tk_[0-9a-f]{16}", "Id of an API key.")]
SecretHashText = Annotated[str, _text("[0-9a-f]{64}", "SHA-256 of the API key's secret, which has 256 random bits.")]
