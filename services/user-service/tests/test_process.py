"""Accounts are opened after registrations: by a pure reaction, once, however often the event is met."""

import asyncio

from kernel.eventlog.memory import MemoryLog
from trading.v1 import user_pb2
from user_service.bootstrap import InitialUser, bootstrap
from user_service.process import CHECKPOINT, react

from .running import ADA, ADA_NAME, PASSWORD, ShiftedRuntime, running, until


def account_of(platform, user_id):
    async def asked():
        return (await platform.stub.GetUser(user_pb2.GetUserRequest(user_id=user_id))).user.account_id

    return asked


def test_only_a_registration_causes_a_command():
    async def run():
        async with running() as platform:
            user = await platform.create()
            await platform.stub.UpdateProfile(user_pb2.UpdateProfileRequest(user_id=user.id, name="Ada"))
            commands = [react(event) for event in await platform.events() if event.aggregate_type.startswith("User")]
            assert [len(caused) for caused in commands] == [1, 0, 0]
            command = commands[0][0]
            assert command.open_account.user_id == user.id and command.causation_id
            assert react((await platform.events())[0])[0].command_id == command.command_id

    asyncio.run(run())


def test_an_engine_that_is_away_is_waited_for():
    async def run():
        async with running() as platform:
            platform.engine.away = 2
            user = await platform.create()
            await until(account_of(platform, user.id))
            assert len(platform.engine.asked) == 1

    asyncio.run(run())


def test_after_a_crash_before_the_checkpoint_there_is_still_one_account():
    async def run():
        runtime = ShiftedRuntime()
        log = MemoryLog(runtime)
        async with running(log=log, runtime=runtime) as platform:
            user = await platform.create()
            await until(account_of(platform, user.id))
            (registered, *_) = await platform.events()
            opened = [event for event in await platform.events() if event.event_type == "AccountOpened"]
            (command,) = react(registered)
            await platform.engine.Execute(Request(command), None)  # as a follower without its checkpoint would
            again = [event for event in await platform.events() if event.event_type == "AccountOpened"]
            assert again == opened
            assert await log.load_checkpoint(CHECKPOINT) >= registered.position

    asyncio.run(run())


class Request:
    def __init__(self, command):
        self.command = command


def test_bootstrap_makes_the_first_users_once():
    users = [
        InitialUser("admin@example.com", "Administrator", PASSWORD, ("ADMIN",)),
        InitialUser(ADA, ADA_NAME, PASSWORD, ("TRADER",)),
    ]

    async def run():
        async with running() as platform:
            first = await bootstrap(platform.runtime, platform.channel, users)
            again = await bootstrap(platform.runtime, platform.channel, users)
            assert [user.created for user in first] == [True, True]
            assert [user.created for user in again] == [False, False]
            assert [(user.user_id, user.account_id) for user in first] == [
                (user.user_id, user.account_id) for user in again
            ]
            assert all(user.account_id for user in first)
            found = await platform.stub.GetUser(user_pb2.GetUserRequest(user_id=first[0].user_id))
            assert list(found.user.roles) == ["USER", "TRADER", "ADMIN"]

    asyncio.run(run())
