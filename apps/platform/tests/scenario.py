"""One day of a small venue, through the public interface only: what every way of running the platform must agree on."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2
from grpc.aio import Channel

from kernel.runtime import SystemRuntime
from user_service.bootstrap import InitialUser, bootstrap

PASSWORD = "correct horse battery"  # as in the contract's examples
PEOPLE = {"admin": ("ADMIN",), "seller": ("USER", "TRADER"), "buyer": ("USER", "TRADER"), "watcher": ("USER",)}
ACCOUNT_WITHIN_S = 20


@dataclass
class Person:
    client: httpx2.AsyncClient
    account_id: str

    async def ask(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """The answer's document with its status; what differs from run to run is left to the caller."""
        answer = await self.client.request(method, f"/v1{path}", json=body, params=query)
        document = answer.json() if answer.content else {}
        return answer.status_code, document


def signed_in(url: str, token: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


async def token_of(issuer: str, email: str) -> str:
    form = {"grant_type": "password", "client_id": "trading-cli", "username": email, "password": PASSWORD}
    async with httpx2.AsyncClient(timeout=30) as client:
        answer = await client.post(f"{issuer}/protocol/openid-connect/token", data=form)
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


async def played(
    runtime: SystemRuntime, url: str, users: Channel, also: Callable[[dict[str, Person]], Any] | None = None
) -> dict[str, Any]:
    """Play it on the platform at `url`; users: a channel to user-service, for the first users.

    also: what else they do."""
    initial = [InitialUser(f"{name}@example.com", name.title(), PASSWORD, roles) for name, roles in PEOPLE.items()]
    made = await bootstrap(runtime, users, initial, accounts_wait_s=30)
    async with httpx2.AsyncClient(base_url=url, timeout=30) as public:
        issuer = (await public.get("/v1/public/config")).json()["issuer"]
        registration = {"email": "newcomer@example.com", "name": "Newcomer", "password": PASSWORD}
        registered = (await public.post("/v1/public/register", json=registration)).status_code
    people = {}
    for name, user in zip(PEOPLE, made, strict=True):
        token = await token_of(issuer, f"{name}@example.com")
        people[name] = Person(signed_in(url, token), user.account_id)
    newcomer = Person(signed_in(url, await token_of(issuer, "newcomer@example.com")), "")
    try:
        await listed(people)
        outcome = await traded(people)
        outcome |= {"registered": registered, "newcomer": await balances_of_a_new_account(newcomer)}
        outcome |= {"refusals": await refused(people)}
        return outcome | {"words": await also(people)} if also else outcome
    finally:
        for person in (*people.values(), newcomer):
            await person.client.aclose()


async def listed(people: dict[str, Person]) -> None:
    """List a share, and give the buyer cash and the seller shares."""
    admin = people["admin"]
    terms = {
        "symbol": "AAPL",
        "base": "AAPL",
        "quote": "USD",
        "price_unit": "0.01",
        "lot_unit": "1",
        "max_price": "100000",
        "max_quantity": "100000",
        "calendar": "24x7",
    }
    deposits = [("buyer", "USD", "1000"), ("seller", "AAPL", "10")]
    asked = [
        ("/admin/assets", {"asset": "USD", "scale": 10, "kind": "CURRENCY"}),
        ("/admin/assets", {"asset": "AAPL", "scale": 0, "kind": "SECURITY"}),
        ("/admin/instruments", terms),
        *(
            (f"/admin/accounts/{people[name].account_id}/deposits", {"asset": asset, "amount": amount})
            for name, asset, amount in deposits
        ),
    ]
    for path, body in asked:
        status, document = await admin.ask("POST", path, body)
        assert status == 201, document
        if path == "/admin/instruments":
            assert (200, document) == await admin.ask("GET", "/instruments/AAPL")


def limit(side: str, quantity: str, price: str, name: str) -> dict[str, str]:
    order = {"symbol": "AAPL", "side": side, "type": "LIMIT", "quantity": quantity, "price": price}
    return order | {"client_order_id": name}


async def traded(people: dict[str, Person]) -> dict[str, Any]:
    """Rest, fill, replace, cancel; then read everything back."""
    seller, buyer = people["seller"], people["buyer"]
    _, rested = await seller.ask("POST", "/orders", limit("SELL", "10", "101", "rests"))
    _, bid = await buyer.ask("POST", "/orders", limit("BUY", "5", "99", "bid"))
    _, filled = await buyer.ask("POST", "/orders", limit("BUY", "4", "101", "fills"))
    again_status, again = await buyer.ask("POST", "/orders", limit("BUY", "4", "101", "fills"))
    _, smaller = await buyer.ask("PATCH", f"/orders/{bid['order_id']}", {"quantity": "2"})
    _, other = await buyer.ask("POST", "/orders", limit("BUY", "1", "98", "other"))
    _, canceled = await buyer.ask("DELETE", f"/orders/{other['order_id']}")
    read_status, read = await seller.ask("GET", f"/orders/{rested['order_id']}")
    _, named = await buyer.ask("GET", "/orders/by-client-order-id/bid")
    _, history = await seller.ask("GET", f"/orders/{rested['order_id']}/history")
    _, book = await buyer.ask("GET", "/market-data/AAPL/book")
    _, trades = await buyer.ask("GET", "/market-data/AAPL/trades")
    _, page = await buyer.ask("GET", "/orders", status="all")
    return {
        "order": [order["status"] for order in (rested, filled, smaller, canceled)],
        "repeat": (again_status, again == filled),
        "read back": (read_status, read["status"], read["cum_quantity"], read["average_price"]),
        "by client order id": (named["quantity"], named["leaves_quantity"]),
        "history": [
            (event["event_type"], event["metadata"]["user_id"] == rested["user_id"]) for event in history["items"]
        ],
        "book": [[(level["price"], level["quantity"]) for level in book[side]] for side in ("bids", "asks")],
        "trades": [(trade["price"], trade["quantity"], trade["aggressor_side"]) for trade in trades["items"]],
        "orders": [(order["client_order_id"], order["status"]) for order in page["items"]],
        "balances": {name: await balances(people[name], people[name].account_id) for name in ("buyer", "seller")},
        "positions": {name: await positions(people[name]) for name in ("buyer", "seller")},
    }


async def balances(person: Person, account_id: str) -> dict[str, tuple[str, str]]:
    _, account = await person.ask("GET", f"/accounts/{account_id}")
    return {balance["asset"]: (balance["balance"], balance["hold"]) for balance in account["balances"]}


async def positions(person: Person) -> dict[str, str]:
    _, found = await person.ask("GET", f"/accounts/{person.account_id}/positions")
    return {position["symbol"]: position["quantity"] for position in found["items"]}


async def balances_of_a_new_account(newcomer: Person) -> Any:
    """Who registers has an account soon; nothing is on it."""
    for _ in range(ACCOUNT_WITHIN_S * 10):
        status, found = await newcomer.ask("GET", "/accounts")
        if status == 200 and found["items"]:
            return found["items"][0]["balances"]
        await asyncio.sleep(0.1)
    return "no account"


async def refused(people: dict[str, Person]) -> dict[str, tuple[int, str]]:
    """Refusals travel through every hop with their status and code."""
    buyer, seller = people["buyer"], people["seller"]
    _, own = await seller.ask("GET", "/orders", status="open")
    other = own["items"][0]["order_id"]
    unsigned = Person(httpx2.AsyncClient(base_url=buyer.client.base_url), "")
    asked = {
        "too expensive": await buyer.ask("POST", "/orders", limit("BUY", "100", "101", "big")),
        "off the tick": await buyer.ask("POST", "/orders", limit("BUY", "1", "99.001", "off")),
        "unknown symbol": await buyer.ask("POST", "/orders", limit("BUY", "1", "1", "x") | {"symbol": "NONE"}),
        "another's order": await buyer.ask("GET", f"/orders/{other}"),
        "another's cancel": await buyer.ask("DELETE", f"/orders/{other}"),
        "not a trader": await people["watcher"].ask("POST", "/orders", limit("BUY", "1", "1", "w")),
        "not signed in": await unsigned.ask("GET", "/orders"),
    }
    await unsigned.client.aclose()
    return {name: (status, document["code"]) for name, (status, document) in asked.items()}
