"""Numbers: one textual form, whole units or a refusal, and divisions that say how they round."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.money import NotExact, Rounding, average_price, canonical, decimal, divide, ledger_unit, parse, units


@pytest.mark.parametrize(
    ("text", "form"),
    [("580.10", "580.1"), ("0100", "100"), ("0.0", "0"), ("-0", "0"), ("-12.50", "-12.5"), ("0.00001", "0.00001")],
)
def test_a_number_has_one_form(text, form):
    assert canonical(parse(text)) == form


@pytest.mark.parametrize("text", ["", "1e3", "+1", " 1", "1 ", "1.", ".5", "NaN", "Infinity", "1,0", "٣", "0x1", "1_0"])
def test_what_is_no_plain_decimal_is_refused(text):
    with pytest.raises(NotExact, match="expected a plain decimal"):
        parse(text)


@pytest.mark.parametrize("text", ["9" * 40, "0." + "1" * 19])
def test_a_number_beyond_the_ledger_is_refused(text):
    with pytest.raises(NotExact):
        parse(text)


@given(st.integers(-(10**38), 10**38), st.integers(0, 18))
def test_counting_and_saying_are_inverse(count, scale):
    unit = ledger_unit(scale)
    assert units(decimal(count, unit), unit) == count


@given(st.integers(-(10**30), 10**30), st.integers(0, 18))
def test_a_form_reads_back_as_the_same_number(count, scale):
    value = decimal(count, ledger_unit(scale))
    assert parse(canonical(value)) == value


def test_a_fraction_of_a_unit_is_refused():
    with pytest.raises(NotExact, match=r"20\.001 is not a whole multiple of 0\.01"):
        units(Decimal("20.001"), Decimal("0.01"))


@pytest.mark.parametrize(
    ("rounding", "result"), [(Rounding.DOWN, "0.12"), (Rounding.UP, "0.13"), (Rounding.HALF_EVEN, "0.12")]
)
def test_a_division_rounds_as_it_says(rounding, result):
    assert divide(Decimal("0.25"), Decimal(2), 2, rounding) == Decimal(result)


@pytest.mark.parametrize(
    ("notional", "quantity", "average"),
    [
        ("0", "0", ""),
        ("1894", "10", "189.4"),
        ("2", "3", "0.6666666667"),
        ("0.00000000005", "1", "0"),
        ("1", "8", "0.125"),
    ],
)
def test_an_average_price_has_ten_decimals_half_to_even(notional, quantity, average):
    assert average_price(notional, quantity) == average
