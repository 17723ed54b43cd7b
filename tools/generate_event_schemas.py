"""Generate contracts/events/*.schema.json from the event types, and record the golden samples.

`python tools/generate_event_schemas.py` writes the schemas; `--check` compares and exits 1 if one differs.
`--add-samples FILE` adds samples (`-` for standard input; lines of `{"event_type": ..., "event_data": ...}` as the
core's encoder prints them) that are not there yet, and their hashes to samples.sha256, which a test holds against the
samples. Samples only grow: a stored event is a contract for ever.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from risk_management import events as risk_events
from trading_events import engine
from user_service import events as user_events

ROOT = Path(__file__).resolve().parent.parent
EVENTS = ROOT / "contracts" / "events"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
RECORDED = EVENTS / "samples.sha256"
# Folder under contracts/events -> the types whose schemas and samples it holds.
WRITERS: dict[str, tuple[type[msgspec.Struct], ...]] = {
    "": engine.TYPES,
    "risk": risk_events.TYPES,
    "user": user_events.TYPES,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--add-samples", type=Path, metavar="FILE", help="add golden samples from the encoder's lines")
    options = parser.parse_args()
    if options.add_samples:
        source = sys.stdin.read() if str(options.add_samples) == "-" else options.add_samples.read_text()
        add_samples(source.splitlines())
        return 0
    schemas = {path: text for folder, types in WRITERS.items() for path, text in generated(EVENTS / folder, types)}
    if options.check:
        wrong = differences(schemas, EVENTS)
        for path in wrong:
            told = f"{path.relative_to(ROOT)} is not what the event types generate: run `make generate`"
            print(told, file=sys.stderr)
        return 1 if wrong else 0
    for path, text in schemas.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


def generated(folder: Path, types: tuple[type[msgspec.Struct], ...]) -> list[tuple[Path, str]]:
    return [(folder / f"{kind.__name__}.schema.json", json.dumps(schema(kind), indent=2) + "\n") for kind in types]


def schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """JSON schema (2020-12) of an event's data; properties stand in the order in which they are written."""
    _, definitions = msgspec.json.schema_components([kind])
    own = definitions.pop(kind.__name__)
    closed = {"$schema": DIALECT, "$id": f"{kind.__name__}.schema.json", **close(own)}
    if definitions:
        closed["$defs"] = {name: close(definition) for name, definition in sorted(definitions.items())}
    return closed


def close(definition: dict[str, Any]) -> dict[str, Any]:
    """Objects and tuples hold what is named and nothing else."""
    if definition.get("type") == "object":
        return {**definition, "additionalProperties": False}
    if "prefixItems" in definition:
        return {**definition, "items": False}
    return definition


def differences(schemas: dict[Path, str], folder: Path) -> list[Path]:
    known = set(schemas) | set(folder.rglob("*.schema.json"))
    return [path for path in sorted(known) if not path.exists() or path.read_text() != schemas.get(path)]


def add_samples(lines: list[str]) -> None:
    """Append what is new to contracts/events/<EventType>.samples.jsonl, byte for byte."""
    folders = {kind.__name__: EVENTS / folder for folder, types in WRITERS.items() for kind in types}
    for line in lines:
        sample = msgspec.json.decode(line, type=Sample)
        append(folders[sample.event_type] / f"{sample.event_type}.samples.jsonl", bytes(sample.event_data).decode())
    for path in sorted(EVENTS.rglob("*.samples.jsonl")):
        for data in path.read_text().splitlines():
            append(RECORDED, fingerprint(event_type(path), data))


def append(path: Path, line: str) -> None:
    kept = path.read_text().splitlines() if path.exists() else []
    if line not in kept:
        path.write_text("".join(f"{one}\n" for one in [*kept, line]))


def event_type(samples: Path) -> str:
    return samples.name.removesuffix(".samples.jsonl")


def fingerprint(kind: str, data: str) -> str:
    """The line of samples.sha256 that promises this sample."""
    return f"{hashlib.sha256(data.encode()).hexdigest()}  {kind}"


class Sample(msgspec.Struct):
    """One line of the encoder's example; the data as it was written."""

    event_type: str
    event_data: msgspec.Raw


if __name__ == "__main__":
    sys.exit(main())
