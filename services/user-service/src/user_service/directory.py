"""The directory of users: registers them, changes them, finds them. What rpc.py and the identity provider share."""

import hashlib
import hmac
from collections.abc import Sequence

import msgspec

from kernel.eventlog.port import Appended
from kernel.ids import UserId, derived_id
from kernel.projection import Projection
from kernel.refused import Kind, Refused
from kernel.runtime import Runtime
from user_service import address, events, passwords, private_store, sealing, user
from user_service.journal import Cause, Change, Journal
from user_service.network import network_of
from user_service.passwords import Passwords
from user_service.persons import Person, Persons
from user_service.private_store import PrivateStore
from user_service.roles import Role, with_contained
from user_service.settings import UserServiceSettings
from user_service.throttle import Throttle
from user_service.views import PAGE_USERS_MAX, UsersView

SELF = "self"
NAME_CHARACTERS_MAX = 100
SECRET_BYTES = 32


class Directory:
    """Commands return the position after which every read shows them."""

    def __init__(
        self,
        runtime: Runtime,
        journal: Journal,
        projection: Projection,
        view: UsersView,
        store: PrivateStore,
        settings: UserServiceSettings,
    ) -> None:
        self.persons = Persons(runtime, store)
        self.passwords = Passwords(runtime, settings)
        self._runtime = runtime
        self._journal = journal
        self._projection = projection
        self._view = view
        self._store = store
        self._settings = settings
        self._email_key = store.secret("email-fingerprint", runtime.random_bytes(SECRET_BYTES))
        window_ns = settings.failures_window_s * 1_000_000_000
        self._registrations = Throttle(settings.client_registrations_max, window_ns)
        self._request_key = store.secret("request-fingerprint", runtime.random_bytes(SECRET_BYTES))

    def email_id(self, email: str) -> str:
        return address.email_id(self._email_key, email)

    def fingerprint(self, *parts: object) -> str:
        """Of a request's body, for its retry; keyed, since bodies name persons."""
        return hmac.new(self._request_key, msgspec.json.encode(parts), hashlib.sha256).hexdigest()

    # ---- commands

    async def register(self, email: str, password: str, name: str, client: str) -> None:
        """Self-registration. Whether the address was free shows neither in the answer nor in its time:
        both ways hash the password and look at the address, and the answer waits for the next tick.

        client: the network address that asks; Refused(too_many_attempts) when it asked too often."""
        arrived_ns = self._runtime.monotonic_ns()
        self._registrations.begin(network_of(client), self._runtime.now_ns())
        _check_person(email, name)
        passwords.check_strength(password, email)
        try:
            await self._enrol(email, password, name, self._settings.self_registration_roles, SELF, Cause())
        except Refused as refused:
            if refused.code != "email_taken":
                raise
        tick_ns = self._settings.registration_answer_ms * 1_000_000
        if tick_ns:
            spent_ns = self._runtime.monotonic_ns() - arrived_ns
            await self._runtime.sleep((tick_ns - spent_ns % tick_ns) / 1e9)

    async def create(
        self, email: str, password: str, name: str, roles: Sequence[str], created_by: str, idempotency_key: str
    ) -> tuple[Person, int]:
        """An administrator's: Refused(email_taken) if the address has an owner. Empty roles: as self-registered."""
        _check_person(email, name)
        passwords.check_strength(password, email)
        given = with_contained(roles or self._settings.self_registration_roles)
        command_id = derived_id("create-user", created_by, idempotency_key) if idempotency_key else None
        request_hash = self.fingerprint(address.normalised(email), name, given)
        cause = Cause(created_by or None, command_id, request_hash)
        appended = await self._journal.outcome(cause)
        if appended is None:
            appended = await self._enrol(email, password, name, given, created_by or SELF, cause)
        elif not await self.has_password(appended.events[0].aggregate_id, password):
            told = "this idempotency key was used for another request; choose a new one"
            raise Refused("idempotency_key_reused", told, Kind.UNPROCESSABLE)
        return await self.find(appended.events[0].aggregate_id, appended.last)

    async def update_profile(self, user_id: str, name: str | None) -> tuple[Person, int]:
        """Refused(not_found) for nobody, and for an erased person."""
        if name is None:
            return await self.find(user_id, None)
        _check_name(name)
        key = await self._key_of(user_id)
        sealed = self.persons.seal(key, user_id, sealing.NAME, name.strip())
        appended = await self.change_user(user_id, user.UpdateProfile(sealed), Cause(user_id))
        return await self.find(user_id, appended.last if appended else None)

    async def set_roles(self, user_id: str, roles: Sequence[str], changed_by: str) -> tuple[Person, int]:
        """Roles that contain others bring them along."""
        command = user.SetRoles(with_contained(roles), changed_by)
        appended = await self.change_user(user_id, command, Cause(changed_by or None))
        return await self.find(user_id, appended.last if appended else None)

    async def change_user(self, user_id: str, command: user.Command, cause: Cause) -> Appended | None:
        """One command on one user; None if it is so already."""

        async def decide() -> list[Change]:
            state, version = await self._journal.load(user, user_id)
            return [Change(events.USER, user_id, version, user.decide(state, command))]

        return await self._journal.change(decide, cause)

    # ---- queries

    async def find(self, user_id: str, at_least: int | None) -> tuple[Person, int]:
        """The user, and the position that the answer includes; waits for `at_least`, or for the head."""
        position = await self._projection.reached(at_least)
        row = self._view.users.get(user_id)
        if row is None:
            raise Refused("not_found", "there is no such user", Kind.NOT_FOUND)
        return (await self.persons.open([row]))[0], position

    async def find_by_email(self, email: str, at_least: int | None) -> tuple[Person | None, int]:
        position = await self._projection.reached(at_least)
        row = self._view.by_email(self.email_id(email))
        return (await self.persons.open([row]))[0] if row else None, position

    async def page(self, cursor: str, limit: int, at_least: int | None) -> tuple[list[Person], str, int]:
        """Users in the order of registration, the cursor of the next page (empty at the end), and the position."""
        if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
            raise Refused("invalid_request", f"cursor: expected next_cursor of a page, got {cursor!r}", Kind.INVALID)
        position = await self._projection.reached(at_least)
        size = min(limit or 100, PAGE_USERS_MAX)
        rows = self._view.page(int(cursor or 0), size + 1)
        more = str(rows[size - 1].number) if len(rows) > size else ""
        return await self.persons.open(rows[:size]), more, position

    async def has_password(self, user_id: str, password: str) -> bool:
        """Whether it is the user's; takes as long for nobody."""
        stored = await self._runtime.in_thread(private_store.LANE, self._store.password_hash, user_id)
        return await self.passwords.verify(stored, password)

    # ---- parts

    async def _enrol(
        self, email: str, password: str, name: str, roles: tuple[Role, ...], registered_by: str, cause: Cause
    ) -> Appended:
        user_id = UserId(self._runtime.uuid7())
        email_id = self.email_id(email)
        key = self._runtime.random_bytes(sealing.KEY_BYTES)
        register = user.Register(
            user_id=user_id,
            email_id=email_id,
            email=self.persons.seal(key, user_id, sealing.EMAIL, email.strip()),
            name=self.persons.seal(key, user_id, sealing.NAME, name.strip()),
            roles=roles,
            registered_by=registered_by,
        )
        # The key is durable before the event: an event that nobody can open would be a person lost.
        await self.persons.add(user_id, key, await self.passwords.hash(password))

        async def decide() -> list[Change]:
            claim, version = await self._journal.load(address, email_id)
            claimed = address.decide(claim, address.ClaimEmail(email_id, user_id))
            registered = user.decide(user.initial, register)
            return [Change(events.USER, user_id, 0, registered), Change(events.EMAIL, email_id, version, claimed)]

        try:
            appended = await self._journal.change(decide, cause)
        except Refused as refused:
            # After a failed log the events may have been kept: only a clear refusal frees the key.
            if refused.kind is not Kind.UNAVAILABLE:
                await self.persons.forget(user_id)
            raise
        assert appended is not None, "a registration has events"
        if appended.events[0].aggregate_id != user_id:  # a retry that ran beside its first attempt
            await self.persons.forget(user_id)
        return appended

    async def _key_of(self, user_id: str) -> bytes:
        key = await self.persons.key_of(user_id)
        if key is None:
            raise Refused("not_found", "there is no such user", Kind.NOT_FOUND)
        return key


def _check_person(email: str, name: str) -> None:
    if not address.is_address(email):
        raise Refused("invalid_request", "email: expected an address such as ada@example.com", Kind.INVALID)
    _check_name(name)


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        told = f"name: expected 1 to {NAME_CHARACTERS_MAX} printable characters"
        raise Refused("invalid_request", told, Kind.INVALID)
