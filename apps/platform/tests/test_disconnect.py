"""An account that chose so loses its open orders with the last stream of them, on the real services."""

import asyncio
import json
from typing import Any

import uvloop
from websockets.asyncio.client import connect

from .embedded import Embedded, embedded
from .scenario import limit

WITHIN_S = 20


async def once_ended(venue: Embedded, order: Any) -> tuple[str, str]:
    for _ in range(WITHIN_S * 10):
        _, now = await venue.people["buyer"].ask("GET", f"/orders/{order['order_id']}")
        if now["status"] != "PENDING":
            return now["status"], now["reason"]
        await asyncio.sleep(0.1)
    raise AssertionError(f"the order is still open after {WITHIN_S} s")


def test_the_orders_end_with_the_last_stream_of_them(tmp_path):
    async def scenario() -> None:
        async with embedded(tmp_path / "data") as venue:
            buyer = venue.people["buyer"]
            status, account = await buyer.ask(
                "PATCH", f"/accounts/{buyer.account_id}/options", {"cancel_on_disconnect": True}
            )
            assert (status, account["cancel_on_disconnect"]) == (200, True)
            _, order = await buyer.ask("POST", "/orders", limit("BUY", "1", "90", "left-alone"))
            url = f"{venue.url.replace('http', 'ws', 1)}/v1/stream"
            async with connect(url, additional_headers={"Authorization": f"Bearer {venue.tokens['buyer']}"}) as socket:
                await socket.send('{"op":"subscribe","channel":"orders"}')
                while json.loads(await socket.recv())["type"] != "snapshot":
                    pass
                _, now = await buyer.ask("GET", f"/orders/{order['order_id']}")
                assert now["status"] == "PENDING"
            assert await once_ended(venue, order) == ("CANCELED", "disconnect")

    uvloop.run(scenario())
