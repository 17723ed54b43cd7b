"""Ids: the bijection of core ids, time order of UUIDv7, and derived ids that cannot be confused."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.event import Position
from kernel.ids import KIND_ACCOUNT, KIND_ORDER, core_cursor, core_id_number, core_id_text, derived_id, uuid7_text
from kernel.refused import Refused
from kernel.runtime import SystemRuntime


@given(st.integers(0, (1 << 64) - 1))
def test_a_core_id_and_its_uuid_are_one_to_one(number):
    text = core_id_text(KIND_ORDER, number)
    assert core_id_number(KIND_ORDER, text) == number
    assert uuid.UUID(text).version == 8


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", core_id_text(KIND_ACCOUNT, 1), core_id_text(KIND_ORDER, 1).upper(), str(uuid.UUID(int=1))],
)
def test_what_is_no_order_id_is_no_order(text):
    assert core_id_number(KIND_ORDER, text) is None


def test_a_uuid7_carries_its_time_and_sorts_by_it():
    runtime = SystemRuntime()
    made = [runtime.uuid7() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert {uuid.UUID(text).version for text in made} == {7}
    assert uuid.UUID(uuid7_text(123_456, bytes(10))).int >> 80 == 123_456
    assert uuid7_text(1, b"\xff" * 10) < uuid7_text(2, bytes(10))


def test_parts_of_a_derived_id_do_not_run_together():
    assert derived_id("a", "bc") != derived_id("ab", "c")
    assert derived_id("a", "bc") == derived_id("a", "bc")


@pytest.mark.parametrize("text", ["main", "main:", ":1", "main:-1", "main:x", "main:1.5", "main:9999999999999999999"])
def test_what_is_no_position_is_refused(text):
    with pytest.raises(ValueError, match="expected <log>:<position>"):
        Position.parse(text)


def test_a_position_reads_as_it_is_written():
    assert Position.parse(str(Position("main", 42))) == Position("main", 42)


@pytest.mark.parametrize(
    "text", ["x", "-1", "\0", "1", core_id_text(KIND_ACCOUNT, 7), core_id_text(KIND_ORDER, 7)[:-1]]
)
def test_a_cursor_is_an_id_of_its_list(text):
    assert core_cursor(KIND_ORDER, core_id_text(KIND_ORDER, 7))
    assert core_cursor(KIND_ORDER, "") == ""
    with pytest.raises(Refused) as refused:
        core_cursor(KIND_ORDER, text)
    assert refused.value.code == "invalid_cursor"
