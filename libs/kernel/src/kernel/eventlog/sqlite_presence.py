"""Whether the files that a log has open are still those at their paths.

A file that is removed while it is open goes on taking commits, flushed and lost; and with its lock gone, another
process may own the path by now.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from kernel.eventlog.port import LogFailed

Identity = tuple[int, int]


class Presence:
    """The identities of `paths` and of their folder when it was made; all of them must be there then."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._identities = {path: _identity(path) for path in paths}
        (self._folder,) = {path.parent for path in self._identities}
        self._folder_then = _changed(self._folder)

    def glance(self) -> None:
        """What each commit pays: one look at the folder, and at the files only if a name in it came or went."""
        now = _changed(self._folder)
        if now != self._folder_then:
            self.check()
            self._folder_then = now

    def holds(self) -> bool:
        return all(_identity(path) == identity for path, identity in self._identities.items())

    def check(self) -> None:
        """LogFailed names the file that was removed or replaced."""
        for path, identity in self._identities.items():
            if _identity(path) != identity:
                raise LogFailed(
                    f"{path} was removed or replaced while open; nothing more is kept: stop, put back the folder or "
                    "start with an empty one"
                )


def _identity(path: Path) -> Identity | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _changed(folder: Path) -> tuple[int, int, int] | None:
    """Which folder it is, and when a name in it last came or went."""
    try:
        found = os.stat(folder)  # noqa: PTH116  on the way of every commit
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns
