"""Events with no more of them than a fold needs, many in two pieces of memory: a cold start reads a million."""

from collections.abc import Collection, Sequence

import msgspec

from kernel.event import Event


class Facts(msgspec.Struct, frozen=True):
    """The events of some aggregate types at the positions first to last.

    heads: a line for each event in order: event type, event id, event version and bytes of data, with a space between.
    data: the data of all of them, one after another.
    """

    first: int
    last: int
    heads: bytes
    data: bytes


def facts_of(events: Sequence[Event], aggregate_types: Collection[str]) -> Facts:
    """The facts among `events`, which must not be empty."""
    told = [event for event in events if event.aggregate_type in aggregate_types]
    heads = [
        f"{event.event_type} {event.event_id} {event.event_version} {len(event.event_data)}".encode() for event in told
    ]
    data = [event.event_data for event in told]
    return Facts(events[0].position, events[-1].position, b"\n".join(heads), b"".join(data))
