"""Token buckets: how many requests a principal, or an address, may make.

A bucket holds `tokens`, and `refill_tokens` come back every `refill_s`, continuously. It is kept as one integer: the
moment at which the bucket will be full again, in nanoseconds times `refill_tokens`, so that no division rounds.
A bucket that is full equals one that was never used, so forgetting it changes nothing.
"""

from typing import NamedTuple, Protocol

from api_gateway.settings import ApiGatewaySettings

NS = 1_000_000_000
# Of an address, its attempts with credentials that do not hold: the owner of a bucket beside that of the address.
FAILURES = "failures"


class Taken(NamedTuple):
    """The outcome of taking one token. reset_s: until the bucket is full; retry_after_s: 0 when a token was there."""

    allowed: bool
    limit: int
    remaining: int
    reset_s: int
    retry_after_s: int


class Buckets(Protocol):
    """The port; in this process here, shared between gateways through Redis there."""

    async def take(self, owner: str, now_ns: int) -> Taken:
        """Take a token of `owner`'s bucket if there is one; `now_ns` is monotonic."""

    async def look(self, owner: str, now_ns: int) -> Taken:
        """What `take` would say, without taking."""


class MemoryBuckets:
    """Buckets in this process, at most so many."""

    def __init__(self, settings: ApiGatewaySettings) -> None:
        self._limit = settings.rate_limit_tokens
        self._rate = settings.rate_limit_refill_tokens
        self._cost = settings.rate_limit_refill_s * NS
        self._size = self._limit * self._cost
        self._max = settings.rate_limit_buckets_max
        # In the order of their last use, so that the fullest come first.
        self._full_at: dict[str, int] = {}

    async def take(self, owner: str, now_ns: int) -> Taken:
        now = now_ns * self._rate
        full_at = max(self._full_at.pop(owner, now), now)
        after = full_at + self._cost
        if after - now > self._size:
            self._full_at[owner] = full_at
            return self._told(False, full_at - now, after - now - self._size)
        if len(self._full_at) >= self._max:
            del self._full_at[next(iter(self._full_at))]
        self._full_at[owner] = after
        return self._told(True, after - now, 0)

    async def look(self, owner: str, now_ns: int) -> Taken:
        now = now_ns * self._rate
        used = max(self._full_at.get(owner, now) - now, 0)
        missing = used + self._cost - self._size
        return self._told(missing <= 0, used, max(missing, 0))

    def _told(self, allowed: bool, used: int, missing: int) -> Taken:
        return Taken(
            allowed,
            self._limit,
            (self._size - used) // self._cost,
            -(-used // (self._rate * NS)),
            -(-missing // (self._rate * NS)),
        )

    def __len__(self) -> int:
        return len(self._full_at)
