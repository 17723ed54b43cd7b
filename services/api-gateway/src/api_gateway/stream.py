"""The WebSocket /v1/stream: authenticate, subscribe, and read snapshots followed by contiguous updates.

Close codes: 4401 not (or no longer) authenticated, 4403 lacks the role, 4408 reads too slowly, 4429 too many
connections, requests or frames, 1009 a frame is too large.
"""

import asyncio
from typing import Any, Literal, NamedTuple

import msgspec

from api_gateway.body import Message, Receive
from api_gateway.call import Platform
from api_gateway.fanout import Frame, Reader, Topic, error_text
from api_gateway.limits import FAILURES, Buckets
from api_gateway.market import INTERVALS_S
from api_gateway.principal import Principal, Role, need
from api_gateway.problems import field_refused, of_decoding
from api_gateway.stream_connection import TOO_MANY_FRAMES
from api_gateway.wire import symbol_in, uuid_in
from kernel.refused import Kind, Refused
from kernel.rpc import correlation_id

CHANNELS = ("book", "trades", "quotes", "bars", "orders")
DEPTH_MAX = 1_000
CLOSE_WAIT_S = 2.0
NS = 1_000_000_000

Send = Any


class _Operation(msgspec.Struct, forbid_unknown_fields=True):
    """One frame of a client."""

    op: Literal["auth", "subscribe", "unsubscribe", "ping"]
    id: str | int | None = None
    token: str = ""
    channel: str = ""
    symbol: str = ""
    interval: str = ""
    depth: int = 0
    account_id: str = ""


_operation = msgspec.json.Decoder(_Operation)


class Closing(NamedTuple):
    code: int
    reason: str


LEFT = Closing(1000, "")
UNAUTHENTICATED = Closing(4401, "unauthenticated")
FORBIDDEN = Closing(4403, "forbidden")
SLOW = Closing(4408, "slow_consumer")
TOO_MANY = Closing(4429, "rate_limited")
TOO_LARGE = Closing(1009, "frame_too_large")


class Gone(Exception):
    """The client left."""


class Stream:
    """The ASGI application for the WebSocket."""

    def __init__(self, platform: Platform, buckets: Buckets) -> None:
        self._platform = platform
        self._authenticator = platform.authenticator
        self._buckets = buckets
        self._places = platform.places

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        correlation_id.set(self._platform.runtime.uuid7())
        await send({"type": "websocket.accept"})
        socket = Socket(receive, send, self._platform.settings.stream_frame_bytes_max)
        client = scope.get("client")
        try:
            headers: dict[bytes, bytes] = dict(scope["headers"])
            principal = await self._admitted(headers, client[0] if client else "local", socket)
        except Refused as refused:
            await send({"type": "websocket.send", "text": error_text(refused)})
            await socket.close(_closing_of(refused))
            return
        except Gone:
            return
        if not self._places.take(principal.user_id):
            await socket.close(TOO_MANY)
            return
        try:
            api_key = headers.get(b"x-api-key")
            await Connection(self._platform, self._buckets, socket, principal, api_key).run()
        finally:
            self._places.leave(principal.user_id)

    async def _admitted(self, headers: dict[bytes, bytes], address: str, socket: "Socket") -> Principal:
        """Who connects, by a header or by the first frame; each attempt costs a token of the principal, or of the
        address if it fails."""
        settings, now_ns = self._platform.settings, self._platform.runtime.monotonic_ns()
        if not (await self._buckets.look(f"{FAILURES}:{address}", now_ns)).allowed:
            raise Refused("rate_limited", "Too many attempts from this address; wait.", Kind.RATE_LIMITED)
        try:
            principal = await self._authenticated(headers, socket, settings.stream_authentication_s)
        except Refused as refused:
            if refused.kind is Kind.UNAUTHENTICATED:
                await self._buckets.take(f"{FAILURES}:{address}", now_ns)
                await self._buckets.take(f"address:{address}", now_ns)
            raise
        if not (await self._buckets.take(f"user:{principal.user_id}", now_ns)).allowed:
            raise Refused("rate_limited", "Your bucket is empty; wait before you connect again.", Kind.RATE_LIMITED)
        need(principal, Role.USER)
        return principal

    async def _authenticated(self, headers: dict[bytes, bytes], socket: "Socket", within_s: float) -> Principal:
        authorization, api_key = headers.get(b"authorization"), headers.get(b"x-api-key")
        if authorization or api_key:
            return await self._authenticator.authenticate(authorization, api_key)
        try:
            async with asyncio.timeout(within_s):
                first = await socket.receive()
        except TimeoutError:
            told = f"The first frame must authenticate, within {within_s:g} seconds."
            raise Refused("unauthenticated", told, Kind.UNAUTHENTICATED) from None
        if isinstance(first, Refused) and first.kind is Kind.RATE_LIMITED:
            raise first
        if isinstance(first, Refused) or first.op != "auth":
            told = 'The first frame must be {"op":"auth","token":"<access token>"}.'
            raise Refused("unauthenticated", told, Kind.UNAUTHENTICATED)
        return await self._authenticator.of_token(first.token)


class Socket:
    """The ASGI channel of one WebSocket, as operations in and text out."""

    def __init__(self, receive: Receive, send: Send, bytes_max: int) -> None:
        self._receive = receive
        self._send = send
        self._bytes_max = bytes_max

    async def receive(self) -> _Operation | Refused:
        """The next operation, or why the frame is none. Gone when the client left."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise Gone
        if message["type"] == TOO_MANY_FRAMES:
            return Refused("rate_limited", "Too many frames; send fewer, or less often.", Kind.RATE_LIMITED)
        raw: bytes | str = message.get("text") or message.get("bytes") or ""
        if len(raw) > self._bytes_max:
            return Refused("frame_too_large", f"A frame may have {self._bytes_max} bytes.", Kind.TOO_LARGE)
        try:
            return _operation.decode(raw)
        except (ValueError, RecursionError) as error:
            return of_decoding(error)

    async def text(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    async def close(self, closing: Closing) -> None:
        """Say why. A client that does not read is not waited for."""
        try:
            async with asyncio.timeout(CLOSE_WAIT_S):
                await self._send({"type": "websocket.close", "code": closing.code, "reason": closing.reason})
        except (TimeoutError, OSError):
            pass


class Connection:
    """An authenticated WebSocket until one side ends it: three tasks read, write and keep time.

    api_key: with which it authenticated, if it did.
    """

    def __init__(
        self, platform: Platform, buckets: Buckets, socket: Socket, principal: Principal, api_key: bytes | None
    ) -> None:
        settings = platform.settings
        self._buckets = buckets
        self._runtime = platform.runtime
        self._authenticator = platform.authenticator
        self._socket = socket
        self._principal = principal
        self._api_key = api_key
        self._heartbeat_s = settings.stream_heartbeat_s
        self._presence = platform.presence
        self._followed: set[str] = set()  # accounts whose orders it follows, as it names them
        self._reader = Reader(platform.hub, settings.stream_queue_frames_max, settings.stream_subscriptions_max)

    async def run(self) -> None:
        spawn = self._runtime.spawn
        self._tell_authenticated()
        tasks = [
            spawn(self._read(), "stream reader"),
            spawn(self._write(), "stream writer"),
            spawn(self._keep_time(), "stream heartbeat"),
            spawn(self._overflowed(), "stream overflow"),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            closing = next((task.result() for task in tasks if task in done and not task.cancelled()), LEFT)
        finally:
            self._reader.close()
            self._presence.left(self._principal.user_id, self._followed)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if closing is not LEFT:
            await self._socket.close(closing)

    def _tell_authenticated(self) -> None:
        document = {"type": "authenticated", "user_id": self._principal.user_id}
        self._reader.outbox.put(msgspec.json.encode(document).decode())

    async def _write(self) -> Closing:
        try:
            while True:
                item = await self._reader.outbox.next()
                await self._socket.text(item.text if isinstance(item, Frame) else item)
        except OSError:
            return LEFT

    async def _overflowed(self) -> Closing:
        await self._reader.outbox.overflowed.wait()
        return SLOW

    async def _keep_time(self) -> Closing:
        """A heartbeat at every interval; ends when the principal's time is over."""
        await self._runtime.sleep(self._until_next_s())
        while await self._authenticator.still_holds(self._principal, self._api_key):
            self._reader.heartbeat(self._runtime.now_ns())
            await self._runtime.sleep(self._until_next_s())
        over = Refused("token_expired", "The token has expired, or it or the key was revoked.", Kind.UNAUTHENTICATED)
        await self._socket.text(error_text(over))
        return UNAUTHENTICATED

    def _until_next_s(self) -> float:
        expires_ns = self._principal.expires_ns
        if expires_ns is None:
            return self._heartbeat_s
        left_s = max(expires_ns - self._runtime.now_ns(), 1) / NS
        return min(self._heartbeat_s, left_s)

    async def _read(self) -> Closing:
        try:
            while True:
                operation = await self._socket.receive()
                if isinstance(operation, Refused):
                    if operation.kind is Kind.TOO_LARGE:
                        return TOO_LARGE
                    if operation.kind is Kind.RATE_LIMITED:
                        return TOO_MANY
                    self._reader.outbox.put(error_text(operation))
                    continue
                try:
                    await self._do(operation)
                except Refused as refused:
                    if operation.op == "auth":
                        await self._socket.text(error_text(refused, operation.id))
                        return UNAUTHENTICATED
                    self._reader.outbox.put(error_text(refused, operation.id))
        except Gone:
            return LEFT

    async def _do(self, operation: _Operation) -> None:
        match operation.op:
            case "ping":
                self._reader.outbox.put('{"type":"pong"}')
            case "auth":
                renewed = await self._authenticator.of_token(operation.token)
                if renewed.user_id != self._principal.user_id:
                    raise Refused("unauthenticated", "The token is another user's.", Kind.UNAUTHENTICATED)
                self._principal = renewed
                self._tell_authenticated()
            case "subscribe":
                await self._take()
                topic = topic_of(operation, self._principal.user_id)
                self._reader.subscribe(topic)
                if topic.channel == "orders" and topic.account_id not in self._followed:
                    self._followed.add(topic.account_id)
                    self._presence.came(self._principal.user_id, topic.account_id)
            case "unsubscribe":
                self._reader.unsubscribe(topic_of(operation, self._principal.user_id).key)

    async def _take(self) -> None:
        """A snapshot costs more than a request: subscriptions have a bucket of their own, of the same size."""
        taken = await self._buckets.take(f"stream:{self._principal.user_id}", self._runtime.monotonic_ns())
        if not taken.allowed:
            told = f"Too many subscriptions at once; try again in {taken.retry_after_s} seconds."
            raise Refused("rate_limited", told, Kind.RATE_LIMITED)


def topic_of(operation: _Operation, user_id: str) -> Topic:
    """Refused with the field that is wrong."""
    channel = operation.channel
    if channel not in CHANNELS:
        raise field_refused("channel", f"must be one of {', '.join(CHANNELS)}")
    if channel == "orders":
        if operation.symbol:
            raise field_refused("symbol", "the channel orders has none")
        account_id = uuid_in(operation.account_id, "account_id") if operation.account_id else ""
        return Topic("orders", user_id=user_id, account_id=account_id)
    interval = ""
    if channel == "bars":
        interval = operation.interval or "1m"
        if interval not in INTERVALS_S:
            raise field_refused("interval", f"must be one of {', '.join(INTERVALS_S)}")
    if not 0 <= operation.depth <= DEPTH_MAX:
        raise field_refused("depth", f"must be a whole number from 0 (all) to {DEPTH_MAX}")
    depth = operation.depth if channel == "book" else 0
    return Topic(channel, symbol_in(operation.symbol), interval, depth)


def _closing_of(refused: Refused) -> Closing:
    match refused.kind:
        case Kind.RATE_LIMITED:
            return TOO_MANY
        case Kind.FORBIDDEN:
            return FORBIDDEN
        case Kind.UNAUTHENTICATED:
            return UNAUTHENTICATED
        case _:
            return Closing(1013, refused.code)
