"""Counts attempts by key in a window of time; in memory and bounded, so an attacker cannot make it grow.

An attempt counts as a failure from its start, so that many attempts at once are not free; a success takes it back.
"""

from collections import OrderedDict
from dataclasses import dataclass

from kernel.refused import Kind, Refused

KEYS_MAX = 100_000


@dataclass(slots=True)
class _Window:
    ends_at_ns: int
    failures: int


class Throttle:
    """At most `failures_max` failures of a key within `window_ns` of its first."""

    def __init__(self, failures_max: int, window_ns: int) -> None:
        self._failures_max = failures_max
        self._window_ns = window_ns
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def begin(self, key: str, now_ns: int) -> None:
        """Count an attempt; raise Refused (and do not count it) if the key has to wait."""
        window = self._windows.get(key)
        if window is None or window.ends_at_ns <= now_ns:
            window = self._windows[key] = _Window(now_ns + self._window_ns, 0)
        if window.failures >= self._failures_max:
            seconds = (window.ends_at_ns - now_ns) // 1_000_000_000 + 1
            told = f"too many attempts; try again in {-(-seconds // 60)} minutes"
            raise Refused("too_many_attempts", told, Kind.RATE_LIMITED, retry_after_s=seconds)
        window.failures += 1
        self._windows.move_to_end(key)
        while len(self._windows) > KEYS_MAX:
            self._windows.popitem(last=False)

    def take_back(self, key: str) -> None:
        """The attempt did not fail."""
        window = self._windows.get(key)
        if window is not None and window.failures:
            window.failures -= 1

    def forget(self, key: str) -> None:
        self._windows.pop(key, None)
