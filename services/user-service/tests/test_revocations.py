"""What others are told of what ended: revoked API keys, changed roles, sessions that were signed out."""

import asyncio

import pytest

from trading.v1 import user_pb2
from trading.v1.types_pb2 import LogPosition

from .provider_client import OIDC, claims_of, code_for, password_grant, token_for
from .running import running


async def told_of(platform, after=None):
    """The first message of a new follower."""
    stream = aiter(platform.stub.StreamRevocations(user_pb2.StreamRevocationsRequest(after=after)))
    try:
        return await asyncio.wait_for(anext(stream), 5)
    finally:
        await stream.aclose()


async def set_roles(platform, user, roles):
    await platform.stub.SetRoles(user_pb2.SetRolesRequest(user_id=user.id, roles=roles, changed_by="boss"))


def test_keys_and_roles_are_streamed_from_a_position():
    async def run():
        async with running() as platform:
            user = await platform.create()
            made = await platform.stub.CreateApiKey(user_pb2.CreateApiKeyRequest(user_id=user.id, name="laptop"))
            stream = aiter(platform.stub.StreamRevocations(user_pb2.StreamRevocationsRequest(after=made.position)))
            await platform.stub.RevokeApiKey(user_pb2.RevokeApiKeyRequest(user_id=user.id, key_id=made.key.id))
            told = await asyncio.wait_for(anext(stream), 5)
            assert (list(told.api_key_ids), list(told.user_ids)) == ([made.key.id], [])
            await set_roles(platform, user, ["USER"])
            told = await asyncio.wait_for(anext(stream), 5)
            assert (list(told.api_key_ids), list(told.user_ids)) == ([], [user.id])
            (held,) = told.roles_held
            assert (held.user_id, list(held.roles)) == (user.id, ["USER"])
            assert 0 <= platform.runtime.now_ns() - held.changed_at_ns < 5_000_000_000
            await stream.aclose()

    asyncio.run(run())


# Seconds since the roles changed, and whether a newcomer is told of it: a token holds for 900.
@pytest.mark.parametrize(("seconds", "is_told"), [(0, True), (890, True), (910, False)])
def test_a_newcomer_is_told_the_position_and_which_roles_changed_lately(seconds, is_told):
    async def run():
        async with running() as platform:
            user, _ = await platform.create(), await platform.create(email="eve@example.com")
            await set_roles(platform, user, ["USER"])
            platform.runtime.move_on(seconds)
            told = await told_of(platform)
            assert told.position == LogPosition(log="main", position=await platform.log.head())
            assert [(held.user_id, list(held.roles)) for held in told.roles_held] == (
                [(user.id, ["USER"])] if is_told else []
            )

    asyncio.run(run())


def test_a_newcomer_is_told_at_once_that_nothing_ever_ended():
    async def run():
        async with running() as platform:
            told = await told_of(platform)
            assert told == user_pb2.StreamRevocationsResponse(position=LogPosition(log="main", position=0))

    asyncio.run(run())


def test_a_session_that_is_signed_out_is_told_at_once_and_to_newcomers():
    async def run():
        async with running() as platform, platform.browser() as browser:
            await platform.create()
            tokens = (await token_for(browser, await code_for(browser))).json()
            _, claims = await claims_of(browser, tokens["access_token"])
            stream = aiter(platform.stub.StreamRevocations(user_pb2.StreamRevocationsRequest()))
            first = await asyncio.wait_for(anext(stream), 5)
            assert not first.session_ids
            await browser.get(f"{OIDC}/logout", params={"id_token_hint": tokens["id_token"]})
            told = await asyncio.wait_for(anext(stream), 5)
            assert list(told.session_ids) == [claims["sid"]]
            await stream.aclose()
            for after in (None, first.position):
                assert list((await told_of(platform, after)).session_ids) == [claims["sid"]]
            platform.runtime.move_on(910)
            assert not (await told_of(platform)).session_ids

    asyncio.run(run())


def test_signing_out_answers_when_a_follower_has_said_that_it_knows():
    async def run():
        async with running() as platform, platform.browser() as browser:
            await platform.create()
            tokens = (await password_grant(browser)).json()
            follower = aiter(platform.stub.StreamRevocations(user_pb2.StreamRevocationsRequest(confirms=True)))
            first = await asyncio.wait_for(anext(follower), 5)
            assert not first.follower
            revoking = asyncio.create_task(revoked(browser, tokens["refresh_token"]))
            told = await asyncio.wait_for(anext(follower), 5)
            more = asyncio.create_task(anext(follower))  # it was sent, and whoever reads asks for the next
            await asyncio.sleep(0.2)
            assert not revoking.done()
            for name, number in (("somebody", told.number), (told.follower, told.number - 1)):
                confirmed = user_pb2.ConfirmRevocationsRequest(follower=name, number=number)
                await platform.stub.ConfirmRevocations(confirmed)
            await asyncio.sleep(0.1)
            assert not revoking.done()
            confirmed = user_pb2.ConfirmRevocationsRequest(follower=told.follower, number=told.number)
            await platform.stub.ConfirmRevocations(confirmed)
            assert (await asyncio.wait_for(revoking, 0.5)).status_code == 200
            more.cancel()
            await asyncio.gather(more, return_exceptions=True)

    asyncio.run(run())


async def revoked(browser, token):
    return await browser.post(f"{OIDC}/revoke", data={"client_id": "trading-cli", "token": token})


def test_signing_out_answers_when_every_follower_knows_and_waits_for_none_that_does_not_come_back():
    async def run():
        async with running() as platform, platform.browser() as browser:
            await platform.create()
            first, second = [(await password_grant(browser)).json() for _ in range(2)]
            busy, known = asyncio.Event(), []

            async def follow():
                async for told in platform.stub.StreamRevocations(user_pb2.StreamRevocationsRequest()):
                    if told.session_ids:
                        await busy.wait()
                        known.extend(told.session_ids)

            following = asyncio.create_task(follow())
            await asyncio.sleep(0.05)
            revoking = asyncio.create_task(revoked(browser, first["refresh_token"]))
            await asyncio.sleep(0.2)
            assert not revoking.done()
            busy.set()
            assert (await revoking).status_code == 200
            _, claims = await claims_of(browser, first["access_token"])
            assert known == [claims["sid"]]
            busy.clear()
            assert (await asyncio.wait_for(revoked(browser, second["refresh_token"]), 3)).status_code == 200
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    asyncio.run(run())
