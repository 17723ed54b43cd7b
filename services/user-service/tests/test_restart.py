"""What a restart keeps, what a lost key erases, and who may read the private store."""

import asyncio
import sqlite3

import pytest

from kernel.eventlog.sqlite import SqliteLog
from kernel.refused import Refused
from trading.v1 import user_pb2
from user_service.lost_persons import PersonsLost
from user_service.persons import ERASED_EMAIL, ERASED_NAME

from .provider_client import password_grant, refreshed
from .running import ADA, ADA_NAME, PASSWORD, ShiftedRuntime, running, until


async def started(folder):
    runtime = ShiftedRuntime()
    return runtime, await SqliteLog.open(runtime, folder / "log.db")


def test_a_restart_keeps_users_keys_passwords_tokens_and_the_signing_key(tmp_path):
    async def run():
        runtime, log = await started(tmp_path)
        async with running(tmp_path / "user", log, runtime, signing_key_pem="") as platform:
            user = await platform.create()
            key = await platform.stub.CreateApiKey(user_pb2.CreateApiKeyRequest(user_id=user.id, name="laptop"))
            async with platform.browser() as browser:
                tokens = (await password_grant(browser)).json()
                keys = (await browser.get("/realms/trading-platform/protocol/openid-connect/certs")).json()

            async def has_account():
                return (await platform.stub.GetUser(user_pb2.GetUserRequest(user_id=user.id))).user.account_id

            await until(has_account)
        runtime, log = await started(tmp_path)
        async with running(tmp_path / "user", log, runtime, signing_key_pem="") as platform:
            again = (await platform.stub.GetUser(user_pb2.GetUserRequest(user_id=user.id))).user
            assert (again.email, again.name, bool(again.account_id)) == (ADA, ADA_NAME, True)
            verify = user_pb2.VerifyApiKeyRequest(key_id=key.key.id, secret=key.secret)
            assert (await platform.stub.VerifyApiKey(verify)).user_id == user.id
            async with platform.browser() as browser:
                assert (await refreshed(browser, tokens["refresh_token"])).status_code == 200
                assert (await password_grant(browser)).status_code == 200
                same = (await browser.get("/realms/trading-platform/protocol/openid-connect/certs")).json()
                assert same == keys
            with pytest.raises(Refused, match="email_taken"):
                await platform.create(email=ADA.lower())
            assert platform.engine.asked == []

    asyncio.run(run())


def test_a_view_that_is_lost_is_rebuilt(tmp_path):
    async def run():
        runtime, log = await started(tmp_path)
        async with running(tmp_path / "user", log, runtime) as platform:
            user = await platform.create()
        for path in (tmp_path / "user").glob("users.db*"):
            path.unlink()
        runtime, log = await started(tmp_path)
        async with running(tmp_path / "user", log, runtime) as platform:
            again = (await platform.stub.GetUser(user_pb2.GetUserRequest(user_id=user.id))).user
            assert (again.email, again.version) == (ADA, 1)

    asyncio.run(run())


def test_a_destroyed_key_erases_the_person_and_nobody_else(tmp_path):
    async def run():
        runtime, log = await started(tmp_path)
        async with running(tmp_path / "user", log, runtime) as platform:
            ada = await platform.create()
            grace = await platform.create(email="grace@example.com", name="Grace Hopper")
            await platform.stub.CreateApiKey(user_pb2.CreateApiKeyRequest(user_id=ada.id, name="laptop"))
            async with platform.browser() as browser:
                tokens = (await password_grant(browser)).json()
        with sqlite3.connect(tmp_path / "user" / "private.db") as private:
            for table in ("person_keys", "passwords"):
                private.execute(f"DELETE FROM {table} WHERE user_id = ?", (ada.id,))
        private.close()
        runtime, log = await started(tmp_path)
        async with running(tmp_path / "user", log, runtime) as platform:
            users = (await platform.stub.ListUsers(user_pb2.ListUsersRequest())).users
            assert [(user.email, user.name, user.erased) for user in users] == [
                (ERASED_EMAIL, ERASED_NAME, True),
                ("grace@example.com", "Grace Hopper", False),
            ]
            assert users[1].id == grace.id
            keys = (await platform.stub.ListApiKeys(user_pb2.ListApiKeysRequest(user_id=ada.id))).keys
            assert [key.name for key in keys] == [""]
            with pytest.raises(Refused, match="not_found"):
                await platform.stub.UpdateProfile(user_pb2.UpdateProfileRequest(user_id=ada.id, name="Ada"))
            async with platform.browser() as browser:
                assert (await password_grant(browser)).status_code == 400
                assert (await refreshed(browser, tokens["refresh_token"])).status_code == 400

    asyncio.run(run())


def test_only_the_owner_reads_the_private_store(tmp_path):
    async def run():
        async with running(tmp_path / "user") as platform:
            await platform.create()
            private = tmp_path / "user" / "private.db"
            assert private.stat().st_mode & 0o777 == 0o600
            content = private.read_bytes()
            assert ADA.encode() not in content and PASSWORD.encode() not in content
            assert b"$argon2id$" in content

    asyncio.run(run())


async def begins(folder, seconds=5, **values):
    """Start on the folder until the service is ready, and stop."""
    runtime, log = await started(folder)
    try:
        async with running(folder / "user", log, runtime, **values) as platform:

            async def is_ready():
                return await platform.service.ready() is None

            await until(is_ready, seconds)
    finally:
        await log.close()


def test_a_start_without_the_private_store_of_the_logs_users_is_refused_until_the_loss_is_accepted(tmp_path):
    private = tmp_path / "user" / "private.db"

    async def run():
        await begins(tmp_path)
        runtime, log = await started(tmp_path)
        async with running(tmp_path / "user", log, runtime) as platform:
            await platform.create()
        kept = private.read_bytes()
        private.unlink()
        for _ in range(2):  # the first leaves an empty file
            with pytest.raises(PersonsLost, match=r"private\.db holds the keys of 0 of the log's 1 users.*Restore"):
                await begins(tmp_path, seconds=1)
        private.write_bytes(kept)
        await begins(tmp_path)
        private.unlink()
        await begins(tmp_path, accept_lost_persons=True)
        await begins(tmp_path)

    asyncio.run(run())


def test_a_private_store_that_cannot_be_read_is_named(tmp_path):
    private = tmp_path / "user" / "private.db"
    private.parent.mkdir()
    private.write_bytes(b"rubbish" * 1_000)
    with pytest.raises(OSError, match=r"private\.db cannot be read .*: restore it from its backup"):
        asyncio.run(begins(tmp_path))
