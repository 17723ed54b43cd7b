"""API keys from their making to their end."""

import asyncio

import pytest

from kernel.refused import Kind, Refused
from trading.v1 import user_pb2

from .running import running


async def make(platform, user_id, name="laptop", **more):
    return await platform.stub.CreateApiKey(user_pb2.CreateApiKeyRequest(user_id=user_id, name=name, **more))


async def verify(platform, made, secret=None):
    request = user_pb2.VerifyApiKeyRequest(key_id=made.key.id, secret=secret or made.secret)
    return await platform.stub.VerifyApiKey(request)


async def refusal(call):
    with pytest.raises(Refused) as refused:
        await call
    return refused.value


def test_a_key_lives_until_it_is_revoked():
    async def run():
        async with running() as platform:
            user = await platform.create()
            made = await make(platform, user.id, roles=["USER"])
            holder = await verify(platform, made)
            assert (holder.user_id, list(holder.roles)) == (user.id, ["USER"])
            assert "orders:write" not in holder.permissions
            listed = await platform.stub.ListApiKeys(user_pb2.ListApiKeysRequest(user_id=user.id))
            assert [(key.id, key.name, key.revoked_at_ns) for key in listed.keys] == [(made.key.id, "laptop", 0)]
            revoke = user_pb2.RevokeApiKeyRequest(user_id=user.id, key_id=made.key.id)
            await platform.stub.RevokeApiKey(revoke)
            await platform.stub.RevokeApiKey(revoke)  # twice is once
            refused = await refusal(verify(platform, made))
            assert (refused.code, refused.kind) == ("key_revoked", Kind.UNAUTHENTICATED)
            listed = await platform.stub.ListApiKeys(user_pb2.ListApiKeysRequest(user_id=user.id))
            assert listed.keys[0].revoked_at_ns > 0

    asyncio.run(run())


def test_the_secret_stands_nowhere():
    async def run():
        async with running() as platform:
            user = await platform.create()
            made = await make(platform, user.id)
            assert len(made.secret) == 43
            assert all(made.secret not in repr(event) for event in await platform.events())

    asyncio.run(run())


def test_a_wrong_secret_and_an_unknown_key_are_refused_alike():
    async def run():
        async with running() as platform:
            user = await platform.create()
            made = await make(platform, user.id)
            wrong = await refusal(verify(platform, made, made.secret[:-1] + "!"))
            unknown = user_pb2.VerifyApiKeyRequest(key_id="tk_0000000000000000", secret=made.secret)
            missing = await refusal(platform.stub.VerifyApiKey(unknown))
            assert (wrong.code, wrong.message) == (missing.code, missing.message) and wrong.code == "unauthenticated"
            await platform.stub.RevokeApiKey(user_pb2.RevokeApiKeyRequest(user_id=user.id, key_id=made.key.id))
            assert (await refusal(verify(platform, made, "wrong"))).code == "unauthenticated"

    asyncio.run(run())


def test_a_key_expires():
    async def run():
        async with running() as platform:
            user = await platform.create()
            ends = platform.runtime.now_ns() + 60 * 1_000_000_000
            made = await make(platform, user.id, expires_at_ns=ends)
            assert (await verify(platform, made)).expires_at_ns == ends
            platform.runtime.move_on(61)
            assert (await refusal(verify(platform, made))).code == "key_expired"

    asyncio.run(run())


def test_a_key_loses_the_roles_that_its_owner_loses():
    async def run():
        async with running() as platform:
            user = await platform.create()
            made = await make(platform, user.id)
            assert list((await verify(platform, made)).roles) == ["USER", "TRADER"]
            await platform.stub.SetRoles(user_pb2.SetRolesRequest(user_id=user.id, roles=["USER"], changed_by="boss"))
            assert list((await verify(platform, made)).roles) == ["USER"]
            assert (await refusal(make(platform, user.id, roles=["TRADER"]))).code == "role_not_held"

    asyncio.run(run())


# What the caller holds, the roles asked for, the roles got (None: refused).
HELD = [
    ([], [], ["USER", "TRADER"]),
    (["USER"], [], ["USER"]),
    (["USER"], ["USER"], ["USER"]),
    (["USER"], ["TRADER"], None),
    (["TRADER"], ["TRADER"], ["USER", "TRADER"]),
    (["ADMIN"], [], ["USER", "TRADER"]),
    (["ADMIN"], ["ADMIN"], None),
]


@pytest.mark.parametrize(("held", "asked", "got"), HELD)
def test_a_key_has_at_most_the_roles_of_its_owner_and_of_its_maker(held, asked, got):
    async def run():
        async with running() as platform:
            user = await platform.create()
            making = make(platform, user.id, roles=asked, held_roles=held)
            if got is None:
                assert (await refusal(making)).code == "role_not_held"
            else:
                assert list((await verify(platform, await making)).roles) == got

    asyncio.run(run())


def test_a_weaker_caller_is_not_shown_the_secret_of_a_stronger_key():
    async def run():
        async with running() as platform:
            user = await platform.create()
            await make(platform, user.id, idempotency_key="k", held_roles=["USER", "TRADER"])
            again = make(platform, user.id, idempotency_key="k", held_roles=["USER"])
            assert (await refusal(again)).code == "idempotency_key_reused"

    asyncio.run(run())


def test_nobody_revokes_the_key_of_another():
    async def run():
        async with running() as platform:
            ada, eve = await platform.create(), await platform.create(email="eve@example.com")
            made = await make(platform, ada.id)
            refused = await refusal(
                platform.stub.RevokeApiKey(user_pb2.RevokeApiKeyRequest(user_id=eve.id, key_id=made.key.id))
            )
            assert refused.kind is Kind.NOT_FOUND
            await verify(platform, made)

    asyncio.run(run())


def test_a_retry_shows_the_same_secret_for_some_minutes():
    async def run():
        async with running() as platform:
            user = await platform.create()
            both = await asyncio.gather(*(make(platform, user.id, idempotency_key="k") for _ in range(2)))
            assert both[0] == both[1]
            first = both[0]
            again = await make(platform, user.id, idempotency_key="k")
            assert (again.key.id, again.secret) == (first.key.id, first.secret)
            assert (await refusal(make(platform, user.id, "other", idempotency_key="k"))).code == (
                "idempotency_key_reused"
            )
            platform.runtime.move_on(601)
            assert (await refusal(make(platform, user.id, idempotency_key="k"))).code == "secret_shown_once"
            listed = await platform.stub.ListApiKeys(user_pb2.ListApiKeysRequest(user_id=user.id))
            assert len(listed.keys) == 1

    asyncio.run(run())
