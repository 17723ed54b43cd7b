"""Given / when / then for deciders: past events, a command, and what follows."""

from collections.abc import Sequence
from typing import Any

from kernel.decider import Decider, fold
from kernel.refused import Refused


class Given:
    """`Given(decider, *past).when(command).then([events])`, or `.then("refusal_code")`."""

    def __init__(self, decider: Decider, *past: Any) -> None:
        self._decider = decider
        self._past = past

    def when(self, command: Any) -> "Outcome":
        state = fold(self._decider, self._past)
        try:
            return Outcome(list(self._decider.decide(state, command)), None)
        except Refused as refused:
            return Outcome([], refused.code)


class Outcome:
    def __init__(self, events: list[Any], refused: str | None) -> None:
        self.events = events
        self.refused = refused

    def then(self, follows: Sequence[Any] | str) -> None:
        if isinstance(follows, str):
            assert self.refused == follows, f"expected the refusal {follows}, got {self.refused or self.events}"
        else:
            assert self.refused is None, f"expected {list(follows)}, got the refusal {self.refused}"
            assert self.events == list(follows)
