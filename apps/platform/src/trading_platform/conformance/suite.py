"""What a suite tells: its cases, and by name those that failed or do not apply, each with the reason."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DATA_VARIABLE = "TRADING_REAL_DATA"
PROJECT = Path(__file__).resolve().parents[5]
DATA_DEFAULT = PROJECT.parent / "shared" / "data"


class NoData(Exception):
    """There is no folder of public data sets; the message says where it was looked for."""


@dataclass
class Outcome:
    """failures and not_applicable: case -> what differs, or why it is none of ours."""

    suite: str
    cases: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    not_applicable: dict[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> int:
        return self.cases - len(self.failures) - len(self.not_applicable)

    def compare(self, case: str, expected: object, found: object) -> None:
        """Count one case; two of the same name would hide each other."""
        self._count(case)
        if expected != found:
            self.failures[case] = f"expected {expected}, found {found}"

    def leave_out(self, case: str, reason: str) -> None:
        self._count(case)
        self.not_applicable[case] = reason

    def _count(self, case: str) -> None:
        self.cases += 1
        if case in self.failures or case in self.not_applicable:
            raise ValueError(f"{self.suite}: two cases are called {case!r}")

    def as_object(self) -> dict[str, Any]:
        """As `--json` tells it; the reasons, where there are any, stand beside the counts."""
        told: dict[str, Any] = {
            "suite": self.suite,
            "cases": self.cases,
            "passed": self.passed,
            "failed": len(self.failures),
            "not_applicable": len(self.not_applicable),
        }
        if self.failures or self.not_applicable:
            told["reasons"] = self.failures | self.not_applicable
        return told

    def as_lines(self) -> list[str]:
        counts = f"{self.passed:>4} passed {len(self.failures):>4} failed {len(self.not_applicable):>4} not applicable"
        lines = [f"{self.suite:<32} {self.cases:>4} cases {counts}"]
        lines += [f"  failed: {case}: {told}" for case, told in self.failures.items()]
        lines += [f"  not applicable: {case}: {reason}" for case, reason in self.not_applicable.items()]
        return lines


def data_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder of the public data sets: where the variable says, else beside the project; NoData if there is none."""
    named = environment.get(DATA_VARIABLE)
    folder = Path(named) if named else DATA_DEFAULT
    if not folder.is_dir():
        raise NoData(f"no public data sets in {folder}: name their folder in {DATA_VARIABLE}")
    return folder


def read(path: Path) -> str:
    """The text of one file of a suite."""
    return path.read_text(encoding="utf-8-sig")


def files_of(folder: Path) -> dict[str, Path]:
    """The files of a folder by their names in small letters."""
    return {path.name.lower(): path for path in folder.iterdir()}
