"""Mass cancels over REST: what the query chooses, of one's own or as an administrator of all."""

import pytest

from .running import ADMIN, run

LIMIT = {"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "quantity": "0.5", "price": "64250.10"}

# The query of a mass cancel, and what the order service is asked for.
CHOICES = [
    ("", "cancel_all", {}),
    ("?symbol=BTC/USD", "cancel_all", {"symbol": "BTC-USD"}),
    ("?side=SELL", "mass_cancel", {"side": 2}),
    ("?symbol=BTC-USD&lowest_price=1.50&highest_price=2", "mass_cancel",
     {"symbol": "BTC-USD", "lowest_price": "1.5", "highest_price": "2"}),
]  # fmt: skip


@pytest.mark.parametrize(("query", "body", "asked"), CHOICES)
def test_a_mass_cancel_asks_for_what_the_query_chooses(query, body, asked):
    async def test(gateway):
        answer = await gateway.call("DELETE", f"/v1/orders{query}")
        assert answer.status_code == 200, answer.text
        (request,) = gateway.orders.submitted[-1].requests
        told = getattr(request, body)
        assert request.WhichOneof("body") == body
        assert {field.name: value for field, value in told.ListFields()} == asked

    run(test)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?lowest_price=1", "symbol"),
        ("?symbol=BTC-USD&highest_price=0", "highest_price"),
        ("?symbol=BTC-USD&highest_price=%22", "highest_price"),
        ("?side=buy", "side"),
    ],
)
def test_a_mass_cancel_that_chooses_nothing_that_there_is_is_400(query, field):
    async def test(gateway):
        answer = await gateway.call("DELETE", f"/v1/orders{query}")
        assert answer.status_code == 400
        assert [error["field"] for error in answer.json()["errors"]] == [field]

    run(test)


def test_an_administrator_cancels_every_order_of_the_venue():
    async def test(gateway):
        await gateway.call("POST", "/v1/orders", json=LIMIT)
        answer = await gateway.call("DELETE", "/v1/admin/orders?side=BUY", headers=ADMIN)
        assert (answer.status_code, answer.json()) == (200, {"symbol": None, "count": 1})
        (request,) = gateway.orders.submitted[-1].requests
        assert gateway.orders.submitted[-1].by_administrator
        assert (request.mass_cancel.account_id, request.mass_cancel.side) == ("", 1)

    run(test)
