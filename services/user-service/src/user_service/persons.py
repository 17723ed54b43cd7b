"""Who a row of the view is: its sealed texts opened with the key of the private store, or an erased person."""

from collections.abc import Sequence
from dataclasses import dataclass

from kernel.runtime import Runtime
from user_service import private_store, sealing
from user_service.private_store import PrivateStore
from user_service.roles import permissions_of
from user_service.user import Sealed
from user_service.views import ApiKeyRow, UserRow

KEYS_CACHED_MAX = 10_000
ERASED_NAME = "Erased person"
ERASED_EMAIL = "erased@erased.invalid"  # RFC 2606: .invalid belongs to nobody


@dataclass(frozen=True, slots=True)
class Person:
    """A user in the clear. erased: the key was destroyed, email and name are placeholders."""

    user_id: str
    email: str
    name: str
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    account_id: str
    created_at_ns: int
    updated_at_ns: int
    version: int
    erased: bool


class Persons:
    """Seals and opens texts; remembers the keys of the persons lately asked for."""

    def __init__(self, runtime: Runtime, store: PrivateStore) -> None:
        self._runtime = runtime
        self._store = store
        self._keys: dict[str, bytes] = {}

    async def add(self, user_id: str, key: bytes, password_hash: str) -> None:
        await self._runtime.in_thread(private_store.LANE, self._store.add_person, user_id, key, password_hash)

    async def forget(self, user_id: str) -> None:
        """Erase the person: nothing that the log holds of him can be opened any more."""
        self._keys.pop(user_id, None)
        now_ns = self._runtime.now_ns()
        await self._runtime.in_thread(private_store.LANE, self._store.forget_person, user_id, now_ns)
        self._keys.pop(user_id, None)

    async def key_of(self, user_id: str) -> bytes | None:
        """The person's key; None if the person was erased or never there."""
        await self._remember([user_id])
        return self._keys.get(user_id)

    def seal(self, key: bytes, user_id: str, field: str, text: str) -> Sealed:
        return sealing.seal(key, self._runtime.random_bytes(sealing.NONCE_BYTES), user_id, field, text)

    async def open(self, rows: Sequence[UserRow]) -> list[Person]:
        await self._remember([row.user_id for row in rows])
        return [_opened(row, self._keys.get(row.user_id)) for row in rows]

    async def key_names(self, user_id: str, rows: Sequence[ApiKeyRow]) -> list[str]:
        """The names of a user's API keys; empty names for an erased person."""
        key = await self.key_of(user_id)
        if key is None:
            return [""] * len(rows)
        return [sealing.unseal(key, user_id, sealing.KEY_NAME, row.name) for row in rows]

    async def _remember(self, user_ids: Sequence[str]) -> None:
        unknown = [user_id for user_id in user_ids if user_id not in self._keys]
        if not unknown:
            return
        found = await self._runtime.in_thread(private_store.LANE, self._store.person_keys, unknown)
        if len(self._keys) + len(found) > KEYS_CACHED_MAX:
            self._keys = {user_id: self._keys[user_id] for user_id in user_ids if user_id in self._keys}
        self._keys |= found


def _opened(row: UserRow, key: bytes | None) -> Person:
    email, name = ERASED_EMAIL, ERASED_NAME
    if key is not None:
        email = sealing.unseal(key, row.user_id, sealing.EMAIL, row.email)
        name = sealing.unseal(key, row.user_id, sealing.NAME, row.name)
    return Person(
        user_id=row.user_id,
        email=email,
        name=name,
        roles=row.roles,
        permissions=permissions_of(row.roles),
        account_id=row.account_id,
        created_at_ns=row.created_at_ns,
        updated_at_ns=row.updated_at_ns,
        version=row.version,
        erased=key is None,
    )
