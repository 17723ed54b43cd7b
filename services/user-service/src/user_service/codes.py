"""Authorization codes: single use, short-lived, in memory. A code that comes twice was stolen, or its answer was lost;
either way the tokens of its first use end."""

import base64
import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass

from kernel.runtime import Runtime
from user_service.grants import Grant

CODES_MAX = 10_000
CODE_BYTES = 32


@dataclass(slots=True)
class Code:
    """challenge: base64url of the SHA-256 of the verifier (RFC 7636, S256)."""

    grant: Grant
    redirect_uri: str
    challenge: str
    nonce: str
    expires_at_ns: int
    uses: int = 0

    def is_answered_by(self, verifier: str) -> bool:
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        return hmac.compare_digest(digest, self.challenge)


class Codes:
    def __init__(self, runtime: Runtime, code_s: int) -> None:
        self._runtime = runtime
        self._holds_ns = code_s * 1_000_000_000
        self._codes: OrderedDict[str, Code] = OrderedDict()

    def issue(self, grant: Grant, redirect_uri: str, challenge: str, nonce: str) -> str:
        """A new code; the oldest goes when there are too many."""
        now_ns = self._runtime.now_ns()
        while self._codes and (
            len(self._codes) >= CODES_MAX or next(iter(self._codes.values())).expires_at_ns <= now_ns
        ):
            self._codes.popitem(last=False)
        text = base64.urlsafe_b64encode(self._runtime.random_bytes(CODE_BYTES)).decode().rstrip("=")
        self._codes[text] = Code(grant, redirect_uri, challenge, nonce, now_ns + self._holds_ns)
        return text

    def find(self, text: str) -> Code | None:
        """The code, used or not; None if it is unknown or has expired. The caller counts its uses."""
        code = self._codes.get(text)
        return code if code is not None and code.expires_at_ns > self._runtime.now_ns() else None
