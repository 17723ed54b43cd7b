"""Reading a Gherkin feature: background, scenarios, outlines with examples, steps with tables."""

from collections.abc import Iterator
from dataclasses import dataclass, field

KEYWORDS = ("Given", "When", "Then", "And", "But")


@dataclass(frozen=True)
class Step:
    """text: without its keyword; table: its rows of cells."""

    text: str
    table: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True)
class Scenario:
    name: str
    steps: list[Step]


def parse(text: str) -> list[Scenario]:
    """Every scenario with the background's steps before its own; an outline once for each of its examples."""
    background: list[Step] = []
    found: list[tuple[str, list[Step], list[list[str]]]] = []
    steps, rows = background, list[list[str]]()
    for line in filter(None, map(str.strip, text.splitlines())):
        keyword = line.split(maxsplit=1)[0]
        if line.startswith(("Scenario:", "Scenario Outline:")):
            steps, rows = [], []
            found.append((line.partition(":")[2].strip(), steps, rows))
        elif keyword in KEYWORDS:
            steps.append(Step(line.removeprefix(keyword).strip()))
        elif line.startswith("Examples:"):
            steps = []
        elif line.startswith("|"):
            (steps[-1].table if steps else rows).append([cell.strip() for cell in line.strip("|").split("|")])
        elif not line.startswith(("@", "#", "Feature:", "Background:")):
            raise ValueError(f"expected a line of a feature, got {line!r}")
    return [
        Scenario(title, [*background, *own])
        for name, steps, examples in found
        for title, own in _examples(name, steps, examples)
    ]


def _examples(name: str, steps: list[Step], rows: list[list[str]]) -> Iterator[tuple[str, list[Step]]]:
    if not rows:
        yield name, steps
        return
    names, *values = rows
    for row in values:
        filled = dict(zip(names, row, strict=True))
        yield f"{name}, {', '.join(row)}", [Step(_fill(step.text, filled), step.table) for step in steps]


def _fill(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"<{name}>", value)
    return text
