"""Orders over REST: placing, idempotency, refusals, reading back."""

import pytest

from .running import ADMIN, READER, TRADER, bearer, run
from .services import ACCOUNT, ADA, GRACE

LIMIT = {"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "quantity": "0.5", "price": "64250.10"}
MARKET = {"symbol": "BTC/USD", "side": "SELL", "type": "MARKET", "quantity": "1"}
STOP = {"symbol": "BTC-USD", "side": "SELL", "type": "STOP", "quantity": "0.5", "trigger_price": "60000"}
ABSENT = object()


def test_a_placed_order_is_answered_as_the_contract_shows_it():
    async def test(gateway):
        answer = await gateway.call("POST", "/v1/orders", json=LIMIT | {"client_order_id": "my-1"})
        assert answer.status_code == 201, answer.text
        assert answer.headers["X-Log-Position"] == "main:1"
        order = answer.json()
        assert order["order_id"] == "6f726472-0001-8000-8000-000000000001"
        assert (order["quantity"], order["price"], order["protection_price"]) == ("0.5", "64250.1", None)
        assert (order["status"], order["time_in_force"], order["client_order_id"]) == ("PENDING", "GTC", "my-1")
        assert order["created_at"] == "2026-11-02T14:30:00.123456Z"
        (submitted,) = gateway.orders.submitted
        assert submitted.user_id == ADA
        assert submitted.correlation_id == answer.headers["X-Request-ID"]

    run(test)


@pytest.mark.parametrize("prefix", ["/v1", "/api/v1"])
def test_an_order_is_read_back_under_both_names_of_the_version(prefix):
    async def test(gateway):
        placed = await gateway.call("POST", f"{prefix}/orders", json=MARKET)
        order_id = placed.json()["order_id"]
        found = await gateway.call("GET", f"{prefix}/orders/{order_id}", headers=TRADER | {"X-Log-Position": "main:7"})
        assert found.status_code == 200
        assert found.json() == placed.json()
        assert (found.json()["symbol"], found.json()["time_in_force"]) == ("BTC-USD", "IOC")
        assert gateway.orders.asked[0].at_least.position == 7

    run(test)


# What a client sends beside a plain order, and what comes back beside it.
TERMS = [
    ("a stop", STOP, {"trigger_price": "60000"}),
    (
        "a touched order",
        STOP | {"type": "MARKET_IF_TOUCHED", "trigger_by": "BID_ASK"},
        {"trigger_price": "60000", "trigger_by": "BID_ASK"},
    ),
    (
        "a stop-limit",
        STOP | {"type": "STOP_LIMIT", "price": "59000", "trigger_by": "MARK"},
        {"trigger_price": "60000", "trigger_by": "MARK"},
    ),
    (
        "good till a moment",
        LIMIT | {"time_in_force": "GTD", "expire_at": "2030-01-01T00:00:00.1239+01:00"},
        {"expire_at": "2029-12-31T23:00:00.123000Z"},
    ),
    (
        "a budget",
        {name: MARKET[name] for name in ("symbol", "side", "type")} | {"budget": 1e-08},
        {"budget": "0.00000001"},
    ),
    ("an iceberg", LIMIT | {"display_quantity": "0.10"}, {"display_quantity": "0.1"}),
    ("hidden", LIMIT | {"hidden": True, "all_or_none": True}, {"hidden": True, "all_or_none": True}),
    (
        "a minimum",
        LIMIT | {"minimum_quantity": "0.2", "post_only": "SLIDE"},
        {"minimum_quantity": "0.2", "post_only": "SLIDE"},
    ),
    ("against oneself", LIMIT | {"self_trade_prevention": "CANCEL_BOTH"}, {"self_trade_prevention": "CANCEL_BOTH"}),
    ("what is false is not there", LIMIT | {"hidden": False, "all_or_none": False}, {}),
]


@pytest.mark.parametrize(("body", "terms"), [row[1:] for row in TERMS], ids=[row[0] for row in TERMS])
def test_what_an_order_has_beside_a_plain_one_comes_back_and_the_rest_is_left_out(body, terms):
    async def test(gateway):
        plain = (await gateway.call("POST", "/v1/orders", json=LIMIT)).json()
        answer = await gateway.call("POST", "/v1/orders", json=body)
        assert answer.status_code == 201, answer.text
        assert {name: value for name, value in answer.json().items() if name not in plain} == terms

    run(test)


# What a first request names, what the second does (body and key), and what the second gets.
RETRIES = [
    ("the same key and body", {}, "k", {}, "k", 201, None),
    ("another key", {}, "k", {}, "l", 201, "another order"),
    ("the same key and another body", {}, "k", {"quantity": "2"}, "k", 422, "idempotency_key_reused"),
    (
        "another client order id decides",
        {"client_order_id": "a"},
        "k",
        {"client_order_id": "b"},
        "k",
        201,
        "another order",
    ),
    ("the same client order id decides", {"client_order_id": "a"}, "k", {"client_order_id": "a"}, "l", 201, None),
]


@pytest.mark.parametrize(
    ("first", "first_key", "second", "second_key", "status", "told"),
    [r[1:] for r in RETRIES],
    ids=[r[0] for r in RETRIES],
)
def test_an_order_can_be_sent_again_under_its_idempotency_key(first, first_key, second, second_key, status, told):
    async def test(gateway):
        async def place(body, key):
            return await gateway.call(
                "POST", "/v1/orders", headers=TRADER | {"Idempotency-Key": key}, json=LIMIT | body
            )

        placed = (await place(first, first_key)).json()
        answer = await place(second, second_key)
        assert answer.status_code == status
        if status == 201:
            assert (answer.json()["order_id"] != placed["order_id"]) == (told is not None)
        else:
            assert answer.json()["code"] == told

    run(test)


def test_a_batch_that_is_sent_again_with_other_orders_says_which_name_was_reused():
    async def test(gateway):
        async def codes(quantity):
            orders = [LIMIT | {"quantity": quantity}, LIMIT | {"quantity": quantity, "client_order_id": "once"}]
            headers = TRADER | {"Idempotency-Key": "k"}
            answer = await gateway.call("POST", "/v1/orders/batch", headers=headers, json={"orders": orders})
            return [result.get("problem", {}).get("code") for result in answer.json()["results"]]

        assert await codes("1") == [None, None]
        assert await codes("2") == ["idempotency_key_reused", "client_order_id_reused"]

    run(test)


def test_the_same_client_order_id_gets_the_first_answer_and_another_body_is_refused():
    async def test(gateway):
        body = LIMIT | {"client_order_id": "once"}
        first = await gateway.call("POST", "/v1/orders", json=body)
        again = await gateway.call("POST", "/v1/orders", json=body | {"price": 64250.1})
        other = await gateway.call("POST", "/v1/orders", json=body | {"price": "64250.2"})
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert (other.status_code, other.json()["code"]) == (422, "client_order_id_reused")
        assert b'orders_api_created_total{service="api-gateway"} 1.0' in gateway.metrics.exposition()

    run(test)


def test_an_order_that_the_core_refused_is_422_with_the_recorded_order():
    async def test(gateway):
        gateway.orders.refuse = "unknown_instrument"
        answer = await gateway.call("POST", "/v1/orders", json=LIMIT)
        problem = answer.json()
        assert answer.status_code == 422
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert (problem["code"], problem["status"]) == ("unknown_instrument", 422)
        assert problem["order_id"] == "6f726472-0001-8000-8000-000000000001"

    run(test)


def test_an_order_for_an_unknown_instrument_is_422_although_nothing_was_recorded():
    async def test(gateway):
        answer = await gateway.call("POST", "/v1/orders", json=LIMIT | {"symbol": "NOPE"})
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_instrument")
        assert "order_id" not in answer.json()

    run(test)


# What is wrong, body, the field that is named (None: the whole body).
BAD_ORDERS = [
    ("malformed JSON", b'{"symbol": ', None),
    ("nothing", b"", None),
    ("a list", b"[]", "body"),
    ("not UTF-8", b'{"symbol": "\xff"}', None),
    ("nested without end", b'{"quantity":' + b"[" * 100_000, None),
    ("NaN", b'{"symbol":"BTC-USD","side":"BUY","type":"LIMIT","quantity":NaN,"price":"1"}', None),
    ("an unknown field", LIMIT | {"pirce": "1"}, "pirce"),
    ("a missing field", {"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "price": "1"}, "quantity"),
    ("a number as symbol", LIMIT | {"symbol": 1}, "symbol"),
    ("a symbol in small letters", LIMIT | {"symbol": "btc-usd"}, "symbol"),
    ("another side", LIMIT | {"side": "buy"}, "side"),
    ("another type", LIMIT | {"type": "TELEPATHY"}, "type"),
    ("a null side", LIMIT | {"side": None}, "side"),
    ("quantity zero", LIMIT | {"quantity": "0"}, "quantity"),
    ("quantity zero with decimals", LIMIT | {"quantity": "0.00"}, "quantity"),
    ("quantity zero as a number", LIMIT | {"quantity": 0}, "quantity"),
    ("a negative quantity", LIMIT | {"quantity": "-1"}, "quantity"),
    ("a negative number", LIMIT | {"quantity": -1.5}, "quantity"),
    ("an exponent in a text", LIMIT | {"quantity": "1e3"}, "quantity"),
    *(
        (
            f"the number {text}",
            b'{"symbol":"A","side":"BUY","type":"LIMIT","quantity":%b,"price":"1"}' % text.encode(),
            "quantity",
        )
        for text in (
            *("1e400", "1e-400", "1e999999999", "1e20", "1e-19", "1.5e-18", "0e0", "0.0e5", "-1e3"),
            "9" * 21 + "e-5",
        )
    ),
    ("the text NaN", LIMIT | {"quantity": "NaN"}, "quantity"),
    ("a plus sign", LIMIT | {"quantity": "+1"}, "quantity"),
    ("a space", LIMIT | {"quantity": " 1"}, "quantity"),
    ("other digits", LIMIT | {"quantity": "١"}, "quantity"),
    ("a leading zero", LIMIT | {"quantity": "01"}, "quantity"),
    ("too many decimals", LIMIT | {"price": "1.0000000000000000001"}, "price"),
    ("too many digits", LIMIT | {"price": "1" * 21}, "price"),
    ("a boolean price", LIMIT | {"price": True}, "price"),
    ("a null price", LIMIT | {"price": None}, "price"),
    ("an object as price", LIMIT | {"price": {}}, "price"),
    ("no price of a limit order", {k: v for k, v in LIMIT.items() if k != "price"}, "price"),
    ("a protection price of a limit order", LIMIT | {"protection_price": "1"}, "protection_price"),
    ("a price of a market order", MARKET | {"price": "1"}, "price"),
    ("a market order that rests", MARKET | {"time_in_force": "GTC"}, "time_in_force"),
    ("a stop without a trigger price", STOP | {"trigger_price": ABSENT}, "trigger_price"),
    ("a stop with a limit price", STOP | {"price": "1"}, "price"),
    ("a limit order that would wait", LIMIT | {"trigger_price": "1"}, "trigger_price"),
    ("a limit order with a trigger method", LIMIT | {"trigger_by": "LAST"}, "trigger_by"),
    ("another trigger method", STOP | {"trigger_by": "MOON"}, "trigger_by"),
    ("a market-to-limit order with a price", LIMIT | {"type": "MARKET_TO_LIMIT"}, "price"),
    ("a budget beside a quantity", MARKET | {"budget": "10"}, "quantity"),
    ("a budget of a limit order", LIMIT | {"budget": "10"}, "budget"),
    ("neither quantity nor budget", MARKET | {"quantity": ABSENT}, "quantity"),
    ("GTD without an end", LIMIT | {"time_in_force": "GTD"}, "expire_at"),
    ("an end of another time in force", LIMIT | {"expire_at": "2030-01-01T00:00:00Z"}, "expire_at"),
    ("an end without a zone", LIMIT | {"time_in_force": "GTD", "expire_at": "2030-01-01T00:00:00"}, "expire_at"),
    ("post-only at once", LIMIT | {"time_in_force": "IOC", "post_only": "REJECT"}, "post_only"),
    ("hidden at once", LIMIT | {"time_in_force": "FOK", "hidden": True}, "hidden"),
    ("a hidden iceberg", LIMIT | {"hidden": True, "display_quantity": "0.1"}, "display_quantity"),
    ("a minimum of all or none", LIMIT | {"all_or_none": True, "minimum_quantity": "0.1"}, "minimum_quantity"),
    ("hidden as a text", LIMIT | {"hidden": "true"}, "hidden"),
    ("another self-trade prevention", LIMIT | {"self_trade_prevention": "NONE"}, "self_trade_prevention"),
    ("a client order id with a space", LIMIT | {"client_order_id": "a b"}, "client_order_id"),
    ("a client order id of 65", LIMIT | {"client_order_id": "a" * 65}, "client_order_id"),
    ("an account that is no UUID", LIMIT | {"account_id": "mine"}, "account_id"),
]


@pytest.mark.parametrize(("body", "field"), [row[1:] for row in BAD_ORDERS], ids=[row[0] for row in BAD_ORDERS])
def test_a_bad_order_is_400_with_the_field_named_and_reaches_nobody(body, field):
    async def test(gateway):
        if isinstance(body, dict):
            given = {"json": {name: value for name, value in body.items() if value is not ABSENT}}
        else:
            given = {"content": body}
        answer = await gateway.call(
            "POST", "/v1/orders", headers=TRADER | {"Content-Type": "application/json"}, **given
        )
        problem = answer.json()
        assert answer.status_code == 400, answer.text
        assert problem["code"] == ("malformed_json" if field is None else "invalid_request")
        assert [error["field"] for error in problem.get("errors", [])] == ([field] if field else [])
        assert problem["request_id"] == answer.headers["X-Request-ID"]
        assert not gateway.orders.submitted

    run(test)


# JSON text of a number -> what the order service is told.
EXACT = [
    ('"0.1"', "0.1"),
    ("0.1", "0.1"),
    ("0.10", "0.1"),
    ("100", "100"),
    ("100.00", "100"),
    ('"12345678901234567890.123456789012345678"', "12345678901234567890.123456789012345678"),
    ("12345678901234567890.123456789012345678", "12345678901234567890.123456789012345678"),
    ("0.000000000000000001", "0.000000000000000001"),
    ('"\\u0031.5"', "1.5"),
    ("1e-08", "0.00000001"),
    ("1E3", "1000"),
    ("1.5e+2", "150"),
    ("1.50e1", "15"),
    ("1e-18", "0.000000000000000001"),
    ("1e19", "10000000000000000000"),
    ("12345678901234567890.000e0", "12345678901234567890"),
    ("1.2345678901234567e-2", "0.012345678901234567"),
]


@pytest.mark.parametrize(("given", "told"), EXACT)
def test_numbers_are_read_exactly_as_text_or_number(given, told):
    async def test(gateway):
        body = f'{{"symbol":"BTC-USD","side":"BUY","type":"LIMIT","quantity":{given},"price":"1"}}'
        answer = await gateway.call(
            "POST", "/v1/orders", headers=TRADER | {"Content-Type": "application/json"}, content=body
        )
        assert answer.status_code == 201, answer.text
        assert gateway.orders.submitted[0].requests[0].place.quantity == told
        assert answer.json()["quantity"] == told

    run(test)


def test_cancel_and_replace_answer_the_order_and_cancel_all_the_count():
    async def test(gateway):
        ids = [(await gateway.call("POST", "/v1/orders", json=LIMIT)).json()["order_id"] for _ in range(3)]
        replaced = await gateway.call("PATCH", f"/v1/orders/{ids[0]}", json={"quantity": "0.25"})
        assert (replaced.status_code, replaced.json()["quantity"]) == (200, "0.25")
        assert gateway.orders.asked[-1].at_least.position == 91
        canceled = await gateway.call("DELETE", f"/v1/orders/{ids[0]}")
        assert (canceled.status_code, canceled.json()["status"]) == (200, "CANCELED")
        again = await gateway.call("DELETE", f"/v1/orders/{ids[0]}")
        assert (again.status_code, again.json()["code"]) == (409, "order_closed")
        rest = await gateway.call("DELETE", "/v1/orders?symbol=BTC/USD")
        assert rest.json() == {"account_id": ACCOUNT, "symbol": "BTC-USD", "count": 2}

    run(test)


BAD_REPLACEMENTS = [
    ({}, "quantity"),
    ({"client_order_id": "x"}, "quantity"),
    ({"quantity": "0"}, "quantity"),
    ({"price": "-1"}, "price"),
    ({"side": "SELL"}, "side"),
]


@pytest.mark.parametrize(("body", "field"), BAD_REPLACEMENTS)
def test_a_bad_replacement_is_400_with_the_field_named(body, field):
    async def test(gateway):
        placed = await gateway.call("POST", "/v1/orders", json=LIMIT)
        answer = await gateway.call("PATCH", f"/v1/orders/{placed.json()['order_id']}", json=body)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == field

    run(test)


def test_anothers_order_is_not_found_whatever_is_asked_of_it():
    async def test(gateway):
        order_id = (await gateway.call("POST", "/v1/orders", json=LIMIT)).json()["order_id"]
        grace = bearer(sub=GRACE)
        for method, path, body in (
            ("GET", f"/v1/orders/{order_id}", None),
            ("GET", f"/v1/orders/{order_id}/history", None),
            ("DELETE", f"/v1/orders/{order_id}", None),
            ("PATCH", f"/v1/orders/{order_id}", {"quantity": "1"}),
        ):
            answer = await gateway.call(method, path, headers=grace, **({"json": body} if body else {}))
            assert (answer.status_code, answer.json()["code"]) == (404, "order_not_found")

    run(test)


def test_a_batch_has_one_result_an_order_and_a_malformed_one_refuses_it_whole():
    async def test(gateway):
        answer = await gateway.call("POST", "/v1/orders/batch", json={"orders": [LIMIT, MARKET]})
        assert [result["status"] for result in answer.json()["results"]] == [201, 201]
        assert answer.headers["X-Log-Position"] == "main:2"
        gateway.orders.refuse = "insufficient_funds"
        refused = await gateway.call("POST", "/v1/orders/batch", json={"orders": [LIMIT]})
        (result,) = refused.json()["results"]
        assert (refused.status_code, result["status"]) == (200, 422)
        assert result["problem"]["code"] == "insufficient_funds"
        bad = await gateway.call("POST", "/v1/orders/batch", json={"orders": [LIMIT, LIMIT | {"price": "0"}, {}]})
        assert bad.status_code == 400
        many = await gateway.call(
            "POST", "/v1/orders/batch", json={"orders": [LIMIT, LIMIT | {"price": "0"}, LIMIT | {"quantity": 0}]}
        )
        assert [error["field"] for error in many.json()["errors"]] == ["orders.1.price", "orders.2.quantity"]
        for count in (0, 101):
            answer = await gateway.call("POST", "/v1/orders/batch", json={"orders": [LIMIT] * count})
            assert answer.status_code == 400
        assert len(gateway.orders.submitted) == 2

    run(test)


def test_a_list_is_paged_and_its_parameters_are_checked():
    async def test(gateway):
        for _ in range(3):
            await gateway.call("POST", "/v1/orders", json=LIMIT)
        page = (await gateway.call("GET", "/v1/orders?limit=2&status=all&symbol=BTC/USD", headers=READER)).json()
        assert len(page["items"]) == 2
        assert page["next_cursor"] == page["items"][-1]["order_id"]
        asked = gateway.orders.asked[-1]
        assert (asked.symbol, asked.state, asked.limit) == ("BTC-USD", 0, 2)
        for query, field in (
            ("limit=0", "limit"),
            ("limit=501", "limit"),
            ("limit=x", "limit"),
            ("limit=1&limit=2", "limit"),
            ("status=new", "status"),
            ("symbol=btc", "symbol"),
            ("account_id=1", "account_id"),
            ("sybmol=A", "sybmol"),
        ):
            answer = await gateway.call("GET", f"/v1/orders?{query}")
            assert answer.status_code == 400, query
            assert answer.json()["errors"][0]["field"] == field

    run(test)


def test_the_history_of_an_order_is_its_events_page_by_page():
    async def test(gateway):
        order_id = (await gateway.call("POST", "/v1/orders", json=LIMIT)).json()["order_id"]
        for number in range(3):
            await gateway.engine.append(f"c{number}", order_id, "Order", "OrderCreated", b'{"quantity":"0.5"}')
        first = (await gateway.call("GET", f"/v1/orders/{order_id}/history?limit=2")).json()
        assert [event["event_version"] for event in first["items"]] == [1, 2]
        assert first["items"][0]["event_data"] == {"quantity": "0.5"}
        rest = (await gateway.call("GET", f"/v1/orders/{order_id}/history?cursor={first['next_cursor']}")).json()
        assert [event["event_version"] for event in rest["items"]] == [3]
        assert rest["next_cursor"] is None

    run(test)


def test_a_history_tells_whose_command_it_was_only_to_its_sender():
    async def test(gateway):
        order_id = (await gateway.call("POST", "/v1/orders", json=LIMIT)).json()["order_id"]
        for user_id in (ADA, GRACE, None):
            data = b'{"quantity":"0.5"}'
            await gateway.engine.append(f"of {user_id}", order_id, "Order", "OrderExecuted", data, user_id)
        nothing = {"user_id": None, "correlation_id": None, "causation_id": None, "command_id": None}
        own = nothing | {"user_id": ADA, "correlation_id": "test", "command_id": f"of {ADA}"}
        told = (await gateway.call("GET", f"/v1/orders/{order_id}/history")).json()["items"]
        assert [event["metadata"] for event in told] == [own, nothing, nothing]
        every = (await gateway.call("GET", f"/v1/admin/events?aggregate_id={order_id}", headers=ADMIN)).json()["items"]
        assert [event["metadata"]["user_id"] for event in every] == [ADA, GRACE, None]

    run(test)


FAULTS = [
    (TimeoutError(), 503, "unavailable"),
    (ValueError("a bug"), 500, "internal"),
]


@pytest.mark.parametrize(("fault", "status", "code"), FAULTS)
def test_a_service_that_fails_is_a_problem_too(fault, status, code):
    async def test(gateway):
        gateway.orders.fault = fault
        answer = await gateway.call("POST", "/v1/orders", json=LIMIT, headers=ADMIN)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert ("Retry-After" in answer.headers) == (status == 503)
        assert "a bug" not in answer.text

    run(test)
