"""Appends that build on one another before they are durable: every adapter accepts them in their turn only."""

import asyncio

import pytest

from kernel.eventlog.port import Conflict, OutOfTurn

from .makers import ADAPTERS, TYPES, opened, single


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_numbered_append_is_accepted_only_after_all_before_it(tmp_path, adapter):
    async def scenario():
        async with opened(adapter, tmp_path) as log:
            await numbered(log, await log.acquire("engine", TYPES))

    asyncio.run(scenario())


async def numbered(log, writer):
    with pytest.raises(OutOfTurn, match="role engine has done 0 appends in this epoch: the next is 1, got 2"):
        await log.append(single("b"), writer, 2)
    both = await asyncio.gather(log.append(single("a"), writer, 1), log.append(single("b"), writer, 2))
    assert [each.first for [each] in both] == [1, 2]
    with pytest.raises(Conflict):
        await log.append(single("wrong", "a", 5), writer, 3)
    with pytest.raises(OutOfTurn):
        await log.append(single("built on it"), writer, 4)
    # A request that is sent again gets its first outcome, whatever its turn was.
    [again] = await log.append(single("a"), writer, 1)
    assert (again.first, again.first_time) == (1, False)
    [sent_anew] = await log.append(single("b"), writer, 3)
    assert (sent_anew.first, sent_anew.first_time) == (2, False)
    await log.append(single("unnumbered"), writer)
    [third] = await log.append(single("c"), writer, 4)
    assert third.first == 4
    successor = await log.acquire("engine", TYPES)
    [fourth] = await log.append(single("d"), successor, 1)
    assert fourth.first == 5
