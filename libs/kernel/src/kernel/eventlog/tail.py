"""The newest events of a log in memory, shared by everyone who follows it live."""

from collections.abc import Sequence

from kernel.event import Event

TAIL_EVENTS_MAX = 8_192


class Tail:
    """A contiguous run of events that ends at the head; the oldest are dropped (at most twice the limit is kept)."""

    def __init__(self, head: int, events_max: int = TAIL_EVENTS_MAX) -> None:
        self.head = head
        self._events: list[Event] = []
        self._events_max = events_max

    def extend(self, events: Sequence[Event]) -> None:
        self._events.extend(events)
        self.head += len(events)
        if len(self._events) > 2 * self._events_max:
            del self._events[: -self._events_max]

    def between(self, after: int, until: int) -> list[Event] | None:
        """The events from after+1 to `until`; None if some of them have been dropped."""
        start = len(self._events) - (self.head - after)
        return None if start < 0 else self._events[start : len(self._events) - (self.head - until)]
