"""Random requests, many in flight at once, against a log so simple that it can be read at a glance.

Requests are looked at in the order in which they came, so a shared commit must tell each caller exactly what an
oracle tells that takes them one after the other.
"""

import asyncio
import random

import pytest

from kernel.eventlog.admission import Recent
from kernel.eventlog.port import CommandReused, Conflict, Fenced, LogError

from .makers import LOCAL_ADAPTERS, TYPES, command, event, opened

ROUNDS = 120


class Oracle:
    """The rules of `append` in the obvious way."""

    def __init__(self):
        self.events = []
        self.commands = {}

    def append(self, commands):
        known = [each for each in commands if each.command_id in self.commands]
        for each in known:
            if self.commands[each.command_id][2] != each.request_hash:
                return CommandReused
        if known:
            if len(known) < len(commands):
                return Conflict
            return [(*self.commands[each.command_id][:2], False) for each in commands]
        after = list(self.events)
        told = []
        for each in commands:
            for new in each.events:
                if new.event_version != 1 + sum(new.aggregate_id == aggregate for aggregate, _ in after):
                    return Conflict
                if new.aggregate_type not in TYPES:
                    return Fenced
                after.append((new.aggregate_id, new.event_id))
            told.append((len(after) - len(each.events) + 1, len(after), True))
        self.events = after
        for each, (first, last, _) in zip(commands, told, strict=True):
            if each.command_id is not None:
                self.commands[each.command_id] = (first, last, each.request_hash)
        return told


def random_request(chance, oracle, sent):
    """Mostly right, often wrong, sometimes an old request again, whole or in part."""
    if sent and chance.random() < 0.15:
        old = chance.choice(sent)
        return old if chance.random() < 0.7 else old[: chance.randint(1, len(old))]
    request = []
    versions = {}
    for _ in range(chance.randint(1, 3)):
        events = []
        for _ in range(chance.randint(1, 3)):
            aggregate = f"order-{chance.randint(1, 12)}"
            known = sum(aggregate == each for each, _ in oracle.events)
            versions[aggregate] = versions.get(aggregate, known) + 1
            wrong = chance.choice((-1, 1, 2)) if chance.random() < 0.05 else 0
            kind = "User" if chance.random() < 0.02 else "Order"
            events.append(event(aggregate, max(1, versions[aggregate] + wrong), kind))
        key = None if chance.random() < 0.1 else f"command-{chance.randint(1, 400)}"
        request.append(command(key, *events, body=chance.choice(("body", "body", "body", "other"))))
    keys = [each.command_id for each in request if each.command_id is not None]
    return request if len(set(keys)) == len(keys) else request[:1]


async def told(log, request, writer):
    try:
        return [(each.first, each.last, each.first_time) for each in await log.append(request, writer)]
    except LogError as error:
        return type(error)


@pytest.mark.parametrize("remembered", [65_536, 4], ids=["all remembered", "nearly all forgotten"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("adapter", LOCAL_ADAPTERS)
def test_many_at_once_are_told_what_one_after_the_other_would_be(tmp_path, adapter, seed, remembered):
    async def scenario():
        chance = random.Random(seed)
        oracle, sent = Oracle(), []
        async with opened(adapter, tmp_path) as log:
            log._known.versions, log._known.commands = Recent(remembered), Recent(remembered)
            writer = await log.acquire("engine", TYPES)
            for _ in range(ROUNDS):
                # Made before any is sent, so that those in flight at once contradict each other.
                requests = [random_request(chance, oracle, sent) for _ in range(chance.randint(1, 12))]
                expected = [oracle.append(request) for request in requests]
                answers = []
                for request in requests:
                    answers.append(asyncio.ensure_future(told(log, request, writer)))
                    for _ in range(chance.choice((0, 0, 1, 30))):  # some come while a commit is in flight
                        await asyncio.sleep(0)
                assert await asyncio.gather(*answers) == expected
                sent += requests
            stored = await log.read(0)
            assert [(each.aggregate_id, each.event_id) for each in stored] == oracle.events
            assert len(stored) > 200

    asyncio.run(scenario())
