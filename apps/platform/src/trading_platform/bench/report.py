"""What a benchmark tells: a table for people, one JSON object a line for machines."""

import json
import os
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

told = Console(stderr=True, highlight=False)


@dataclass(frozen=True)
class Result:
    """One case: `value` in `unit`. reference: what it is compared with, where there is such a figure.

    details: what else belongs to the case, by name (latencies in milliseconds, errors, lags)."""

    bench: str
    case: str
    value: int
    unit: str
    reference: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def cores() -> int:
    """How many cores this process may use; a platform under test and its load share them."""
    return len(os.sched_getaffinity(0))


def percentiles_ms(samples_ns: "array[int]") -> dict[str, Any]:
    """p50, p99, p99.9 and the maximum of all samples, exact: the smallest sample that so many are not above."""
    if not samples_ns:
        return {}
    ordered = sorted(samples_ns)

    def at(per_mille: int) -> Any:
        return milliseconds(ordered[-(-len(ordered) * per_mille // 1_000) - 1])

    return {"p50_ms": at(500), "p99_ms": at(990), "p999_ms": at(999), "max_ms": milliseconds(ordered[-1])}


def milliseconds(nanoseconds: int) -> Any:
    """Nanoseconds as milliseconds, to the microsecond."""
    return round(nanoseconds / 1e6, 3)


def per_second(count: int, took_ns: int) -> int:
    return count * 1_000_000_000 // max(took_ns, 1)


def show(results: Iterable[Result], as_json: bool) -> None:
    if as_json:
        for result in results:
            typer.echo(json.dumps(_document(result)))
        return
    table = Table("case", "value", "wanted", "details", show_lines=True, caption=f"{cores()} cores")
    for result in results:
        details = ", ".join(f"{name} {value}" for name, value in result.details.items())
        table.add_row(f"{result.bench}: {result.case}", f"{result.value:,} {result.unit}", result.reference, details)
    Console(highlight=False).print(table)


def _document(result: Result) -> dict[str, Any]:
    document = {"bench": result.bench, "case": result.case, "value": result.value, "unit": result.unit}
    reference = {"reference": result.reference} if result.reference else {}
    return document | {"cores": cores()} | reference | result.details
