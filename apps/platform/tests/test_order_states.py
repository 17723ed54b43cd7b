"""FIX 4.4's order state change matrices through /v1, on the real services: the history of the order tells each step's
reports, and the order itself says the same as the last of them."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import uvloop

from trading_platform.conformance import order_states
from trading_platform.conformance.order_states import Case, Told

from .embedded import Embedded, empty
from .scenario import Person

CASH = 250_000
SHARES = 1_000_000
NOBODYS = "6f726472-0001-8000-8000-00000000ffff"
INSTRUMENT = {"base": "SHARE", "quote": "USD", "price_unit": "0.01", "lot_unit": "1", "calendar": "24x7"}


class Market:
    """One case: an instrument of its own, the owner of one order, and somebody who sells."""

    def __init__(self, venue: Embedded, case: Case) -> None:
        self.case = case
        self.symbol = "S" + case.name.replace(".", "").upper()
        self.admin, self.owner, self.other = (venue.people[name] for name in ("admin", "buyer", "seller"))
        self.told = Told()
        self.order: dict[str, Any] = {}
        self.body: dict[str, str] = {}
        self.heard = 0
        self.price = "0"
        self.others = 0
        self.position = ""

    async def answer(self, person: Person, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The status and the document, which include what every answer before has told."""
        seen = {"X-Log-Position": self.position} if self.position else {}
        answer = await person.client.request(method, f"/v1{path}", json=body, headers=seen)
        self.position = answer.headers.get("x-log-position", self.position)
        return answer.status_code, answer.json()

    async def ask(self, person: Person, method: str, path: str, body: Any = None) -> Any:
        status, document = await self.answer(person, method, path, body)
        assert status in (200, 201), document
        return document

    async def run(self) -> None:
        listing = INSTRUMENT | {"symbol": self.symbol, "max_price": "1000", "max_quantity": "1000000"}
        await self.ask(self.admin, "POST", "/admin/instruments", listing)
        await self.fund()
        for words, expected in self.case.steps:
            found = await self.step(words)
            assert "; ".join(found) == expected, f"{self.case.title}: {' '.join(words)}"
            if self.order:
                await self.look()
        await self.ask(self.admin, "DELETE", f"/admin/accounts/{self.other.account_id}/orders")
        await self.ask(self.admin, "DELETE", f"/admin/accounts/{self.owner.account_id}/orders")

    async def fund(self) -> None:
        """As much cash as the table says, whatever the cases before have spent."""
        account = await self.ask(self.owner, "GET", f"/accounts/{self.owner.account_id}")
        held = {balance["asset"]: Decimal(balance["balance"]) for balance in account["balances"]}
        missing = CASH - held.get("USD", Decimal())
        if missing:
            deposit = {"asset": "USD", "amount": str(missing)}
            await self.ask(self.admin, "POST", f"/admin/accounts/{self.owner.account_id}/deposits", deposit)

    async def step(self, words: Sequence[str]) -> list[str]:
        match words:
            case ["place", quantity, price, time_in_force]:
                self.price = price
                terms = {"quantity": quantity, "price": price, "time_in_force": time_in_force}
                self.body = self.new_order("BUY", **terms) | {"client_order_id": self.symbol}
                self.order = await self.ask(self.owner, "POST", "/orders", self.body)
            case ["spend", amount]:
                self.body = self.new_order("BUY", type="MARKET", budget=amount) | {"client_order_id": self.symbol}
                self.order = await self.ask(self.owner, "POST", "/orders", self.body)
            case ["own-sell", quantity]:
                terms = {"quantity": quantity, "price": self.price, "self_trade_prevention": "DECREMENT_AND_CANCEL"}
                await self.ask(self.owner, "POST", "/orders", self.new_order("SELL", **terms))
            case ["resend"]:
                assert await self.ask(self.owner, "POST", "/orders", self.body) == self.order
                return [self.told.look()]
            case ["duplicate", quantity]:
                answer = await self.answer(self.owner, "POST", "/orders", self.body | {"quantity": quantity})
                return self.refused("Refused", answer, 422)
            case ["offer", quantity, price]:
                await self.ask(self.other, "POST", "/orders", self.new_order("SELL", quantity=quantity, price=price))
            case ["fill", quantity]:
                terms = {"quantity": quantity, "price": self.price, "time_in_force": "IOC"}
                await self.ask(self.other, "POST", "/orders", self.new_order("SELL", **terms))
            case ["replace", quantity, *prices]:
                change = {"quantity": quantity} | ({"price": prices[0]} if prices else {})
                answer = await self.answer(self.owner, "PATCH", f"/orders/{self.order['order_id']}", change)
                if answer[0] != 200:
                    return self.refused("CancelReject", answer, 422, 409)
                self.price = prices[0] if prices else self.price
            case ["cancel"]:
                answer = await self.answer(self.owner, "DELETE", f"/orders/{self.order['order_id']}")
                if answer[0] != 200:
                    return self.refused("CancelReject", answer, 409)
            case ["cancel-unknown"]:
                return self.refused("CancelReject", await self.answer(self.owner, "DELETE", f"/orders/{NOBODYS}"), 404)
            case ["status"]:
                return [self.told.look()]  # `look` asks after each step
            case ["status-unknown"]:
                return self.refused("Refused", await self.answer(self.owner, "GET", f"/orders/{NOBODYS}"), 404)
            case ["close" | "open" as word]:
                session = {"session": {"close": "CLOSED", "open": "CONTINUOUS"}[word], "reason": "the table"}
                await self.ask(self.admin, "PUT", f"/admin/instruments/{self.symbol}/session", session)
            case ["venue-cancels"]:
                await self.ask(self.admin, "DELETE", f"/admin/accounts/{self.owner.account_id}/orders")
            case _:
                raise ValueError(f"unknown step {' '.join(words)}")
        return await self.reports()

    def new_order(self, side: str, **terms: str) -> dict[str, str]:
        self.others += 1
        named = {"client_order_id": f"{self.symbol}-{self.others}"}
        return {"symbol": self.symbol, "side": side, "type": "LIMIT"} | terms | named

    def refused(self, word: str, answer: tuple[int, Any], *statuses: int) -> list[str]:
        status, problem = answer
        assert status in statuses, problem
        return [self.told.refused(word, problem["code"])]

    async def reports(self) -> list[str]:
        """What the order's history has more than at the last step."""
        if not self.order:
            return []
        history = await self.ask(self.owner, "GET", f"/orders/{self.order['order_id']}/history")
        more = history["items"][self.heard :]
        self.heard += len(more)
        return [self.told.hear(event["event_type"], event["event_data"]) for event in more]

    async def look(self) -> None:
        """The order as a reader sees it is what its owner was told last, and adds up while it is open."""
        order = await self.ask(self.owner, "GET", f"/orders/{self.order['order_id']}")
        status = order_states.STATUSES[order["status"]]
        quantities = f"{order['quantity']} {order['cum_quantity']} {order['leaves_quantity']}"
        seen = f"Status {status} {quantities} 0 {order['average_price'] or '0'}"
        assert seen == self.told.look(), self.case.title
        if status in ("New", "PartiallyFilled"):
            assert Decimal(order["quantity"]) == Decimal(order["cum_quantity"]) + Decimal(order["leaves_quantity"])


async def every_case(folder: Path) -> int:
    ran = 0
    async with empty(folder) as venue:
        admin, other = venue.people["admin"], venue.people["seller"]
        for asset in ({"asset": "USD", "scale": 10, "kind": "CURRENCY"}, {"asset": "SHARE", "scale": 0}):
            assert (await admin.ask("POST", "/admin/assets", {"kind": "SECURITY"} | asset))[0] == 201
        deposit = {"asset": "SHARE", "amount": str(SHARES)}
        for person in (other, venue.people["buyer"]):
            assert (await admin.ask("POST", f"/admin/accounts/{person.account_id}/deposits", deposit))[0] == 201
        for case in order_states.read():
            if not case.none:
                await Market(venue, case).run()
                ran += 1
    return ran


def test_every_matrix_tells_through_the_api_what_the_standard_tells(tmp_path):
    assert uvloop.run(every_case(tmp_path / "data")) == 36
