"""What every request to /v1 goes through: name it, find its route, authenticate, limit, check the role, read, answer.

This is the hot path: one plain ASGI function, no middleware.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from api_gateway.at_once import answered_at_once
from api_gateway.body import CLOSING, ClientGone, Message, Receive, read
from api_gateway.call import Call, Platform, Reply, StreamReply, encode, idempotency_header, position_header
from api_gateway.limits import FAILURES, Buckets, Taken
from api_gateway.principal import Principal, need
from api_gateway.problems import CONTENT_TYPE, HttpRefused, problem_of, retry_after_s, status_of
from api_gateway.routes import Route, Table, checked
from api_gateway.sse import CONTENT_TYPE as EVENT_STREAM
from kernel.refused import Kind, Refused
from kernel.rpc import correlation_id
from kernel.telemetry import logger

NAME = "api-gateway"
REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
NANOSECONDS = 1e9
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
UNMATCHED = "unmatched"
LAST_CHUNK: Message = {"type": "http.response.body", "body": b""}
LAST_CHUNK_S = 1.0
NO_STORE = (b"cache-control", b"no-store")
HEAD_OF_A_STREAM = Reply(200, b"", None, EVENT_STREAM)  # of unknown length

Scope = Message
Send = Callable[[Message], Awaitable[None]]
log = logger(NAME)


class Exchange:
    """What is known of a request so far, for its answer, its metrics and its log line."""

    __slots__ = (
        *("address", "error", "headers", "method", "path"),
        *("principal", "query_string", "request_id", "route", "taken"),
    )

    def __init__(self, scope: Scope, path: str, request_id: str, headers: dict[bytes, bytes]) -> None:
        client = scope.get("client")
        self.method: str = scope["method"]
        self.path = path
        self.query_string: bytes = scope.get("query_string", b"")
        self.headers = headers
        self.request_id = request_id
        self.address: str = client[0] if client else "local"
        self.route = UNMATCHED
        self.principal: Principal | None = None
        self.taken: Taken | None = None
        self.error: str | None = None  # the code of a refusal


class Api:
    """The ASGI application below /v1; `scope["path"]` is the whole path, `path` what follows the version."""

    def __init__(self, platform: Platform, buckets: Buckets, table: Table) -> None:
        self._platform = platform
        self._runtime = platform.runtime
        self._settings = platform.settings
        self._authenticator = platform.authenticator
        self._buckets = buckets
        self._table = table
        self._answered = 0
        self._errors = platform.metrics.errors.labels(NAME)  # there before the first: its rate is known
        self._children: dict[tuple[str, str, int], tuple[Any, Any, Any]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        started_ns = self._runtime.monotonic_ns()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if REQUEST_ID.fullmatch(given) else self._runtime.uuid7()
        correlation_id.set(request_id)
        exchange = Exchange(scope, scope["path"], request_id, headers)
        try:
            answer = await self._answer(exchange, path, receive)
        except ClientGone:
            return
        except Refused as refused:
            answer = self._refusal(exchange, refused)
        except TimeoutError:
            why = "A service did not answer in time; try again."
            answer = self._refusal(exchange, Refused("unavailable", why, Kind.UNAVAILABLE))
        except Exception as error:
            answer = self._failure(exchange, error)
        if isinstance(answer, StreamReply):
            self._observe(exchange, 200, self._runtime.monotonic_ns() - started_ns)
            closing = scope.get("state", {}).get(CLOSING) or asyncio.Event()
            await self._stream(exchange, answer, receive, send, closing)
            return
        told = _headers(exchange, answer)
        body = b"" if exchange.method == "HEAD" else answer.body
        if answer.headers or not answered_at_once(send, answer.status, told, body):
            await send({"type": "http.response.start", "status": answer.status, "headers": told})
            await send({"type": "http.response.body", "body": body})
        self._observe(exchange, answer.status, self._runtime.monotonic_ns() - started_ns)

    async def _answer(self, exchange: Exchange, path: str, receive: Receive) -> Reply | StreamReply:
        methods, params = self._table.find(path)
        route = methods.get("GET" if exchange.method == "HEAD" else exchange.method)
        if route is None:
            await self._take(exchange, f"address:{exchange.address}")
            raise _no_route(exchange, methods)
        exchange.route = f"/v1{route.template}"
        if route.role is None:
            await self._take(exchange, f"address:{exchange.address}")
        else:
            exchange.principal = principal = await self._principal(exchange)
            await self._take(exchange, f"user:{principal.user_id}")
            need(principal, route.role)
        body = b""
        if route.has_body:
            body = await read(receive, exchange.headers, self._settings.body_bytes_max, self._settings.body_timeout_s)
        if route.is_endless and exchange.method == "HEAD":
            return HEAD_OF_A_STREAM
        return await route.handler(
            Call(
                self._platform,
                exchange.method,
                exchange.path,
                route.template,
                checked(params),
                exchange.query_string,
                exchange.headers,
                body,
                exchange.request_id,
                exchange.principal,
                route.query,
                position_header(exchange.headers),
                idempotency_header(exchange.headers),
                exchange.address,
            )
        )

    async def _principal(self, exchange: Exchange) -> Principal:
        """A credential that holds costs its principal's tokens only. A failed attempt costs one of the address and one
        of its failures: without any of these nothing from there is verified."""
        authorization = exchange.headers.get(b"authorization")
        api_key = exchange.headers.get(b"x-api-key")
        known = self._authenticator.remembered(authorization, api_key)
        if known is not None:
            return known
        failures = f"{FAILURES}:{exchange.address}"
        exchange.taken = await self._buckets.look(failures, self._runtime.monotonic_ns())
        if not exchange.taken.allowed:
            raise self._too_many(exchange.taken)
        try:
            return await self._authenticator.authenticate(authorization, api_key)
        except Refused as refused:
            if refused.kind is Kind.UNAUTHENTICATED:
                await self._take(exchange, failures)
                await self._take(exchange, f"address:{exchange.address}")
            raise

    async def _take(self, exchange: Exchange, owner: str) -> None:
        exchange.taken = taken = await self._buckets.take(owner, self._runtime.monotonic_ns())
        if not taken.allowed:
            raise self._too_many(taken)

    def _too_many(self, taken: Taken) -> Refused:
        settings, wait_s = self._settings, taken.retry_after_s
        told = (
            f"{taken.limit} requests at once and {settings.rate_limit_refill_tokens} every "
            f"{settings.rate_limit_refill_s} seconds; try again in {wait_s} seconds."
        )
        return Refused("rate_limited", told, Kind.RATE_LIMITED, retry_after_s=wait_s)

    # ---- answers

    def _refusal(self, exchange: Exchange, refused: Refused) -> Reply:
        if refused.code == "command_id_reused":
            refused = Refused("idempotency_key_reused", "This key came before with another body; use a new one.")
        exchange.error = refused.code
        extra: list[tuple[bytes, bytes]] = []
        wait_s = retry_after_s(refused)
        if wait_s is not None:
            extra.append((b"retry-after", b"%d" % wait_s))
        if refused.kind is Kind.UNAUTHENTICATED:
            told = b"" if refused.code == "unauthenticated" else b', error="invalid_token"'
            extra.append((b"www-authenticate", b'Bearer realm="trading-platform"' + told))
        if refused.kind is Kind.TOO_LARGE:
            extra.append((b"connection", b"close"))
        if isinstance(refused, HttpRefused):
            extra.extend(refused.headers)
        problem = problem_of(refused, quote(exchange.path), exchange.request_id)
        return Reply(status_of(refused), encode(problem), None, CONTENT_TYPE, tuple(extra))

    def _failure(self, exchange: Exchange, error: Exception) -> Reply:
        self._errors.inc()
        log.error("request_failed", method=exchange.method, route=exchange.route, exc_info=error)
        return self._refusal(exchange, HttpRefused(500, "internal", "The fault was recorded under this request id."))

    async def _stream(
        self, exchange: Exchange, answer: StreamReply, receive: Receive, send: Send, closing: asyncio.Event
    ) -> None:
        """Send chunks until they end, the client goes or lags, or the server closes."""
        start = Reply(200, b"", None, answer.content_type)
        headers = [header for header in _headers(exchange, start) if header[0] != b"content-length"]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

        async def follow() -> None:
            async for chunk in answer.chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send(LAST_CHUNK)

        following = self._runtime.spawn(follow(), "event stream")
        leaving = self._runtime.spawn(_gone(receive), "event stream's client")
        lagging = self._runtime.spawn(answer.too_slow.wait(), "event stream's pace")
        ending = self._runtime.spawn(closing.wait(), "event stream's server")
        tasks: list[asyncio.Task[Any]] = [following, leaving, lagging, ending]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended, *_ = await asyncio.gather(*tasks, return_exceptions=True)
        if isinstance(ended, Exception):
            log.warning("event_stream_ended", route=exchange.route, exc_info=ended)
        elif isinstance(ended, asyncio.CancelledError) and closing.is_set():
            await _last_chunk(send)

    # ---- what operators see

    def _observe(self, exchange: Exchange, status: int, took_ns: int) -> None:
        method = exchange.method if exchange.method in METHODS else "OTHER"
        key = (exchange.route, method, status)
        children = self._children.get(key)
        if children is None:
            metrics = self._platform.metrics
            children = self._children[key] = (
                metrics.http_requests.labels(NAME, method, exchange.route, str(status)),
                metrics.http_seconds.labels(NAME, method, exchange.route),
                metrics.api_requests.labels(NAME, exchange.route),
            )
        requests, http_seconds, api_seconds = children
        took_s = took_ns / NANOSECONDS
        requests.inc()
        http_seconds.observe(took_s)
        api_seconds.observe(took_s)
        self._answered += 1
        is_refused = exchange.error is not None and exchange.error != "rate_limited"
        if is_refused or self._answered % self._settings.access_log_every == 0:
            log.info(
                "request",
                method=method,
                route=exchange.route,
                status=status,
                error=exchange.error,
                processing_time_ms=took_ns // 1_000_000,
                user_id=exchange.principal.user_id if exchange.principal else None,
            )


async def _last_chunk(send: Send) -> None:
    """End the answer in order; a client that does not read is not waited for."""
    try:
        async with asyncio.timeout(LAST_CHUNK_S):
            await send(LAST_CHUNK)
    except TimeoutError:
        pass


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _no_route(exchange: Exchange, methods: dict[str, Route]) -> Refused:
    if not methods:
        return Refused("not_found", f"There is nothing at {exchange.path[:200]}; see /docs.", Kind.NOT_FOUND)
    allowed = ", ".join(sorted({*methods, *(("HEAD",) if "GET" in methods else ())}))
    told = f"{exchange.method} is not possible here; {allowed} is."
    return HttpRefused(405, "method_not_allowed", told, ((b"allow", allowed.encode()),))


def _headers(exchange: Exchange, answer: Reply) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"content-length", b"%d" % len(answer.body)),
        (b"x-request-id", exchange.request_id.encode()),
        NO_STORE,
        *answer.headers,
    ]
    if answer.status != 204:
        headers.append((b"content-type", answer.content_type))
    if answer.status == 204 or answer is HEAD_OF_A_STREAM:
        del headers[0]
    taken = exchange.taken
    if taken is not None:
        headers.append((b"x-ratelimit-limit", b"%d" % taken.limit))
        headers.append((b"x-ratelimit-remaining", b"%d" % taken.remaining))
        headers.append((b"x-ratelimit-reset", b"%d" % taken.reset_s))
    position = answer.position
    if position is not None and position.log:
        headers.append((b"x-log-position", b"%b:%d" % (position.log.encode(), position.position)))
    return headers
