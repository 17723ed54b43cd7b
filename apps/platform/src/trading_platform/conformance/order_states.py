"""The order state change matrices of FIX 4.4 as a table: cases, their steps, and what an order's owner is told.

`contracts/fix44/order_states.txt` is the table and says what its words mean. `Told` turns an order's events into the
reports that the table has, whoever asks: the engine alone, or the platform.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kernel.money import average_price
from trading_platform.conformance import suite
from trading_platform.conformance.suite import PROJECT, NoData

TABLE = PROJECT / "contracts" / "fix44" / "order_states.txt"
EXEC_TYPES = {
    "OrderCreated": "New",
    "OrderExecuted": "Trade",
    "OrderReplaced": "Replace",
    "OrderRestated": "Restated",
    "OrderCanceled": "Canceled",
    "OrderExpired": "Expired",
}
STATUSES = {
    "PENDING": "New",
    "PARTIALLY_EXECUTED": "PartiallyFilled",
    "EXECUTED": "Filled",
    "CANCELED": "Canceled",
    "EXPIRED": "Expired",
    "REJECTED": "Rejected",
}


@dataclass
class Case:
    """steps: what happens, and what is told. only, none, differs: as the table explains them; empty if nothing."""

    title: str
    steps: list[tuple[list[str], str]] = field(default_factory=list)
    only: str = ""
    none: str = ""
    differs: str = ""

    @property
    def name(self) -> str:
        return self.title.split(" ", 1)[0]


def read(path: Path = TABLE) -> list[Case]:
    try:
        return parse(suite.read(path))
    except FileNotFoundError:
        raise NoData(f"no table of order states in {path}: it comes with a checkout of the project") from None


def parse(text: str) -> list[Case]:
    cases: list[Case] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith(" "):
            cases.append(Case(line))
            continue
        step, is_step, told = line.partition("|")
        word, _, reason = line.strip().partition(": ")
        if is_step:
            cases[-1].steps.append((step.split(), told.strip()))
        elif word in ("only", "none", "differs"):
            setattr(cases[-1], word, reason)
        else:
            raise ValueError(f"line {number}: expected a step, only, none or differs, got {line!r}")
    return cases


class Told:
    """What the owner of one order has been told. Before there is one, its status is that of an unknown order."""

    def __init__(self) -> None:
        self.status = "Rejected"
        self._quantity = "0"
        self._cum = "0"
        self._leaves = "0"
        self._notional = "0"

    def hear(self, kind: str, data: Mapping[str, Any]) -> str:
        """One event of the order, as a report."""
        self.status = STATUSES[data["status"]]
        self._quantity = data.get("quantity", self._quantity) if kind in QUANTITY_OF_ORDER else self._quantity
        self._cum, self._leaves = data["cum_quantity"], data["leaves_quantity"]
        self._notional = data.get("cum_notional", self._notional)
        return self._report(EXEC_TYPES[kind], data["quantity"] if kind == "OrderExecuted" else "0")

    def look(self) -> str:
        """The order as it is."""
        return self._report("Status", "0")

    def refused(self, word: str, reason: str) -> str:
        return f"{word} {self.status} {reason}"

    def _report(self, exec_type: str, last: str) -> str:
        average = average_price(self._notional, self._cum) or "0"
        return f"{exec_type} {self.status} {self._quantity} {self._cum} {self._leaves} {last} {average}"


# An execution's quantity is its own; these events tell the order's.
QUANTITY_OF_ORDER = frozenset({"OrderCreated", "OrderReplaced", "OrderRestated"})
