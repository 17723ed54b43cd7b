"""Calls between services: the generated gRPC interface, in this process or over the network.

A caller holds a generated stub on a channel and cannot tell which kind of channel it is. `LocalChannel` calls the
servicer object in this process; `connect` gives a network channel; `serve` is the other end. Both ends validate
requests by the rules in the contract (protovalidate) and carry a `Refused` with its code, kind and message unchanged.
Every call has a deadline.
"""

import asyncio
import contextvars
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, NoReturn

import grpc
import grpc.aio
import protovalidate
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from kernel.eventlog.port import LogFailed, QueueFull
from kernel.health import HealthServicer, Ready
from kernel.refused import Kind, Refused
from kernel.runtime import SystemRuntime

# The interceptors take type arguments in their stubs only.
if TYPE_CHECKING:
    UnaryInterceptor = grpc.aio.UnaryUnaryClientInterceptor[Any, Any]
    ServerInterceptor = grpc.aio.ServerInterceptor[Any, Any]
else:
    UnaryInterceptor = grpc.aio.UnaryUnaryClientInterceptor
    ServerInterceptor = grpc.aio.ServerInterceptor

DEADLINE_S = 10.0
MESSAGE_BYTES_MAX = 16 * 1024 * 1024
CONNECTIONS_MAX = 1_000
HANDSHAKE_S = 10
IDLE_S = 60

STATUS_OF = {
    Kind.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Kind.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    Kind.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED,
    Kind.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Kind.CONFLICT: grpc.StatusCode.ALREADY_EXISTS,
    Kind.UNPROCESSABLE: grpc.StatusCode.FAILED_PRECONDITION,
    Kind.TOO_LARGE: grpc.StatusCode.OUT_OF_RANGE,
    Kind.RATE_LIMITED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Kind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
}
KIND_OF = {status: kind for kind, status in STATUS_OF.items()} | {
    grpc.StatusCode.DEADLINE_EXCEEDED: Kind.UNAVAILABLE,
    grpc.StatusCode.CANCELLED: Kind.UNAVAILABLE,
}
CODE_KEY = "refused-code"
RETRY_KEY = "refused-retry-after-s"
ORDER_KEY = "refused-order-id"
CORRELATION_KEY = "correlation-id"
TOKEN_KEY = "authorization"  # noqa: S105  the name of the metadata, not what it holds

correlation_id: contextvars.ContextVar[str] = contextvars.ContextVar("correlation_id", default="")


def validated(request: Message | Refused) -> None:
    """Raise Refused with every rule of the contract that `request` breaks, or because it is no message at all."""
    if isinstance(request, Refused):
        raise request
    violations = protovalidate.collect_violations(request)
    if violations:
        told = "; ".join(f"{_path(violation.proto)}: {violation.proto.message}" for violation in violations[:5])
        raise Refused("invalid_request", told, Kind.INVALID)


def _path(violation: Any) -> str:
    """Of a rule about several fields: the request."""
    elements = violation.field.elements if violation.field else ()
    return ".".join(element.field_name for element in elements) or "request"


# ---- in this process


class Registrar:
    """Collects servicers in the way generated `add_…_to_server` functions expect of a server."""

    def __init__(self) -> None:
        self.methods: dict[str, Any] = {}
        self.services: list[str] = []

    def add_generic_rpc_handlers(self, handlers: Iterable[Any]) -> None:
        for handler in handlers:
            self.services.append(handler.service_name())

    def add_registered_method_handlers(
        self, service: str, methods: "dict[str, grpc.RpcMethodHandler[Any, Any]]"
    ) -> None:
        for name, handler in methods.items():
            self.methods[f"/{service}/{name}"] = handler


class LocalContext:
    """What a servicer may ask of its call when the caller is in this process."""

    def __init__(self, metadata: Sequence[tuple[str, str]]) -> None:
        self._metadata = metadata

    def invocation_metadata(self) -> Sequence[tuple[str, str]]:
        return self._metadata

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Any = ()) -> NoReturn:
        raise Refused("refused", details, KIND_OF.get(code, Kind.UNAVAILABLE))


def _log_away(error: LogFailed | QueueFull) -> Refused:
    """What a servicer's caller is told when the log could not answer the servicer."""
    return Refused("unavailable", f"the log cannot answer now: {error}", Kind.UNAVAILABLE, retry_after_s=1)


class _Servicing:
    """Runs servicers' unary calls, each in a task of its own: a call that has begun outlives its caller."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any] | None] = set()

    def begin(self, call: Awaitable[Any]) -> "asyncio.Future[Any]":
        """The servicer's answer, or its refusal as a value: when its caller has left, it is nobody's error."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._running.add(loop.create_task(self._serve(call, answer)))  # the loop alone would let it be collected
        return answer

    async def _serve(self, call: Awaitable[Any], answer: "asyncio.Future[Any]") -> None:
        try:
            outcome = await call
        except Refused as refused:
            outcome = refused
        except (LogFailed, QueueFull) as error:
            outcome = _log_away(error)
        except BaseException as error:
            if answer.done() or not isinstance(error, Exception):
                answer.cancel()
                raise
            answer.set_exception(error)
            return
        finally:
            self._running.discard(asyncio.current_task())
        if not answer.done():  # the caller may have left
            answer.set_result(outcome)


class _Deadlines:
    """Ends waits that last longer than the usual: one timer for all of them, as they end in the order they began."""

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s
        ends_s: dict[asyncio.Future[Any], float] = {}
        self._ends_s = ends_s  # the oldest first
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, answer: "asyncio.Future[Any]", method: str) -> Any:
        loop = asyncio.get_running_loop()
        self._ends_s[answer] = ends_s = loop.time() + self._wait_s
        if self._timer is None:
            self._timer = loop.call_at(ends_s, self._end_those_due)
        try:
            outcome = await answer
        finally:
            del self._ends_s[answer]
        if outcome is _LATE:
            raise _too_slow(method, self._wait_s)
        return outcome

    def _end_those_due(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        for answer, ends_s in self._ends_s.items():
            if ends_s > loop.time():
                self._timer = loop.call_at(ends_s, self._end_those_due)
                return
            if not answer.done():
                answer.set_result(_LATE)


_LATE = object()


def _given(outcome: Any) -> Any:
    """The answer; a refusal is raised."""
    if isinstance(outcome, Refused):
        raise outcome
    return outcome


def _too_slow(method: str, seconds: float | None) -> Refused:
    return Refused("unavailable", f"{method} took longer than {seconds} s", Kind.UNAVAILABLE)


def _from_now_s(seconds: float) -> float | None:
    """On the clock of the running loop, as `asyncio.timeout_at` wants it."""
    return asyncio.timeout(seconds).when()


class LocalChannel:
    """A channel whose other end is a Registrar in this process.

    encoded: pass every message through its wire form, as the simulation does: nothing can be shared by accident.
    `timeout` is in seconds and named as generated stubs pass it: a unary call has the usual one when none is given, a
    stream has none. A unary call that has begun goes on when its caller leaves or its deadline passes.
    """

    def __init__(self, registrar: Registrar, encoded: bool = False) -> None:
        self._registrar = registrar
        self._encoded = encoded
        self._servicing = _Servicing()
        self._deadlines = _Deadlines(DEADLINE_S)

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes],
        response_deserializer: Callable[[bytes], Any],
        _registered_method: bool = False,
    ) -> Callable[..., Awaitable[Any]]:
        async def call(
            request: Any,
            timeout: float | None = None,  # noqa: ASYNC109
            metadata: Sequence[tuple[str, str]] = (),
        ) -> Any:
            handler = self._registrar.methods[method]
            received = handler.request_deserializer(request_serializer(request)) if self._encoded else request
            validated(received)
            answer = self._servicing.begin(handler.unary_unary(received, LocalContext(metadata)))
            deadlines = _Deadlines(timeout) if timeout else self._deadlines
            response = _given(await deadlines.wait(answer, method))
            return response_deserializer(handler.response_serializer(response)) if self._encoded else response

        return call

    def unary_stream(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes],
        response_deserializer: Callable[[bytes], Any],
        _registered_method: bool = False,
    ) -> Callable[..., AsyncIterator[Any]]:
        async def call(
            request: Any,
            timeout: float | None = None,  # noqa: ASYNC109
            metadata: Sequence[tuple[str, str]] = (),
        ) -> AsyncIterator[Any]:
            handler = self._registrar.methods[method]
            received = handler.request_deserializer(request_serializer(request)) if self._encoded else request
            validated(received)
            ends = _from_now_s(timeout) if timeout else None
            async with aclosing(handler.unary_stream(received, LocalContext(metadata))) as stream:
                while True:
                    try:
                        async with asyncio.timeout_at(ends) as deadline:
                            response = await anext(stream)
                    except StopAsyncIteration:
                        return
                    except (LogFailed, QueueFull) as error:
                        raise _log_away(error) from error
                    except TimeoutError:
                        if deadline.expired():
                            raise _too_slow(method, timeout) from None
                        raise
                    if ends is not None and (_from_now_s(0) or ends) > ends:
                        raise _too_slow(method, timeout)
                    yield response_deserializer(handler.response_serializer(response)) if self._encoded else response

        return call

    def stream_unary(self, *args: object, **kwargs: object) -> None:
        raise NotImplementedError("no contract of the platform streams requests")

    stream_stream = stream_unary


# ---- over the network


def connect(address: str, token: str | None = None) -> grpc.aio.Channel:
    """A network channel to `host:port`, reconnecting by itself; refusals come back as `Refused`.

    token: what the other end asks of its callers, sent in clear: the network between them must be trusted."""
    options = [
        ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
        ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
    ]
    interceptors: Any = [_UnaryCaller(token)]
    channel = grpc.aio.insecure_channel(address, options, interceptors=interceptors)
    channel.unary_stream = _ending_with_their_reader(channel.unary_stream, token)  # type: ignore[method-assign]
    return channel


def _ending_with_their_reader(begin: Any, token: str | None) -> Any:
    """Streams that end, at the other end too, where their reader leaves them: those of gRPC behind an interceptor live
    on until their channel is closed."""

    def unary_stream(method: str, request_serializer: Any, response_deserializer: Any, **registered: Any) -> Any:
        stream = begin(method, request_serializer, response_deserializer, **registered)

        async def call(
            request: Any,
            timeout: float | None = None,  # noqa: ASYNC109
            metadata: Sequence[tuple[str, str]] = (),
        ) -> AsyncIterator[Any]:
            responses = stream(request, timeout=timeout, metadata=_metadata(metadata, token))
            try:
                async for response in responses:
                    yield response
            except grpc.aio.AioRpcError as error:
                raise refused_of(error) from None
            finally:
                responses.cancel()

        return call

    return unary_stream


class _UnaryCaller(UnaryInterceptor):
    def __init__(self, token: str | None) -> None:
        self._token = token

    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        try:
            return await (await continuation(_told(details, self._token), request))
        except grpc.aio.AioRpcError as error:
            raise refused_of(error) from None


def _told(details: Any, token: str | None) -> Any:
    metadata = _metadata(details.metadata, token)
    timeout = details.timeout or DEADLINE_S
    return grpc.aio.ClientCallDetails(details.method, timeout, metadata, details.credentials, details.wait_for_ready)


def _metadata(given: Any, token: str | None) -> grpc.aio.Metadata:
    metadata = grpc.aio.Metadata(*(given or ()))
    if correlation_id.get():
        metadata.add(CORRELATION_KEY, correlation_id.get())
    if token is not None:
        metadata.add(TOKEN_KEY, f"Bearer {token}")
    return metadata


def refused_of(error: grpc.aio.AioRpcError) -> Refused:
    """The refusal that the other side raised, or that the network amounts to."""
    trailing: dict[Any, Any] = dict(error.trailing_metadata() or ())  # type: ignore[arg-type]
    kind = KIND_OF.get(error.code())
    if kind is None:
        raise error
    told = error.details() or ""
    if CODE_KEY not in trailing and kind is Kind.RATE_LIMITED and "larger than max" in told:
        return Refused("message_too_large", told, Kind.TOO_LARGE)  # gRPC's own refusal, of a request or an answer
    code = trailing.get(CODE_KEY) or ("unavailable" if kind is Kind.UNAVAILABLE else error.code().name.lower())
    retry = trailing.get(RETRY_KEY)
    return Refused(str(code), told, kind, int(retry) if retry else None, str(trailing.get(ORDER_KEY, "")))


class _Receiver(ServerInterceptor):
    """Knows its callers, validates every request, restores the correlation id, and renders refusals."""

    def __init__(self, token: str | None) -> None:
        self._servicing = _Servicing()
        self._wanted = None if token is None else f"Bearer {token}".encode()

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        handler = await continuation(details)
        if handler is None or not details.method.startswith("/trading."):
            return handler
        metadata = dict(details.invocation_metadata or ())
        known = self._wanted is None or hmac.compare_digest(_bytes(metadata.get(TOKEN_KEY, "")), self._wanted)
        if not known:
            return _unknown_caller(handler)
        given = metadata.get(CORRELATION_KEY, "")
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(
                _receiving(self._servicing, handler.unary_unary, given),
                _parsing(handler.request_deserializer),
                handler.response_serializer,
            )
        return grpc.unary_stream_rpc_method_handler(
            _streaming(handler.unary_stream, given),
            _parsing(handler.request_deserializer),
            handler.response_serializer,
        )


def _parsing(parse: Callable[[bytes], Message]) -> Callable[[bytes], Message | Refused]:
    """What cannot be parsed becomes its refusal: gRPC itself would tell a fault of the server."""

    def parsed(given: bytes) -> Message | Refused:
        try:
            return parse(given)
        except DecodeError:
            return Refused("invalid_request", "The request is no message of this method.", Kind.INVALID)

    return parsed


def _bytes(given: str | bytes) -> bytes:
    return given if isinstance(given, bytes) else given.encode()


def _unknown_caller(handler: Any) -> Any:
    """The method for who has not shown the token: nothing of its request is looked at."""
    told = f"Expected the platform's token as the metadata {TOKEN_KEY}: Bearer <token>."

    async def refuse(request: Any, context: Any) -> None:
        await _abort(context, Refused("unauthenticated", told, Kind.UNAUTHENTICATED))

    if handler.unary_unary:
        return grpc.unary_unary_rpc_method_handler(refuse)
    return grpc.unary_stream_rpc_method_handler(refuse)


def _receiving(servicing: _Servicing, method: Any, given: str) -> Any:
    async def receive(request: Any, context: Any) -> Any:
        correlation_id.set(given)
        try:
            validated(request)
            return _given(await servicing.begin(method(request, context)))
        except Refused as refused:
            await _abort(context, refused)

    return receive


def _streaming(method: Any, given: str) -> Any:
    async def receive(request: Any, context: Any) -> AsyncIterator[Any]:
        correlation_id.set(given)
        try:
            validated(request)
            async for response in method(request, context):
                yield response
        except Refused as refused:
            await _abort(context, refused)
        except (LogFailed, QueueFull) as error:
            await _abort(context, _log_away(error))

    return receive


async def _abort(context: Any, refused: Refused) -> NoReturn:
    trailing = [(CODE_KEY, refused.code)]
    if refused.retry_after_s is not None:
        trailing.append((RETRY_KEY, str(refused.retry_after_s)))
    if refused.order_id:
        trailing.append((ORDER_KEY, refused.order_id))
    await context.abort(STATUS_OF[refused.kind], refused.message, tuple(trailing))
    raise AssertionError("abort raises")


async def serve(
    registrar: Registrar,
    address: str,
    ready: Ready | None = None,
    token: str | None = None,
    connections_max: int = CONNECTIONS_MAX,
    idle_s: int = IDLE_S,
) -> tuple[grpc.aio.Server, int]:
    """Serve what the registrar holds, with health and reflection; returns the server and its port.

    ready: gives None once the process can answer, else what it waits for: health follows it. token: callers must show
    it; health and reflection are for everyone. connections_max: further connections are closed unheard, as each needs a
    file and no token. idle_s: how long a connection may have no call; callers connect again by themselves."""
    if token is not None and not token.strip():
        raise ValueError("expected a token or None, got an empty token, which everyone could show")
    options = [
        ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
        ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
        ("grpc.so_reuseport", 0),
        ("grpc.max_allowed_incoming_connections", connections_max),
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_S * 1_000),
        ("grpc.max_connection_idle_ms", idle_s * 1_000),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),  # callers ping every 20 s, also on quiet streams
    ]
    server = grpc.aio.server(interceptors=[_Receiver(token)], options=options)
    by_service: dict[str, dict[str, Any]] = {}
    for path, handler in registrar.methods.items():
        service, name = path[1:].split("/")
        by_service.setdefault(service, {})[name] = handler
    for service, methods in by_service.items():
        server.add_registered_method_handlers(service, methods)  # type: ignore[attr-defined]
    health_pb2_grpc.add_HealthServicer_to_server(HealthServicer(SystemRuntime(), ready, by_service), server)
    reflection.enable_server_reflection([*by_service, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    port = server.add_insecure_port(address)
    if not port:
        raise OSError(f"cannot listen on {address}: the port is taken; choose another or stop who has it")
    await server.start()
    return server, port
