"""Registering, through the contract: uniqueness, secrecy, retries, and what the log holds."""

import asyncio

import pytest

from kernel.refused import Kind, Refused
from trading.v1 import user_pb2
from trading.v1.types_pb2 import LogPosition

from .running import ADA, ADA_NAME, PASSWORD, running, until


def registration(email=ADA, password=PASSWORD, name=ADA_NAME):
    return user_pb2.RegisterRequest(email=email, password=password, name=name)


def test_a_registered_user_is_found_with_roles_and_an_account():
    async def run():
        async with running() as platform:
            await platform.stub.Register(registration())
            found = (await platform.stub.ListUsers(user_pb2.ListUsersRequest(email=" ADA.lovelace@example.com"))).users
            assert [(user.email, user.name) for user in found] == [(ADA, ADA_NAME)]
            assert list(found[0].roles) == ["USER", "TRADER"] and "orders:write" in found[0].permissions
            user_id = found[0].id

            async def has_account():
                return (await platform.stub.GetUser(user_pb2.GetUserRequest(user_id=user_id))).user.account_id

            await until(has_account)

    asyncio.run(run())


def test_self_registration_tells_nobody_whether_an_address_exists():
    async def run():
        async with running() as platform:
            first = await platform.stub.Register(registration())
            again = await platform.stub.Register(registration(ADA.upper(), "another fine password", "Someone Else"))
            assert first == again == user_pb2.RegisterResponse()
            users = (await platform.stub.ListUsers(user_pb2.ListUsersRequest())).users
            assert [user.name for user in users] == [ADA_NAME]

    asyncio.run(run())


def test_the_answer_to_a_registration_waits_for_the_same_tick_either_way():
    async def run():
        async with running(registration_answer_ms=300) as platform:
            for _ in range(2):  # new, then known
                started = platform.runtime.monotonic_ns()
                await platform.stub.Register(registration())
                spent_ms = (platform.runtime.monotonic_ns() - started) // 1_000_000
                assert 300 <= spent_ms < 600

    asyncio.run(run())


def test_both_ways_hash_the_password(monkeypatch):
    """The costly step is on the path of a known address too: the lane counts what it is given."""

    async def run():
        async with running() as platform:
            lanes = []
            in_thread = platform.runtime.in_thread

            async def counted(lane, call, *arguments):
                lanes.append(lane)
                return await in_thread(lane, call, *arguments)

            platform.runtime.in_thread = counted
            await platform.stub.Register(registration())
            new = lanes.count("passwords")
            lanes.clear()
            await platform.stub.Register(registration())
            assert lanes.count("passwords") == new == 1

    asyncio.run(run())


def test_an_administrator_is_told_that_an_address_is_taken():
    async def run():
        async with running() as platform:
            await platform.create()
            with pytest.raises(Refused) as refused:
                await platform.create(email=ADA.lower(), name="Another")
            assert (refused.value.code, refused.value.kind) == ("email_taken", Kind.CONFLICT)

    asyncio.run(run())


def test_of_fifty_at_once_one_gets_the_address():
    async def run():
        async with running(password_queue_max=64) as platform:
            asked = [platform.create(name=f"Ada {number}") for number in range(50)]
            outcomes = await asyncio.gather(*asked, return_exceptions=True)
            codes = [outcome.code for outcome in outcomes if isinstance(outcome, Refused)]
            made = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
            assert len(made) == 1 and codes == ["email_taken"] * 49
            types = [event.event_type for event in await platform.events() if event.aggregate_type.startswith("User")]
            assert types == ["UserRegistered", "EmailClaimed"]

    asyncio.run(run())


def test_no_event_holds_personal_data():
    async def run():
        async with running() as platform:
            user = await platform.create()
            await platform.stub.UpdateProfile(user_pb2.UpdateProfileRequest(user_id=user.id, name="Countess Lovelace"))
            await platform.stub.CreateApiKey(user_pb2.CreateApiKeyRequest(user_id=user.id, name="Countess laptop"))
            await platform.stub.Register(registration("grace@example.org", name="Grace Hopper"))
            for event in await platform.events():
                written = repr(event).lower()
                for personal in ("ada.lovelace", "lovelace", "example.com", "countess", "grace", "hopper", "horse"):
                    assert personal not in written, f"{personal} stands in {event.event_type}"

    asyncio.run(run())


def test_registration_and_claim_are_one_command():
    async def run():
        async with running() as platform:
            await platform.create()
            first, second = (await platform.events())[:2]
            assert (first.event_type, first.command_index, first.command_count) == ("UserRegistered", 0, 2)
            assert (second.event_type, second.command_index, second.command_count) == ("EmailClaimed", 1, 2)

    asyncio.run(run())


def test_a_retry_of_an_administrator_gets_the_first_answer():
    async def run():
        async with running() as platform:
            first = await platform.create(created_by="boss", idempotency_key="k1")
            again = await platform.create(created_by="boss", idempotency_key="k1")
            assert again.id == first.id
            for changed in ({"name": "Another"}, {"password": "another fine password"}, {"roles": ["ADMIN"]}):
                with pytest.raises(Refused) as refused:
                    await platform.create(created_by="boss", idempotency_key="k1", **changed)
                assert refused.value.code == "idempotency_key_reused"
            with pytest.raises(Refused, match="email_taken"):
                await platform.create(created_by="another boss", idempotency_key="k1")

    asyncio.run(run())


def test_a_retry_beside_its_first_attempt_makes_one_user():
    async def run():
        async with running() as platform:
            asked = [platform.create(created_by="boss", idempotency_key="k1") for _ in range(5)]
            made = await asyncio.gather(*asked)
            assert len({user.id for user in made}) == 1
            assert all(user.email == ADA and not user.erased for user in made)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("sentence", "changed", "code"),
    [
        ("an address without a host", {"email": "ada@"}, "invalid_request"),
        ("a short password", {"password": "short"}, "invalid_request"),
        ("a plain password", {"password": "aaaaaaaaaaaa"}, "weak_password"),
        ("the address as password", {"password": ADA.upper()}, "weak_password"),
        ("no name", {"name": ""}, "invalid_request"),
        ("a name of spaces", {"name": "   "}, "invalid_request"),
        ("a name with a line break", {"name": "Ada\nLovelace"}, "invalid_request"),
    ],
)
def test_a_bad_registration_is_refused(sentence, changed, code):
    async def run():
        async with running() as platform:
            with pytest.raises(Refused) as refused:
                await platform.stub.Register(registration(**changed))
            assert (refused.value.code, refused.value.kind) == (code, Kind.INVALID)

    asyncio.run(run())


def test_a_role_that_does_not_exist_is_refused():
    async def run():
        async with running() as platform:
            with pytest.raises(Refused) as refused:
                await platform.create(roles=["ROOT"])
            assert refused.value.kind is Kind.INVALID

    asyncio.run(run())


def test_pages_list_users_in_the_order_of_their_registration():
    async def run():
        async with running() as platform:
            made = [(await platform.create(email=f"u{number}@example.com")).id for number in range(5)]
            seen, cursor = [], ""
            while True:
                page = await platform.stub.ListUsers(user_pb2.ListUsersRequest(cursor=cursor, limit=2))
                seen += [user.id for user in page.users]
                cursor = page.next_cursor
                if not cursor:
                    break
            assert seen == made
            with pytest.raises(Refused) as refused:
                await platform.stub.ListUsers(user_pb2.ListUsersRequest(cursor="; DROP TABLE"))
            assert refused.value.code == "invalid_request"

    asyncio.run(run())


def test_a_change_is_read_at_its_position():
    async def run():
        async with running() as platform:
            user = await platform.create()
            for number in range(20):
                name = f"Ada {number}"
                request = user_pb2.UpdateProfileRequest(user_id=user.id, name=name)
                changed = await platform.stub.UpdateProfile(request)
                get = user_pb2.GetUserRequest(user_id=user.id, at_least=changed.position)
                read = await platform.stub.GetUser(get)
                assert read.user.name == changed.user.name == name
                assert read.user.version == number + 2
            elsewhere = LogPosition(log="other", position=1)
            with pytest.raises(Refused, match="main"):
                await platform.stub.GetUser(user_pb2.GetUserRequest(user_id=user.id, at_least=elsewhere))

    asyncio.run(run())


def test_nobody_is_not_found():
    async def run():
        async with running() as platform:
            for call, request in [
                (platform.stub.GetUser, user_pb2.GetUserRequest(user_id="nobody")),
                (platform.stub.UpdateProfile, user_pb2.UpdateProfileRequest(user_id="nobody", name="N")),
                (platform.stub.SetRoles, user_pb2.SetRolesRequest(user_id="nobody", roles=["USER"])),
                (platform.stub.CreateApiKey, user_pb2.CreateApiKeyRequest(user_id="nobody", name="n")),
                (platform.stub.RevokeApiKey, user_pb2.RevokeApiKeyRequest(user_id="nobody", key_id="tk_0")),
            ]:
                with pytest.raises(Refused) as refused:
                    await call(request)
                assert refused.value.kind is Kind.NOT_FOUND

    asyncio.run(run())
