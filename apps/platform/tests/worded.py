"""Every word of an order through the public interface, on an instrument of its own: one outcome however it runs."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from .scenario import Person

SYMBOL = "MSFT"
SOON_S = 1
WITHIN_S = 20


@dataclass
class Desk:
    """People who read what any of them has written: every request names the newest position that was told."""

    people: dict[str, Person]
    position: int = 0

    async def ask(self, name: str, method: str, path: str, body: Any = None, /, **query: str) -> Any:
        headers = {"X-Log-Position": f"main:{self.position}"}
        client = self.people[name].client
        answer = await client.request(method, f"/v1{path}", json=body, params=query, headers=headers)
        told = answer.headers.get("X-Log-Position", "main:0")
        self.position = max(self.position, int(told.removeprefix("main:")))
        return answer.status_code, answer.json() if answer.content else {}

    async def done(self, name: str, status: int, method: str, path: str, body: Any = None, /, **query: str) -> Any:
        found, document = await self.ask(name, method, path, body, **query)
        assert found == status, document
        return document

    async def place(self, name: str, side: str, kind: str, **body: Any) -> Any:
        return await self.done(name, 201, "POST", "/orders", {"symbol": SYMBOL, "side": side, "type": kind, **body})

    async def now(self, name: str, order: Any) -> Any:
        return await self.done(name, 200, "GET", f"/orders/{order['order_id']}")

    async def told(self, name: str, order: Any) -> tuple[Any, ...]:
        """Status, executed quantity and reason as they are now."""
        now = await self.now(name, order)
        return now["status"], now["cum_quantity"], now["reason"]

    async def asks(self) -> list[tuple[str, str]]:
        book = await self.done("buyer", 200, "GET", f"/market-data/{SYMBOL}/book")
        return [(level["price"], level["quantity"]) for level in book["asks"]]

    def account(self, name: str) -> str:
        return f"/accounts/{self.people[name].account_id}"


async def worded(people: dict[str, Person]) -> dict[str, Any]:
    desk = Desk(people)
    await _listed(desk)
    return {
        "parts": await _parts(desk),
        "waiting": await _waiting(desk),
        "on entry": await _on_entry(desk),
        "against oneself": await _against_oneself(desk),
        "many at once": await _many_at_once(desk),
        "time": await _time(desk),
        "switches": await _switches(desk),
        "reports": await _reports(desk),
    }


async def _listed(desk: Desk) -> None:
    terms = {"symbol": SYMBOL, "base": SYMBOL, "quote": "USD", "price_unit": "0.01", "lot_unit": "1"}
    await desk.done("admin", 201, "POST", "/admin/assets", {"asset": SYMBOL, "scale": 0, "kind": "SECURITY"})
    limits = {"max_price": "100000", "max_quantity": "100000", "calendar": "24x7"}
    await desk.done("admin", 201, "POST", "/admin/instruments", terms | limits)
    for name, asset, amount in (("buyer", "USD", "100000"), ("seller", SYMBOL, "1000"), ("seller", "USD", "10000")):
        path = f"/admin{desk.account(name)}/deposits"
        await desk.done("admin", 201, "POST", path, {"asset": asset, "amount": amount})


async def _parts(desk: Desk) -> Any:
    """An iceberg shows a part at a time, a hidden order nothing; both trade whole."""
    iceberg = await desk.place("seller", "SELL", "LIMIT", quantity="30", price="50", display_quantity="10")
    hidden = await desk.place("seller", "SELL", "LIMIT", quantity="5", price="50", hidden=True)
    shown = await desk.asks()
    bought = await desk.place("buyer", "BUY", "LIMIT", quantity="33", price="50", time_in_force="IOC")
    return {
        "asked": (iceberg["display_quantity"], hidden["hidden"]),
        "shown": shown,
        "bought": (bought["status"], bought["cum_quantity"]),
        "after": (await desk.told("seller", iceberg), await desk.told("seller", hidden), await desk.asks()),
        "canceled": (await desk.done("seller", 200, "DELETE", "/orders", symbol=SYMBOL))["count"],
    }


async def _waiting(desk: Desk) -> Any:
    """A stop waits for a trade, a touched order for the ask, and one for the mark price."""
    stop = await desk.place("buyer", "BUY", "STOP", quantity="2", trigger_price="51")
    marked = await desk.place(
        *("buyer", "BUY", "STOP_LIMIT"), quantity="3", trigger_price="60", price="61", trigger_by="MARK"
    )
    exposure = await desk.done("buyer", 200, "GET", f"{desk.account('buyer')}/exposure")
    waiting = next(row for row in exposure["instruments"] if row["symbol"] == SYMBOL)
    moved = await desk.done("buyer", 200, "PATCH", f"/orders/{marked['order_id']}", {"trigger_price": "59"})
    await desk.place("seller", "SELL", "LIMIT", quantity="9", price="51")
    await desk.place("buyer", "BUY", "LIMIT", quantity="1", price="51")
    await desk.done("admin", 200, "PUT", f"/admin/instruments/{SYMBOL}/mark-price", {"price": "59.5"})
    triggered = await desk.now("buyer", stop)
    return {
        "asked": (stop["status"], stop["protection_price"], stop["trigger_by"], "triggered_at" in stop),
        "exposure": (waiting["open_buy_quantity"], waiting["open_buy_notional"]),
        "moved": (moved["trigger_price"], moved["price"]),
        "stop": (triggered["status"], triggered["cum_quantity"], "triggered_at" in triggered),
        "marked": await desk.told("buyer", marked),
        "canceled": (await desk.done("seller", 200, "DELETE", "/orders", symbol=SYMBOL))["count"],
    }


async def _on_entry(desk: Desk) -> Any:
    await desk.place("seller", "SELL", "LIMIT", quantity="4", price="50")
    asked = {
        "fok": ("LIMIT", {"quantity": "5", "price": "50", "time_in_force": "FOK"}),
        "all or none": ("LIMIT", {"quantity": "5", "price": "50", "all_or_none": True}),
        "minimum": ("LIMIT", {"quantity": "9", "price": "50", "minimum_quantity": "5"}),
        "slide": ("LIMIT", {"quantity": "1", "price": "50", "post_only": "SLIDE"}),
        "budget": ("MARKET", {"budget": "120"}),
        "market to limit": ("MARKET_TO_LIMIT", {"quantity": "6"}),
    }
    orders = {name: await desk.place("buyer", "BUY", kind, **body) for name, (kind, body) in asked.items()}
    reject = {"symbol": SYMBOL, "side": "SELL", "type": "LIMIT", "quantity": "1", "price": "50", "post_only": "REJECT"}
    _, refused = await desk.ask("seller", "POST", "/orders", reject)
    outcome = {name: (order["status"], order["cum_quantity"], order["reason"]) for name, order in orders.items()}
    slid = orders["slide"]
    return outcome | {
        "slid": (slid["price"], slid["asked_price"]),
        "rests at": orders["market to limit"]["price"],
        "refused": (refused["status"], refused["code"]),
        "canceled": (await desk.done("buyer", 200, "DELETE", "/orders", symbol=SYMBOL))["count"],
    }


async def _against_oneself(desk: Desk) -> Any:
    first = await desk.place("seller", "SELL", "LIMIT", quantity="4", price="55")
    both = await desk.place(
        "seller", "BUY", "LIMIT", quantity="3", price="55", self_trade_prevention="DECREMENT_AND_CANCEL"
    )
    shrunk = await desk.now("seller", first)
    newest = await desk.place("seller", "BUY", "LIMIT", quantity="3", price="55")
    oldest = await desk.place("seller", "BUY", "LIMIT", quantity="3", price="55", self_trade_prevention="CANCEL_OLDEST")
    return {
        "shrunk": (shrunk["status"], shrunk["quantity"], shrunk["leaves_quantity"], both["reason"]),
        "newest": (newest["status"], newest["reason"]),
        "oldest": (oldest["status"], await desk.told("seller", first)),
    }


async def _many_at_once(desk: Desk) -> Any:
    """Mass cancels by side and price; the seller's buy at 55 is still there from before."""
    queue = [await desk.place("buyer", "BUY", "LIMIT", quantity=quantity, price="41") for quantity in ("3", "2", "1")]
    place = await desk.done("buyer", 200, "GET", f"/orders/{queue[2]['order_id']}/queue-position")
    assert (place["place"], place["orders_ahead"], place["quantity_ahead"], place["price"]) == (3, 2, "5", "41")
    await desk.done("buyer", 200, "DELETE", "/orders", symbol=SYMBOL)
    gone = await desk.done("buyer", 200, "GET", f"/orders/{queue[2]['order_id']}/queue-position")
    assert gone["place"] is None
    for price in ("40", "41", "42"):
        await desk.place("buyer", "BUY", "LIMIT", quantity="1", price=price)
    some = await desk.done("buyer", 200, "DELETE", "/orders", symbol=SYMBOL, side="BUY", lowest_price="41")
    none = await desk.done("buyer", 200, "DELETE", "/orders", symbol=SYMBOL, side="SELL")
    every = await desk.done("admin", 200, "DELETE", "/admin/orders", symbol=SYMBOL)
    return some["count"], none["count"], every["count"]


async def _time(desk: Desk) -> Any:
    """An order that expires, and the timer of who is not there."""
    at = (datetime.now(UTC) + timedelta(seconds=SOON_S)).isoformat()
    short = await desk.place("buyer", "BUY", "LIMIT", quantity="1", price="40", time_in_force="GTD", expire_at=at)
    long = await desk.place("buyer", "BUY", "LIMIT", quantity="1", price="39")
    path = f"{desk.account('buyer')}/dead-mans-timer"
    await desk.done("buyer", 200, "PUT", path, {"seconds": 3600})
    await desk.done("buyer", 204, "DELETE", path)
    assert (await desk.done("buyer", 200, "GET", desk.account("buyer")))["dead_mans_timer"] is None
    expired = await _once_ended(desk, short)
    await desk.done("buyer", 200, "PUT", path, {"seconds": SOON_S})
    ended = await _once_ended(desk, long)
    return expired, ended, (await desk.done("buyer", 200, "GET", desk.account("buyer")))["dead_mans_timer"]


async def _once_ended(desk: Desk, order: Any) -> tuple[Any, ...]:
    for _ in range(WITHIN_S * 10):
        told = await desk.told("buyer", order)
        if told[0] != "PENDING":
            return told
        await asyncio.sleep(0.1)
    raise AssertionError(f"still open after {WITHIN_S} s: {told}")


async def _switches(desk: Desk) -> Any:
    open_order = await desk.place("buyer", "BUY", "LIMIT", quantity="1", price="40")
    account = f"/admin{desk.account('buyer')}/kill-switch"
    killed = await desk.done("admin", 200, "PUT", account, {"state": "ON", "reason": "test"})
    body = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "quantity": "1", "price": "40"}
    _, refused = await desk.ask("buyer", "POST", "/orders", body)
    await desk.done("admin", 200, "PUT", account, {"state": "OFF", "reason": "over"})
    venue = await desk.done("admin", 200, "PUT", "/admin/kill-switch", {"state": "ON", "reason": "drill"})
    _, everywhere = await desk.ask("buyer", "POST", "/orders", body)
    await desk.done("admin", 200, "PUT", "/admin/kill-switch", {"state": "OFF", "reason": "over"})
    options = await desk.done("buyer", 200, "PATCH", f"{desk.account('buyer')}/options", {"cancel_on_disconnect": True})
    group = await desk.done("admin", 200, "PATCH", f"/admin{desk.account('buyer')}/options", {"trade_group": 7})
    rules = {"allocation": "PRO_RATA", "least_allocation": "2", "self_trade_prevention": "CANCEL_BOTH"}
    ruled = await desk.done("admin", 200, "PUT", f"/admin/instruments/{SYMBOL}/rules", rules)
    return {
        "account": (killed["kill_switch"], refused["code"], await desk.told("buyer", open_order)),
        "venue": (venue["state"], venue["reason"], everywhere["code"]),
        "options": (options["cancel_on_disconnect"], options["trade_group"], group["trade_group"]),
        "rules": {name: ruled[name] for name in (*rules, "mark_price")},
    }


async def _reports(desk: Desk) -> Any:
    """The execution reports of every order of both: sums are right at each, and the last says what the order does."""
    kinds = set()
    for name in ("buyer", "seller"):
        for order in (await desk.done(name, 200, "GET", "/orders", status="all", symbol=SYMBOL, limit="500"))["items"]:
            page = await desk.done(name, 200, "GET", f"/orders/{order['order_id']}/executions", limit="500")
            kinds |= {report["execution_type"] for report in page["items"]}
            _check(order, page["items"])
    return sorted(kinds)


def _check(order: Any, reports: list[Any]) -> None:
    traded = Decimal(0)
    for report in reports:
        quantity, cum, leaves = (Decimal(report[f"{name}_quantity"]) for name in ("order", "cum", "leaves"))
        traded += Decimal(report["last_quantity"] or 0)
        assert traded == cum
        if report["order_status"] in ("NEW", "PARTIALLY_FILLED", "FILLED"):
            assert quantity == cum + leaves
        else:
            assert (leaves, report["working"]) == (0, False)
    last = reports[-1]
    for name in ("cum_quantity", "leaves_quantity", "average_price", "reason", "version"):
        if name != "reason" or last["execution_type"] != "RESTATED":
            assert last[name] == order[name], (name, order)
    assert last["order_quantity"] == order["quantity"]
