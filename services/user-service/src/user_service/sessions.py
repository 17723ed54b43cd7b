"""A browser's session at the identity provider: a random cookie, kept as its hash; and the protection of its forms."""

import asyncio
import base64
import hashlib
import hmac
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from kernel.runtime import Runtime
from kernel.telemetry import logger
from user_service import events, private_store
from user_service.private_store import PrivateStore
from user_service.settings import UserServiceSettings

SESSION_COOKIE = "trading_session"
FORM_COOKIE = "trading_form"
TOKEN_BYTES = 32
KNOWN_WITHIN_S = 1.0

_log = logger(events.ROLE)


@dataclass(frozen=True, slots=True)
class Session:
    """session_hash names the session to clients too (`sid` of id tokens): it does not give the cookie away."""

    session_hash: str
    user_id: str
    signed_in_at_ns: int


class Follower:
    """Who follows what ended: `woken` when there is more, `done` when it knows that much.

    confirms: it says itself when it has taken in what it was told."""

    def __init__(self, name: str, endings: int, confirms: bool) -> None:
        self.name = name
        self.confirms = confirms
        self.woken = asyncio.Event()
        self._known = endings
        self._moved = asyncio.Event()

    def done(self, endings: int) -> None:
        self._known = max(self._known, endings)
        self._moved.set()

    async def knows(self, endings: int) -> None:
        self.woken.set()
        while self._known < endings:
            self._moved.clear()
            await self._moved.wait()


class Sessions:
    def __init__(self, runtime: Runtime, store: PrivateStore, settings: UserServiceSettings) -> None:
        self._runtime = runtime
        self._store = store
        self._lasts_s = settings.session_s
        self._secure = settings.secure
        self._path = urlsplit(settings.issuer).path
        self.endings = 0
        """How often families of tokens ended."""
        self._followers: dict[str, Follower] = {}
        self._form_key = store.secret("form-protection", runtime.random_bytes(TOKEN_BYTES))

    async def start(self, user_id: str) -> tuple[Session, str]:
        """A new session and the cookie's value. Always new after a sign-in, so none can be fixed beforehand."""
        value, now_ns = self._random(), self._runtime.now_ns()
        session = Session(_hash(value), user_id, now_ns)
        ends_at_ns = now_ns + self._lasts_s * 1_000_000_000
        row = (session.session_hash, user_id, now_ns, ends_at_ns)
        await self._runtime.in_thread(private_store.LANE, self._store.add_session, *row)
        return session, value

    async def of(self, request: Request) -> Session | None:
        value = request.cookies.get(SESSION_COOKIE)
        if not value:
            return None
        session_hash, now_ns = _hash(value), self._runtime.now_ns()
        found = await self._runtime.in_thread(private_store.LANE, self._store.session, session_hash, now_ns)
        return Session(session_hash, *found) if found else None

    async def end(self, session_hash: str) -> None:
        """End it, and every token that it gave."""
        now_ns = self._runtime.now_ns()
        await self._runtime.in_thread(private_store.LANE, self._store.end_session, session_hash, now_ns)
        await self.tell()

    async def end_family(self, family: str) -> None:
        """End the tokens that one sign-in at one client gave."""
        now_ns = self._runtime.now_ns()
        await self._runtime.in_thread(private_store.LANE, self._store.end_family, family, now_ns)
        await self.tell()

    @contextmanager
    def followed(self, confirms: bool) -> Iterator[Follower]:
        """A follower that is woken when a family of tokens ended."""
        follower = Follower(self._runtime.uuid7(), self.endings, confirms)
        self._followers[follower.name] = follower
        try:
            yield follower
        finally:
            del self._followers[follower.name]
            follower.done(sys.maxsize)

    def confirmed(self, name: str, endings: int) -> None:
        """A follower knows that much; one that has gone meanwhile is nobody's concern."""
        follower = self._followers.get(name)
        if follower is not None:
            follower.done(endings)

    async def tell(self) -> None:
        """Wake whoever follows what ended, and wait until they know: what is asked after the answer finds it ended. One
        that does not come back is not waited for."""
        self.endings += 1
        waiting = [follower.knows(self.endings) for follower in self._followers.values()]
        try:
            async with asyncio.timeout(KNOWN_WITHIN_S):
                await asyncio.gather(*waiting)
        except TimeoutError:
            _log.warning("not all gateways have said that they know what ended", within_s=KNOWN_WITHIN_S)

    async def ended(self, since_ns: int) -> list[str]:
        """The families that were ended, by signing out or because one of their tokens was copied: `sid` of their access
        tokens."""
        return await self._runtime.in_thread(private_store.LANE, self._store.ended_families, since_ns)

    async def has_ended(self, family: str) -> bool:
        return await self._runtime.in_thread(private_store.LANE, self._store.has_ended, family)

    def set_cookie(self, response: Response, value: str) -> None:
        self._set(response, SESSION_COOKIE, value, self._lasts_s)

    def clear_cookie(self, response: Response) -> None:
        self._set(response, SESSION_COOKIE, "", 0)

    # ---- forms: the hidden field is a keyed hash of a cookie, which another site can neither read nor set

    def form_value(self, request: Request) -> str:
        """The browser's form cookie, or a new one."""
        return request.cookies.get(FORM_COOKIE) or self._random()

    def protect(self, response: Response, form_value: str) -> None:
        self._set(response, FORM_COOKIE, form_value, None)

    def form_token(self, form_value: str) -> str:
        return hmac.new(self._form_key, form_value.encode(), hashlib.sha256).hexdigest()

    def is_own_form(self, request: Request, token: str) -> bool:
        """Whether the form that was sent is one that this browser got from here."""
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        value = request.cookies.get(FORM_COOKIE, "")
        return bool(value) and hmac.compare_digest(self.form_token(value).encode(), token.encode())

    def _set(self, response: Response, name: str, value: str, max_age_s: int | None) -> None:
        # Lax: an authorization request comes from the client's site and has to carry the session.
        response.set_cookie(
            name, value, max_age=max_age_s, path=self._path, secure=self._secure, httponly=True, samesite="lax"
        )

    def _random(self) -> str:
        return base64.urlsafe_b64encode(self._runtime.random_bytes(TOKEN_BYTES)).decode().rstrip("=")


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
