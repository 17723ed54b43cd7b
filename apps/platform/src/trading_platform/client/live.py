"""A book that is followed over the gateway's WebSocket: a snapshot, then contiguous updates of its best levels."""

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from trading_platform.client.rest import FAILED, REFUSED, Failure
from trading_platform.client.session import Session
from trading_platform.client.tables import Level


class Book:
    """The fold of one book channel. `apply` is False when an update does not follow: subscribe again then."""

    def __init__(self) -> None:
        self.seq = 0
        self._sides: dict[str, dict[str, str]] = {"bids": {}, "asks": {}}

    def apply(self, frame: dict[str, Any]) -> bool:
        if frame["type"] == "snapshot":
            self._sides = {side: dict(frame[side]) for side in self._sides}
        elif frame["first_seq"] > self.seq + 1:
            return False
        else:
            for side, levels in self._sides.items():
                for price, quantity in frame[side]:
                    if quantity == "0":
                        levels.pop(price, None)
                    else:
                        levels[price] = quantity
        self.seq = frame["seq"]
        return True

    def best(self, side: str, depth: int) -> list[Level]:
        """The best `depth` levels of `bids` or `asks`, best first."""
        levels = sorted(self._sides[side].items(), key=lambda level: Decimal(level[0]), reverse=side == "bids")
        return levels[:depth]


async def follow(session: Session, symbol: str, depth: int) -> AsyncIterator[tuple[Book, str]]:
    """The book after each frame, and the frame's time; until the caller stops or Failure says why it ended."""
    url = f"{session.url.replace('http', 'ws', 1)}/v1/stream"
    headers = {"Authorization": f"Bearer {session.access_token}"}
    asked = json.dumps({"op": "subscribe", "channel": "book", "symbol": symbol, "depth": depth})
    book = Book()
    try:
        async with connect(url, additional_headers=headers) as socket:
            await socket.send(asked)
            async for text in socket:
                frame = json.loads(text)
                if frame["type"] == "error":
                    raise Failure(f"{frame['code']}: {frame['message']}", REFUSED)
                if frame["type"] not in ("snapshot", "update"):
                    continue
                if not book.apply(frame):
                    await socket.send(asked.replace('"subscribe"', '"unsubscribe"', 1))
                    await socket.send(asked)
                    continue
                yield book, frame["time"]
        raise Failure("the platform closed the stream", FAILED)
    except ConnectionClosed as error:
        raise Failure(f"the stream was closed: {error}", FAILED) from None
    except (OSError, WebSocketException) as error:
        raise Failure(f"no stream from {url}: {error}; does the platform run there?", FAILED) from None
