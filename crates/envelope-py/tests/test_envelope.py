"""The native envelope against its definition in `kernel.event`."""

import hashlib
import random

import msgspec
import pytest

from envelope.events import chain, plain_size
from kernel.event import (
    COMMAND_EVENTS_MAX,
    EVENT_DATA_BYTES_MAX,
    GENESIS_HASH,
    HASH_VERSION,
    INTEGER_MAX,
    TEXT_CHARACTERS_MAX,
    Append,
    Event,
    NewEvent,
    chain_hash,
)
from kernel.eventlog.admission import checked_size
from kernel.eventlog.port import Malformed

LIMITS = (TEXT_CHARACTERS_MAX, EVENT_DATA_BYTES_MAX, COMMAND_EVENTS_MAX)
TEXTS = ["a", "a" * 31, "b" * 32, "c" * 255, "d" * 256, "ä" * 128, "\U0001f600" * 8, "nul\0nul"]
NUMBERS = [1, 127, 128, 255, 256, 65_535, 65_536, (1 << 32) - 1, 1 << 32, INTEGER_MAX]
DATA = [b"{}", b"x" * 31, b"x" * 255, b"x" * 256, b"x" * 65_535, b"x" * 65_536]


def new_event(**changes):
    fields = {
        "event_id": "e",
        "aggregate_id": "a",
        "aggregate_type": "Order",
        "event_type": "OrderCreated",
        "event_version": 1,
        "event_data": b"{}",
        "occurred_at_ns": 0,
    }
    return NewEvent(**fields | changes)


def random_command(source):
    def maybe(texts):
        return source.choice([None, *texts])

    events = tuple(
        new_event(
            event_id=source.choice(TEXTS),
            aggregate_id=source.choice(TEXTS),
            event_version=source.choice(NUMBERS),
            schema_version=source.choice(NUMBERS),
            event_data=source.choice(DATA),
            occurred_at_ns=source.choice([0, *NUMBERS]),
            account_id=maybe(TEXTS),
            instrument_id=maybe(TEXTS),
            user_id=maybe(TEXTS),
        )
        for _ in range(source.randint(1, 4))
    )
    return Append(events, source.choice(TEXTS), maybe(TEXTS), maybe(TEXTS), maybe(TEXTS), maybe(TEXTS))


def test_every_hash_is_that_of_the_definition():
    source = random.Random(1)
    commands = [random_command(source) for _ in range(300)]
    position, previous = (1 << 32) - 100, hashlib.sha256(b"before").digest()
    events = chain(commands, Event, "main", position, previous, 1_700_000_000_000_000_000, HASH_VERSION)
    given = [(command, index, new) for command in commands for index, new in enumerate(command.events)]
    for number, (event, (command, index, new)) in enumerate(zip(events, given, strict=True)):
        assert (event.log, event.position, event.recorded_at_ns) == (
            "main",
            position + number,
            1_700_000_000_000_000_000,
        )
        assert (event.command_index, event.command_count) == (index, len(command.events))
        for field in NewEvent.__struct_fields__:
            assert getattr(event, field) == getattr(new, field), field
        for field in ("correlation_id", "command_id", "request_hash", "causation_id", "traceparent"):
            assert getattr(event, field) == getattr(command, field), field
        assert event.hash == chain_hash(previous, event)
        previous = event.hash


def test_what_is_no_field_is_not_chained():
    for wrong in (1.5, ["text"], -1, 1 << 64):
        command = Append((new_event(occurred_at_ns=wrong),), "c")
        with pytest.raises((TypeError, OverflowError)):
            chain([command], Event, "main", 1, GENESIS_HASH, 0, HASH_VERSION)


def test_a_plain_request_is_measured():
    source = random.Random(2)
    commands = [random_command(source) for _ in range(50)]
    events, size_bytes = plain_size(commands, *LIMITS)
    assert events == sum(len(command.events) for command in commands)
    assert size_bytes > sum(len(event.event_data) for command in commands for event in command.events)


@pytest.mark.parametrize(
    "command",
    [
        Append((), "c"),
        Append((new_event(),), ""),
        Append((new_event(),), "c", command_id=1),
        Append((new_event(event_id="a" * (TEXT_CHARACTERS_MAX + 1)),), "c"),
        Append((new_event(aggregate_id="\ud800"),), "c"),
        Append((new_event(event_version=0),), "c"),
        Append((new_event(event_version=True),), "c"),
        Append((new_event(schema_version=INTEGER_MAX + 1),), "c"),
        Append((new_event(occurred_at_ns=-1),), "c"),
        Append((new_event(event_data=b"{"),), "c"),
        Append((new_event(event_data="{}"),), "c"),
        Append((new_event(event_data=b"x" * (EVENT_DATA_BYTES_MAX + 1)),), "c"),
        Append((new_event(user_id=""),), "c"),
        Append((new_event(),) * (COMMAND_EVENTS_MAX + 1), "c"),
        "no command",
    ],
    ids=lambda command: msgspec.json.encode(str(command)[:60]).decode()[:60],
)
def test_what_is_not_plain_is_left_to_python_which_refuses_it(command):
    assert plain_size([command], *LIMITS) is None
    with pytest.raises(Malformed):
        checked_size([command])


def test_characters_count_and_not_bytes():
    command = Append((new_event(user_id="ä" * TEXT_CHARACTERS_MAX),), "c")
    assert plain_size([command], *LIMITS) is None  # 512 bytes: Python counts its characters
    assert checked_size([command])[0] == 1
