"""Who has signed in with a password that was given once, and has to choose another: in memory, short-lived."""

import base64
from collections import OrderedDict

from kernel.runtime import Runtime
from user_service.sign_in import SignedIn

CHOICES_MAX = 1_000
CHOICE_BYTES = 32
HOLDS_NS = 600 * 1_000_000_000


class PasswordChoices:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._open: OrderedDict[str, tuple[SignedIn, int]] = OrderedDict()

    def begin(self, signed_in: SignedIn) -> str:
        """What the form carries; the oldest goes when there are too many."""
        text = base64.urlsafe_b64encode(self._runtime.random_bytes(CHOICE_BYTES)).decode().rstrip("=")
        self._open[text] = (signed_in, self._runtime.now_ns() + HOLDS_NS)
        while len(self._open) > CHOICES_MAX:
            self._open.popitem(last=False)
        return text

    def whose(self, text: str) -> SignedIn | None:
        """None if it is unknown, was used, or took too long."""
        signed_in, until_ns = self._open.get(text, (None, 0))
        return signed_in if until_ns > self._runtime.now_ns() else None

    def end(self, text: str) -> None:
        self._open.pop(text, None)
