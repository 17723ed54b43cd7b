"""What ended: API keys that were revoked, roles that changed, sessions that were signed out.

Keys and roles are told from the log, sessions from the private store.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import assert_never

from kernel.event import Event
from kernel.eventlog.port import EventLog
from kernel.projection import Projection
from kernel.runtime import Runtime
from user_service import events
from user_service.address import EmailClaimed, EmailReleased
from user_service.sessions import Follower, Sessions
from user_service.user import ApiKeyCreated, ApiKeyRevoked, ProfileUpdated, RolesChanged, UserErased, UserRegistered
from user_service.views import UsersView

PROGRESS_EVERY = 10_000  # positions
OVERLAP_NS = 60 * 1_000_000_000  # a session's end is dated before it is written


@dataclass(frozen=True, slots=True)
class Held:
    """All roles that a user holds since then."""

    user_id: str
    roles: tuple[str, ...]
    changed_at_ns: int


@dataclass(frozen=True, slots=True)
class Ended:
    """What ended up to a position. confirmed_by, number: who confirms that it knows, and as what; nobody if empty."""

    position: int
    keys: list[str] = field(default_factory=list)
    roles: list[Held] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    confirmed_by: str = ""
    number: int = 0


class Revocations:
    """token_ns: how long an access token holds; what ended before that concerns nobody any more."""

    def __init__(
        self,
        runtime: Runtime,
        log: EventLog,
        projection: Projection,
        view: UsersView,
        sessions: Sessions,
        token_ns: int,
    ) -> None:
        self._runtime = runtime
        self._log = log
        self._projection = projection
        self._view = view
        self._sessions = sessions
        self._token_ns = token_ns

    async def follow(self, after: int | None, confirms: bool) -> AsyncGenerator[Ended]:
        """After a position, live; None: first what still matters, then from now on."""
        with self._sessions.followed(confirms) as follower:
            async with aclosing(self._followed(follower, after)) as following:
                async for ended in following:
                    yield ended

    async def _followed(self, follower: Follower, after: int | None) -> AsyncGenerator[Ended]:
        """Whoever asks for more has done with what it got, unless it says so itself."""
        batches: asyncio.Task[Sequence[Event]] | None = None
        outs: asyncio.Task[bool] | None = None
        try:
            since_ns = self._runtime.now_ns() - self._token_ns
            told = Ended(after if after is not None else await self._log.head())
            asked_ns = self._runtime.now_ns()
            sessions = await self._sessions.ended(since_ns)
            if after is None:
                told = Ended(told.position, roles=await self._changed(told.position, since_ns), sessions=sessions)
                yield told
            elif sessions:
                yield Ended(after, sessions=sessions)
            log = aiter(self._log.subscribe(told.position))
            while True:
                batches = batches or self._runtime.spawn(_next(log), "revocations in the log")
                outs = outs or self._runtime.spawn(follower.woken.wait(), "revocations by signing out")
                await asyncio.wait((batches, outs), return_when=asyncio.FIRST_COMPLETED)
                if outs.done():
                    follower.woken.clear()
                    outs, since_ns, endings = None, asked_ns - OVERLAP_NS, self._sessions.endings
                    asked_ns = self._runtime.now_ns()
                    sessions = await self._sessions.ended(since_ns)
                    if follower.confirms:
                        yield Ended(told.position, sessions=sessions, confirmed_by=follower.name, number=endings)
                    else:
                        yield Ended(told.position, sessions=sessions)
                        follower.done(endings)
                if batches.done():
                    ended = _ended(batches.result())
                    batches = None
                    if ended.keys or ended.roles or ended.position - told.position >= PROGRESS_EVERY:
                        told = ended
                        yield ended
        finally:
            running = [task for task in (batches, outs) if task is not None]
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def confirmed(self, name: str, number: int) -> None:
        self._sessions.confirmed(name, number)

    async def _changed(self, position: int, since_ns: int) -> list[Held]:
        await self._projection.reached(position)
        return [Held(row.user_id, row.roles, row.roles_changed_at_ns) for row in self._view.roles_changed(since_ns)]


async def _next(log: AsyncIterator[Sequence[Event]]) -> Sequence[Event]:
    return await anext(log)


def _ended(batch: Sequence[Event]) -> Ended:
    keys: list[str] = []
    roles: list[Held] = []
    for event in batch:
        if event.aggregate_type != events.USER:
            continue
        happened = events.decode(event.event_type, event.event_data)
        match happened:
            case ApiKeyRevoked(key_id=key_id):
                keys.append(key_id)
            case RolesChanged(user_id=user_id, roles=held):
                roles.append(Held(user_id, held, event.occurred_at_ns))
            case UserErased(user_id=user_id):
                roles.append(Held(user_id, (), event.occurred_at_ns))
            case UserRegistered() | ProfileUpdated() | ApiKeyCreated() | EmailClaimed() | EmailReleased():
                pass  # nothing ends by these
            case None:
                raise ValueError(f"{event.event_type} at {event.log}:{event.position} is no event of a user")
            case _:
                assert_never(happened)
    return Ended(batch[-1].position, keys, roles)
