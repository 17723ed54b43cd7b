"""A read model is shown at command ends only: the parts of a batch never end within a command."""

import msgspec
import pytest

from kernel.event import Event
from kernel.projection import parts_at_command_ends

EVENT = Event(
    log="main", position=1, event_id="e", aggregate_id="a", aggregate_type="A", event_type="T", event_version=1,
    schema_version=1, event_data=b"{}", account_id=None, instrument_id=None, user_id=None, correlation_id="c",
    causation_id=None, command_id=None, command_index=0, command_count=1, request_hash=None, traceparent=None,
    occurred_at_ns=0, recorded_at_ns=0, hash_version=1, hash=b"",
)  # fmt: skip


def batch(*counts):
    """Commands with so many events each."""
    return [
        msgspec.structs.replace(EVENT, command_index=index, command_count=count)
        for count in counts
        for index in range(count)
    ]


@pytest.mark.parametrize(
    ("sentence", "counts", "size", "parts"),
    [
        ("nothing has no parts", (), 3, []),
        ("commands of one event are cut at the size", (1, 1, 1, 1, 1), 2, [2, 2, 1]),
        ("a command that the size would cut goes whole into the part", (2, 3, 1), 3, [5, 1]),
        ("a command longer than the size is a part", (7, 1), 3, [7, 1]),
        ("a batch below the size is one part", (2, 2), 512, [4]),
    ],
)
def test_parts(sentence, counts, size, parts):
    events = batch(*counts)
    found = list(parts_at_command_ends(events, size))
    assert [len(part) for part in found] == parts
    assert [event for part in found for event in part] == events
    assert all(part[-1].ends_command for part in found)
