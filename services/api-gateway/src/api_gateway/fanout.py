"""Live streams shared by all connections: one upstream call a topic, a frame encoded once, a bounded outbox a reader.

A feed folds its upstream, so that a newcomer starts with a snapshot out of the fold and goes on with the same updates
as everyone: contiguous, because nothing is awaited in between.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from api_gateway.channels import BarsChannel, BookChannel, Channel, OrdersChannel, QuotesChannel, TradesChannel
from api_gateway.wire import position_text, time_text
from kernel.refused import Kind, Refused
from kernel.runtime import Runtime
from kernel.telemetry import logger
from trading.v1.market_data_pb2 import StreamChannelRequest
from trading.v1.trading_pb2 import StreamOrdersRequest

if TYPE_CHECKING:
    from trading.v1.market_data_pb2_grpc import MarketDataServiceAsyncStub
    from trading.v1.trading_pb2_grpc import OrderServiceAsyncStub

RETRY_S = 1
# Whose frames tell how things stand, so that a later one makes up for an earlier one and the upstream merges them.
# In the others every frame counts: a pause would only let them fall behind.
CONFLATED = frozenset({"book", "quotes"})
FINAL = frozenset({Kind.INVALID, Kind.NOT_FOUND, Kind.FORBIDDEN, Kind.UNAUTHENTICATED, Kind.UNPROCESSABLE})
log = logger("api-gateway")
_encode = msgspec.json.Encoder().encode


class Topic(NamedTuple):
    """What can be subscribed to. user_id and account_id: of the channel orders only; depth 0 is the whole book."""

    channel: str
    symbol: str = ""
    interval: str = ""
    depth: int = 0
    user_id: str = ""
    account_id: str = ""

    @property
    def key(self) -> str:
        """Its name in heartbeats; a reader has one subscription under each."""
        return ":".join(part for part in (self.channel, self.symbol, self.interval, self.account_id) if part)


class Frame(NamedTuple):
    topic: Topic
    seq: int
    position: str
    text: str


class Outbox:
    """What waits for one reader. A reader that lets more than `frames_max` wait is too slow: `overflowed`."""

    def __init__(self, frames_max: int) -> None:
        self._frames_max = frames_max
        self._waiting: deque[Frame | str] = deque()
        self._filled = asyncio.Event()
        self.overflowed = asyncio.Event()
        self.seqs: dict[str, int] = {}

    def put(self, item: Frame | str) -> None:
        if self.overflowed.is_set():
            return
        if len(self._waiting) >= self._frames_max:
            self._waiting.clear()
            self.overflowed.set()
            return
        if isinstance(item, Frame):
            self.seqs[item.topic.key] = item.seq
        self._waiting.append(item)
        self._filled.set()

    async def next(self) -> Frame | str:
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        return self._waiting.popleft()


class Reader:
    """One connection's subscriptions and its outbox."""

    def __init__(self, hub: "Hub", frames_max: int, subscriptions_max: int) -> None:
        self._hub = hub
        self._subscriptions_max = subscriptions_max
        self._topics: dict[str, Topic] = {}
        self.outbox = Outbox(frames_max)

    def subscribe(self, topic: Topic) -> None:
        """Start with a snapshot; subscribing again to the same gives a new one. Refused beyond the limit."""
        known = self._topics.get(topic.key)
        if known is None and len(self._topics) >= self._subscriptions_max:
            told = f"A connection may have {self._subscriptions_max} subscriptions; unsubscribe from one first."
            raise Refused("too_many_subscriptions", told, Kind.INVALID)
        if known is not None:
            self._hub.leave(known, self)
        self._topics[topic.key] = topic
        self._hub.join(topic, self)

    def unsubscribe(self, key: str) -> None:
        topic = self._topics.pop(key, None)
        self.outbox.seqs.pop(key, None)
        if topic is not None:
            self._hub.leave(topic, self)

    def ended(self, topic: Topic, refused: Refused) -> None:
        """The upstream refused the topic."""
        self._topics.pop(topic.key, None)
        self.outbox.seqs.pop(topic.key, None)
        self.outbox.put(error_text(refused, topic.key))

    def heartbeat(self, now_ns: int) -> None:
        document = {"type": "heartbeat", "time": time_text(now_ns), "seqs": self.outbox.seqs}
        self.outbox.put(_encode(document).decode())

    def close(self) -> None:
        for topic in self._topics.values():
            self._hub.leave(topic, self)
        self._topics.clear()


def error_text(refused: Refused, id: object = None) -> str:
    document: dict[str, Any] = {"type": "error", "code": refused.code, "message": refused.message}
    if id is not None:
        document["id"] = id
    return _encode(document).decode()


class Feed:
    """One upstream stream, its fold, and who reads it."""

    def __init__(self, topic: Topic, open_upstream: Callable[[], AsyncIterator[Any]]) -> None:
        self.topic = topic
        self.readers: dict[Reader, None] = {}
        self.task: asyncio.Task[None] | None = None
        self._open = open_upstream
        self._channel = _channel_of(topic)
        self._last: Any = None

    def join(self, reader: Reader) -> None:
        self.readers[reader] = None
        if self._last is not None:
            reader.outbox.put(self._frame(self._last, self._channel.snapshot(), "snapshot", self._last.seq))

    async def run(self, runtime: Runtime, pause_s: float) -> None:
        """Follow the upstream for ever. pause_s: after each frame of a conflated channel; what changes meanwhile comes
        as one."""
        # No pause is still a turn for the readers: a long backlog must not overflow those who read.
        between_s = pause_s if self.topic.channel in CONFLATED else 0
        while True:
            try:
                async for message in self._open():
                    self._take(message)
                    await runtime.sleep(between_s)
            except Refused as refused:
                if refused.kind in FINAL:
                    for reader in list(self.readers):
                        reader.ended(self.topic, refused)
                    self.readers.clear()
                    return
                log.info("stream_interrupted", topic=self.topic.key, code=refused.code, error=refused.message)
            self._last = None
            await runtime.sleep(RETRY_S)

    def _take(self, message: Any) -> None:
        payload = self._channel.apply(message)
        self._last = message
        kind = "snapshot" if message.snapshot else "update"
        frame = self._frame(message, payload, kind, message.first_seq)
        for reader in self.readers:
            reader.outbox.put(frame)

    def _frame(self, message: Any, payload: dict[str, Any], kind: str, first_seq: int) -> Frame:
        topic, position = self.topic, position_text(message.position)
        document: dict[str, Any] = {"type": kind, "channel": topic.channel}
        if topic.symbol:
            document["symbol"] = topic.symbol
        if topic.interval:
            document["interval"] = topic.interval
        document["seq"] = message.seq
        document["first_seq"] = first_seq
        document["position"] = position
        document["time"] = time_text(message.time_ns)
        return Frame(topic, message.seq, position, _encode(document | payload).decode())


def _channel_of(topic: Topic) -> Channel[Any]:
    match topic.channel:
        case "book":
            return BookChannel()
        case "quotes":
            return QuotesChannel()
        case "trades":
            return TradesChannel()
        case "bars":
            return BarsChannel()
        case "orders":
            return OrdersChannel()
        case other:
            raise AssertionError(f"no such channel: {other}")


class Hub:
    """All feeds; one runs as long as it has a reader."""

    def __init__(
        self,
        runtime: Runtime,
        market: "MarketDataServiceAsyncStub",
        orders: "OrderServiceAsyncStub",
        conflation_s: float,
    ) -> None:
        self._runtime = runtime
        self._market = market
        self._orders = orders
        self._conflation_s = conflation_s
        self._feeds: dict[Topic, Feed] = {}

    def __len__(self) -> int:
        return len(self._feeds)

    def join(self, topic: Topic, reader: Reader) -> None:
        feed = self._feeds.get(topic)
        if feed is None:
            feed = self._feeds[topic] = Feed(topic, lambda: self._upstream(topic))
            feed.task = self._runtime.spawn(self._run(feed), f"stream {topic.key}")
        feed.join(reader)

    def leave(self, topic: Topic, reader: Reader) -> None:
        feed = self._feeds.get(topic)
        if feed is None:
            return
        feed.readers.pop(reader, None)
        if not feed.readers and feed.task is not None:
            feed.task.cancel()
            del self._feeds[topic]

    async def _run(self, feed: Feed) -> None:
        try:
            await feed.run(self._runtime, self._conflation_s)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.error("stream_failed", topic=feed.topic.key, exc_info=error)
            refused = Refused("internal", "The stream failed; subscribe again.", Kind.UNAVAILABLE)
            for reader in list(feed.readers):
                reader.ended(feed.topic, refused)
        if self._feeds.get(feed.topic) is feed:
            del self._feeds[feed.topic]

    def _upstream(self, topic: Topic) -> AsyncIterator[Any]:
        if topic.channel == "orders":
            return self._orders.StreamOrders(  # type: ignore[return-value]
                StreamOrdersRequest(user_id=topic.user_id, account_id=topic.account_id)
            )
        return self._market.StreamChannel(  # type: ignore[return-value]
            StreamChannelRequest(channel=topic.channel, symbol=topic.symbol, interval=topic.interval, depth=topic.depth)
        )

    async def close(self) -> None:
        tasks = [feed.task for feed in self._feeds.values() if feed.task is not None]
        self._feeds.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Places:
    """How many live connections each principal has; bounded a principal."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: dict[str, int] = {}

    def take(self, user_id: str) -> bool:
        if self._taken.get(user_id, 0) >= self._most:
            return False
        self._taken[user_id] = self._taken.get(user_id, 0) + 1
        return True

    def leave(self, user_id: str) -> None:
        left = self._taken[user_id] - 1
        if left:
            self._taken[user_id] = left
        else:
            del self._taken[user_id]
