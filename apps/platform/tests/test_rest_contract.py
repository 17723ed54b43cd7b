"""Every operation of the REST contract, with the contract's own example, on the real services: it succeeds, and its
answer is what the contract shows."""

import re
from pathlib import Path
from typing import Any

import httpx2
import uvloop

from .contract import OPERATIONS, ROOT, check_answer, check_problem, example
from .embedded import Embedded, empty

SYMBOL = "BTC-USD"
ORDER = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "quantity": "1", "price": "64000"}
# In an order in which each finds what it needs: the venue is listed by the examples themselves.
STEPS = (
    *("listAsset", "listInstrument", "deposit", "withdraw", "getTime", "getConfig", "listPublicInstruments"),
    *("register", "createUser", "listUsers", "getUser", "getMe", "updateMe", "createApiKey", "listApiKeys"),
    *("revokeApiKey", "createOrder", "createOrders", "getOrder", "getOrderByClientOrderId", "listOrders"),
    *(
        "replaceOrder",
        "getOrderHistory",
        "getOrderExecutions",
        "getQueuePosition",
        "listAccountOrders",
        "cancelOrder",
        "cancelOrders",
        "listAccounts",
        "getAccount",
    ),
    *("listPositions", "getExposure", "getLimits", "listInstruments", "getInstrument", "getQuote", "getBook"),
    *("listTrades", "listBars", "getClock", "getAccountOrder", "cancelAccountOrder"),
    *("cancelAccountOrders", "setLimits", "setDefaultLimits", "listLimitPolicies", "removeLimits"),
    *("setAccountOptions", "setDeadMansTimer", "stopDeadMansTimer", "setCustomersOptions", "setInstrumentRules"),
    *("setMarkPrice", "cancelEveryOrder", "setAccountKillSwitch", "getKillSwitch", "setKillSwitch"),
    *("setAccountState", "setUserRoles", "listEvents", "setSession"),
    *("changePassword", "resetPassword", "eraseUser", "eraseMe"),
)
# They are for a person whom no other step needs.
WATCHED = {"setAccountState", "setAccountKillSwitch", "setUserRoles", "resetPassword", "eraseUser"}
WITHOUT_END = {"streamMarketData"}


class Caller:
    """Asks each operation as the one whom the contract lets."""

    def __init__(self, venue: Embedded) -> None:
        self._venue = venue
        self._people = venue.people
        self._user_ids: dict[str, str] = {}

    async def ask(self, operation_id: str) -> httpx2.Response:
        method, path, operation = OPERATIONS[operation_id]
        values = await self._values(operation_id)
        url = "/v1" + re.sub(r"\{(\w+)\}", lambda matched: values[matched.group(1)], path)
        body = {"json": example(operation)} if "requestBody" in operation else {}
        if "x-role" not in operation:
            async with httpx2.AsyncClient(base_url=self._venue.url, timeout=30) as public:
                return await public.request(method, url, **body)
        own = "seller" if operation_id == "eraseMe" else "buyer"
        person = self._people["admin" if operation["x-role"] == "ADMIN" else own]
        return await person.client.request(method, url, **body)

    async def _values(self, operation_id: str) -> dict[str, str]:
        """What the path names."""
        watched = operation_id in WATCHED
        person = self._people["watcher" if watched else "buyer"]
        values = {"account_id": person.account_id, "symbol": SYMBOL, "client_order_id": "my-1"}
        _, path, _ = OPERATIONS[operation_id]
        if "{user_id}" in path:
            if person.account_id not in self._user_ids:  # later the person's password is reset
                self._user_ids[person.account_id] = (await person.ask("GET", "/users/me"))[1]["user_id"]
            values["user_id"] = self._user_ids[person.account_id]
        if "{key_id}" in path:
            values["key_id"] = (await person.ask("GET", "/users/me/api-keys"))[1]["items"][0]["key_id"]
        if "{order_id}" in path:
            values["order_id"] = (await self._people["buyer"].ask("POST", "/orders", ORDER))[1]["order_id"]
        return values

    async def prepare(self, operation_id: str) -> None:
        """What an example takes for granted."""
        admin = self._people["admin"]
        if operation_id == "listInstrument":
            await admin.ask("POST", "/admin/assets", {"asset": "BTC", "scale": 14, "kind": "SECURITY"})
        if operation_id == "createOrder":
            for name, asset, amount in (("buyer", "USD", "1000000"), ("seller", "BTC", "1")):
                path = f"/admin/accounts/{self._people[name].account_id}/deposits"
                await admin.ask("POST", path, {"asset": asset, "amount": amount})
        if operation_id == "listPositions":  # something traded
            for name, side in (("buyer", "BUY"), ("seller", "SELL")):
                status, told = await self._people[name].ask("POST", "/orders", ORDER | {"side": side, "price": "63000"})
                assert status == 201, told


def run(folder: Path, scenario: Any, **gateway: Any) -> None:
    async def whole() -> None:
        async with empty(folder / "data", **gateway) as venue:
            await scenario(venue)

    uvloop.run(whole())


def test_every_operation_has_its_step():
    assert sorted(STEPS) == sorted(OPERATIONS.keys() - WITHOUT_END)


def test_the_contracts_own_examples_succeed_and_their_answers_validate(tmp_path):
    async def scenario(venue: Embedded) -> None:
        caller = Caller(venue)
        documents = {}
        for operation_id in STEPS:
            await caller.prepare(operation_id)
            answer = await caller.ask(operation_id)
            check_answer(OPERATIONS[operation_id][2], answer)
            documents[operation_id] = answer.json() if answer.content else None
        for operation_id, document in documents.items():
            if operation_id.startswith("list") and document and "items" in document:
                assert document["items"], f"{operation_id} shows nothing, so nothing was validated"
        assert {result["status"] for result in documents["createOrders"]["results"]} == {201, 422}

    run(tmp_path, scenario)


# Status -> how it comes about: method, path, who asks, and the rest of the request.
PROBLEMS: dict[int, tuple[str, str, str, dict[str, Any]]] = {
    400: ("POST", "/orders", "buyer", {"json": {}}),
    401: ("GET", "/orders", "", {}),
    403: ("GET", "/users", "buyer", {}),
    404: ("GET", "/orders/6f726472-0001-8000-8000-00000000ffff", "buyer", {}),
    405: ("PUT", "/orders", "buyer", {}),
    409: ("POST", "/admin/assets", "admin", {"json": {"asset": "USD", "scale": 10, "kind": "CURRENCY"}}),
    413: ("POST", "/orders", "buyer", {"json": {"symbol": "A" * 70_000}}),
    415: ("POST", "/orders", "buyer", {"headers": {"Content-Type": "text/plain"}, "content": b"{}"}),
    422: ("POST", "/orders", "buyer", {"json": ORDER}),
    429: ("GET", "/orders", "watcher", {}),
}


def test_every_problem_validates(tmp_path):
    async def scenario(venue: Embedded) -> None:
        caller = Caller(venue)
        for operation_id in ("listAsset", "listInstrument"):
            await caller.prepare(operation_id)
            assert (await caller.ask(operation_id)).status_code == 201
        async with httpx2.AsyncClient(base_url=venue.url) as nobody:
            for status, (method, path, name, rest) in PROBLEMS.items():
                client = venue.people[name].client if name else nobody
                for _ in range(31 if status == 429 else 1):
                    answer = await client.request(method, f"/v1{path}", **rest)
                assert answer.status_code == status, answer.text
                check_problem(answer)

    run(tmp_path, scenario, rate_limit_tokens=30, rate_limit_refill_tokens=1)


def test_the_contract_is_the_one_that_is_served(tmp_path):
    async def scenario(venue: Embedded) -> None:
        async with httpx2.AsyncClient(base_url=venue.url) as client:
            for name in ("openapi.yaml", "asyncapi.yaml"):
                assert (await client.get(f"/{name}")).content == (ROOT / "contracts" / name).read_bytes()

    run(tmp_path, scenario)
