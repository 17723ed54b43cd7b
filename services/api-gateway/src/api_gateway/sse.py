"""Market data as server-sent events: the frames of the WebSocket for clients without one."""

import asyncio
from collections.abc import AsyncIterator

import msgspec

from api_gateway.call import Call, StreamReply
from api_gateway.fanout import Frame, Reader, Topic
from api_gateway.market import INTERVALS_S
from api_gateway.problems import field_refused
from api_gateway.wire import position_in, symbol_in
from kernel.refused import Kind, Refused
from trading.v1.market_data_pb2 import ListInstrumentsRequest

CHANNELS = ("book", "trades", "bars", "quotes")
SYMBOLS_MAX = 20
DEPTH_MAX = 100
CONTENT_TYPE = b"text/event-stream"


async def follow(call: Call) -> StreamReply:
    """GET /market-data/stream"""
    topics = _topics(call)
    seen = call.headers.get(b"last-event-id")
    at_least = position_in(seen.decode("latin-1"), "Last-Event-ID") if seen else None
    listed = await call.platform.market.ListInstruments(ListInstrumentsRequest(at_least=at_least))
    known = {instrument.symbol for instrument in listed.instruments}
    for topic in topics:
        if topic.symbol not in known:
            raise Refused("unknown_instrument", f"There is no instrument {topic.symbol}.", Kind.NOT_FOUND)
    if not call.platform.places.take(call.user_id):
        told = f"You have {call.platform.settings.stream_connections_max} streams open; close one first."
        raise Refused("too_many_streams", told, Kind.RATE_LIMITED, retry_after_s=1)
    settings = call.platform.settings
    reader = Reader(call.platform.hub, settings.stream_queue_frames_max, len(topics))
    return StreamReply(CONTENT_TYPE, _chunks(call, reader, topics), reader.outbox.overflowed)


def _topics(call: Call) -> list[Topic]:
    symbols = _listed(call, "symbols", "", SYMBOLS_MAX)
    channels = _listed(call, "channels", "quotes,trades", len(CHANNELS))
    interval = call.query_choice("interval", tuple(INTERVALS_S), "1m")
    depth = call.query_number("depth", 1, DEPTH_MAX, 10)
    topics = []
    for channel in channels:
        if channel not in CHANNELS:
            raise field_refused("channels", f"must be among {', '.join(CHANNELS)}")
        for symbol in symbols:
            topics.append(
                Topic(
                    channel,
                    symbol_in(symbol, "symbols"),
                    interval if channel == "bars" else "",
                    depth if channel == "book" else 0,
                )
            )
    return topics


def _listed(call: Call, name: str, default: str, most: int) -> list[str]:
    words = call.query.get(name, default).split(",")
    if not 0 < len(words) <= most or "" in words:
        raise field_refused(name, f"must list 1 to {most}, separated by commas")
    return list(dict.fromkeys(words))


async def _chunks(call: Call, reader: Reader, topics: list[Topic]) -> AsyncIterator[bytes]:
    """Ends when the principal's time is over; the client reconnects with a new token."""
    platform = call.platform
    settings, runtime = platform.settings, platform.runtime

    api_key, is_over = call.headers.get(b"x-api-key"), asyncio.Event()

    async def keep_time() -> None:
        while not is_over.is_set():
            await runtime.sleep(settings.stream_heartbeat_s)
            if not await platform.authenticator.still_holds(call.caller, api_key):
                is_over.set()
            reader.heartbeat(runtime.now_ns())

    beating = runtime.spawn(keep_time(), "event stream heartbeat")
    try:
        for topic in topics:
            reader.subscribe(topic)
        while platform.authenticator.holds(call.caller) and not is_over.is_set():
            yield _event(await reader.outbox.next())
    finally:
        beating.cancel()
        reader.close()
        platform.places.leave(call.user_id)


class _Typed(msgspec.Struct):
    type: str


_typed = msgspec.json.Decoder(_Typed)


def _event(item: Frame | str) -> bytes:
    if isinstance(item, Frame):
        return f"id: {item.position}\nevent: {item.topic.channel}\ndata: {item.text}\n\n".encode()
    return f"event: {_typed.decode(item).type}\ndata: {item}\n\n".encode()
