"""Reading a LOBSTER sample: a zip with a message file and the order book after each message.

Format: "LOBSTER Samples Readme" of 2013-09-01, lobsterdata.com. Prices are dollars times 10,000; a level that does not
exist has size 0; times are seconds after midnight in New York, with up to nine decimals.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import gcd
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

SUBMISSION, REDUCTION, DELETION, EXECUTION, HIDDEN_EXECUTION, HALT = 1, 2, 3, 4, 5, 7
TYPES = frozenset({SUBMISSION, REDUCTION, DELETION, EXECUTION, HIDDEN_EXECUTION, HALT})
BUY, SELL = 1, -1
PRICE_PER_DOLLAR = 10_000
NEW_YORK = ZoneInfo("America/New_York")
_DATED = re.compile(r"([A-Z.]+)_(\d{4}-\d{2}-\d{2})_")


class NotLobster(ValueError):
    """The file is no LOBSTER sample; the message says what was expected and where."""


class Message(NamedTuple):
    """One line of the message file; `side` is that of the resting order."""

    time_ns: int
    kind: int
    order_id: int
    size: int
    price: int
    side: int


class Levels(NamedTuple):
    """The visible levels after a message, best first: (price, size)."""

    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Day:
    """symbol: from the file's name; depth: levels a side; price_step: greatest common divisor of all visible prices and
    a cent, in 1/10,000 dollar."""

    symbol: str
    messages: list[Message]
    rows: list[Levels]
    depth: int
    price_step: int


def read(path: Path) -> Day:
    """Read both files of the zip; NotLobster names the line that does not fit."""
    try:
        with zipfile.ZipFile(path) as archive:
            message_name, book_name = _one(archive, "_message_"), _one(archive, "_orderbook_")
            dated = _DATED.search(message_name)
            symbol = dated[1] if dated else "LOBSTER"
            midnight_ns = _midnight_ns(dated[2] if dated else "1970-01-01")
            messages = [_message(line, row, midnight_ns) for line, row in _lines(archive, message_name)]
            rows = [_levels(line, row) for line, row in _lines(archive, book_name)]
    except (zipfile.BadZipFile, FileNotFoundError, IsADirectoryError) as error:
        raise NotLobster(f"expected a zip with a message and an orderbook file, got {path}: {error}") from None
    if len(messages) != len(rows) or not rows:
        raise NotLobster(f"{path} has {len(messages)} messages and {len(rows)} book rows; expected as many of each")
    depth = max(max(len(row.bids), len(row.asks)) for row in rows)
    return Day(symbol, messages, rows, depth, _price_step(messages, rows))


def _one(archive: zipfile.ZipFile, part: str) -> str:
    names = [name for name in archive.namelist() if part in name and name.endswith(".csv")]
    if len(names) != 1:
        raise NotLobster(f"expected one file named *{part}*.csv in the zip, found {names or 'none'}")
    return names[0]


def _lines(archive: zipfile.ZipFile, name: str) -> Iterator[tuple[str, list[str]]]:
    with archive.open(name) as raw:
        for number, row in enumerate(csv.reader(io.TextIOWrapper(raw, "ascii")), 1):
            yield f"{name}:{number}", row


def _message(line: str, row: list[str], midnight_ns: int) -> Message:
    try:
        seconds, _, fraction = row[0].partition(".")
        time_ns = midnight_ns + int(seconds) * 1_000_000_000 + int(fraction[:9].ljust(9, "0") or 0)
        kind, order_id, size, price, side = (int(text) for text in row[1:6])
    except (ValueError, IndexError):
        raise NotLobster(f"{line}: expected time,type,id,size,price,direction, got {','.join(row)[:80]}") from None
    if kind not in TYPES or (kind != HALT and side not in (BUY, SELL)):
        raise NotLobster(f"{line}: unknown type {kind} or direction {side}")
    return Message(time_ns, kind, order_id, size, price, side)


def _levels(line: str, row: list[str]) -> Levels:
    try:
        numbers = [int(text) for text in row]
    except ValueError:
        raise NotLobster(f"{line}: expected whole numbers, got {','.join(row)[:80]}") from None
    if len(numbers) % 4 or not numbers:
        raise NotLobster(f"{line}: expected four columns a level, got {len(numbers)}")
    asks = tuple((numbers[at], numbers[at + 1]) for at in range(0, len(numbers), 4) if numbers[at + 1])
    bids = tuple((numbers[at + 2], numbers[at + 3]) for at in range(0, len(numbers), 4) if numbers[at + 3])
    return Levels(bids, asks)


def _midnight_ns(date: str) -> int:
    local = datetime.fromisoformat(date).replace(tzinfo=NEW_YORK)
    return (local.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1_000


def _price_step(messages: list[Message], rows: list[Levels]) -> int:
    step = 0
    for message in messages:
        if message.kind in (SUBMISSION, REDUCTION, DELETION, EXECUTION):
            step = gcd(step, message.price)
    for row in rows:
        for price, _ in (*row.bids, *row.asks):
            step = gcd(step, price)
    # A cent is the usual tick; a finer one only where the day shows it.
    return gcd(step, PRICE_PER_DOLLAR // 100) or 1
