"""A request as handlers see it, what they may use, and what they answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import msgspec
from prometheus_client import Counter

from api_gateway.auth import Authenticator
from api_gateway.fanout import Hub, Places
from api_gateway.presence import Presence
from api_gateway.principal import Principal, Role
from api_gateway.problems import FieldError, FieldsRefused, field_refused
from api_gateway.settings import ApiGatewaySettings
from api_gateway.wire import position_in, positive_decimal, symbol_in, text_in, uuid_in
from kernel.eventlog.port import EventLog
from kernel.refused import Kind, Refused
from kernel.runtime import Runtime
from kernel.telemetry import Metrics
from trading.v1.types_pb2 import LogPosition

if TYPE_CHECKING:
    from trading.v1.engine_pb2_grpc import EngineServiceAsyncStub
    from trading.v1.market_data_pb2_grpc import MarketDataServiceAsyncStub
    from trading.v1.risk_pb2_grpc import RiskServiceAsyncStub
    from trading.v1.trading_pb2_grpc import OrderServiceAsyncStub
    from trading.v1.user_pb2_grpc import UserServiceAsyncStub

JSON = b"application/json"
PAGE_DEFAULT = 100
PAGE_MAX = 500
CURSOR_CHARACTERS_MAX = 64
IDEMPOTENCY_KEY = r"[!-~]+"

encode = msgspec.json.Encoder(decimal_format="string").encode


@dataclass(frozen=True, slots=True)
class Platform:
    """What handlers may use: the services behind the gateway, the log, and the runtime.

    orders_created: the child of `orders_api_created_total` that is the gateway's.
    """

    runtime: Runtime
    log: EventLog
    settings: ApiGatewaySettings
    metrics: Metrics
    orders_created: Counter
    orders: "OrderServiceAsyncStub"
    market: "MarketDataServiceAsyncStub"
    risk: "RiskServiceAsyncStub"
    users: "UserServiceAsyncStub"
    engine: "EngineServiceAsyncStub"
    hub: Hub
    places: Places
    presence: Presence
    authenticator: Authenticator


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. position: the place in the log that it includes, told as X-Log-Position."""

    status: int
    body: bytes
    position: LogPosition | None = None
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


def reply(status: int, document: object, position: LogPosition | None = None) -> Reply:
    return Reply(status, encode(document), position)


NO_CONTENT = Reply(204, b"")


@dataclass(slots=True)
class Call:
    """One authenticated (or public) request, its body read and within the limit.

    params: from the path, already checked against the contract's patterns. headers: names in lower case. at_least: the
    position that a read must include, if the client named one. idempotency_key: empty when the client sent none.
    address: of the client in the network.
    """

    platform: Platform
    method: str
    path: str
    route: str
    params: dict[str, str]
    query_string: bytes
    headers: dict[bytes, bytes]
    body: bytes
    request_id: str
    principal: Principal | None
    query_names: frozenset[str]
    at_least: LogPosition | None
    idempotency_key: str
    address: str
    _query: dict[str, str] | None = field(default=None, repr=False)

    @property
    def caller(self) -> Principal:
        assert self.principal is not None, "this route is open to everyone"
        return self.principal

    @property
    def user_id(self) -> str:
        return self.caller.user_id

    @property
    def is_admin(self) -> bool:
        return self.principal is not None and Role.ADMIN in self.principal.roles

    @property
    def traceparent(self) -> str:
        given = self.headers.get(b"traceparent", b"")
        return given.decode("latin-1") if len(given) == 55 and given.isascii() else ""

    # ---- the query string

    @property
    def query(self) -> dict[str, str]:
        """Query parameters; Refused when one is unknown or given twice."""
        if self._query is None:
            self._query = _query(self.query_string, self.query_names)
        return self._query

    def query_number(self, name: str, least: int, most: int, default: int) -> int:
        given = self.query.get(name)
        if given is None:
            return default
        if not (given.isascii() and given.isdigit() and len(given) <= 9 and least <= int(given) <= most):
            raise field_refused(name, f"must be a whole number from {least} to {most}")
        return int(given)

    def query_choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        given = self.query.get(name, default)
        if given not in choices:
            raise field_refused(name, f"must be one of {', '.join(choices)}")
        return given

    def query_decimal(self, name: str) -> str:
        """A number above zero as canonical text, empty when absent."""
        given = self.query.get(name)
        return positive_decimal(msgspec.Raw(msgspec.json.encode(given)), name) if given is not None else ""

    def query_symbol(self) -> str:
        """The canonical symbol, empty when absent."""
        given = self.query.get("symbol")
        return symbol_in(given) if given is not None else ""

    def query_id(self, name: str) -> str:
        """A UUID, empty when absent."""
        given = self.query.get(name)
        return uuid_in(given, name) if given is not None else ""

    @property
    def page_size(self) -> int:
        return self.query_number("limit", 1, PAGE_MAX, PAGE_DEFAULT)

    @property
    def cursor(self) -> str:
        given = self.query.get("cursor")
        return text_in(given, "cursor", CURSOR_CHARACTERS_MAX) if given is not None else ""


def position_header(headers: dict[bytes, bytes]) -> LogPosition | None:
    """X-Log-Position; Refused when it is there and is none."""
    given = headers.get(b"x-log-position")
    return None if given is None else position_in(given.decode("latin-1"), "X-Log-Position")


def idempotency_header(headers: dict[bytes, bytes]) -> str:
    """Idempotency-Key, empty when absent; Refused when it is there and is none."""
    given = headers.get(b"idempotency-key")
    return "" if given is None else text_in(given.decode("latin-1"), "Idempotency-Key", 128, IDEMPOTENCY_KEY)


def _query(raw: bytes, known: frozenset[str]) -> dict[str, str]:
    if not raw:
        return {}
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=32, errors="strict")
    except ValueError:
        raise Refused("invalid_request", "The query string is not readable.", Kind.INVALID) from None
    errors = []
    seen: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            errors.append(FieldError(name, "unknown parameter"))
        elif name in seen:
            errors.append(FieldError(name, "given twice"))
        seen[name] = value
    if errors:
        raise FieldsRefused(errors)
    return seen


@dataclass(frozen=True, slots=True)
class StreamReply:
    """An answer without an end: chunks are sent until they end, the client goes, or it reads too slowly."""

    content_type: bytes
    chunks: AsyncIterator[bytes]
    too_slow: asyncio.Event


Handler = Callable[[Call], Awaitable[Reply | StreamReply]]
