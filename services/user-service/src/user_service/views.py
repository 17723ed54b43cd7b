"""The read model of users and their API keys: a fold of the log, and the queries on it.

Rows hold sealed texts only; a query opens them with the keys of the private store, so a destroyed key erases the person
here at once. Roles and permissions are those of the fold.
"""

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

import msgspec

from kernel.event import Event
from kernel.projection import Table
from trading_events import engine
from user_service import events
from user_service.address import EmailClaimed, EmailReleased
from user_service.user import ApiKeyCreated, ApiKeyRevoked, ProfileUpdated, RolesChanged, UserErased, UserRegistered

PAGE_USERS_MAX = 500


class UserRow(msgspec.Struct, frozen=True):
    """email, name: sealed. email_id: empty once the person is erased. number: position of the registration, which
    orders lists. account_id: empty until opened. roles_changed_at_ns: 0 while they are those of the registration."""

    user_id: str
    number: int
    email_id: str
    email: str
    name: str
    roles: tuple[str, ...]
    account_id: str
    created_at_ns: int
    updated_at_ns: int
    version: int
    roles_changed_at_ns: int = 0


class ApiKeyRow(msgspec.Struct, frozen=True):
    """name: sealed. Times in nanoseconds since 1970 UTC, 0 where there is none."""

    key_id: str
    number: int
    user_id: str
    name: str
    roles: tuple[str, ...]
    secret_hash: str
    created_at_ns: int
    expires_at_ns: int
    revoked_at_ns: int


class UsersView:
    """apply(event) over two tables."""

    name = "users"
    version = 2

    def __init__(self) -> None:
        self.users = Table(
            "users",
            UserRow,
            {
                "number": lambda row: row.number,
                "email_id": lambda row: row.email_id,
                "roles_changed_at_ns": lambda row: row.roles_changed_at_ns,
            },
        )
        self.api_keys = Table(
            "api_keys", ApiKeyRow, {"number": lambda row: row.number, "user_id": lambda row: row.user_id}
        )

    @property
    def tables(self) -> Sequence[Table[Any]]:
        return (self.users, self.api_keys)

    @property
    def indexes(self) -> Mapping[str, Sequence[Sequence[str]]]:
        return {"users": [["number"], ["email_id"], ["roles_changed_at_ns"]], "api_keys": [["user_id", "number"]]}

    def opened(self) -> None:
        return None

    def apply(self, event: Event) -> None:
        if event.aggregate_type in events.AGGREGATE_TYPES:
            self._apply_own(event)
        elif event.event_type == "AccountOpened":
            self._apply_account(event)

    def _apply_own(self, event: Event) -> None:
        happened = events.decode(event.event_type, event.event_data)
        match happened:
            case UserRegistered() as registered:
                self.users.put(registered.user_id, _registered(event, registered))
            case ProfileUpdated(user_id=user_id, name=name):
                self._change(event, user_id, name=name)
            case RolesChanged(user_id=user_id, roles=roles):
                self._change(event, user_id, roles=roles, roles_changed_at_ns=event.occurred_at_ns)
            case ApiKeyCreated() as created:
                self._change(event, created.user_id)
                self.api_keys.put(created.key_id, _created(event, created))
            case ApiKeyRevoked(user_id=user_id, key_id=key_id):
                self._change(event, user_id)
                key = self.api_keys.get(key_id)
                assert key is not None, f"{event.event_type} at {event.position} of a key that was never created"
                self.api_keys.put(key_id, msgspec.structs.replace(key, revoked_at_ns=event.occurred_at_ns))
            case UserErased(user_id=user_id):
                self._change(event, user_id, email_id="", roles=(), roles_changed_at_ns=event.occurred_at_ns)
            case EmailClaimed() | EmailReleased():
                pass  # the registration, or the erasure, in the same command tells it
            case None:
                raise ValueError(f"{event.event_type} at {event.log}:{event.position} is unknown to the users view")
            case _:
                assert_never(happened)

    def _apply_account(self, event: Event) -> None:
        opened = engine.decode(event.event_type, event.event_data)
        assert isinstance(opened, engine.AccountOpened)
        user = self.users.get(opened.user_id)
        # Accounts of the venue and of simulated traders belong to no registered user.
        if opened.kind == "CUSTOMER" and user is not None and not user.account_id:
            self.users.put(opened.user_id, msgspec.structs.replace(user, account_id=opened.account_id))

    def _change(self, event: Event, user_id: str, **changes: Any) -> None:
        user = self.users.get(user_id)
        assert user is not None, f"{event.event_type} at {event.position} of a user who was never registered"
        changes |= {"updated_at_ns": event.occurred_at_ns, "version": event.event_version}
        self.users.put(user_id, msgspec.structs.replace(user, **changes))

    # ---- queries: committed rows

    def by_email(self, email_id: str) -> UserRow | None:
        found = self.users.select("email_id = ?", (email_id,), "LIMIT 1")
        return found[0] if found else None

    def erased(self) -> list[UserRow]:
        return self.users.select("email_id = ?", ("",))

    def page(self, after_number: int, limit: int) -> list[UserRow]:
        """Users in the order of their registration."""
        return self.users.select("number > ?", (after_number, limit), "ORDER BY number LIMIT ?")

    def roles_changed(self, since_ns: int) -> list[UserRow]:
        """Users whose roles were changed since then, oldest change first."""
        return self.users.select("roles_changed_at_ns >= ?", (since_ns,), "ORDER BY roles_changed_at_ns")

    def keys_of(self, user_id: str) -> list[ApiKeyRow]:
        return self.api_keys.select("user_id = ?", (user_id,), "ORDER BY number")


def _registered(event: Event, registered: UserRegistered) -> UserRow:
    return UserRow(
        user_id=registered.user_id,
        number=event.position,
        email_id=registered.email_id,
        email=registered.email,
        name=registered.name,
        roles=registered.roles,
        account_id="",
        created_at_ns=event.occurred_at_ns,
        updated_at_ns=event.occurred_at_ns,
        version=event.event_version,
    )


def _created(event: Event, created: ApiKeyCreated) -> ApiKeyRow:
    return ApiKeyRow(
        key_id=created.key_id,
        number=event.position,
        user_id=created.user_id,
        name=created.name,
        roles=created.roles,
        secret_hash=created.secret_hash,
        created_at_ns=event.occurred_at_ns,
        expires_at_ns=created.expires_at_ns or 0,
        revoked_at_ns=0,
    )
