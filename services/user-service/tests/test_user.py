"""A user's rules as a table: what had happened, what is asked, what follows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.testing import Given
from user_service import user
from user_service.roles import ROLES, permissions_of, with_contained
from user_service.user import (
    ACTIVE_API_KEYS_MAX,
    ApiKeyCreated,
    ApiKeyRevoked,
    CreateApiKey,
    Erase,
    ProfileUpdated,
    Register,
    RevokeApiKey,
    RolesChanged,
    Sealed,
    SetRoles,
    UpdateProfile,
    UserErased,
    UserRegistered,
)

U = "01936d2e-7c1a-7b3e-9a51-3f2c8d4e5a6b"


def registered(*roles):
    return UserRegistered(U, "e", "s1.email", "s1.name", roles, "self")


def register(*roles):
    return Register(U, "e", Sealed("s1.email"), Sealed("s1.name"), roles, "self")


def create_key(key_id="tk_2", roles=(), expires_at_ns=None, now_ns=100):
    return CreateApiKey(key_id, Sealed("s1.laptop"), roles, "hash", expires_at_ns, now_ns)


def created_key(key_id="tk_2", roles=("USER", "TRADER"), expires_at_ns=None):
    return ApiKeyCreated(U, key_id, "s1.laptop", roles, "hash", expires_at_ns)


TRADER = registered("USER", "TRADER")
ADMIN = registered("USER", "TRADER", "ADMIN")
KEY = created_key("tk_1")


@pytest.mark.parametrize(
    ("sentence", "past", "command", "follows"),
    [
        ("a user registers", [], register("USER", "TRADER"), [TRADER]),
        ("a role brings those that it contains", [], register("TRADER"), [TRADER]),
        ("nobody registers twice", [TRADER], register("USER"), "user_exists"),
        ("nobody registers without a role", [], register(), "roles_missing"),
        ("a profile is changed", [TRADER], UpdateProfile(Sealed("s1.new")), [ProfileUpdated(U, "s1.new")]),
        ("there is no profile of nobody", [], UpdateProfile(Sealed("s1.new")), "not_found"),
        ("roles are set", [TRADER], SetRoles(("USER",), "boss"), [RolesChanged(U, ("USER",), "boss")]),
        ("the same roles change nothing", [TRADER], SetRoles(("TRADER",), "boss"), []),
        ("a user has a role", [TRADER], SetRoles((), "boss"), "roles_missing"),
        ("no administrator demotes himself", [ADMIN], SetRoles(("USER",), U), "own_admin_role"),
        ("another one may", [ADMIN], SetRoles(("USER",), "boss"), [RolesChanged(U, ("USER",), "boss")]),
        ("nobody has no roles", [], SetRoles(("USER",), "boss"), "not_found"),
        ("a key has all roles by default", [TRADER], create_key(), [created_key()]),
        ("a key may have fewer", [TRADER], create_key(roles=("USER",)), [created_key(roles=("USER",))]),
        ("a key has no role that its owner lacks", [TRADER], create_key(roles=("ADMIN",)), "role_not_held"),
        ("roles lost are not given to keys", [ADMIN, RolesChanged(U, ("USER",), "boss")],
         create_key(roles=("TRADER",)), "role_not_held"),
        ("a key may end", [TRADER], create_key(expires_at_ns=101), [created_key(expires_at_ns=101)]),
        ("but not before it begins", [TRADER], create_key(expires_at_ns=100), "expiry_in_the_past"),
        ("keys have a limit", [TRADER, *(created_key(f"tk_{n}") for n in range(ACTIVE_API_KEYS_MAX))],
         create_key("tk_new"), "too_many_api_keys"),
        ("revoked ones do not count", [TRADER, *(created_key(f"tk_{n}") for n in range(ACTIVE_API_KEYS_MAX)),
                                       ApiKeyRevoked(U, "tk_0")], create_key("tk_new"), [created_key("tk_new")]),
        ("a key is revoked", [TRADER, KEY], RevokeApiKey("tk_1"), [ApiKeyRevoked(U, "tk_1")]),
        ("once", [TRADER, KEY, ApiKeyRevoked(U, "tk_1")], RevokeApiKey("tk_1"), []),
        ("only one's own", [TRADER], RevokeApiKey("tk_1"), "not_found"),
        ("a changed profile keeps the keys", [TRADER, KEY, ProfileUpdated(U, "s1.new")],
         RevokeApiKey("tk_1"), [ApiKeyRevoked(U, "tk_1")]),
        ("a user is erased", [TRADER, KEY], Erase("boss"), [UserErased(U, "boss")]),
        ("or erases himself", [TRADER], Erase(U), [UserErased(U, U)]),
        ("once", [TRADER, UserErased(U, U)], Erase("boss"), []),
        ("nobody is not erased", [], Erase("boss"), "not_found"),
        ("no administrator erases himself", [ADMIN], Erase(U), "own_admin_role"),
        ("another one may erase him", [ADMIN], Erase("boss"), [UserErased(U, "boss")]),
        ("an erased user has no profile", [TRADER, UserErased(U, U)], UpdateProfile(Sealed("s1.new")), "not_found"),
        ("nor roles", [TRADER, UserErased(U, U)], SetRoles(("USER",), "boss"), "not_found"),
        ("nor keys", [TRADER, KEY, UserErased(U, U)], create_key(), "not_found"),
    ],
)  # fmt: skip
def test_user(sentence, past, command, follows):
    Given(user, *past).when(command).then(follows)


@pytest.mark.parametrize(
    ("roles", "contained"),
    [
        ([], ()),
        (["USER"], ("USER",)),
        (["TRADER"], ("USER", "TRADER")),
        (["ADMIN", "USER"], ("USER", "TRADER", "ADMIN")),
    ],
)
def test_roles_contain_the_ones_before_them(roles, contained):
    assert with_contained(roles) == contained


def test_a_word_that_is_no_role_is_named():
    with pytest.raises(ValueError, match="ROOT"):
        with_contained(["USER", "ROOT"])


def test_permissions_only_grow_with_the_role():
    held = [set(permissions_of([role])) for role in ROLES]
    assert held[0] < held[1] < held[2]
    assert "orders:write" not in held[0] and "admin:*" not in held[1]


@given(st.lists(st.sampled_from(ROLES)))
def test_what_is_contained_stays_when_asked_again(roles):
    assert with_contained(with_contained(roles)) == with_contained(roles)
