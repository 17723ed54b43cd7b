"""A user: registered once, with a profile, roles and API keys.

This module decides and remembers. It does no I/O and knows no clock: time, ids and sealed texts come in.
What names a person is sealed before it gets here (`sealing.py`); `Sealed` texts are opaque to every rule.
"""

from dataclasses import dataclass
from typing import NewType, assert_never

import msgspec

from kernel.ids import UserId
from kernel.refused import Kind, Refused
from user_service.fields import EmailIdText, KeyIdText, SealedText, SecretHashText, UserIdText
from user_service.roles import Role, with_contained

Sealed = NewType("Sealed", str)

ACTIVE_API_KEYS_MAX = 50
OWN_ADMIN_ROLE = "the own role ADMIN cannot be given up; ask another administrator"


# Commands: what someone wants.
@dataclass(frozen=True, slots=True)
class Register:
    """registered_by: "self", or the id of the administrator (or process) who did it."""

    user_id: UserId
    email_id: str
    email: Sealed
    name: Sealed
    roles: tuple[Role, ...]
    registered_by: str


@dataclass(frozen=True, slots=True)
class UpdateProfile:
    name: Sealed


@dataclass(frozen=True, slots=True)
class SetRoles:
    roles: tuple[Role, ...]
    changed_by: str


@dataclass(frozen=True, slots=True)
class CreateApiKey:
    """roles: empty for all that the caller and the user hold. held: what the caller holds, empty for all of the user's.
    secret_hash: SHA-256 of the 256-bit secret, in hex."""

    key_id: str
    name: Sealed
    roles: tuple[Role, ...]
    secret_hash: str
    expires_at_ns: int | None
    now_ns: int
    held: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True)
class RevokeApiKey:
    key_id: str


@dataclass(frozen=True, slots=True)
class Erase:
    """erased_by: the user's own id, or that of the administrator."""

    erased_by: str


Command = Register | UpdateProfile | SetRoles | CreateApiKey | RevokeApiKey | Erase


# Events: what happened. They carry their results; a fold never decides.
class UserRegistered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """email_id: keyed fingerprint of the address (`address.py`). email, name: sealed under the person's key."""

    user_id: UserIdText
    email_id: EmailIdText
    email: SealedText
    name: SealedText
    roles: tuple[Role, ...]
    registered_by: str


class ProfileUpdated(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    user_id: UserIdText
    name: SealedText


class RolesChanged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """roles: all that the user holds from now on, smallest first."""

    user_id: UserIdText
    roles: tuple[Role, ...]
    changed_by: str


class ApiKeyCreated(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """name: sealed, since people write into it what they like. secret_hash: of 256 random bits, so it tells nothing."""

    user_id: UserIdText
    key_id: KeyIdText
    name: SealedText
    roles: tuple[Role, ...]
    secret_hash: SecretHashText
    expires_at_ns: int | None


class ApiKeyRevoked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    user_id: UserIdText
    key_id: KeyIdText


class UserErased(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The key to the person's texts is destroyed after this; roles and API keys end by it."""

    user_id: UserIdText
    erased_by: str


Event = UserRegistered | ProfileUpdated | RolesChanged | ApiKeyCreated | ApiKeyRevoked | UserErased


# States: only what the next decision needs.
@dataclass(frozen=True, slots=True)
class Missing:
    pass


@dataclass(frozen=True, slots=True)
class Registered:
    user_id: str
    roles: tuple[Role, ...]
    active_keys: frozenset[str] = frozenset()
    revoked_keys: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Erased:
    pass


State = Missing | Registered | Erased
initial: State = Missing()


def decide(state: State, command: Command) -> list[Event]:
    """Return the events that `command` causes; raise Refused with the first reason. No event: it is so already."""
    if isinstance(command, Register):
        return [_register(state, command)]
    if isinstance(state, Erased) and isinstance(command, Erase):
        return []
    if not isinstance(state, Registered):
        raise Refused("not_found", "there is no such user", Kind.NOT_FOUND)
    match command:
        case UpdateProfile(name=name):
            return [ProfileUpdated(state.user_id, name)]
        case SetRoles():
            return _set_roles(state, command)
        case CreateApiKey():
            return [_create_api_key(state, command)]
        case RevokeApiKey(key_id=key_id):
            if key_id in state.revoked_keys:
                return []
            if key_id not in state.active_keys:
                raise Refused("not_found", "the user has no such API key", Kind.NOT_FOUND)
            return [ApiKeyRevoked(state.user_id, key_id)]
        case Erase(erased_by=erased_by):
            if erased_by == state.user_id and "ADMIN" in state.roles:
                raise Refused("own_admin_role", OWN_ADMIN_ROLE)
            return [UserErased(state.user_id, erased_by)]
        case _:
            assert_never(command)


def evolve(state: State, event: Event) -> State:
    if isinstance(event, UserRegistered):
        assert isinstance(state, Missing), f"{event} after {state}"
        return Registered(event.user_id, event.roles)
    assert isinstance(state, Registered), f"{event} after {state}"
    match event:
        case ProfileUpdated():
            return state
        case RolesChanged(roles=roles):
            return Registered(state.user_id, roles, state.active_keys, state.revoked_keys)
        case ApiKeyCreated(key_id=key_id):
            return Registered(state.user_id, state.roles, state.active_keys | {key_id}, state.revoked_keys)
        case ApiKeyRevoked(key_id=key_id):
            active, revoked = state.active_keys - {key_id}, state.revoked_keys | {key_id}
            return Registered(state.user_id, state.roles, active, revoked)
        case UserErased():
            return Erased()
        case _:
            assert_never(event)


def _register(state: State, command: Register) -> UserRegistered:
    if not isinstance(state, Missing):
        raise Refused("user_exists", "the user is registered already", Kind.CONFLICT)
    if not command.roles:
        raise Refused("roles_missing", "a user has at least the role USER; none was given", Kind.INVALID)
    return UserRegistered(
        user_id=command.user_id,
        email_id=command.email_id,
        email=command.email,
        name=command.name,
        roles=with_contained(command.roles),
        registered_by=command.registered_by,
    )


def _set_roles(state: Registered, command: SetRoles) -> list[Event]:
    roles = with_contained(command.roles)
    if not roles:
        raise Refused("roles_missing", "a user has at least the role USER; none was given", Kind.INVALID)
    # An administrator who demotes himself by mistake could leave a venue that nobody administers.
    if command.changed_by == state.user_id and "ADMIN" in state.roles and "ADMIN" not in roles:
        raise Refused("own_admin_role", OWN_ADMIN_ROLE)
    return [] if roles == state.roles else [RolesChanged(state.user_id, roles, command.changed_by)]


def _create_api_key(state: Registered, command: CreateApiKey) -> ApiKeyCreated:
    held = command.held or state.roles
    given = tuple(role for role in state.roles if role in held)
    roles = with_contained(command.roles) or given
    if not set(roles) <= set(given):
        lacking = ", ".join(role for role in roles if role not in given)
        told = f"a key has at most the roles of its owner and of whoever makes it; lacking is {lacking}"
        raise Refused("role_not_held", told)
    if command.expires_at_ns is not None and command.expires_at_ns <= command.now_ns:
        raise Refused("expiry_in_the_past", "expires_at has passed; leave it out for a key that does not expire")
    if len(state.active_keys) >= ACTIVE_API_KEYS_MAX:
        told = f"a user has at most {ACTIVE_API_KEYS_MAX} API keys; revoke one that is not used any more"
        raise Refused("too_many_api_keys", told)
    return ApiKeyCreated(
        user_id=state.user_id,
        key_id=command.key_id,
        name=command.name,
        roles=roles,
        secret_hash=command.secret_hash,
        expires_at_ns=command.expires_at_ns,
    )
