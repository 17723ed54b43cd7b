"""The platform as a browser or a script sees it: REST under /v1 with a token of the identity provider, over ASGI."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlencode

from kernel.refused import Kind, Refused
from kernel.service import ASGIApp
from kernel.simulation.network import Network
from tests.simulation.intents import UNKNOWN_POSITION, Intent, Seen, Told, Unknown

TOKEN_PATH = "/realms/trading-platform/protocol/openid-connect/token"
PASSWORD = "correct horse battery"
DEADLINE_S = 15.0
RETRY_S = 0.5


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any


class HttpVenue:
    """Requests of one user. site: the gateway's application, as it lives at the moment of the request."""

    def __init__(self, network: Network, site: Callable[[], ASGIApp], email: str) -> None:
        self._network = network
        self._site = site
        self._email = email
        self._token = ""

    async def send(self, intent: Intent) -> Told:
        if intent.kind == "place":
            response = await self._call("POST", "/v1/orders", body=_order(intent))
        elif intent.kind == "cancel":
            response = await self._call("DELETE", f"/v1/orders/{intent.order_id}")
        else:
            given = {"quantity": intent.quantity, "price": intent.price, "client_order_id": intent.key}
            body = {name: value for name, value in given.items() if value}
            response = await self._call("PATCH", f"/v1/orders/{intent.order_id}", body=body)
        body = response.body
        if response.status >= 400:
            return Told(body["code"], body.get("order_id", ""), position=UNKNOWN_POSITION)
        if intent.kind != "place":
            # The answer is the order as it is now, which may be later than what the request did to it.
            return Told("", body["order_id"], body["status"] if intent.kind == "cancel" else "")
        position = int(response.headers["x-log-position"].partition(":")[2])
        numbers = (body["quantity"], body["cum_quantity"], body["leaves_quantity"], body["version"])
        return Told("", body["order_id"], body["status"], *numbers, position)

    async def find(self, user_id: str, account_id: str, order_id: str, client_order_id: str, at_least: int) -> Seen:
        path = f"/v1/orders/{order_id}" if order_id else f"/v1/orders/by-client-order-id/{client_order_id}"
        response = await self._call("GET", path, at_least=at_least)
        if response.status == 404:
            raise Refused(response.body["code"], kind=Kind.NOT_FOUND)
        return _seen(response.body)

    async def list_all(self, user_id: str, at_least: int) -> list[Seen]:
        response = await self._call("GET", "/v1/orders?status=all&limit=500", at_least=at_least)
        return [_seen(order) for order in response.body["items"]]

    async def _call(self, method: str, path: str, body: Any = None, at_least: int = 0) -> Response:
        """Unknown where nobody could answer, or our token has expired: then the next attempt gets a new one."""
        await self._sign_in()
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        if at_least:
            headers["x-log-position"] = f"main:{at_least}"
        response = await self._request(method, path, headers, b"" if body is None else json.dumps(body).encode())
        if response.status == 401:
            self._token = ""
        if response.status in (401, 429, 503):
            raise Unknown(str(response.body))
        assert response.status < 500, f"{method} {path} was answered {response.status}: {response.body}"
        return response

    async def _sign_in(self) -> None:
        while not self._token:
            form = {"grant_type": "password", "client_id": "trading-cli", "username": self._email, "password": PASSWORD}
            headers = {"content-type": "application/x-www-form-urlencoded"}
            try:
                response = await self._request("POST", TOKEN_PATH, headers, urlencode(form).encode())
                self._token = response.body.get("access_token", "")
            except Unknown:
                await asyncio.sleep(RETRY_S)

    async def _request(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Response:
        async def work(_: Any) -> Response:
            return await asgi(self._site(), method, path, headers, body)

        try:
            async with asyncio.timeout(DEADLINE_S):
                response: Response = await self._network.ask("api-gateway", f"{method} {path}", work)
                return response
        except (Refused, TimeoutError) as error:
            raise Unknown(str(error)) from None


async def asgi(app: ASGIApp, method: str, target: str, headers: dict[str, str], body: bytes) -> Response:
    """One request to an ASGI application, and its whole response."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in {**headers, "host": "venue.test"}.items()],
        "client": ("192.0.2.1", 50_000),
        "server": ("venue.test", 80),
    }
    told: list[dict[str, Any]] = []
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if asked:
            await asyncio.Event().wait()  # a client that stays until it is answered
        asked = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    await app(scope, receive, send)
    text = b"".join(message.get("body", b"") for message in told[1:])
    answered = {name.decode(): value.decode() for name, value in told[0]["headers"]}
    return Response(told[0]["status"], answered, json.loads(text) if text else {})


def _order(intent: Intent) -> dict[str, str]:
    given = {
        "symbol": intent.symbol,
        "side": intent.side,
        "type": intent.type,
        "time_in_force": intent.time_in_force,
        "quantity": intent.quantity,
        "price": intent.price,
        "client_order_id": intent.key,
        "account_id": intent.account_id,
    }
    return {name: value for name, value in given.items() if value}


def _seen(order: Any) -> Seen:
    return Seen(
        order["order_id"], order["client_order_id"] or "", order["status"], order["cum_quantity"], order["version"]
    )
