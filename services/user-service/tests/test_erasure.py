"""A person who is erased is gone from every read and cannot come in; the user, the account and the log stay."""

import asyncio
import sqlite3

import pytest

from kernel.eventlog.sqlite import SqliteLog
from kernel.refused import Refused
from trading.v1 import types_pb2, user_pb2
from user_service.persons import ERASED_EMAIL, ERASED_NAME

from .provider_client import OIDC, auth_address, password_grant, refreshed, sign_in
from .running import ADA, ADA_NAME, PASSWORD, ShiftedRuntime, running

BOSS = "01936d2e-7c1a-7b3e-9a51-3f2c8d4e5a6c"


def erasing(user, **more):
    return user_pb2.EraseUserRequest(user_id=user.id, **more)


def own(user, password=PASSWORD):
    return erasing(user, erased_by=user.id, current_password=password)


async def person(platform, user_id):
    return (await platform.stub.GetUser(user_pb2.GetUserRequest(user_id=user_id))).user


def with_ada(scenario):
    """Run `scenario(platform, browser, ada)` with Ada and Grace registered."""

    async def run():
        async with running() as platform:
            ada = await platform.create()
            await platform.create(email="grace@example.com", name="Grace Hopper")
            async with platform.browser() as browser:
                await scenario(platform, browser, ada)

    asyncio.run(run())


@pytest.mark.parametrize("by", ["oneself", "an administrator"])
def test_whoever_is_erased_is_gone(by):
    async def scenario(platform, browser, ada):
        tokens = (await password_grant(browser)).json()
        await sign_in(browser)
        key = await platform.stub.CreateApiKey(user_pb2.CreateApiKeyRequest(user_id=ada.id, name="laptop"))
        done = await platform.stub.EraseUser(own(ada) if by == "oneself" else erasing(ada, erased_by=BOSS))
        gone = await person(platform, ada.id)
        assert (gone.email, gone.name, gone.erased, list(gone.roles)) == (ERASED_EMAIL, ERASED_NAME, True, [])
        assert gone.account_id == (await person(platform, ada.id)).account_id and done.position.position > 0

        assert (await password_grant(browser)).status_code == 400
        assert (await refreshed(browser, tokens["refresh_token"])).status_code == 400
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert (await browser.get(f"{OIDC}/userinfo", headers=headers)).status_code == 401
        assert (await browser.get(auth_address())).status_code == 200  # the sign-in page
        with pytest.raises(Refused, match="unauthenticated"):
            await platform.stub.VerifyApiKey(user_pb2.VerifyApiKeyRequest(key_id=key.key.id, secret=key.secret))
        for asked in (ADA, "grace@example.com"):
            found = await platform.stub.ListUsers(user_pb2.ListUsersRequest(email=asked))
            assert len(found.users) == (asked != ADA)

    with_ada(scenario)


def test_the_log_holds_nothing_that_could_be_opened_again():
    async def scenario(platform, browser, ada):
        before = await platform.events()
        await platform.stub.EraseUser(own(ada))
        after = await platform.events()
        assert after[: len(before)] == before
        assert [event.event_type for event in after[len(before) :]] == ["UserErased", "EmailReleased"]
        assert not [
            event for event in after if ADA.encode() in event.event_data or ADA_NAME.encode() in event.event_data
        ]

    with_ada(scenario)


def test_the_address_is_free_again_for_another_person():
    async def scenario(platform, browser, ada):
        await platform.stub.EraseUser(own(ada))
        again = await platform.create(name="Another Ada")
        assert again.id != ada.id
        assert (await password_grant(browser)).status_code == 200
        assert (await person(platform, ada.id)).erased

    with_ada(scenario)


def test_erasing_again_changes_nothing():
    async def scenario(platform, browser, ada):
        first = await platform.stub.EraseUser(erasing(ada, erased_by=BOSS))
        await platform.stub.EraseUser(erasing(ada, erased_by=BOSS))
        assert [event.position for event in await platform.events()][-1] == first.position.position

    with_ada(scenario)


@pytest.mark.parametrize(
    ("sentence", "request_of", "code"),
    [
        ("with another password", lambda ada: own(ada, "not the password"), "wrong_password"),
        ("of nobody", lambda ada: user_pb2.EraseUserRequest(user_id=BOSS, erased_by=BOSS), "not_found"),
    ],
)
def test_an_erasure_that_is_refused_changes_nothing(sentence, request_of, code):
    async def scenario(platform, browser, ada):
        with pytest.raises(Refused, match=code):
            await platform.stub.EraseUser(request_of(ada))
        assert (await person(platform, ada.id)).email == ADA
        assert (await password_grant(browser)).status_code == 200

    with_ada(scenario)


def test_an_administrator_gives_up_the_role_before():
    async def run():
        async with running() as platform:
            boss = await platform.create(roles=["ADMIN"])
            for request in (own(boss), erasing(boss, erased_by=boss.id)):
                with pytest.raises(Refused, match="own_admin_role"):
                    await platform.stub.EraseUser(request)

    asyncio.run(run())


def test_who_follows_what_ended_is_told():
    async def scenario(platform, browser, ada):
        head = len(await platform.events())
        after = types_pb2.LogPosition(log="main", position=head)
        followed = platform.stub.StreamRevocations(user_pb2.StreamRevocationsRequest(after=after))
        await platform.stub.EraseUser(own(ada))
        async for ended in followed:
            if ended.roles_held:
                assert [(held.user_id, list(held.roles)) for held in ended.roles_held] == [(ada.id, [])]
                break

    with_ada(scenario)


def test_an_erasure_that_was_interrupted_is_finished_at_the_next_start(tmp_path):
    async def run():
        async def started():
            runtime = ShiftedRuntime()
            return runtime, await SqliteLog.open(runtime, tmp_path / "log.sqlite", "main")

        private = tmp_path / "user" / "private.db"

        def keys():
            with sqlite3.connect(private) as store:
                return store.execute("SELECT user_id, key FROM person_keys").fetchall()

        runtime, log = await started()
        async with running(tmp_path / "user", log, runtime) as platform:
            ada = await platform.create()
            (row,) = keys()
            await platform.stub.EraseUser(own(ada))
            assert keys() == []
        with sqlite3.connect(private) as store:  # as if it had stopped after the event
            store.execute("INSERT INTO person_keys VALUES (?, ?)", row)
        store.close()
        runtime, log = await started()
        async with running(tmp_path / "user", log, runtime) as platform:
            async with asyncio.timeout(5):
                while keys():  # noqa: ASYNC110 (what is waited for is in a file)
                    await asyncio.sleep(0.01)
            assert (await person(platform, ada.id)).erased

    asyncio.run(run())
