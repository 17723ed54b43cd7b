"""Finds a field that a JSON object names twice: decoders keep the last one silently, and another reader the first."""

import json
import re

# Every quoted text of a text without escapes, each from its first to its last quote, and the colon behind a name.
_QUOTED = re.compile(rb'"([^"]*)"(\s*:)?')


def repeated(text: bytes) -> str | None:
    """The first field that some object of a valid JSON text names again; None if there is none.

    The common body repeats nothing and escapes nothing, which one pass sees; only others are read as JSON once more.
    ValueError and RecursionError as json.loads has them."""
    names = [quoted for quoted, colon in _QUOTED.findall(text) if colon]
    if len(set(names)) == len(names) and b"\\" not in text:
        return None
    found: list[str] = []

    def see(pairs: list[tuple[str, object]]) -> None:
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                found.append(name)
            seen.add(name)

    json.loads(text, object_pairs_hook=see, parse_int=str, parse_float=str)
    return found[0] if found else None
