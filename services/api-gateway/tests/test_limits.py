"""Token buckets: exact, per principal, told in headers, bounded."""

import asyncio
from fractions import Fraction
from random import Random

import pytest

from api_gateway.limits import NS, MemoryBuckets
from api_gateway.settings import ApiGatewaySettings

from .running import READER, bearer, run
from .services import GRACE


def buckets_of(tokens, refill_tokens, refill_s, most=100):
    return MemoryBuckets(
        ApiGatewaySettings(
            rate_limit_tokens=tokens,
            rate_limit_refill_tokens=refill_tokens,
            rate_limit_refill_s=refill_s,
            rate_limit_buckets_max=most,
        )
    )


# A bucket of 3, refilled 3 in 6 s. Steps: seconds that pass, requests let through, then requests refused.
CASES = [
    ("a full bucket gives its tokens at once", [(0, 3, 1)]),
    ("a token comes back after its share of the time", [(0, 3, 0), (2, 1, 1)]),
    ("nothing comes back before that", [(0, 3, 0), (1.999, 0, 1), (0.001, 1, 1)]),
    ("refusals cost nothing", [(0, 3, 50), (2, 1, 0)]),
    ("it never holds more than its size", [(0, 1, 0), (1000, 3, 1)]),
    ("parts of a token add up", [(0, 3, 0), (1, 0, 1), (1, 1, 1), (3, 1, 1), (1, 1, 1)]),
]


@pytest.mark.parametrize("steps", [case[1] for case in CASES], ids=[case[0] for case in CASES])
def test_a_bucket(steps):
    async def test():
        buckets, now_ns = buckets_of(3, 3, 6), 10**18
        for seconds, allowed, refused in steps:
            now_ns += round(seconds * NS)
            outcomes = [(await buckets.take("ada", now_ns)).allowed for _ in range(allowed + refused)]
            assert outcomes == [True] * allowed + [False] * refused

    asyncio.run(test())


@pytest.mark.parametrize("seed", range(20))
def test_a_bucket_is_exactly_a_bucket_of_fractions(seed):
    """Compared with the obvious implementation, over odd sizes where nothing divides."""
    random = Random(seed)
    size, refill, period = random.randint(1, 9), random.randint(1, 9), random.randint(1, 9)

    async def test():
        buckets, now_ns, level = buckets_of(size, refill, period), 0, Fraction(size)
        for _ in range(500):
            passed_ns = random.choice([0, 1, random.randint(0, NS), random.randint(0, 3 * NS)])
            now_ns += passed_ns
            level = min(Fraction(size), level + Fraction(passed_ns * refill, period * NS))
            taken = await buckets.take("ada", now_ns)
            assert taken.allowed == (level >= 1)
            if taken.allowed:
                level -= 1
            else:
                assert taken.retry_after_s == -(-(1 - level) * period // refill)
            assert taken.remaining == level // 1
            assert taken.reset_s == -(-(size - level) * period // refill)

    asyncio.run(test())


def test_the_number_of_buckets_is_bounded_and_the_least_recently_used_go_first():
    async def test():
        buckets = buckets_of(1, 1, 60, most=3)
        for owner in ("a", "b", "c", "a", "d", "e"):
            await buckets.take(owner, 0)
        assert len(buckets) == 3
        assert [(await buckets.look(owner, 0)).allowed for owner in "abcde"] == [False, True, True, False, False]

    asyncio.run(test())


def test_headers_count_down_then_429_tells_when_to_come_back():
    async def test(gateway):
        for left in (2, 1, 0):
            answer = await gateway.call("GET", "/v1/orders", headers=READER)
            assert answer.status_code == 200
            assert answer.headers["X-RateLimit-Limit"] == "3"
            assert answer.headers["X-RateLimit-Remaining"] == str(left)
            assert answer.headers["X-RateLimit-Reset"] == str((3 - left) * 20)
        refused = await gateway.call("GET", "/v1/orders", headers=READER)
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert refused.headers["Retry-After"] == "20"
        gateway.clock.move_on(20)
        assert (await gateway.call("GET", "/v1/orders", headers=READER)).status_code == 200

    run(test, rate_limit_tokens=3, rate_limit_refill_tokens=3, rate_limit_refill_s=60)


def test_each_principal_has_a_bucket_and_public_requests_that_of_the_address():
    async def test(gateway):
        async def status(path, headers):
            return (await gateway.call("GET", path, headers=headers)).status_code

        assert await status("/v1/orders", READER) == 200
        assert await status("/v1/orders", READER) == 429
        assert await status("/v1/orders", bearer(roles=["USER"], permissions=[])) == 429, (
            "another token of the same user"
        )
        assert await status("/v1/orders", bearer(sub=GRACE)) == 200
        assert await status("/v1/public/time", {}) == 200
        assert await status("/v1/public/time", {}) == 429
        assert await status("/v1/nothing", {}) == 429

    run(test, rate_limit_tokens=1)


def test_failed_attempts_cost_tokens_of_the_address_and_then_nothing_new_is_verified():
    async def test(gateway):
        wrong = {"X-API-Key": "tk_ada.wrong"}
        statuses = [(await gateway.call("GET", "/v1/orders", headers=wrong)).status_code for _ in range(4)]
        assert statuses == [401, 401, 429, 429]
        assert gateway.users.verified == 2

    run(test, rate_limit_tokens=2)


def test_a_fresh_token_gets_in_where_strangers_have_emptied_the_bucket_of_the_address():
    async def test(gateway):
        async def status(path, headers):
            return (await gateway.call("GET", path, headers=headers)).status_code

        for expected in (200, 200, 429):
            assert await status("/v1/public/time", {}) == expected
        assert await status("/v1/orders", READER) == 200
        assert (
            await status("/v1/orders", {"Authorization": "Bearer rubbish"}) == 429
        )  # a failure still costs the address
        assert await status("/v1/public/time", {}) == 429

    run(test, rate_limit_tokens=2)


def test_probes_pages_and_the_identity_provider_are_not_limited():
    async def test(gateway):
        for path in ("/health", "/metrics", "/docs", "/openapi.yaml", "/realms/trading-platform/x"):
            for _ in range(3):
                assert (await gateway.call("GET", path, headers={})).status_code != 429

    run(test, rate_limit_tokens=1)
