"""Blocking work on the threads of the real runtime."""

import asyncio
import threading
import time

import pytest

from kernel.runtime import SystemRuntime


@pytest.fixture
def runtime():
    made = SystemRuntime()
    yield made
    made.close()


def test_a_lane_does_its_calls_in_order_beside_the_loop(runtime):
    done = []

    def work(number):
        time.sleep(0.02 if number == 0 else 0)
        done.append((number, threading.current_thread().name))
        return number * 2

    async def scenario():
        return await asyncio.gather(*(runtime.in_thread("lane", work, number) for number in range(5)))

    assert asyncio.run(scenario()) == [0, 2, 4, 6, 8]
    assert done == [(number, "lane") for number in range(5)]


def test_what_a_call_raises_is_raised_where_it_is_awaited_and_the_lane_goes_on(runtime):
    def fail():
        raise KeyError("lost")

    async def scenario():
        with pytest.raises(KeyError, match="lost"):
            await runtime.in_thread("lane", fail)
        return await runtime.in_thread("lane", str, 7)

    assert asyncio.run(scenario()) == "7"


def test_a_call_that_has_not_begun_is_taken_back_with_its_caller_and_one_that_has_is_not(runtime):
    done, release = [], threading.Event()

    def work(name):
        release.wait(5)
        done.append(name)

    async def scenario():
        calls = [asyncio.ensure_future(runtime.in_thread("lane", work, name)) for name in ("begun", "waiting", "kept")]
        await asyncio.sleep(0.05)
        calls[0].cancel()
        calls[1].cancel()
        release.set()
        await asyncio.wait(calls)

    asyncio.run(scenario())
    assert done == ["begun", "kept"]


def test_closing_waits_for_what_was_begun_even_if_its_loop_has_ended(runtime):
    done = []

    async def scenario():
        calling = asyncio.ensure_future(runtime.in_thread("lane", lambda: (time.sleep(0.1), done.append("kept"))))
        await asyncio.wait([calling], timeout=0.02)

    asyncio.run(scenario())
    runtime.close()
    assert done == ["kept"]
