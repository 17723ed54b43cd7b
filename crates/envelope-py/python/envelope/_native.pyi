"""The native part: what every event of the log passes."""

from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")

def plain_size(
    commands: Iterable[Any], text_characters_max: int, data_bytes_max: int, command_events_max: int
) -> tuple[int, int] | None:
    """Events and bytes of a request (of `kernel.event.Append`) whose every field has its type and keeps its limit.

    None: something is not plainly so, and Python must look."""

def chain(
    commands: Iterable[Any],
    make_event: type[T],
    log: str,
    position: int,
    previous: bytes,
    recorded_at_ns: int,
    hash_version: int,
) -> list[T]:
    """The events of `commands` from `position` on, each with its hash (SHA-256) over the hash before it and its fields.

    make_event: called with the fields of `kernel.event.Event` in order. previous: 32 bytes.
    TypeError: a field is neither text, bytes, integer nor None. OverflowError: an integer is negative or above 64 bits.
    """
