"""Who makes a request, and what the roles allow."""

from enum import Enum

import msgspec

from kernel.refused import Kind, Refused


class Role(Enum):
    """USER may read its own, TRADER may also change orders, ADMIN may do everything. Each contains the one before."""

    USER = "USER"
    TRADER = "TRADER"
    ADMIN = "ADMIN"


CONTAINS = {
    "USER": frozenset({Role.USER}),
    "TRADER": frozenset({Role.USER, Role.TRADER}),
    "ADMIN": frozenset({Role.USER, Role.TRADER, Role.ADMIN}),
}


class Principal(msgspec.Struct, frozen=True):
    """An authenticated caller. expires_ns: wall clock end of its token or key, None when there is none. key_id: of an
    API key. session: the token's claim sid, empty without one."""

    user_id: str
    roles: frozenset[Role]
    expires_ns: int | None
    key_id: str | None = None
    session: str = ""


def roles_of(names: list[str]) -> frozenset[Role]:
    """The platform's roles among `names`; an identity provider adds others of its own."""
    return frozenset().union(*(CONTAINS.get(name, frozenset()) for name in names))


def need(principal: Principal, role: Role) -> None:
    """Refused (forbidden) unless the principal has the role."""
    if role not in principal.roles:
        has = ", ".join(had.value for had in Role if had in principal.roles) or "none"
        raise Refused("forbidden", f"This needs the role {role.value}; you have {has}.", Kind.FORBIDDEN)
