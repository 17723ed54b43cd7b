"""What a refusal says to whoever asked over REST: the field, what came and what may be, and nothing of the inside."""

import re

import pytest
import uvloop

from .embedded import embedded
from .scenario import limit

NOWHERE = "61636374-0001-8000-8000-00000000ffff"
TERMS = {
    "symbol": "NEW",
    "base": "AAPL",
    "quote": "USD",
    "price_unit": "0.01",
    "lot_unit": "1",
    "max_price": "1000",
    "max_quantity": "1000",
}
# A path of a message's fields, as gRPC tells it, or the code of a rule.
INSIDE = re.compile(r"\b(command|order|requests|place|list_instrument|deposit|withdraw|change_\w+)\.\w|\^\(|buf\.")

FIELDS = [
    ("POST", "/admin/instruments", TERMS | {"protection": "1.5"}, "protection",
     "must be a fraction of at most 1 with at most 6 decimals; 1.5 was given"),
    ("POST", "/admin/instruments", TERMS | {"protection": "0.0000001"}, "protection",
     "must be a fraction of at most 1 with at most 6 decimals; 0.0000001 was given"),
    ("POST", "/admin/instruments", TERMS | {"calendar": "MOON"}, "calendar",
     "must be one of 24x7, XNAS, XNYS, ALWAYS, manual; MOON was given"),
]  # fmt: skip
REFUSALS = [
    ("POST", "/admin/instruments", TERMS | {"lot_unit": "0.5"}, "notional_not_whole",
     "Prices and quantities must be exact in ledger units: lot_unit is 0.5 AAPL, no whole multiple of 1."),
    ("POST", "/admin/instruments", TERMS | {"base": "USD"}, "invalid_terms",
     "The terms are outside the venue's limits: base and quote must differ, both are USD."),
    ("POST", "/admin/instruments", TERMS | {"symbol": "AAPL"}, "duplicate_listing", "AAPL is listed already."),
    ("POST", "/admin/accounts/BUYER/withdrawals", {"asset": "USD", "amount": "1000.5"}, "insufficient_funds",
     "The withdrawal needs 1000.5 USD; 991 USD is available now."),
    ("POST", "/admin/accounts/BUYER/withdrawals", {"asset": "AAPL", "amount": "1"}, "insufficient_funds",
     "The withdrawal needs 1 AAPL; 0 AAPL is available now."),
    ("POST", "/admin/accounts/BUYER/deposits", {"asset": "USD", "amount": "1" * 20}, None, ""),
    ("POST", f"/admin/accounts/{NOWHERE}/deposits", {"asset": "USD", "amount": "1"}, "unknown_account", ""),
    ("GET", f"/accounts/{NOWHERE}", None, "unknown_account", ""),
    ("PUT", f"/admin/accounts/{NOWHERE}/limits",
     {"max_order_notional": "1", "max_order_quantity": None, "max_open_orders": None}, "unknown_account", ""),
    ("PUT", f"/admin/accounts/{NOWHERE}/state", {"state": "SUSPENDED", "reason": "r"}, "unknown_account", ""),
    ("GET", f"/admin/accounts/{NOWHERE}/orders", None, "unknown_account", ""),
]  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The answers to all that is asked, by what asked it: one venue for them all."""

    async def ask() -> list[tuple[int, dict]]:
        async with embedded(tmp_path_factory.mktemp("venue") / "data") as venue:
            admin, buyer = venue.people["admin"], venue.people["buyer"]
            await buyer.ask("POST", "/orders", limit("BUY", "1", "9", "rests"))
            return [
                await admin.ask(method, path.replace("BUYER", buyer.account_id), body)
                for method, path, body, _, _ in [*FIELDS, *REFUSALS]
            ]

    return uvloop.run(ask())


@pytest.mark.parametrize("row", range(len(FIELDS)))
def test_a_wrong_field_is_named_with_what_it_may_be(told, row):
    status, problem = told[row]
    *_, field, message = FIELDS[row]
    assert (status, problem["errors"]) == (400, [{"field": field, "message": message}])


@pytest.mark.parametrize("row", range(len(REFUSALS)))
def test_a_refusal_tells_its_numbers_and_has_one_code_for_one_thing(told, row):
    status, problem = told[len(FIELDS) + row]
    *_, code, message = REFUSALS[row]
    if code is None:
        assert status == 201, problem
        return
    assert problem["code"] == code
    assert message in problem["message"]


def test_nothing_of_the_inside_is_told(told):
    for _, problem in told:
        assert not INSIDE.search(problem.get("message", "")), problem
