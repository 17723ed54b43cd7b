"""A WebSocket client that speaks to the application itself."""

import asyncio
import json
from contextlib import asynccontextmanager


class Closed(Exception):
    def __init__(self, code, reason):
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class NotFound(Exception):
    """The handshake was answered otherwise: the messages of that answer."""


class Client:
    """`pause` makes it a client that does not read."""

    def __init__(self):
        self.sent = asyncio.Queue()
        self.received = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()

    async def receive(self):
        return await self.sent.get()

    async def send(self, message):
        if message["type"] != "websocket.close":
            await self.reads.wait()
        self.received.put_nowait(message)

    def pause(self):
        self.reads.clear()

    def say(self, **operation):
        self.sent.put_nowait({"type": "websocket.receive", "text": json.dumps(operation)})

    def say_raw(self, text):
        self.sent.put_nowait({"type": "websocket.receive", "text": text})

    async def hear(self):
        """The next frame; Closed when the server closed."""
        async with asyncio.timeout(5):
            message = await self.received.get()
        if message["type"] == "websocket.close":
            raise Closed(message["code"], message["reason"])
        return json.loads(message["text"])

    async def hear_all(self, count):
        return [await self.hear() for _ in range(count)]

    async def closed(self):
        """Read on until the server closes; the code and reason."""
        while True:
            try:
                await self.hear()
            except Closed as closed:
                return closed.code, closed.reason


@asynccontextmanager
async def connected(gateway, headers=None, path="/v1/stream"):
    client = Client()
    client.sent.put_nowait({"type": "websocket.connect"})
    scope = {
        "type": "websocket",
        "path": path,
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        "client": ("192.0.2.1", 5000),
    }
    serving = asyncio.create_task(gateway.app(scope, client.receive, client.send))
    accepted = await client.received.get()
    if accepted["type"] != "websocket.accept":
        await serving
        assert accepted["type"] == "websocket.http.response.start", accepted
        raise NotFound(accepted, client.received.get_nowait())
    try:
        yield client
    finally:
        client.reads.set()
        client.sent.put_nowait({"type": "websocket.disconnect", "code": 1000})
        async with asyncio.timeout(5):
            await serving
