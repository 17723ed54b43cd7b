"""The command ids that a log has used, and where: a unique key that costs a commit next to nothing.

Command ids are fingerprints. In an index of the events each of them dirties a page of its own, which was half of what a
commit wrote. So the newest ids are kept in memory, and move to the table `commands` a neighbourhood at a time (those
that begin alike), in order: what shares a page is written with it. A move is part of a commit. The log's row tells up
to which position all ids have moved; those after it are read again when the log is opened.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kernel.event import Event
from kernel.eventlog.store import Taken

# So many ids gather before they move: the more, the more of them share a page.
GATHERED_COMMANDS = 65_536
# Fingerprints are hexadecimal: 256 neighbourhoods, each of them a small part of the table.
NEIGHBOURHOOD_CHARACTERS = 2
MOVED_AT_ONCE = 512
ABSENT_MAX = 65_536

Row = tuple[str, int]


class Entry(NamedTuple):
    """What a commit does for the ids: look `unknown` up before it, write `moved` with it; `moved_to` is then the
    position up to which all ids are in the table, None if that stays as it is."""

    entered: Sequence[Row]
    unknown: Sequence[str]
    moved: Sequence[Row]
    moved_to: int | None


class CommandIds:
    """What memory knows; the rest is in the table. Used by one thread."""

    def __init__(self, gathered: Iterable[Row] = ()) -> None:
        """gathered: what is not in the table yet, in the order of the log."""
        self._positions = dict(gathered)  # of the first event of each command that is not in the table
        self._near: defaultdict[str, list[Row]] = defaultdict(list)  # what gathers, by neighbourhood
        self._gathered = 0
        self._gathered_to = 0
        self._to_move: deque[list[Row]] = deque()  # what gathered before
        self._moving_to: int | None = None  # the last position of what moves, until all of it has
        self._absent: set[str] = set()  # looked up, and not in the table
        self._moves_begun = 0
        self._gather(list(self._positions.items()))

    def find(self, command_id: str) -> int | None:
        """Where a command begins whose id is not in the table yet."""
        return self._positions.get(command_id)

    @property
    def version(self) -> int:
        """Changes before ids that gather now can leave memory."""
        return self._moves_begun

    def note_absent(self, command_ids: set[str], version: int) -> None:
        """These are in the table only if they have moved since `version`."""
        if version != self._moves_begun:
            return
        if len(self._absent) > ABSENT_MAX:
            self._absent.clear()
        self._absent |= command_ids.difference(self._positions)

    def enter(self, events: Sequence[Event]) -> Entry:
        """The ids of a commit, which are kept from now on. Taken, and nothing is kept, if one of them was used."""
        rows = [
            (event.command_id, event.position)
            for event in events
            if event.command_index == 0 and event.command_id is not None
        ]
        ids = [command_id for command_id, _ in rows]
        if not self._positions.keys().isdisjoint(ids):
            raise Taken("a command id")
        if self._gathered >= GATHERED_COMMANDS and self._moving_to is None:
            self._begin_move()
        unknown = [command_id for command_id in ids if command_id not in self._absent]
        self._absent.difference_update(ids)
        self._positions.update(rows)
        self._gather(rows)
        return Entry(rows, unknown, *self._next_move(len(rows)))

    def committed(self, entry: Entry) -> None:
        for command_id, _ in entry.moved:
            del self._positions[command_id]
        if entry.moved_to is not None:
            self._moving_to = None

    def take_back(self, entry: Entry) -> None:
        """The commit was not kept, nor any that was entered after it."""
        for command_id, _ in entry.entered:
            del self._positions[command_id]  # its row is passed over when its neighbourhood moves
        if entry.entered:
            kept_to = entry.entered[0][1] - 1  # other commands come to stand after it
            self._gathered_to = min(self._gathered_to, kept_to)
            self._moving_to = None if self._moving_to is None else min(self._moving_to, kept_to)
        if entry.moved:
            self._to_move.appendleft(list(entry.moved))

    def _gather(self, rows: Sequence[Row]) -> None:
        near = self._near
        for row in rows:
            near[row[0][:NEIGHBOURHOOD_CHARACTERS]].append(row)
        self._gathered += len(rows)
        if rows:
            self._gathered_to = rows[-1][1]

    def _begin_move(self) -> None:
        self._to_move.extend(self._near[key] for key in sorted(self._near))
        self._moving_to = self._gathered_to
        self._near.clear()
        self._gathered = 0
        self._moves_begun += 1

    def _next_move(self, commands: int) -> tuple[Sequence[Row], int | None]:
        """Twice as many rows as the commit has commands: fewer gather meanwhile than move."""
        if not self._to_move:
            return (), None
        rows: list[Row] = []
        while self._to_move and (not rows or len(rows) < 2 * commands):
            near = sorted(row for row in self._to_move.popleft() if self._positions.get(row[0]) == row[1])
            if len(near) > MOVED_AT_ONCE:
                self._to_move.appendleft(near[MOVED_AT_ONCE:])
            rows += near[:MOVED_AT_ONCE]
        return rows, None if self._to_move else self._moving_to
