"""What a check found: where the data is not what the log says."""

from collections.abc import Callable
from typing import NamedTuple

DIFFERENCES_MAX = 20

Progress = Callable[[int, int], None]


class Difference(NamedTuple):
    """where: a position, an account, a table's row. what: what was expected there and what came."""

    where: str
    what: str


class Differences:
    """The first differences of a check, and how many there are in all."""

    def __init__(self) -> None:
        self.first: list[Difference] = []
        self.count = 0

    def add(self, where: str, what: str) -> None:
        self.count += 1
        if len(self.first) < DIFFERENCES_MAX:
            self.first.append(Difference(where, what))
