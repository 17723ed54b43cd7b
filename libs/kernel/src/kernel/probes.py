"""/health, /ready and /metrics of a process: for orchestrators and operators; no authentication, outside the contract.

The paths are those of every process, whatever else it serves; an ASGI application answers them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from kernel.eventlog.port import LogFailed
from kernel.refused import Refused
from kernel.runtime import Runtime
from kernel.telemetry import Metrics

PATHS = frozenset({"/health", "/ready", "/metrics"})
READY = "ready"
ASK_TIMEOUT_S = 2.0
REMEMBERED_NS = 1_000_000_000
JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"
METRICS_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

# None once it is ready, else what it waits for; a failure says so too.
Question = Callable[[], Awaitable[str | None]]


class Health(msgspec.Struct, frozen=True):
    status: str


class Readiness(msgspec.Struct, frozen=True):
    """dependencies: what must be ready, and `ready` or what is wrong with it."""

    status: str
    dependencies: dict[str, str]


class Answer(NamedTuple):
    status: int
    body: bytes
    content_type: bytes


NOT_FOUND = Answer(404, f"Here are {', '.join(sorted(PATHS))}.\n".encode(), TEXT)


class Probes:
    """questions: by the name of what must be ready, a cheap question. The answers are remembered for a second."""

    def __init__(self, runtime: Runtime, metrics: Metrics, questions: Mapping[str, Question]) -> None:
        self._runtime = runtime
        self._metrics = metrics
        self._questions = questions
        self._asked_ns: int | None = None
        self._found: dict[str, str] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI over HTTP; any other path is not found."""
        assert scope["type"] == "http", f"a process without the gateway serves HTTP only, got {scope['type']}"
        await _say(await self.answer(scope["path"]), scope, send)

    async def not_found(self, scope: Any, receive: Any, send: Any) -> None:
        await _say(NOT_FOUND, scope, send)

    async def answer(self, path: str) -> Answer:
        if path == "/health":
            return Answer(200, msgspec.json.encode(Health("ok")), JSON)
        if path == "/metrics":
            return Answer(200, self._metrics.exposition(), METRICS_TYPE)
        if path != "/ready":
            return NOT_FOUND
        found = await self.dependencies()
        is_ready = all(state == READY for state in found.values())
        body = msgspec.json.encode(Readiness(READY if is_ready else "waiting", found))
        return Answer(200 if is_ready else 503, body, JSON)

    async def dependencies(self) -> dict[str, str]:
        """By name `ready`, or what is wrong; not older than a second."""
        now = self._runtime.monotonic_ns()
        if self._asked_ns is None or now - self._asked_ns > REMEMBERED_NS:
            self._found = await self.asked()
            self._asked_ns = now
        return self._found

    async def ready(self) -> str | None:
        """For `kernel.service.Service.ready`."""
        return told(await self.dependencies())

    async def asked(self) -> dict[str, str]:
        """By name `ready`, or what is wrong, now."""
        states = await asyncio.gather(*(self._state(question) for question in self._questions.values()))
        return dict(zip(self._questions, states, strict=True))

    async def _state(self, question: Question) -> str:
        try:
            async with asyncio.timeout(ASK_TIMEOUT_S):
                return await question() or READY
        except Refused as refused:
            return refused.message
        except LogFailed as error:
            return f"the log cannot answer now: {error}"
        except TimeoutError:
            return f"no answer within {ASK_TIMEOUT_S:g} s"
        except Exception as error:
            return f"{type(error).__name__}: {error}"


async def _say(answer: Answer, scope: Any, send: Any) -> None:
    status, body, content_type = answer
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def told(found: Mapping[str, str]) -> str | None:
    """In one line what is not ready and why; None if all are."""
    return "; ".join(f"{name}: {state}" for name, state in found.items() if state != READY) or None
