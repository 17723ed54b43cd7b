"""What administrators do to the accounts of customers, over REST on the whole platform."""

from pathlib import Path
from typing import Any

import pytest
import uvloop

from kernel.ids import derived_id
from kernel.refused import Refused
from trading.v1 import engine_pb2
from trading.v1.engine_pb2_grpc import EngineServiceStub

from .embedded import Embedded, embedded
from .scenario import limit


def run(folder: Path, scenario: Any) -> None:
    async def whole() -> None:
        async with embedded(folder / "data") as venue:
            await scenario(venue)

    uvloop.run(whole())


def test_an_administrator_sees_and_cancels_the_orders_of_a_customer_under_his_own_name(tmp_path):
    async def scenario(venue: Embedded) -> None:
        admin, buyer = venue.people["admin"], venue.people["buyer"]
        own = f"/admin/accounts/{buyer.account_id}/orders"
        orders = [(await buyer.ask("POST", "/orders", limit("BUY", "1", "9", f"o{n}")))[1] for n in range(3)]
        ids = [order["order_id"] for order in orders]
        status, page = await admin.ask("GET", own, limit="2")
        assert (status, [order["order_id"] for order in page["items"]]) == (200, ids[:0:-1])
        _, rest = await admin.ask("GET", own, cursor=page["next_cursor"])
        assert [order["order_id"] for order in rest["items"]] == ids[:1]
        assert (await admin.ask("GET", f"/admin/orders/{ids[0]}"))[1] == orders[0]
        status, canceled = await admin.ask("DELETE", f"/admin/orders/{ids[0]}")
        assert (status, canceled["status"], canceled["user_id"]) == (200, "CANCELED", orders[0]["user_id"])
        assert (await admin.ask("DELETE", f"/admin/orders/{ids[0]}"))[1]["code"] == "order_closed"
        status, every = await admin.ask("DELETE", own, symbol="AAPL")
        assert (status, every) == (200, {"account_id": buyer.account_id, "symbol": "AAPL", "count": 2})
        _, me = await admin.ask("GET", "/users/me")
        for order_id in ids:
            _, log = await admin.ask("GET", "/admin/events", aggregate_id=order_id)
            assert [event["metadata"]["user_id"] for event in log["items"]] == [orders[0]["user_id"], me["user_id"]]
            _, told = await buyer.ask("GET", f"/orders/{order_id}/history")
            assert [event["metadata"]["user_id"] for event in told["items"]] == [orders[0]["user_id"], None]

    run(tmp_path, scenario)


def test_nobody_else_may_and_what_is_not_there_is_not_found(tmp_path):
    async def scenario(venue: Embedded) -> None:
        admin, buyer, seller = (venue.people[name] for name in ("admin", "buyer", "seller"))
        _, order = await buyer.ask("POST", "/orders", limit("BUY", "1", "9", "o"))
        nowhere = "61636374-0001-8000-8000-00000000ffff"
        for method in ("GET", "DELETE"):
            for path in (f"/admin/orders/{order['order_id']}", f"/admin/accounts/{buyer.account_id}/orders"):
                assert (await seller.ask(method, path))[0] == 403
            _, told = await admin.ask(method, f"/admin/orders/{nowhere}")
            assert told["code"] == "order_not_found"
            _, told = await admin.ask(method, f"/admin/accounts/{nowhere}/orders")
            assert told["code"] == "unknown_account"
        assert (await admin.ask("DELETE", f"/orders/{order['order_id']}"))[0] == 404, "not his"
        assert (await buyer.ask("GET", f"/orders/{order['order_id']}"))[1]["status"] == "PENDING"

    run(tmp_path, scenario)


def test_default_limits_hold_where_an_account_has_none_of_its_own(tmp_path):
    def limits(notional: str | None, quantity: str | None, open_orders: int | None) -> dict[str, Any]:
        return {"max_order_notional": notional, "max_order_quantity": quantity, "max_open_orders": open_orders}

    async def scenario(venue: Embedded) -> None:
        admin, buyer = venue.people["admin"], venue.people["buyer"]
        own = f"/admin/accounts/{buyer.account_id}/limits"
        assert (await admin.ask("GET", "/admin/limit-policies"))[1] == {"items": [], "next_cursor": None}
        status, done = await admin.ask("PUT", "/admin/limit-policies/default", limits("100", None, 2))
        default = {"policy": "default", "account_id": None} | limits("100", None, 2)
        assert (status, done) == (200, {"policy": default, "accounts_changed": 4, "accounts_pending": 0})
        _, refused = await buyer.ask("POST", "/orders", limit("BUY", "2", "51", "big"))
        assert refused["code"] == "order_notional_limit"
        _, in_force = await admin.ask("PUT", own, limits(None, "1", 1))
        assert in_force.items() >= limits("100", "1", 1).items()
        _, page = await admin.ask("GET", "/admin/limit-policies")
        account = {"policy": "account", "account_id": buyer.account_id} | limits(None, "1", 1)
        assert page["items"] == [default, account]
        await admin.ask("PUT", "/admin/limit-policies/default", limits("50", None, None))
        assert (await buyer.ask("GET", f"/accounts/{buyer.account_id}/limits"))[1].items() >= limits(
            "50", "1", 1
        ).items()
        status, in_force = await admin.ask("DELETE", own)
        assert (status, in_force.items() >= limits("50", None, None).items()) == (200, True)
        assert (await admin.ask("GET", "/admin/limit-policies"))[1]["items"] == [default | limits("50", None, None)]

    run(tmp_path, scenario)


@pytest.mark.parametrize("reason", ["two\nlines", "a\x00b", "next\x85line", "é" * 129])
def test_a_reason_that_is_no_short_line_is_refused_and_hurts_nobody(tmp_path, reason):
    async def scenario(venue: Embedded) -> None:
        admin, buyer = venue.people["admin"], venue.people["buyer"]
        asked = {"/instruments/AAPL/session": "CLOSED", f"/accounts/{buyer.account_id}/state": "SUSPENDED"}
        for path, word in asked.items():
            field = "session" if word == "CLOSED" else "state"
            status, told = await admin.ask("PUT", f"/admin{path}", {field: word, "reason": reason})
            assert (status, told["errors"][0]["field"]) == (400, "reason")
        # Whoever calls the engine itself is held by its contract too.
        change = engine_pb2.ChangeSession(symbol="AAPL", session=engine_pb2.SESSION_CLOSED, reason=reason)
        command = engine_pb2.Command(command_id=derived_id("reason"), correlation_id="c", change_session=change)
        with pytest.raises(Refused) as refusal:
            engine = EngineServiceStub(venue.platform.channels("trading-engine"))
            await engine.Execute(engine_pb2.ExecuteRequest(command=command))
        assert refusal.value.code == "invalid_request"
        assert (await buyer.ask("POST", "/orders", limit("BUY", "1", "9", "o")))[0] == 201

    run(tmp_path, scenario)
