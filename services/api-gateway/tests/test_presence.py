"""The end of the last stream of an account's orders is reported, if the account asked for it; no other end is."""

import asyncio

import pytest

from .running import TRADER, run
from .services import ACCOUNT, OTHER_ACCOUNT
from .sockets import connected

QUICK = {"stream_conflation_s": 0, "stream_heartbeat_s": 60}
A_MOMENT_S = 0.05


async def follows(client, account_id=""):
    await client.hear()
    client.say(op="subscribe", channel="orders", **({"account_id": account_id} if account_id else {}))
    assert (await client.hear())["type"] == "snapshot"


async def reported(gateway):
    """The account that is reported next."""
    async with asyncio.timeout(5):
        return await gateway.engine.disconnected.get()


async def nothing_reported(gateway):
    await asyncio.sleep(A_MOMENT_S)
    assert gateway.engine.disconnected.empty()


@pytest.mark.parametrize("named", ["", ACCOUNT])
def test_the_last_stream_of_the_orders_is_reported_when_it_ends(named):
    async def test(gateway):
        gateway.risk.accounts[ACCOUNT].cancel_on_disconnect = True
        async with connected(gateway, TRADER) as first:
            await follows(first, named)
            async with connected(gateway, TRADER) as second:
                await follows(second, ACCOUNT)
            await nothing_reported(gateway)
        assert await reported(gateway) == ACCOUNT

    run(test, **QUICK)


def test_an_account_that_did_not_ask_is_not_reported():
    async def test(gateway):
        async with connected(gateway, TRADER) as client:
            await follows(client)
        await nothing_reported(gateway)

    run(test, **QUICK)


def test_streams_without_orders_and_accounts_of_others_are_not_reported():
    async def test(gateway):
        gateway.risk.accounts[ACCOUNT].cancel_on_disconnect = True
        gateway.risk.accounts[OTHER_ACCOUNT].cancel_on_disconnect = True
        async with connected(gateway, TRADER) as client:
            await client.hear()
            client.say(op="subscribe", channel="book", symbol="BTC-USD")
            await client.hear()
            client.say(op="subscribe", channel="orders", account_id=OTHER_ACCOUNT)
            await client.hear()
        await nothing_reported(gateway)

    run(test, **QUICK)


def test_a_report_waits_for_an_engine_that_is_away():
    async def test(gateway):
        gateway.risk.accounts[ACCOUNT].cancel_on_disconnect = True
        gateway.engine.away = 1
        async with connected(gateway, TRADER) as client:
            await follows(client)
            client.say(op="unsubscribe", channel="orders")  # the connection is still there
            await nothing_reported(gateway)
        assert await reported(gateway) == ACCOUNT

    run(test, **QUICK)
