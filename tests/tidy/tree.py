"""The project as text: what every rule reads, so that a planted tree is only a dictionary.

A rule takes `Tree` (relative path with slashes -> text) and yields `Problem`s.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

Tree = Mapping[str, str]

UNREAD_FOLDERS = frozenset(
    [
        *(".git", ".venv", ".venv-tools", ".cache", ".trading", "data", "node_modules", "target", "dist", ".angular"),
        *(".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache", "__pycache__"),
        "corpus",
    ]
)
UNREAD_SUFFIXES = frozenset([".png", ".ico", ".svg", ".woff2", ".binpb", ".so", ".zip", ".gz", ".db"])
LOCK_FILES = frozenset(["uv.lock", "Cargo.lock", "package-lock.json"])
GENERATED = ("libs/protocol/src/trading/", "libs/protocol/src/buf/", "frontends/web/src/app/api/")


class Problem(NamedTuple):
    """Where it is, what is wrong, and what to do."""

    path: str
    line: int
    told: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.told}"


Rule = Callable[[Tree], Iterator[Problem]]


def read(root: Path) -> dict[str, str]:
    """Every text file of the project, without what is installed, built or cached."""
    tree: dict[str, str] = {}
    pending = [root]
    while pending:
        for path in sorted(pending.pop().iterdir()):
            if path.is_symlink() or path.name == ".git":  # a file, where the tree is a linked one
                continue
            if path.is_dir():
                if path.name not in UNREAD_FOLDERS and not path.name.endswith(".egg-info"):
                    pending.append(path)
            elif path.suffix not in UNREAD_SUFFIXES:
                tree[path.relative_to(root).as_posix()] = path.read_text(encoding="utf-8")
    return tree


def is_generated(path: str) -> bool:
    return path.startswith(GENERATED) or name(path) in LOCK_FILES


def name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def is_test(path: str) -> bool:
    return path.startswith("tests/") or "/tests/" in path or name(path) == "conftest.py"


def is_product(path: str) -> bool:
    """Python that runs in the platform: libraries, services and the composition root."""
    first = path.split("/", 1)[0]
    return path.endswith(".py") and "/src/" in path and first in ("libs", "services", "apps")


def python(tree: Tree) -> Iterator[tuple[str, ast.Module]]:
    """Every hand-written Python file, parsed."""
    for path, text in tree.items():
        if path.endswith((".py", ".pyi")) and not is_generated(path):
            yield path, parsed(text, path)


@cache
def parsed(text: str, path: str) -> ast.Module:
    return ast.parse(text, path)
