"""Failures are counted by key, from the start of an attempt, in a bounded memory."""

import pytest

from kernel.refused import Refused
from user_service import throttle
from user_service.throttle import Throttle

SECOND = 1_000_000_000


def test_after_its_failures_a_key_waits_for_the_end_of_the_window():
    counted = Throttle(3, 60 * SECOND)
    for at in range(3):
        counted.begin("ada", at * SECOND)
    with pytest.raises(Refused) as refused:
        counted.begin("ada", 10 * SECOND)
    assert refused.value.code == "too_many_attempts" and refused.value.retry_after_s == 51
    counted.begin("eve", 10 * SECOND)
    counted.begin("ada", 60 * SECOND)


def test_a_success_is_taken_back():
    counted = Throttle(1, 60 * SECOND)
    for at in range(5):
        counted.begin("ada", at)
        counted.take_back("ada")
    counted.begin("ada", 6)
    counted.forget("ada")
    counted.begin("ada", 7)


def test_the_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(throttle, "KEYS_MAX", 10)
    counted = Throttle(1, 60 * SECOND)
    for number in range(100):
        counted.begin(str(number), 0)
    assert len(counted._windows) == 10
