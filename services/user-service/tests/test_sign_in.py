"""Who guesses passwords waits, and cannot make the owner wait with him."""

import asyncio

import httpx2
import pytest

from user_service.network import network_of

from .provider_client import password_grant
from .running import ADA, PASSWORD, PUBLIC_URL, running

HERE, STRANGER = "192.0.2.1", "203.0.113.7"


IN, WRONG, WAITS = 200, 400, 429


class Door:
    """The way in, by the password grant: the status of each attempt from a network address."""

    def __init__(self, platform):
        self._platform = platform

    async def tried(self, client, password="not the password"):
        transport = httpx2.ASGITransport(app=self._platform.service.http, client=(client, 40_000))
        async with httpx2.AsyncClient(transport=transport, base_url=PUBLIC_URL) as asking:
            return (await password_grant(asking, ADA, password)).status_code

    async def guessed(self, client, times):
        return [await self.tried(client) for _ in range(times)]


def at_the_door(scenario, **limits):
    async def run():
        async with running(**limits) as platform:
            await platform.create()
            await scenario(Door(platform), platform)

    asyncio.run(run())


def test_a_stranger_who_guesses_locks_out_his_own_network_only():
    async def scenario(door, platform):
        assert await door.guessed(STRANGER, 4) == [WRONG] * 3 + [WAITS]
        assert await door.tried(STRANGER, PASSWORD) == WAITS
        assert await door.tried(HERE, PASSWORD) == IN
        platform.runtime.move_on(901)
        assert await door.tried(STRANGER, PASSWORD) == IN

    at_the_door(scenario, address_failures_max=3)


def test_a_guesser_with_many_networks_is_held_up_but_not_the_owner_where_he_signed_in_before():
    async def scenario(door, platform):
        assert await door.tried(HERE, PASSWORD) == IN
        guesses = [await door.tried(f"198.51.100.{number}") for number in range(6)]
        assert guesses == [WRONG] * 5 + [WAITS]
        assert await door.tried("198.51.100.99", PASSWORD) == WAITS
        assert await door.tried(HERE, PASSWORD) == IN
        platform.runtime.move_on(901)
        assert await door.tried("198.51.100.99", PASSWORD) == IN

    at_the_door(scenario, address_failures_everywhere_max=5)


def test_where_the_owner_signed_in_before_guesses_have_a_limit_too():
    async def scenario(door, platform):
        assert await door.tried(HERE, PASSWORD) == IN
        assert await door.guessed(HERE, 4) == [WRONG] * 3 + [WAITS]

    at_the_door(scenario, address_failures_max=3)


def test_an_attempt_that_has_to_wait_counts_nowhere():
    async def scenario(door, platform):
        assert await door.guessed(STRANGER, 9) == [WRONG] * 2 + [WAITS] * 7
        assert await door.tried(HERE) == WRONG
        assert await door.tried("192.0.2.2", PASSWORD) == IN

    at_the_door(scenario, address_failures_max=2, address_failures_everywhere_max=4, client_failures_max=3)


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_the_addresses_of_one_subscriber_are_one_network(client, network):
    assert network_of(client) == network
