"""A way to a platform on which answers get lost: the request arrives, and its sender never hears of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

BYTES = 65_536
ORDER = b"POST /v1/orders "


@asynccontextmanager
async def losing(address: str, orders_lost: int) -> AsyncIterator[tuple[str, list[bytes]]]:
    """host:port that leads to `address`, and the orders that came by; the first `orders_lost` get no answer."""
    host, port = address.rsplit(":", 1)
    orders: list[bytes] = []

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, int(port))
        request = await reader.readuntil(b"\r\n\r\n")
        is_order = request.startswith(ORDER)
        orders.extend([request] if is_order else [])
        back.write(request)
        upward = asyncio.ensure_future(copied(reader, back))
        if is_order and len(orders) <= orders_lost:
            await there.read(BYTES)  # so the platform has done it
        else:
            await copied(there, writer)
        upward.cancel()
        for end in (writer, back):
            end.close()

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", orders


async def copied(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(BYTES):
        target.write(data)
        await target.drain()
