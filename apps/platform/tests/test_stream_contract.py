"""The frames of the running platform's WebSocket are those of contracts/asyncapi.yaml: each fits its message, and every
message comes."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import uvloop
import yaml
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from .embedded import Embedded, embedded
from .scenario import limit

ROOT = Path(__file__).resolve().parents[3]
CONTRACT: dict[str, Any] = yaml.safe_load((ROOT / "contracts" / "asyncapi.yaml").read_text())
MESSAGES = CONTRACT["components"]["messages"]
BLOCK = re.compile(r"```json\n(.*?)\n```", re.DOTALL)
SAID = ("auth", "subscribe", "unsubscribe", "ping")
HEARD = sorted(set(MESSAGES) - set(SAID))
QUICK = {"stream_heartbeat_s": 0.2}


def message_of(frame: dict[str, Any]) -> str:
    """The message that the frame is: subscribe, pong, bookUpdate, …"""
    kind = frame.get("op") or frame["type"]
    return f"{frame['channel']}{kind.title()}" if kind in ("snapshot", "update") else kind


def check(frame: dict[str, Any]) -> str:
    """ValidationError unless the frame is as the contract shows it; the name of its message."""
    name = message_of(frame)
    schema = MESSAGES[name]["payload"] | {"components": CONTRACT["components"]}
    if "$ref" in schema:
        schema = {"allOf": [{"$ref": schema.pop("$ref")}], **schema}
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(frame)
    return name


class Listener:
    """A client that checks what it says and hears, and keeps what it heard."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.heard: list[dict[str, Any]] = []

    async def say(self, **operation: Any) -> None:
        check(operation)
        await self._socket.send(json.dumps(operation))

    async def until(self, *names: str) -> None:
        """Read on until each of the messages has come."""
        missing = set(names)
        async with asyncio.timeout(20):
            while missing:
                frame = json.loads(await self._socket.recv())
                self.heard.append(frame)
                missing.discard(check(frame))

    async def code_at_close(self) -> int:
        try:
            async with asyncio.timeout(20):
                while True:
                    check(json.loads(await self._socket.recv()))
        except ConnectionClosed as closed:
            assert closed.rcvd is not None, "the venue said why"
            return closed.rcvd.code


def opened(venue: Embedded, **more: Any) -> Any:
    return connect(f"{venue.url.replace('http', 'ws', 1)}/v1/stream", **more)


async def heard(venue: Embedded) -> list[dict[str, Any]]:
    """Everything that a seller with all subscriptions hears while his order is placed, executed and canceled."""
    buyer, seller = venue.people["buyer"], venue.people["seller"]
    async with opened(venue) as socket:
        listener = Listener(socket)
        await listener.say(op="auth", token=venue.tokens["seller"])
        await listener.until("authenticated")
        await listener.say(op="subscribe", channel="orders")
        for channel, more in (("book", {"depth": 5}), ("trades", {}), ("quotes", {}), ("bars", {"interval": "1s"})):
            await listener.say(op="subscribe", channel=channel, symbol="AAPL", **more)
        await listener.until(*(f"{channel}Snapshot" for channel in ("orders", "book", "trades", "quotes", "bars")))
        _, resting = await seller.ask("POST", "/orders", limit("SELL", "4", "101", "rests"))
        await listener.until("bookUpdate", "quotesUpdate", "ordersUpdate")
        await buyer.ask("POST", "/orders", limit("BUY", "1", "101", "takes"))
        await listener.until("tradesUpdate", "barsUpdate", "ordersUpdate")
        await seller.ask("DELETE", f"/orders/{resting['order_id']}")
        await listener.until("ordersUpdate")
        waits = {"symbol": "AAPL", "side": "SELL", "type": "STOP_LIMIT", "quantity": "2", "price": "90"}
        await seller.ask("POST", "/orders", waits | {"trigger_price": "95", "display_quantity": "1"})
        await listener.until("ordersUpdate")
        await seller.ask("DELETE", "/orders")
        await listener.until("ordersUpdate")
        await listener.say(op="subscribe", channel="orders", account_id=seller.account_id)
        await listener.say(op="subscribe", id=7, channel="book", symbol="NOPE")
        await listener.say(op="ping", id="a")
        await listener.until("ordersSnapshot", "error", "pong", "heartbeat")
        await listener.say(op="unsubscribe", channel="book", symbol="AAPL")
        return listener.heard


def test_every_frame_of_the_platform_fits_the_contract_and_every_message_comes(tmp_path):
    async def scenario() -> None:
        async with embedded(tmp_path / "data", **QUICK) as venue:
            frames = await heard(venue)
            assert sorted({message_of(frame) for frame in frames}) == HEARD
            last: dict[str, int] = {}
            for frame in frames:
                if frame["type"] == "update":
                    assert frame["first_seq"] == last[frame["channel"]] + 1
                if "seq" in frame:
                    last[frame["channel"]] = frame["seq"]
            told = [order for frame in frames for order in frame.get("orders", ()) if order["type"] == "STOP_LIMIT"]
            assert {(order["trigger_price"], order["display_quantity"]) for order in told} == {("95", "1")}
            assert any(event["event_type"] == "OrdersCanceled" for frame in frames for event in frame.get("events", ()))
            executed = [event for frame in frames for event in frame.get("events", ()) if "trade_id" in event]
            assert [(event["event_type"], event["liquidity"]) for event in executed] == [("OrderExecuted", "MAKER")]
            for sentence, headers, said, code in CLOSES:
                async with opened(venue, additional_headers=headers) as socket:
                    await socket.send(said)
                    assert await Listener(socket).code_at_close() == code, sentence

    uvloop.run(scenario())


# Headers and the first frame -> the code of the close, each with its row in the contract.
CLOSES = [
    ("no token in time", {}, '{"op":"ping"}', 4401),
    ("a token of nobody", {}, '{"op":"auth","token":"x"}', 4401),
    ("a key of nobody", {"X-API-Key": "tk_nobody.x"}, "", 4401),
]


def test_what_the_contract_says_of_the_gateway_is_so():
    from api_gateway import stream
    from api_gateway.settings import ApiGatewaySettings

    settings = ApiGatewaySettings()
    limits = CONTRACT["x-limits"]
    assert limits == {name: getattr(settings, name) for name in limits}
    schemas = CONTRACT["components"]["schemas"]
    for schema in (schemas["Subscription"], schemas["Unsubscription"]):
        assert sorted(schema["properties"]["channel"]["enum"]) == sorted(stream.CHANNELS)
        assert schema["properties"]["depth"]["maximum"] == stream.DEPTH_MAX
    assert schemas["Interval"]["enum"] == list(stream.INTERVALS_S)
    closings = {closing.code: closing.reason for closing in vars(stream).values() if type(closing) is stream.Closing}
    told = {code: row["reason"] for code, row in CONTRACT["x-close-codes"].items()}
    assert {code: reason for code, reason in closings.items() if code != stream.LEFT.code}.items() <= told.items()
    assert set(told) - set(closings) == {1012, 1013}, "the server's own, and a refusal of another kind"
    assert set(CONTRACT["channels"]["stream"]["messages"]) == set(MESSAGES)


@pytest.mark.parametrize("name", ["Order", "Balance"])
def test_documents_in_frames_are_those_of_rest(name):
    rest = yaml.safe_load((ROOT / "contracts" / "openapi.yaml").read_text())["components"]["schemas"][name]
    framed = CONTRACT["components"]["schemas"][name]
    assert (framed["required"], list(framed["properties"])) == (rest["required"], list(rest["properties"]))


def test_the_frames_on_the_page_fit_the_contract():
    blocks = BLOCK.findall((ROOT / "docs" / "api" / "stream.md").read_text())
    frames = [json.loads(line) for block in blocks for line in block.splitlines()]
    assert {check(frame) for frame in frames} >= {"auth", "subscribe", *HEARD} - {"barsUpdate", "tradesSnapshot"}
