"""A table between taking a batch's changes and committing them: readers see what was decided, never the file's past."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import msgspec
import pytest

from kernel.event import Event
from kernel.projection import Table, View, ViewFailed, ViewStore


class Note(msgspec.Struct, frozen=True):
    text: str


class Notes:
    """A view with one table that its tests write by hand."""

    name = "notes"
    version = 1

    def __init__(self, cached_rows_max: int) -> None:
        self.notes = Table("notes", Note, cached_rows_max=cached_rows_max)
        self.tables: Sequence[Table[Any]] = (self.notes,)
        self.indexes: Mapping[str, Sequence[Sequence[str]]] = {}

    def opened(self) -> None: ...

    def apply(self, event: Event) -> None: ...


@pytest.fixture(params=[100, 0], ids=["rows in memory", "no rows in memory"])
def opened(request, tmp_path) -> Iterator[tuple[Table[Note], ViewStore]]:
    """The table with the committed row `a`, and its store."""
    view = Notes(request.param)
    as_view: View = view
    store = ViewStore(as_view, tmp_path / "notes.sqlite")
    view.notes.put("a", Note("old"))
    store.commit(store.take(), 1)
    yield view.notes, store
    store.close()


DELETE = None


@pytest.mark.parametrize(
    ("sentence", "steps", "seen"),
    [
        ("a deleted row is gone before its commit", [DELETE], None),
        ("a row put again after its deletion is the new one", [DELETE, "new"], "new"),
        ("a changed row is the new one", ["new"], "new"),
        ("a row deleted again is gone", [DELETE, "new", DELETE], None),
    ],
)
def test_a_read_at_any_moment_sees_the_last_change(opened, sentence, steps, seen):
    notes, store = opened

    def found() -> str | None:
        row = notes.get("a")
        return row and row.text

    for position, step in enumerate(steps, 2):
        if step is DELETE:
            notes.delete("a")
        else:
            notes.put("a", Note(step))
        assert found() == step, "in the batch"
        changes = store.take()
        assert found() == step, "while it is being committed"
        store.commit(changes, position)
        assert found() == step, "when it is committed"
    store.commit(store.take(), len(steps) + 2)
    assert found() == seen, "after a batch without changes"
    assert [row.text for _, row in notes.everything()] == ([seen] if seen else [])


@pytest.mark.parametrize(
    ("sentence", "statement"),
    [
        ("rows without a checkpoint are forgotten", "DELETE FROM checkpoint"),
        ("rows of another version are forgotten", "UPDATE checkpoint SET version = 7"),
    ],
)
def test_a_store_starts_from_nothing(tmp_path, sentence, statement):
    path = tmp_path / "notes.sqlite"
    view = Notes(100)
    store = ViewStore(view, path)
    view.notes.put("a", Note("old"))
    store.commit(store.take(), 9)
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()
    again = Notes(100)
    store = ViewStore(again, path)
    assert (store.checkpoint, list(again.notes.everything())) == (0, [])
    store.close()


def test_the_file_and_what_lies_beside_it_are_private(tmp_path):
    path = tmp_path / "notes.sqlite"
    path.touch(mode=0o644)
    view = Notes(100)
    store = ViewStore(view, path)
    view.notes.put("a", Note("old"))
    store.commit(store.take(), 1)
    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()}
    store.close()
    assert modes == dict.fromkeys(("notes.sqlite", "notes.sqlite-wal", "notes.sqlite-shm"), "0o600")


def test_a_view_that_cannot_be_written_says_what_and_where(tmp_path):
    path = tmp_path / "notes.sqlite"
    view = Notes(100)
    store = ViewStore(view, path)
    view.notes.put("a", Note("old"))
    store.commit(store.take(), 1)
    with closing(sqlite3.connect(path, timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")  # somebody else writes to the file
        store._writer.execute("PRAGMA busy_timeout = 0")
        view.notes.put("a", Note("new"))
        told = r"view notes in .*notes\.sqlite: commit up to position 2 failed: database is locked; mend the cause"
        with pytest.raises(ViewFailed, match=told):
            store.commit(store.take(), 2)
    assert store.checkpoint == 1
    store.close()


class ReadAtStart(Notes):
    """A view that loads its rows when it is opened."""

    def opened(self) -> None:
        dict(self.notes.everything())


BROKEN = {
    "is no database": (b"rubbish" * 1_000, "cannot be read"),
    "holds a row that is none": ("UPDATE notes SET row = '{'", "holds a row that cannot be read"),
}


@pytest.mark.parametrize(("how", "told"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_cannot_be_read_is_named_with_what_to_do(tmp_path, how, told):
    path = tmp_path / "notes.sqlite"
    if isinstance(how, bytes):
        path.write_bytes(how)
    else:
        view = Notes(0)
        store = ViewStore(view, path)
        view.notes.put("a", Note("first"))
        store.commit(store.take(), 1)
        store.close()
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(how)
    with pytest.raises(ViewFailed, match=rf"{path} {told} .*delete the file"):
        ViewStore(ReadAtStart(0), path)
