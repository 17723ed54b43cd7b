"""Somebody is administrator before anybody can make administrators: who the settings name, once."""

import asyncio

import pytest

from kernel.eventlog.sqlite import SqliteLog
from trading.v1 import user_pb2

from .provider_client import password_grant
from .running import PASSWORD, ShiftedRuntime, quick_settings, running, until

BOSS = "boss@example.com"
NAMED = {"first_admin_email": BOSS, "first_admin_password": PASSWORD}


async def ready(platform):
    async def is_ready():
        return await platform.service.ready() is None

    await until(is_ready)


async def everyone(platform):
    listed = await platform.stub.ListUsers(user_pb2.ListUsersRequest())
    return [(user.email, list(user.roles)) for user in listed.users]


OTHER_PASSWORD = {"first_admin_email": BOSS, "first_admin_password": "another fine password"}
ADMINISTRATOR, TRADER = (BOSS, ["USER", "TRADER", "ADMIN"]), (BOSS, ["USER", "TRADER"])

# Settings of the starts one after the other, whether the person registered in the first one, who is there then.
STARTS = [
    ("one start makes the administrator", [NAMED], False, ADMINISTRATOR),
    ("another changes nothing", [NAMED, NAMED], False, ADMINISTRATOR),
    ("the password stays what it was", [NAMED, OTHER_PASSWORD], False, ADMINISTRATOR),
    ("without the settings it stays", [NAMED, {}], False, ADMINISTRATOR),
    ("nobody is raised by an address that he registered himself", [{}, NAMED], True, TRADER),
]


@pytest.mark.parametrize(("starts", "registers", "there"), [row[1:] for row in STARTS], ids=[row[0] for row in STARTS])
def test_whom_the_settings_name_is_administrator(starts, registers, there, tmp_path):
    async def run():
        for number, settings in enumerate(starts):
            runtime = ShiftedRuntime()
            log = await SqliteLog.open(runtime, tmp_path / "log.db")
            async with running(tmp_path / "user", log, runtime, **settings) as platform:
                if registers and number == 0:
                    await platform.stub.Register(user_pb2.RegisterRequest(email=BOSS, password=PASSWORD, name="B"))
                await ready(platform)
                assert await everyone(platform) == [there]
                async with platform.browser() as browser:
                    assert (await password_grant(browser, BOSS)).status_code == 200

    asyncio.run(run())


WRONG = [
    ("an address alone", {"first_admin_email": BOSS}, "belong together"),
    ("a password alone", {"first_admin_password": PASSWORD}, "belong together"),
    ("no address", NAMED | {"first_admin_email": "boss"}, "ada@example.com"),
    ("a weak password", NAMED | {"first_admin_password": "short"}, "12 to"),
]


@pytest.mark.parametrize(("given", "told"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_wrong_settings_are_told_before_the_start(given, told):
    async def run():
        with pytest.raises(ValueError, match=told) as error:
            async with running(**given):
                pass
        assert "short" not in str(error.value) and repr(quick_settings(**given)).count(PASSWORD) == 0

    asyncio.run(run())
