"""The WebSocket and the event stream: authentication, snapshots with contiguous updates, limits, slow readers."""

import asyncio
import json

import pytest

from trading.v1 import trading_pb2, types_pb2

from .running import READER, TRADER, bearer, claims, run, token
from .services import ACCOUNT, ADA, GRACE, NOW_NS, SYMBOL, at
from .sockets import NotFound, connected

QUICK = {"stream_conflation_s": 0, "stream_heartbeat_s": 60}


def test_the_first_frame_authenticates_a_browser():
    async def test(gateway):
        async with connected(gateway) as client:
            client.say(op="auth", token=token())
            assert await client.hear() == {"type": "authenticated", "user_id": ADA}
            client.say(op="ping")
            assert await client.hear() == {"type": "pong"}

    run(test, **QUICK)


@pytest.mark.parametrize("headers", [READER, {"X-API-Key": "tk_reader.secret"}])
def test_a_header_authenticates_everyone_else(headers):
    async def test(gateway):
        async with connected(gateway, headers) as client:
            assert (await client.hear())["user_id"] == ADA

    run(test, **QUICK)


# Headers, the first frame -> the error's code, the close code.
BAD_STARTS = [
    ("a forged token in the header", {"Authorization": "Bearer a.b.c"}, None, "token_malformed", 4401),
    ("a wrong key", {"X-API-Key": "tk_ada.wrong"}, None, "key_revoked", 4401),
    ("a forged token in the first frame", {}, {"op": "auth", "token": "x"}, "token_malformed", 4401),
    ("something else first", {}, {"op": "ping"}, "unauthenticated", 4401),
    ("nothing in time", {}, None, "unauthenticated", 4401),
    ("no role", bearer(roles=[]), None, "forbidden", 4403),
]


@pytest.mark.parametrize(
    ("headers", "first", "code", "close"), [r[1:] for r in BAD_STARTS], ids=[r[0] for r in BAD_STARTS]
)
def test_who_does_not_authenticate_is_told_why_and_closed(headers, first, code, close):
    async def test(gateway):
        async with connected(gateway, headers) as client:
            if first:
                client.say(**first)
            error = await client.hear()
            assert (error["type"], error["code"]) == ("error", code)
            assert (await client.closed())[0] == close

    run(test, stream_authentication_s=0.1, **QUICK)


def test_a_book_starts_with_a_snapshot_and_goes_on_contiguously_for_everyone():
    async def test(gateway):
        async with connected(gateway, READER) as first, connected(gateway, TRADER) as second:
            await first.hear()
            await second.hear()
            first.say(op="subscribe", channel="book", symbol="BTC/USD", depth=20)
            assert await first.hear() == {
                "type": "snapshot",
                "channel": "book",
                "symbol": SYMBOL,
                "seq": 10,
                "first_seq": 10,
                "position": "main:10",
                "time": "2026-11-02T14:30:00.123456Z",
                "bids": [["100", "5"], ["99.5", "1"]],
                "asks": [["101", "2"]],
            }
            (request, frames) = gateway.market.streams[0]
            assert (request.channel, request.depth) == ("book", 20)
            frames.put_nowait(gateway.market.frame(request, 11, bids=[("100", "0"), ("100.5", "3")]))
            update = await first.hear()
            assert (update["type"], update["first_seq"], update["seq"]) == ("update", 11, 11)
            assert (update["bids"], update["asks"]) == ([["100", "0"], ["100.5", "3"]], [])
            second.say(op="subscribe", channel="book", symbol=SYMBOL, depth=20)
            snapshot = await second.hear()
            assert (snapshot["type"], snapshot["seq"]) == ("snapshot", 11)
            assert snapshot["bids"] == [["100.5", "3"], ["99.5", "1"]]
            frames.put_nowait(gateway.market.frame(request, 12, asks=[("101", "1")]))
            assert await first.hear() == await second.hear()
            assert len(gateway.market.streams) == 1

    run(test, **QUICK)


def test_the_upstream_is_left_when_the_last_reader_leaves():
    async def test(gateway):
        async with connected(gateway, READER) as client:
            await client.hear()
            for channel in ("book", "trades"):
                client.say(op="subscribe", channel=channel, symbol=SYMBOL)
                await client.hear()
            client.say(op="unsubscribe", channel="book", symbol=SYMBOL)
            client.say(op="ping")
            await client.hear()
            await asyncio.sleep(0.01)
            assert gateway.market.closed_streams == 1
        await asyncio.sleep(0.01)
        assert gateway.market.closed_streams == 2

    run(test, **QUICK)


CHANNELS = [
    ("quotes", {}, {"bid": ["100", "5"], "ask": ["101", "2"], "last": None}),
    (
        "trades",
        {},
        {
            "trades": [
                {
                    "trade_id": "74726164-0001-8000-8000-000000000001",
                    "price": "64250.1",
                    "quantity": "0.1",
                    "aggressor_side": "BUY",
                    "time": "2026-11-02T14:30:00.123456Z",
                }
            ]
        },
    ),
    (
        "bars",
        {"interval": "5m"},
        {
            "interval": "5m",
            "bars": [
                {
                    "time": "2026-11-02T14:30:00.000000Z",
                    "open": "1",
                    "high": "2",
                    "low": "0.5",
                    "close": "1.5",
                    "volume": "10",
                    "trades": 4,
                }
            ],
        },
    ),
]


@pytest.mark.parametrize(("channel", "more", "shown"), CHANNELS)
def test_every_channel_has_its_snapshot(channel, more, shown):
    async def test(gateway):
        async with connected(gateway, READER) as client:
            await client.hear()
            client.say(op="subscribe", channel=channel, symbol=SYMBOL, **more)
            frame = await client.hear()
            assert {name: frame[name] for name in shown} == shown
            assert frame["channel"] == channel

    run(test, **QUICK)


def test_ones_orders_come_with_balances_and_what_happened():
    async def test(gateway):
        async with connected(gateway, TRADER) as client:
            await client.hear()
            client.say(op="subscribe", channel="orders")
            snapshot = await client.hear()
            assert (snapshot["account_id"], snapshot["orders"], snapshot["seq"]) == (ACCOUNT, [], 4)
            assert snapshot["balances"] == [{"asset": "USD", "balance": "100", "hold": "10", "available": "90"}]
            order = types_pb2.Order(
                id="6f726472-0001-8000-8000-000000000001",
                account_id=ACCOUNT,
                symbol=SYMBOL,
                side=types_pb2.SIDE_BUY,
                type=types_pb2.ORDER_TYPE_LIMIT,
                time_in_force=types_pb2.TIME_IN_FORCE_GTC,
                status=types_pb2.ORDER_STATUS_CANCELED,
                quantity="1",
                cum_quantity="0",
                leaves_quantity="0",
            )
            canceled = {
                "order_id": order.id,
                "account_id": ACCOUNT,
                "symbol": SYMBOL,
                "reason": "requested",
                "status": "CANCELED",
                "cum_quantity": "0",
                "leaves_quantity": "0",
                "canceled_quantity": "1",
                "postings": [],
            }
            event = trading_pb2.RecordedEvent(event_type="OrderCanceled", event_data=json.dumps(canceled))
            frame = trading_pb2.StreamOrdersResponse(
                account_id=ACCOUNT, first_seq=5, seq=5, position=at(50), time_ns=NOW_NS, orders=[order], events=[event]
            )
            gateway.orders.readers[0].put_nowait(frame)
            update = await client.hear()
            assert (update["type"], update["first_seq"], update["orders"][0]["status"]) == ("update", 5, "CANCELED")
            assert update["events"] == [
                {
                    "event_type": "OrderCanceled",
                    "order_id": order.id,
                    "symbol": SYMBOL,
                    "reason": "requested",
                    "cum_quantity": "0",
                    "leaves_quantity": "0",
                    "execution_type": "CANCELED",
                    "order_status": "CANCELED",
                }
            ]

    run(test, **QUICK)


# The channel, and how many of 200 frames are there after a tenth of the pause between conflated ones.
PACES = [("trades", 200), ("bars", 200), ("book", 0), ("quotes", 0)]


@pytest.mark.parametrize(("channel", "heard"), PACES)
def test_only_a_book_and_quotes_wait_for_what_changes_next(channel, heard):
    async def test(gateway):
        async with connected(gateway, READER) as client:
            await client.hear()
            client.say(op="subscribe", channel=channel, symbol=SYMBOL)
            await client.hear()
            (request, frames) = gateway.market.streams[0]
            for seq in range(11, 211):
                frames.put_nowait(gateway.market.frame(request, seq))
            await asyncio.sleep(0.5)
            assert client.received.qsize() == heard

    run(test, stream_conflation_s=5, stream_heartbeat_s=60)


def test_ones_orders_do_not_fall_behind():
    async def test(gateway):
        async with connected(gateway, TRADER) as client:
            await client.hear()
            client.say(op="subscribe", channel="orders")
            await client.hear()
            for seq in range(5, 205):
                frame = trading_pb2.StreamOrdersResponse(account_id=ACCOUNT, first_seq=seq, seq=seq, position=at(seq))
                gateway.orders.readers[0].put_nowait(frame)
            assert [frame["seq"] for frame in await client.hear_all(200)] == list(range(5, 205))

    run(test, stream_conflation_s=5, stream_heartbeat_s=60)


# A client's frame -> the error's code (the connection stays).
BAD_FRAMES = [
    ("no JSON", "{", "malformed_json"),
    ("a list", "[]", "invalid_request"),
    ("no operation", "{}", "invalid_request"),
    ("another operation", '{"op":"buy"}', "invalid_request"),
    ("an unknown field", '{"op":"ping","x":1}', "invalid_request"),
    ("another channel", '{"op":"subscribe","channel":"news","symbol":"BTC-USD"}', "invalid_request"),
    ("no symbol", '{"op":"subscribe","channel":"book"}', "invalid_request"),
    ("a bad interval", '{"op":"subscribe","channel":"bars","symbol":"BTC-USD","interval":"2m"}', "invalid_request"),
    ("a negative depth", '{"op":"subscribe","channel":"book","symbol":"BTC-USD","depth":-1}', "invalid_request"),
    ("a symbol of orders", '{"op":"subscribe","channel":"orders","symbol":"BTC-USD"}', "invalid_request"),
    ("an unknown symbol", '{"op":"subscribe","channel":"book","symbol":"AAPL"}', "unknown_instrument"),
]


@pytest.mark.parametrize(("text", "code"), [row[1:] for row in BAD_FRAMES], ids=[row[0] for row in BAD_FRAMES])
def test_a_bad_frame_is_answered_and_the_connection_stays(text, code):
    async def test(gateway):
        async with connected(gateway, READER) as client:
            await client.hear()
            client.say_raw(text)
            error = await client.hear()
            assert (error["type"], error["code"]) == ("error", code)
            client.say(op="ping")
            assert await client.hear() == {"type": "pong"}

    run(test, **QUICK)


def test_an_error_names_the_frame_that_it_is_about():
    async def test(gateway):
        async with connected(gateway, READER) as client:
            await client.hear()
            client.say(op="subscribe", id="a1", channel="news")
            assert (await client.hear())["id"] == "a1"

    run(test, **QUICK)


def test_subscriptions_connections_and_frames_are_limited():
    async def test(gateway):
        async with connected(gateway, READER) as client, connected(gateway, READER) as other:
            await client.hear()
            await other.hear()
            client.say(op="subscribe", channel="book", symbol=SYMBOL)
            client.say(op="subscribe", channel="trades", symbol=SYMBOL)
            client.say(op="subscribe", channel="quotes", symbol=SYMBOL)
            codes = [frame.get("code") for frame in await client.hear_all(3)]
            assert sorted(codes, key=str) == [None, None, "too_many_subscriptions"]
            async with connected(gateway, READER) as third:
                assert await third.closed() == (4429, "rate_limited")
            async with connected(gateway, bearer(sub=GRACE)) as grace:
                assert (await grace.hear())["type"] == "authenticated"
            client.say_raw(" " * 1001)
            assert await client.closed() == (1009, "frame_too_large")

    run(test, stream_subscriptions_max=2, stream_connections_max=2, stream_frame_bytes_max=1000, **QUICK)


def test_subscribing_again_and_again_is_limited_like_requests():
    async def test(gateway):
        async with connected(gateway, READER) as client:
            await client.hear()
            for _ in range(4):
                client.say(op="subscribe", id=7, channel="quotes", symbol=SYMBOL)
            while (frame := await client.hear())["type"] != "error":
                pass
            assert (frame["code"], frame["id"]) == ("rate_limited", 7)

    run(test, rate_limit_tokens=3, **QUICK)


def test_a_heartbeat_repeats_the_last_seq_of_each_subscription():
    async def test(gateway):
        async with connected(gateway, READER) as client:
            await client.hear()
            client.say(op="subscribe", channel="bars", symbol=SYMBOL, interval="1m")
            client.say(op="subscribe", channel="orders")
            frames = await client.hear_all(2)
            assert {frame["channel"] for frame in frames} == {"bars", "orders"}
            beat = await client.hear()
            assert (beat["type"], beat["seqs"]) == ("heartbeat", {f"bars:{SYMBOL}:1m": 10, "orders": 4})

    run(test, stream_conflation_s=0, stream_heartbeat_s=0.05)


def test_who_does_not_read_is_closed_and_nobody_else_notices():
    async def test(gateway):
        async with connected(gateway, READER) as slow, connected(gateway, TRADER) as quick:
            for client in (slow, quick):
                await client.hear()
                client.say(op="subscribe", channel="book", symbol=SYMBOL)
                await client.hear()
            (request, frames) = gateway.market.streams[0]
            slow.pause()
            for seq in range(11, 40):
                frames.put_nowait(gateway.market.frame(request, seq, bids=[("100", str(seq))]))
                assert (await quick.hear())["seq"] == seq
            assert await slow.closed() == (4408, "slow_consumer")
            quick.say(op="ping")
            assert await quick.hear() == {"type": "pong"}

    run(test, stream_queue_frames_max=20, **QUICK)


def test_a_connection_ends_with_its_token_unless_it_is_renewed_before():
    async def test(gateway):
        async with connected(gateway, READER) as client:
            await client.hear()
            gateway.clock.move_on(290)
            client.say(op="auth", token=token(claims(gateway.clock)))
            assert (await client.hear())["type"] == "authenticated"
            gateway.clock.move_on(290)
            client.say(op="ping")
            while (frame := await client.hear())["type"] == "heartbeat":
                pass
            assert frame == {"type": "pong"}
            gateway.clock.move_on(16)
            while (frame := await client.hear())["type"] == "heartbeat":
                pass
            assert frame["code"] == "token_expired"
            assert await client.closed() == (4401, "unauthenticated")

    run(test, stream_conflation_s=0, stream_heartbeat_s=0.05)


def test_anothers_token_does_not_renew_a_connection():
    async def test(gateway):
        async with connected(gateway, READER) as client:
            await client.hear()
            client.say(op="auth", token=token(claims(sub=GRACE)))
            assert (await client.hear())["code"] == "unauthenticated"
            assert (await client.closed())[0] == 4401

    run(test, **QUICK)


def test_a_connection_ends_when_its_key_is_revoked():
    async def test(gateway):
        async with connected(gateway, {"X-API-Key": "tk_ada.secret"}) as client:
            await client.hear()
            await gateway.call("DELETE", "/v1/users/me/api-keys/tk_ada")
            assert (await client.closed())[0] == 4401

    run(test, stream_conflation_s=0, stream_heartbeat_s=0.05)


def test_readers_get_a_new_snapshot_after_the_upstream_was_interrupted():
    async def test(gateway):
        async with connected(gateway, READER) as client:
            await client.hear()
            client.say(op="subscribe", channel="book", symbol=SYMBOL)
            await client.hear()
            (request, frames) = gateway.market.streams[0]
            snapshot = gateway.market.frame(request, 30, snapshot=True, bids=[("1", "1")])
            frames.put_nowait(snapshot)
            again = await client.hear()
            assert (again["type"], again["seq"], again["bids"], again["asks"]) == ("snapshot", 30, [["1", "1"]], [])

    run(test, **QUICK)


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/streams", "/", "/realms/trading-platform"])
def test_another_path_is_no_websocket_and_says_so_as_a_problem(path):
    async def test(gateway):
        with pytest.raises(NotFound) as answer:
            async with connected(gateway, READER, path=path):
                pass
        start, body = answer.value.args
        problem = json.loads(body["body"])
        assert (start["status"], dict(start["headers"])[b"content-type"]) == (404, b"application/problem+json")
        assert (problem["code"], problem["instance"]) == ("not_found", path)
        assert problem["message"] == f"There is no WebSocket at {path}; see /v1/stream."

    run(test, **QUICK)


def test_the_event_stream_has_the_same_frames():
    async def test(gateway):
        sent, leave = asyncio.Queue(), asyncio.Event()

        async def receive():
            await leave.wait()
            return {"type": "http.disconnect"}

        headers = [(b"authorization", READER["Authorization"].encode()), (b"last-event-id", b"main:7")]
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/v1/market-data/stream",
            "query_string": b"symbols=BTC%2FUSD&channels=quotes,trades",
            "headers": headers,
        }
        serving = asyncio.create_task(gateway.app(scope, receive, sent.put))
        start = await sent.get()
        assert start["status"] == 200
        assert (b"content-type", b"text/event-stream") in start["headers"]
        events = [(await sent.get())["body"].decode().split("\n") for _ in range(2)]
        assert {event[1] for event in events} == {"event: quotes", "event: trades"}
        assert all(event[0] == "id: main:10" for event in events)
        assert json.loads(events[0][2].removeprefix("data: "))["type"] == "snapshot"
        beat = (await sent.get())["body"].decode()
        assert beat.startswith("event: heartbeat\n")
        leave.set()
        await serving
        await asyncio.sleep(0.01)
        assert gateway.market.closed_streams == 2

    run(test, stream_conflation_s=0, stream_heartbeat_s=0.05)
