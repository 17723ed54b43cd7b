"""Rules over the documentation: links that resolve, decision records of one form, pages that someone can find."""

import posixpath
import re
from collections.abc import Iterator

from tests.tidy.tree import Problem, Tree, name

LINK = re.compile(r"(?<!\\)!?\[[^\]\n]*\]\((?P<target>[^)\s]+)(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#{1,6})\s+(?P<text>.+?)\s*#*$", re.MULTILINE)
OUTSIDE = re.compile(r"^[a-z][a-z0-9+.\-]*:", re.IGNORECASE)

DECISION = re.compile(r"^docs/decisions/(?P<number>\d{4})-[a-z0-9-]+\.md$")
DECISION_SECTIONS = (("Context",), ("Decision",), ("Measurement", "Reason"), ("Consequences",))


def links(tree: Tree) -> Iterator[Problem]:
    """Relative links in *.md name a file or folder that exists, and a heading that is in it."""
    folders = {folder for path in tree for folder in parents(path)}
    for path, line, target in all_links(tree):
        file, _, anchor = target.partition("#")
        resolved = resolve(path, file)
        if resolved not in tree and resolved.rstrip("/") not in folders and not is_picture(resolved):
            yield Problem(path, line, f"{target} does not exist")
        elif anchor and resolved.endswith(".md") and anchor not in anchors(tree[resolved]):
            yield Problem(path, line, f"{target}: {resolved} has no such heading")


def pages_linked(tree: Tree) -> Iterator[Problem]:
    """Every page under docs/ can be reached from another page."""
    linked = {resolve(path, target.partition("#")[0]) for path, _, target in all_links(tree)}
    for path in tree:
        if path.startswith("docs/") and path.endswith(".md") and path not in linked:
            yield Problem(path, 1, "no page links here: link it from docs/README.md or where it belongs")


def decisions(tree: Tree) -> Iterator[Problem]:
    numbers: dict[str, str] = {}
    for path, text in sorted(tree.items()):
        if not path.startswith("docs/decisions/") or name(path) == "README.md":
            continue
        named = DECISION.match(path)
        if named is None:
            yield Problem(path, 1, "a decision record is called NNNN-what-was-decided.md")
            continue
        number = named["number"]
        if number in numbers:
            yield Problem(path, 1, f"{numbers[number]} has the same number: take the next free one")
        numbers[number] = path
        if not text.startswith(f"# {number} "):
            yield Problem(path, 1, f"starts with '# {number} <the decision in a sentence>'")
        sections = [found["text"] for found in HEADING.finditer(text) if found.group(1) == "##"]
        for choices in DECISION_SECTIONS:
            if not any(choice in sections for choice in choices):
                yield Problem(path, 1, f"has no section '## {' or '.join(choices)}'")


def changelog(tree: Tree) -> Iterator[Problem]:
    text = tree.get("CHANGELOG.md", "")
    if "## [Unreleased]" not in text:
        yield Problem("CHANGELOG.md", 1, "is missing, or has no '## [Unreleased]' section")


def all_links(tree: Tree) -> Iterator[tuple[str, int, str]]:
    """Every relative link: (page, line, target as written)."""
    for path, text in tree.items():
        if not path.endswith(".md"):
            continue
        prose = FENCE.sub(lambda found: "\n" * found.group().count("\n"), text)
        for number, line in enumerate(prose.splitlines(), 1):
            for found in LINK.finditer(line):
                if not OUTSIDE.match(found["target"]):
                    yield path, number, found["target"]


def resolve(path: str, target: str) -> str:
    if not target:
        return path
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


def is_picture(path: str) -> bool:
    """Pictures are not read into the tree; tests/test_tidy.py looks for them on the disk."""
    return path.endswith((".png", ".svg"))


def parents(path: str) -> Iterator[str]:
    yield "."
    while "/" in path:
        path = path.rsplit("/", 1)[0]
        yield path


def anchors(text: str) -> set[str]:
    """Ids of headings as code hosts make them: lower case, punctuation dropped, spaces to hyphens."""
    found: set[str] = set()
    for heading in HEADING.finditer(FENCE.sub("", text)):
        plain = re.sub(r"[`*_]|\[([^\]]*)\]\([^)]*\)", r"\1", heading["text"]).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = 1
        unique = slug
        while unique in found:
            unique = f"{slug}-{number}"
            number += 1
        found.add(unique)
    return found
