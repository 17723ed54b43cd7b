"""The process's standard streams: those that are closed are opened on nothing, and a reader that left ends the command.

A descriptor of 0 to 2 that is closed would be given to the next file or socket, and whoever prints would write there.
"""

import io
import os
import sys
from typing import Any

OUTPUT_LOST = 5
"""Exit code when what was to be said could not be written: the reader of a pipe left, or the disk is full."""


class OutputLost(SystemExit):
    """Not an error of the system to whoever prints: they have answers of their own to those, and other exit codes."""


class _Raw(io.FileIO):
    """Raises OutputLost where a write fails, once; what comes after goes nowhere."""

    is_lost = False

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            type(self).is_lost = True
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            raise OutputLost(OUTPUT_LOST) from None


def take_over() -> None:
    """Before anything is opened or printed."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free: this one
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout, sys.stderr = _stream(1, sys.stdout), _stream(2, sys.stderr)


def is_lost() -> bool:
    """Whether something could not be written, on whatever thread."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OutputLost:
        pass
    return _Raw.is_lost


def _stream(descriptor: int, before: io.TextIOBase | Any) -> io.TextIOWrapper:
    raw = _Raw(descriptor, "w", closefd=False)
    encoding, errors = getattr(before, "encoding", "utf-8"), getattr(before, "errors", "backslashreplace")
    by_line = descriptor == 2 or raw.isatty()
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, line_buffering=by_line, write_through=by_line)
