"""The gRPC servicer of trading.v1.UserService: parse, call, render."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from kernel.eventlog.port import EventLog
from trading.v1 import user_pb2
from trading.v1.user_pb2_grpc import UserServiceServicer
from user_service.api_keys import ApiKeys
from user_service.directory import Directory
from user_service.erasure import Erasure
from user_service.password_change import PasswordChanges
from user_service.revocations import Revocations
from user_service.roles import permissions_of
from user_service.wire import (
    api_key_message,
    position_at_least,
    position_message,
    revocations_message,
    user_message,
)


class UserRpc(UserServiceServicer):
    """Refusals are raised and rendered by kernel.rpc."""

    def __init__(
        self,
        log: EventLog,
        directory: Directory,
        api_keys: ApiKeys,
        password_changes: PasswordChanges,
        erasure: Erasure,
        revocations: Revocations,
    ) -> None:
        self._log = log
        self._directory = directory
        self._api_keys = api_keys
        self._password_changes = password_changes
        self._erasure = erasure
        self._revocations = revocations

    async def Register(self, request: user_pb2.RegisterRequest, context: Any) -> user_pb2.RegisterResponse:
        await self._directory.register(request.email, request.password, request.name, request.client_address)
        return user_pb2.RegisterResponse()

    async def CreateUser(self, request: user_pb2.CreateUserRequest, context: Any) -> user_pb2.CreateUserResponse:
        person, position = await self._directory.create(
            request.email, request.password, request.name, request.roles, request.created_by, request.idempotency_key
        )
        return user_pb2.CreateUserResponse(user=user_message(person), position=self._at(position))

    async def GetUser(self, request: user_pb2.GetUserRequest, context: Any) -> user_pb2.GetUserResponse:
        person, position = await self._directory.find(request.user_id, self._seen(request))
        return user_pb2.GetUserResponse(user=user_message(person), position=self._at(position))

    async def ListUsers(self, request: user_pb2.ListUsersRequest, context: Any) -> user_pb2.ListUsersResponse:
        seen = self._seen(request)
        if request.email:
            found, position = await self._directory.find_by_email(request.email, seen)
            persons, more = [found] if found else [], ""
        else:
            persons, more, position = await self._directory.page(request.cursor, request.limit, seen)
        users = [user_message(person) for person in persons]
        return user_pb2.ListUsersResponse(users=users, next_cursor=more, position=self._at(position))

    async def UpdateProfile(
        self, request: user_pb2.UpdateProfileRequest, context: Any
    ) -> user_pb2.UpdateProfileResponse:
        name = request.name if request.HasField("name") else None
        person, position = await self._directory.update_profile(request.user_id, name)
        return user_pb2.UpdateProfileResponse(user=user_message(person), position=self._at(position))

    async def ChangePassword(
        self, request: user_pb2.ChangePasswordRequest, context: Any
    ) -> user_pb2.ChangePasswordResponse:
        await self._password_changes.change(
            request.user_id, request.current_password, request.new_password, request.session_id
        )
        return user_pb2.ChangePasswordResponse()

    async def ResetPassword(
        self, request: user_pb2.ResetPasswordRequest, context: Any
    ) -> user_pb2.ResetPasswordResponse:
        password, expires_at_ns = await self._password_changes.reset(request.user_id, request.reset_by)
        return user_pb2.ResetPasswordResponse(one_time_password=password, expires_at_ns=expires_at_ns)

    async def EraseUser(self, request: user_pb2.EraseUserRequest, context: Any) -> user_pb2.EraseUserResponse:
        if request.HasField("current_password"):
            position = await self._erasure.own(request.user_id, request.current_password)
        else:
            position = await self._erasure.of(request.user_id, request.erased_by)
        return user_pb2.EraseUserResponse(position=self._at(position))

    async def SetRoles(self, request: user_pb2.SetRolesRequest, context: Any) -> user_pb2.SetRolesResponse:
        person, position = await self._directory.set_roles(request.user_id, request.roles, request.changed_by)
        return user_pb2.SetRolesResponse(user=user_message(person), position=self._at(position))

    async def CreateApiKey(self, request: user_pb2.CreateApiKeyRequest, context: Any) -> user_pb2.CreateApiKeyResponse:
        made = await self._api_keys.create(
            request.user_id,
            request.name,
            request.roles,
            request.expires_at_ns,
            request.idempotency_key,
            request.held_roles,
        )
        key = api_key_message(made.row, made.name)
        return user_pb2.CreateApiKeyResponse(key=key, secret=made.secret, position=self._at(made.position))

    async def ListApiKeys(self, request: user_pb2.ListApiKeysRequest, context: Any) -> user_pb2.ListApiKeysResponse:
        found, position = await self._api_keys.of_user(request.user_id, self._seen(request))
        keys = [api_key_message(row, name) for row, name in found]
        return user_pb2.ListApiKeysResponse(keys=keys, position=self._at(position))

    async def RevokeApiKey(self, request: user_pb2.RevokeApiKeyRequest, context: Any) -> user_pb2.RevokeApiKeyResponse:
        position = await self._api_keys.revoke(request.user_id, request.key_id)
        return user_pb2.RevokeApiKeyResponse(position=self._at(position))

    async def VerifyApiKey(self, request: user_pb2.VerifyApiKeyRequest, context: Any) -> user_pb2.VerifyApiKeyResponse:
        user_id, roles, expires_at_ns = await self._api_keys.verify(request.key_id, request.secret)
        return user_pb2.VerifyApiKeyResponse(
            user_id=user_id, roles=roles, permissions=permissions_of(roles), expires_at_ns=expires_at_ns
        )

    async def StreamRevocations(
        self, request: user_pb2.StreamRevocationsRequest, context: Any
    ) -> AsyncIterator[user_pb2.StreamRevocationsResponse]:
        after = position_at_least(self._log.name, request.after if request.HasField("after") else None)
        async with aclosing(self._revocations.follow(after, request.confirms)) as following:
            async for ended in following:
                yield revocations_message(self._log.name, ended)

    async def ConfirmRevocations(
        self, request: user_pb2.ConfirmRevocationsRequest, context: Any
    ) -> user_pb2.ConfirmRevocationsResponse:
        self._revocations.confirmed(request.follower, request.number)
        return user_pb2.ConfirmRevocationsResponse()

    def _seen(self, request: Any) -> int | None:
        return position_at_least(self._log.name, request.at_least if request.HasField("at_least") else None)

    def _at(self, position: int) -> Any:
        return position_message(self._log.name, position)
