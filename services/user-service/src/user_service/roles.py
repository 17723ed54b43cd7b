"""Roles and what they permit. USER ⊂ TRADER ⊂ ADMIN: whoever holds a role holds the ones before it.

permission          USER  TRADER  ADMIN
accounts:read        x      x       x     balances and positions, one's own
market-data:read     x      x       x
orders:read          x      x       x     one's own
profile:write        x      x       x     one's own profile and API keys
orders:write                x       x     place, replace, cancel
users:read                          x     everyone's
users:write                         x     create users, set roles
admin:*                             x     listing, money, limits, sessions, the log
"""

from collections.abc import Iterable
from typing import Literal, get_args

Role = Literal["USER", "TRADER", "ADMIN"]

ROLES: tuple[Role, ...] = get_args(Role)
ADDED_PERMISSIONS: dict[Role, tuple[str, ...]] = {
    "USER": ("accounts:read", "market-data:read", "orders:read", "profile:write"),
    "TRADER": ("orders:write",),
    "ADMIN": ("admin:*", "users:read", "users:write"),
}


def with_contained(roles: Iterable[str]) -> tuple[Role, ...]:
    """`roles` and the roles that they contain, smallest first. ValueError names a word that is no role."""
    named = set(roles)
    unknown = named.difference(ROLES)
    if unknown:
        raise ValueError(f"expected roles of {', '.join(ROLES)}, got {', '.join(sorted(unknown))}")
    if not named:
        return ()
    highest = max(ROLES.index(role) for role in ROLES if role in named)
    return ROLES[: highest + 1]


def permissions_of(roles: Iterable[str]) -> tuple[str, ...]:
    """Every permission of `roles`, sorted."""
    return tuple(sorted(permission for role in with_contained(roles) for permission in ADDED_PERMISSIONS[role]))
