"""Users: one's own profile and API keys; users in general for administrators."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from api_gateway.call import NO_CONTENT, Call, Reply, reply
from api_gateway.principal import Role
from api_gateway.problems import field_refused
from api_gateway.wire import decoded, or_none, text_in, time_in, time_text
from kernel.refused import Kind, Refused
from trading.v1.types_pb2 import LogPosition
from trading.v1.user_pb2 import (
    ApiKey,
    ChangePasswordRequest,
    CreateApiKeyRequest,
    CreateUserRequest,
    EraseUserRequest,
    GetUserRequest,
    ListApiKeysRequest,
    ListUsersRequest,
    ResetPasswordRequest,
    RevokeApiKeyRequest,
    SetRolesRequest,
    UpdateProfileRequest,
    User,
)

NAME_CHARACTERS_MAX = 100
KEY_NAME_CHARACTERS_MAX = 64
PASSWORD_CHARACTERS_MIN, PASSWORD_CHARACTERS_MAX = 12, 128
EMAIL = r"[^@\s]+@[^@\s]+"
ROLES_DEFAULT = ("USER", "TRADER")
RoleName = Literal["USER", "TRADER", "ADMIN"]


class ProfileChange(msgspec.Struct, forbid_unknown_fields=True):
    name: str | msgspec.UnsetType = msgspec.UNSET


class PasswordChange(msgspec.Struct, forbid_unknown_fields=True):
    current_password: str
    new_password: str


class ErasureRequest(msgspec.Struct, forbid_unknown_fields=True):
    current_password: str


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    email: str
    name: str
    password: str
    roles: list[RoleName] | msgspec.UnsetType = msgspec.UNSET


class RolesChange(msgspec.Struct, forbid_unknown_fields=True):
    roles: list[RoleName]


class NewApiKey(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    roles: list[RoleName] | msgspec.UnsetType = msgspec.UNSET
    expires_at: str | msgspec.UnsetType = msgspec.UNSET


class UserJson(msgspec.Struct, frozen=True):
    """Schema User of the contract."""

    user_id: str
    email: str
    name: str
    roles: list[str]
    permissions: list[str]
    version: int
    created_at: str
    updated_at: str


class OneTimePassword(msgspec.Struct, frozen=True):
    one_time_password: str
    expires_at: str


class UserPage(msgspec.Struct, frozen=True):
    items: list[UserJson]
    next_cursor: str | None


class ApiKeyJson(msgspec.Struct, frozen=True):
    key_id: str
    name: str
    roles: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None


class CreatedApiKey(msgspec.Struct, frozen=True):
    key_id: str
    name: str
    roles: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    api_key: str


class ApiKeyList(msgspec.Struct, frozen=True):
    items: list[ApiKeyJson]


_profile_change = msgspec.json.Decoder(ProfileChange)
_password_change = msgspec.json.Decoder(PasswordChange)
_erasure_request = msgspec.json.Decoder(ErasureRequest)
_new_user = msgspec.json.Decoder(NewUser)
_roles_change = msgspec.json.Decoder(RolesChange)
_new_api_key = msgspec.json.Decoder(NewApiKey)


def user_json(user: User) -> UserJson:
    return UserJson(
        user.id,
        user.email,
        user.name,
        list(user.roles),
        list(user.permissions),
        user.version,
        time_text(user.created_at_ns),
        time_text(user.updated_at_ns),
    )


def _key_json(key: ApiKey) -> ApiKeyJson:
    return ApiKeyJson(
        key.id,
        key.name,
        list(key.roles),
        time_text(key.created_at_ns),
        time_text(key.expires_at_ns) if key.expires_at_ns else None,
        time_text(key.revoked_at_ns) if key.revoked_at_ns else None,
    )


def roles_in(roles: list[RoleName] | msgspec.UnsetType, absent: Sequence[str] = ()) -> Sequence[str]:
    """The roles, at least one and each once; `absent` when the field is not there."""
    if isinstance(roles, msgspec.UnsetType):
        return absent
    if not roles or len(set(roles)) != len(roles):
        raise field_refused("roles", "must name at least one role, and each once")
    return roles


def _expiry(given: NewApiKey) -> int:
    """Nanoseconds since 1970, 0 for never."""
    return 0 if isinstance(given.expires_at, msgspec.UnsetType) else time_in(given.expires_at, "expires_at")


async def _user(call: Call, user_id: str, at_least: LogPosition | None) -> Reply:
    found = await call.platform.users.GetUser(GetUserRequest(user_id=user_id, at_least=at_least))
    return reply(200, user_json(found.user), found.position)


async def me(call: Call) -> Reply:
    """GET /users/me"""
    return await _user(call, call.user_id, call.at_least)


async def get(call: Call) -> Reply:
    """GET /users/{user_id}: oneself, or anyone for an ADMIN."""
    user_id = call.params["user_id"]
    if user_id != call.user_id and not call.is_admin:
        raise Refused("not_found", "No user of yours has this id.", Kind.NOT_FOUND)
    return await _user(call, user_id, call.at_least)


async def update_me(call: Call) -> Reply:
    """PATCH /users/me"""
    given = decoded(_profile_change, call.body)
    if isinstance(given.name, msgspec.UnsetType):
        raise field_refused("name", "required: it is all that can be changed here")
    name = text_in(given.name, "name", NAME_CHARACTERS_MAX)
    updated = await call.platform.users.UpdateProfile(UpdateProfileRequest(user_id=call.user_id, name=name))
    return reply(200, user_json(updated.user), updated.position)


async def change_password(call: Call) -> Reply:
    """PUT /users/me/password: the session of the token that asks goes on, the others end."""
    given = decoded(_password_change, call.body)
    await call.platform.users.ChangePassword(
        ChangePasswordRequest(
            user_id=call.user_id,
            current_password=password_in(given.current_password, "current_password", least=1),
            new_password=password_in(given.new_password, "new_password"),
            session_id=call.caller.session,
        )
    )
    return NO_CONTENT


async def reset_password(call: Call) -> Reply:
    """DELETE /admin/users/{user_id}/password: the answer has one that is good for one sign-in."""
    reset = await call.platform.users.ResetPassword(
        ResetPasswordRequest(user_id=call.params["user_id"], reset_by=call.user_id)
    )
    return reply(200, OneTimePassword(reset.one_time_password, time_text(reset.expires_at_ns)))


async def erase_me(call: Call) -> Reply:
    """POST /users/me/erasure: with the password, as it cannot be undone."""
    given = decoded(_erasure_request, call.body)
    password = password_in(given.current_password, "current_password", least=1)
    erased = await call.platform.users.EraseUser(
        EraseUserRequest(user_id=call.user_id, erased_by=call.user_id, current_password=password)
    )
    return Reply(NO_CONTENT.status, NO_CONTENT.body, erased.position)


async def erase(call: Call) -> Reply:
    """DELETE /admin/users/{user_id}"""
    erased = await call.platform.users.EraseUser(
        EraseUserRequest(user_id=call.params["user_id"], erased_by=call.user_id)
    )
    return Reply(NO_CONTENT.status, NO_CONTENT.body, erased.position)


async def create(call: Call) -> Reply:
    """POST /users: unlike the public registration it says when the address is taken."""
    given = decoded(_new_user, call.body)
    created = await call.platform.users.CreateUser(
        CreateUserRequest(
            email=email_in(given.email),
            name=text_in(given.name, "name", NAME_CHARACTERS_MAX),
            password=password_in(given.password),
            roles=roles_in(given.roles, absent=ROLES_DEFAULT),
            idempotency_key=call.idempotency_key,
            created_by=call.user_id,
        )
    )
    return reply(201, user_json(created.user), created.position)


def email_in(text: str) -> str:
    """The shape only; whether the address exists is for the mail that is sent there."""
    return text_in(text, "email", 254, EMAIL)


def password_in(text: str, field: str = "password", least: int = PASSWORD_CHARACTERS_MIN) -> str:
    if not least <= len(text) <= PASSWORD_CHARACTERS_MAX:
        raise field_refused(field, f"must have {least} to {PASSWORD_CHARACTERS_MAX} characters")
    return text


async def list_all(call: Call) -> Reply:
    """GET /users"""
    email = call.query.get("email")
    found = await call.platform.users.ListUsers(
        ListUsersRequest(
            email=email_in(email) if email is not None else "",
            cursor=call.cursor,
            limit=call.page_size,
            at_least=call.at_least,
        )
    )
    page = UserPage([user_json(user) for user in found.users], or_none(found.next_cursor))
    return reply(200, page, found.position)


async def set_roles(call: Call) -> Reply:
    """PUT /admin/users/{user_id}/roles"""
    given = decoded(_roles_change, call.body)
    changed = await call.platform.users.SetRoles(
        SetRolesRequest(user_id=call.params["user_id"], roles=roles_in(given.roles), changed_by=call.user_id)
    )
    return reply(200, user_json(changed.user), changed.position)


async def api_keys(call: Call) -> Reply:
    """GET /users/me/api-keys"""
    found = await call.platform.users.ListApiKeys(ListApiKeysRequest(user_id=call.user_id, at_least=call.at_least))
    return reply(200, ApiKeyList([_key_json(key) for key in found.keys]), found.position)


async def create_api_key(call: Call) -> Reply:
    """POST /users/me/api-keys: the secret is in this answer only."""
    given = decoded(_new_api_key, call.body)
    created = await call.platform.users.CreateApiKey(
        CreateApiKeyRequest(
            user_id=call.user_id,
            name=text_in(given.name, "name", KEY_NAME_CHARACTERS_MAX),
            roles=roles_in(given.roles, absent=()),
            expires_at_ns=_expiry(given),
            idempotency_key=call.idempotency_key,
            held_roles=[role.value for role in Role if role in call.caller.roles],
        )
    )
    key = _key_json(created.key)
    document = CreatedApiKey(**msgspec.structs.asdict(key), api_key=f"{key.key_id}.{created.secret}")
    return reply(201, document, created.position)


async def revoke_api_key(call: Call) -> Reply:
    """DELETE /users/me/api-keys/{key_id}"""
    revoked = await call.platform.users.RevokeApiKey(
        RevokeApiKeyRequest(user_id=call.user_id, key_id=call.params["key_id"])
    )
    return Reply(NO_CONTENT.status, NO_CONTENT.body, revoked.position)
