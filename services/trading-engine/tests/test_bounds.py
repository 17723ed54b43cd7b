"""A refusal of the venue's own commands says which term it is about, what came, and what may be."""

import asyncio
import re
from pathlib import Path

import pytest

from trading.v1 import engine_pb2
from trading_engine import bounds
from trading_engine.refusals import MEANINGS

from .venue import ALICE, OPENING, command, limit, sequencing

CORE = Path(__file__).resolve().parents[3] / "crates" / "matching" / "src"
TERMS = {
    "symbol": "NEW",
    "base": "AAPL",
    "quote": "USD",
    "price_unit": "0.01",
    "lot_unit": "1",
    "max_price": "100000",
    "max_quantity": "100000",
    "protection": "0.05",
    "calendar": "24x7",
}


def listed(**changed: str) -> dict[str, engine_pb2.ListInstrument]:
    return {"list_instrument": engine_pb2.ListInstrument(**(TERMS | changed))}


def paid(amount: str) -> dict[str, engine_pb2.Deposit]:
    return {"deposit": engine_pb2.Deposit(account_id=ALICE, asset="USD", amount=amount)}


OUTSIDE = "The terms are outside the venue's limits: "
INEXACT = "Prices and quantities must be exact in ledger units: "
UNITS_MAX = "132922799578491587290380706.0280344576"  # 2^120 of 10^-10
REFUSALS = [
    (listed(protection="1.5"), "invalid_terms", OUTSIDE + "protection is a fraction of at most 1, got 1.5."),
    (listed(base="USD"), "invalid_terms", OUTSIDE + "base and quote must differ, both are USD."),
    (listed(base="USD", protection="2"), "invalid_terms", OUTSIDE
     + "protection is a fraction of at most 1, got 2; base and quote must differ, both are USD."),
    (listed(max_price="11111111111111"), "invalid_terms",
     "The max_price may be at most 10995116277.75 (1099511627775 times 0.01), got 11111111111111."),
    (listed(max_quantity="1099511627776"), "invalid_terms",
     "The max_quantity may be at most 1099511627775 (1099511627775 times 1), got 1099511627776."),
    (listed(price_unit="12345678901234567890.123456789012345678"), "invalid_terms",
     "The price_unit must be above 0 and at most 1000000000000 of its last decimal place, "
     "got 12345678901234567890.123456789012345678."),
    (listed(price_unit="0.00000000001", max_price="1"), "notional_not_whole", INEXACT
     + "price_unit times lot_unit is 0.00000000001 USD, no whole multiple of 0.0000000001."),
    (listed(lot_unit="0.5"), "notional_not_whole", INEXACT + "lot_unit is 0.5 AAPL, no whole multiple of 1."),
    (listed(price_unit="1"), "notional_not_whole", INEXACT
     + "price_unit times lot_unit is 1 USD, above 0.4294967296."),
    (listed(symbol="AAPL"), "duplicate_listing", "AAPL is listed already."),
    (paid("1" * 28), "amount_too_large", f"The amount is {'1' * 28} USD; the venue counts at most {UNITS_MAX} USD "
     "in all accounts together."),
]  # fmt: skip


@pytest.mark.parametrize(("body", "code", "message"), REFUSALS)
def test_a_refusal_names_the_term_and_its_bound_now_and_on_a_retry(body, code, message):
    async def scenario() -> None:
        async with sequencing() as sequencer:
            await sequencer.execute(OPENING)
            for _ in range(2):
                (result,) = await sequencer.execute([command("asked", **body)])
                assert (result.refused, result.message) == (code, message)

    asyncio.run(scenario())


def test_the_bounds_are_the_core_s():
    text = (CORE / "limit.rs").read_text()
    found = dict(re.findall(r"pub const (\w+): \w+ = ([^;]+);", text))
    for name in ("AMOUNT_MAX", "PRICE_MAX", "QUANTITY_MAX", "NOTIONAL_UNIT_MAX", "LOT_LEDGER_MAX"):
        base, shift, less = re.fullmatch(r"\(?(\d+) << (\d+)\)?( - 1)?", found[name]).groups()
        assert getattr(bounds, name) == (int(base) << int(shift)) - bool(less)
    for body, counted in (("list_asset", "ASSETS"), ("list_instrument", "INSTRUMENTS"), ("open_account", "ACCOUNTS")):
        assert found[f"{counted}_MAX"].replace("_", "") in bounds.CAPACITY[body]
    assert found["ORDERS_PER_INSTRUMENT_MAX"].replace("_", "") in MEANINGS["instrument_orders_limit"].message
    assert f"mantissa <= {bounds.UNIT_MAX:_}" in (CORE / "catalog.rs").read_text()


def test_every_refusal_of_the_core_has_a_sentence():
    vocabulary = (CORE / "vocabulary.rs").read_text()
    reasons = re.findall(r'= (\d+), "([a-z_]+)"', vocabulary[vocabulary.index("    Reason {") :])
    assert {code for number, code in reasons if int(number) < 32} <= MEANINGS.keys()


def test_a_number_beyond_the_core_is_told_with_the_most_that_it_counts():
    async def scenario() -> None:
        async with sequencing() as sequencer:
            await sequencer.execute(OPENING)
            most = "92233720368547758.07"
            (result,) = await sequencer.execute([limit("huge", ALICE, "BUY", "1", "9" * 20)])
            told = f"The price must be above 0 and at most {most}, got {'9' * 20}."
            assert (result.refused, result.message) == ("invalid_price", told)

    asyncio.run(scenario())
