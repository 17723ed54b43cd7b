"""SIGTERM for commands that work in a folder of their own: what runs is cancelled, cleans up, and then ends."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

TERMINATED = 128 + signal.SIGTERM  # the exit code of whoever is ended by it


class Terminated(Exception):
    """The process was asked to end, and what ran has cleaned up."""


@contextmanager
def cleaning_up() -> Iterator[None]:
    """Cancel the running task at SIGTERM, which then leaves the block as Terminated."""
    task = asyncio.current_task()
    assert task is not None, "it stands inside a task"
    loop = asyncio.get_running_loop()
    asked = False

    def cancel() -> None:
        nonlocal asked
        if not asked:  # asked again, it goes on cleaning up
            asked = True
            task.cancel()

    loop.add_signal_handler(signal.SIGTERM, cancel)
    try:
        yield
    except asyncio.CancelledError:
        if not asked:
            raise
        raise Terminated from None
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
