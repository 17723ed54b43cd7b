"""What ended elsewhere ends here: roles taken away, sessions signed out, keys revoked, also what was missed."""

import asyncio

import pytest

from kernel.refused import Kind, Refused
from trading.v1.user_pb2 import StreamRevocationsResponse

from .running import READER, TRADER, Gateway, bearer, run, started
from .services import ADA, GRACE, NOW_NS, at
from .sockets import connected

NOW_S = NOW_NS // 1_000_000_000
ORDER = {"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "quantity": "0.5", "price": "64250.10"}
KEY = {"X-API-Key": "tk_ada.secret"}
NOT_TOLD = "the user service has not told what was revoked"
BEATING = {"stream_conflation_s": 0, "stream_heartbeat_s": 0.05}


def test_after_a_start_nobody_gets_in_before_it_is_told_what_ended():
    async def whole():
        gateway = Gateway()
        gateway.users.tells.clear()
        async with asyncio.timeout(10), started(gateway):
            ended = bearer(sid="ended-before")
            for headers in (ended, TRADER, KEY):
                answer = await gateway.call("GET", "/v1/orders", headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (503, "identity_unavailable")
                assert answer.headers["Retry-After"] == "1"
            async with connected(gateway) as client:
                client.say(op="auth", token=ended["Authorization"].removeprefix("Bearer "))
                assert (await client.closed())[0] != 4401
            waiting = await gateway.call("GET", "/ready", headers={})
            assert (waiting.status_code, waiting.json()["dependencies"]["revocations"]) == (503, NOT_TOLD)
            gateway.users.tells.set()
            await gateway.users.has_told.wait()
            gateway.clock.move_on(2)
            assert (await gateway.call("GET", "/ready", headers={})).status_code == 200
            assert (await gateway.call("GET", "/v1/orders", headers=ended)).json()["code"] == "token_revoked"
            assert (await gateway.call("GET", "/v1/orders", headers=TRADER)).status_code == 200

    asyncio.run(whole())


async def told():
    """Long enough for a message to be taken in."""
    await asyncio.sleep(0.05)


# Whose roles became which, seconds after it that the token was issued, the token's roles -> may it trade?
CHANGES = [
    ("a token from before has at most these", ADA, ["USER"], -10, ["TRADER"], False),
    ("so has one of the same second", ADA, ["USER"], 0, ["TRADER"], False),
    ("a later one has its own", ADA, ["USER"], 1, ["TRADER"], True),
    ("roles that are still held are left", ADA, ["USER", "TRADER"], -10, ["ADMIN"], True),
    ("roles that were added are not given to it", ADA, ["USER", "TRADER"], -10, ["USER"], False),
    ("nobody else is meant", GRACE, ["USER"], -10, ["TRADER"], True),
]


@pytest.mark.parametrize(
    ("user_id", "roles", "issued_s", "given", "trades"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES]
)
def test_roles_that_were_taken_away_are_gone_from_tokens_at_once(user_id, roles, issued_s, given, trades):
    async def test(gateway):
        headers = bearer(iat=NOW_S + issued_s, roles=given)
        await gateway.call("GET", "/v1/orders", headers=headers)  # it is remembered
        gateway.users.change_roles(user_id, roles, NOW_NS)
        await told()
        assert (await gateway.call("GET", "/v1/orders", headers=headers)).status_code == 200
        placed = await gateway.call("POST", "/v1/orders", headers=headers, json=ORDER)
        assert placed.status_code == (201 if trades else 403)

    run(test)


def test_a_key_has_no_roles_that_its_owner_lost_even_if_the_answer_is_old():
    async def test(gateway):
        gateway.users.change_roles(ADA, ["USER"], NOW_NS)
        await told()
        assert (await gateway.call("GET", "/v1/orders", headers=KEY)).status_code == 200
        assert (await gateway.call("POST", "/v1/orders", headers=KEY, json=ORDER)).status_code == 403

    run(test)


def test_a_session_that_was_signed_out_ends_its_tokens_and_connections():
    async def test(gateway):
        ended, other = bearer(sid="s1"), bearer(sid="s2")
        async with connected(gateway, ended) as client, connected(gateway, other) as stays:
            await client.hear()
            await stays.hear()
            assert (await gateway.call("GET", "/v1/orders", headers=ended)).status_code == 200
            gateway.users.end_session("s1")
            await told()
            answer = await gateway.call("GET", "/v1/orders", headers=ended)
            assert (answer.status_code, answer.json()["code"]) == (401, "token_revoked")
            assert (await gateway.call("GET", "/v1/orders", headers=other)).status_code == 200
            assert (await client.closed())[0] == 4401
            stays.say(op="ping")
            while (frame := await stays.hear())["type"] == "heartbeat":
                pass
            assert frame == {"type": "pong"}

    run(test, **BEATING)


def test_a_key_that_is_revoked_while_it_is_verified_does_not_get_in():
    async def test(gateway):
        gateway.users.answers.clear()
        asking = asyncio.create_task(gateway.call("GET", "/v1/orders", headers=KEY))
        await told()
        gateway.users.revocations.put_nowait(StreamRevocationsResponse(position=at(100), api_key_ids=["tk_ada"]))
        await told()
        gateway.users.answers.set()
        assert (await asking).json()["code"] == "key_revoked"
        assert (await gateway.call("GET", "/v1/orders", headers=KEY)).status_code == 401

    run(test)


def test_after_an_interruption_it_goes_on_where_it_was():
    async def test(gateway):
        users = gateway.users
        users.revocations.put_nowait(StreamRevocationsResponse(position=at(50)))
        users.revocations.put_nowait(Refused("unavailable", "Away.", Kind.UNAVAILABLE))
        async with asyncio.timeout(5):
            while len(users.followed) < 2:  # noqa: ASYNC110 (it is the gateway that reconnects)
                await asyncio.sleep(0.02)
        assert not users.followed[0].HasField("after")
        assert users.followed[1].after == at(50)

    run(test)


def test_what_ended_is_confirmed_once_it_is_known():
    async def test(gateway):
        headers = bearer(sid="signed-out")
        assert (await gateway.call("GET", "/v1/orders", headers=headers)).status_code == 200
        told_of = StreamRevocationsResponse(position=at(50), session_ids=["signed-out"], follower="f", number=3)
        gateway.users.revocations.put_nowait(told_of)
        confirmed = await asyncio.wait_for(gateway.users.confirmed.get(), 5)
        assert (confirmed.follower, confirmed.number) == ("f", 3)
        assert gateway.users.followed[0].confirms
        assert (await gateway.call("GET", "/v1/orders", headers=headers)).json()["code"] == "token_revoked"

    run(test)


# What the user service says of a key whose revocation was not told -> does the connection end?
MISSED = [
    (Refused("key_revoked", "Revoked.", Kind.UNAUTHENTICATED), True),
    (Refused("unavailable", "Away.", Kind.UNAVAILABLE), False),
    (None, False),
]


@pytest.mark.parametrize(("fault", "ends"), MISSED)
def test_a_connection_verifies_its_key_anew(fault, ends):
    async def test(gateway):
        async with connected(gateway, KEY) as client:
            await client.hear()
            gateway.users.fault = fault
            gateway.clock.move_on(61)
            if ends:
                assert (await client.closed())[0] == 4401
            else:
                assert [frame["type"] for frame in await client.hear_all(3)] == ["heartbeat"] * 3
            assert gateway.users.verified >= 2

    run(test, **BEATING)


def test_an_event_stream_verifies_its_key_anew():
    async def test(gateway):
        sent, never = asyncio.Queue(), asyncio.Event()
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/v1/market-data/stream",
            "query_string": b"symbols=BTC-USD",
            "headers": [(b"x-api-key", b"tk_ada.secret")],
        }
        serving = asyncio.create_task(gateway.app(scope, never.wait, sent.put))
        assert (await sent.get())["status"] == 200
        gateway.users.keys.clear()
        gateway.clock.move_on(61)
        await serving

    run(test, **BEATING)


def test_one_token_is_remembered_once_however_its_header_is_written():
    async def test(gateway):
        assert (await gateway.call("GET", "/v1/orders", headers=KEY)).status_code == 200
        token = READER["Authorization"].removeprefix("Bearer ")
        for written in (f"Bearer {token}", f"bearer   {token}", f"BEARER {token} ", f"Bearer  {token}"):
            assert (await gateway.call("GET", "/v1/orders", headers={"Authorization": written})).status_code == 200
        assert (await gateway.call("GET", "/v1/orders", headers=KEY)).status_code == 200
        assert gateway.users.verified == 1
        assert (await gateway.call("GET", "/v1/orders", headers=TRADER)).status_code == 200
        assert (await gateway.call("GET", "/v1/orders", headers=KEY)).status_code == 200
        assert gateway.users.verified == 2

    run(test, remembered_tokens_max=2)
