"""The first users of a platform: made through the service's own interface, as often as one likes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grpc.aio import Channel

from kernel.refused import Kind, Refused
from kernel.runtime import Runtime

if TYPE_CHECKING:
    from trading.v1.user_pb2_grpc import UserServiceAsyncStub
from trading.v1 import user_pb2
from trading.v1.user_pb2_grpc import UserServiceStub

CREATED_BY = "bootstrap"
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class InitialUser:
    email: str
    name: str
    password: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BootstrappedUser:
    """created: False if the address had a user before; whose password is then what it was."""

    user_id: str
    account_id: str
    created: bool


async def bootstrap(
    runtime: Runtime, channel: Channel, users: Sequence[InitialUser], accounts_wait_s: int = 10
) -> list[BootstrappedUser]:
    """Create those users that are not there yet, and wait until each has an account.

    channel: to user-service. Refused(account_missing) if the engine opened none within `accounts_wait_s`;
    0 does not wait, and account_id may be empty."""
    stub: UserServiceAsyncStub = UserServiceStub(channel)
    made = [await _create(stub, user) for user in users]
    if not accounts_wait_s:
        return made
    deadline_ns = runtime.monotonic_ns() + accounts_wait_s * 1_000_000_000
    return [await _with_account(runtime, stub, user, deadline_ns) for user in made]


async def _create(stub: "UserServiceAsyncStub", user: InitialUser) -> BootstrappedUser:
    request = user_pb2.CreateUserRequest(
        email=user.email, password=user.password, name=user.name, roles=user.roles, created_by=CREATED_BY
    )
    try:
        created = (await stub.CreateUser(request)).user
    except Refused as refused:
        if refused.code != "email_taken":
            raise
        known = (await stub.ListUsers(user_pb2.ListUsersRequest(email=user.email))).users[0]
        return BootstrappedUser(known.id, known.account_id, created=False)
    return BootstrappedUser(created.id, created.account_id, created=True)


async def _with_account(
    runtime: Runtime, stub: "UserServiceAsyncStub", user: BootstrappedUser, deadline_ns: int
) -> BootstrappedUser:
    account_id = user.account_id
    while not account_id:
        account_id = (await stub.GetUser(user_pb2.GetUserRequest(user_id=user.user_id))).user.account_id
        if not account_id and runtime.monotonic_ns() > deadline_ns:
            told = f"the engine has opened no account for user {user.user_id}; does trading-engine run?"
            raise Refused("account_missing", told, Kind.UNAVAILABLE)
        if not account_id:
            await runtime.sleep(POLL_S)
    return BootstrappedUser(user.user_id, account_id, user.created)
