"""Between the messages of user.proto and the user service: one function a message and direction."""

from kernel.refused import Kind, Refused
from trading.v1 import types_pb2, user_pb2
from user_service.persons import Person
from user_service.revocations import Ended
from user_service.views import ApiKeyRow


def position_at_least(log: str, given: types_pb2.LogPosition | None) -> int | None:
    """The position a reader has seen; None if it named none. Refused if it is of another log."""
    if given is None:
        return None
    if given.log != log:
        raise Refused("invalid_request", f"expected a position of the log {log}, got {given.log}", Kind.INVALID)
    return given.position


def position_message(log: str, position: int) -> types_pb2.LogPosition:
    return types_pb2.LogPosition(log=log, position=position)


def user_message(person: Person) -> user_pb2.User:
    return user_pb2.User(
        id=person.user_id,
        email=person.email,
        name=person.name,
        roles=person.roles,
        permissions=person.permissions,
        account_id=person.account_id,
        created_at_ns=person.created_at_ns,
        updated_at_ns=person.updated_at_ns,
        version=person.version,
        erased=person.erased,
    )


def revocations_message(log: str, ended: Ended) -> user_pb2.StreamRevocationsResponse:
    return user_pb2.StreamRevocationsResponse(
        position=position_message(log, ended.position),
        api_key_ids=ended.keys,
        user_ids=[held.user_id for held in ended.roles],
        roles_held=[
            user_pb2.RolesHeld(user_id=held.user_id, roles=held.roles, changed_at_ns=held.changed_at_ns)
            for held in ended.roles
        ],
        session_ids=ended.sessions,
        follower=ended.confirmed_by,
        number=ended.number,
    )


def api_key_message(row: ApiKeyRow, name: str) -> user_pb2.ApiKey:
    return user_pb2.ApiKey(
        id=row.key_id,
        name=name,
        roles=row.roles,
        created_at_ns=row.created_at_ns,
        revoked_at_ns=row.revoked_at_ns,
        expires_at_ns=row.expires_at_ns,
    )
