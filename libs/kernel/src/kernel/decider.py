"""The shape of an aggregate: `initial`, `decide(state, command) -> events`, `evolve(state, event) -> state`.

A domain module that has these three names is a Decider; nothing registers or inherits.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

State = TypeVar("State")


class Decider(Protocol):
    initial: Any

    # Methods with self, as PEP 544 has it for modules: their functions match without it.
    def decide(self, state: Any, command: Any, /) -> Sequence[Any]:
        """The events that `command` causes; raises Refused with the first reason."""

    def evolve(self, state: Any, event: Any, /) -> Any: ...


def fold(decider: Decider, events: Iterable[Any]) -> Any:
    """The state after `events`."""
    state = decider.initial
    for event in events:
        state = decider.evolve(state, event)
    return state
