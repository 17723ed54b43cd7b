"""Which resting orders were hit: what the file says, and what the venue filled, one aggressor at a time.

The exchange tells one aggressor's fills as several messages with one time and side, in no certain order: they are
compared as a whole, counted by message.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from trading_platform.lobster import day
from trading_platform.lobster.day import Message
from trading_platform.lobster.plan import order_name


@dataclass
class Sweep:
    """Executions of one aggressor, by order."""

    expected: Counter[str] = field(default_factory=Counter)
    filled: Counter[str] = field(default_factory=Counter)
    known: list[str] = field(default_factory=list)  # orders hit on known levels, one entry a message

    def as_expected(self) -> int:
        return sum(self.filled[name] == self.expected[name] for name in self.known)


class Sweeps:
    """All sweeps of a day; a message is named by its number."""

    def __init__(self, messages: list[Message]) -> None:
        self._messages = messages
        self._of_message: dict[int, Sweep] = {}

    def expect(self, number: int, is_known: bool) -> None:
        """Note what execution `number` says was hit; the sweep goes on while time and side are the same."""
        before, message = self._messages[number - 1], self._messages[number]
        same = before.kind == day.EXECUTION and (before.time_ns, before.side) == (message.time_ns, message.side)
        sweep = (self._of_message.get(number - 1) if same else None) or Sweep()
        self._of_message[number] = sweep
        name = order_name(message)
        sweep.expected[name] += message.size
        if is_known:
            sweep.known.append(name)

    def filled(self, number: int, fills: Mapping[str, int]) -> None:
        """The venue filled these quantities, by name, for execution `number`."""
        self._of_message[number].filled.update(fills)

    @property
    def executions(self) -> int:
        return len(self._of_message)

    def known_and_expected(self) -> tuple[int, int]:
        """Executions on known levels, and how many of them hit the order that the file names."""
        sweeps = {id(sweep): sweep for sweep in self._of_message.values()}.values()
        return sum(len(sweep.known) for sweep in sweeps), sum(sweep.as_expected() for sweep in sweeps)
