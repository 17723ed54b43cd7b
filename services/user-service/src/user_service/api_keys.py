"""API keys: `<key id>.<secret>`, the secret shown once. The log holds its SHA-256 only; that is enough to check it and,
since the secret has 256 random bits, too little to find it."""

import base64
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from kernel.eventlog.port import Appended
from kernel.ids import derived_id
from kernel.projection import Projection
from kernel.refused import Kind, Refused
from kernel.runtime import Runtime
from user_service import events, sealing, user
from user_service.directory import Directory
from user_service.journal import Cause, Journal
from user_service.roles import ROLES, with_contained
from user_service.views import ApiKeyRow, UsersView

SECRET_BYTES = 32
ID_BYTES = 8
REPEATS_MAX = 1_000
REPEAT_NS = 600 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class NewKey:
    row: ApiKeyRow
    name: str
    secret: str
    position: int


class ApiKeys:
    """Makes, lists, revokes and checks API keys."""

    def __init__(
        self, runtime: Runtime, directory: Directory, journal: Journal, projection: Projection, view: UsersView
    ) -> None:
        self._runtime = runtime
        self._directory = directory
        self._journal = journal
        self._projection = projection
        self._view = view
        self._shown: OrderedDict[str, tuple[int, str]] = OrderedDict()  # key id -> (until when, secret)

    async def create(
        self,
        user_id: str,
        name: str,
        roles: Sequence[str],
        expires_at_ns: int,
        idempotency_key: str,
        held_roles: Sequence[str],
    ) -> NewKey:
        """held_roles: of the caller, empty for all of the user's.

        Refused(role_not_held, expiry_in_the_past, too_many_api_keys) as the user's rules say."""
        person_key = await self._directory.persons.key_of(user_id)
        if person_key is None:
            raise Refused("not_found", "there is no such user", Kind.NOT_FOUND)
        wanted, held = with_contained(roles), with_contained(held_roles)
        command_id = derived_id("create-api-key", user_id, idempotency_key) if idempotency_key else None
        cause = Cause(user_id, command_id, self._directory.fingerprint(name, wanted, held, expires_at_ns))
        before = await self._journal.outcome(cause)
        if before is not None:
            return await self._shown_again(before, name)
        secret = base64.urlsafe_b64encode(self._runtime.random_bytes(SECRET_BYTES)).decode().rstrip("=")
        command = user.CreateApiKey(
            key_id=f"tk_{self._runtime.random_bytes(ID_BYTES).hex()}",
            name=self._directory.persons.seal(person_key, user_id, sealing.KEY_NAME, name),
            roles=wanted,
            secret_hash=hash_of(secret),
            expires_at_ns=expires_at_ns or None,
            now_ns=self._runtime.now_ns(),
            held=held,
        )
        if command_id is not None:
            self._remember(command.key_id, secret)
        appended = await self._directory.change_user(user_id, command, cause)
        assert appended is not None, "a new key has an event"
        if not appended.first_time:  # a retry that ran beside its first attempt
            return await self._shown_again(appended, name)
        await self._projection.reached(appended.last)
        return NewKey(self._row(appended), name, secret, appended.last)

    async def of_user(self, user_id: str, at_least: int | None) -> tuple[list[tuple[ApiKeyRow, str]], int]:
        """Keys with their names, revoked ones included, and the position that the answer includes."""
        position = await self._projection.reached(at_least)
        rows = self._view.keys_of(user_id)
        names = await self._directory.persons.key_names(user_id, rows)
        return list(zip(rows, names, strict=True)), position

    async def revoke(self, user_id: str, key_id: str) -> int:
        """Revoke, or see that it was; returns the position that shows it."""
        appended = await self._directory.change_user(user_id, user.RevokeApiKey(key_id), Cause(user_id))
        return await self._projection.reached(appended.last if appended else None)

    async def verify(self, key_id: str, secret: str) -> tuple[str, tuple[str, ...], int]:
        """(user id, roles, expires_at_ns or 0) of who holds the key; Refused as unauthenticated.

        Roles are those of the key that its owner still holds."""
        row = self._view.api_keys.get(key_id)
        if row is None:
            await self._projection.reached()
            row = self._view.api_keys.get(key_id)
        fits = hmac.compare_digest(hash_of(secret), row.secret_hash if row else "")
        owner = self._view.users.get(row.user_id) if row else None
        if row is None or owner is None or not owner.roles or not fits:  # an erased user holds none
            raise Refused("unauthenticated", "the API key is unknown or its secret is wrong", Kind.UNAUTHENTICATED)
        if row.revoked_at_ns:
            raise Refused("key_revoked", "the API key was revoked; make a new one", Kind.UNAUTHENTICATED)
        if row.expires_at_ns and row.expires_at_ns <= self._runtime.now_ns():
            raise Refused("key_expired", "the API key has expired; make a new one", Kind.UNAUTHENTICATED)
        return (
            row.user_id,
            tuple(role for role in ROLES if role in row.roles and role in owner.roles),
            row.expires_at_ns,
        )

    async def _shown_again(self, before: Appended, name: str) -> NewKey:
        await self._projection.reached(before.last)
        row = self._row(before)
        until_ns, secret = self._shown.get(row.key_id, (0, ""))
        if until_ns <= self._runtime.now_ns():
            told = f"{row.key_id} was made by this request before and its secret is shown once; revoke it, make another"
            raise Refused("secret_shown_once", told, Kind.CONFLICT)
        return NewKey(row, name, secret, before.last)

    def _row(self, appended: Appended) -> ApiKeyRow:
        created = events.decode(appended.events[0].event_type, appended.events[0].event_data)
        assert isinstance(created, user.ApiKeyCreated)
        row = self._view.api_keys.get(created.key_id)
        assert row is not None, f"the view is past {appended.last} and lacks {created.key_id}"
        return row

    def _remember(self, key_id: str, secret: str) -> None:
        self._shown[key_id] = (self._runtime.now_ns() + REPEAT_NS, secret)
        while len(self._shown) > REPEATS_MAX:
            self._shown.popitem(last=False)


def hash_of(secret: str) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()
