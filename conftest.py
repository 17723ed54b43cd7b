"""What every test may ask for: the public data sets, a Chromium, and a place for its pictures.

A test that takes `real_data` is marked so, and is skipped, with the reason, where the data sets are absent. They are
looked for in TRADING_REAL_DATA, else in ../shared/data beside the project. Where the variable names a folder that is
not there, the test fails: who names the folder wants the test to run.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from kernel.telemetry import reset_logs

ROOT = Path(__file__).resolve().parent
REAL_DATA_VARIABLE = "TRADING_REAL_DATA"
REAL_DATA_DEFAULT = "../shared/data"
PICTURES_VARIABLE = "TRADING_PICTURES"
BROWSER = ROOT / ".cache" / "browser" / "chromium.json"


class Chromium(NamedTuple):
    """How to start it: playwright's `launch(executable_path=..., args=..., env=...)`."""

    executable: str
    arguments: list[str]
    environment: dict[str, str]


class Absent(Exception):
    """Why a test cannot have what it asked for."""


def find_real_data(environment: Mapping[str, str], root: Path) -> Path | None:
    """The folder of the data sets, None where it is absent; Absent where it was named and is not there."""
    named = environment.get(REAL_DATA_VARIABLE)
    folder = (root / (named or REAL_DATA_DEFAULT)).resolve()
    if folder.is_dir():
        return folder
    if named:
        raise Absent(f"{REAL_DATA_VARIABLE} names {named}, which is no folder")
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        for name, marker in (("real_data", pytest.mark.real_data), ("chromium", pytest.mark.browser)):
            if name in fixtures:
                item.add_marker(marker)


@pytest.fixture(autouse=True)
def _logs_as_at_first() -> Iterator[None]:
    """What a command sets about logs in this process ends with its test."""
    yield
    reset_logs()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the public data sets; its README says what is in it."""
    try:
        folder = find_real_data(os.environ, ROOT)
    except Absent as absent:
        pytest.fail(str(absent))
    if folder is None:
        pytest.skip(f"no data sets in {REAL_DATA_DEFAULT}, and {REAL_DATA_VARIABLE} names none")
    return folder


@pytest.fixture(scope="session")
def chromium() -> Chromium:
    """The browser that `make browser` found; the test fails where nobody looked."""
    if not BROWSER.exists():
        pytest.fail("no browser is known: run `make browser` first")
    told = json.loads(BROWSER.read_text())
    return Chromium(told["executable"], told["arguments"], {**os.environ, **told["environment"]})


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a browser test saves what it sees: the folder that `make screenshots` names, else a temporary one."""
    named = os.environ.get(PICTURES_VARIABLE)
    if not named:
        return tmp_path_factory.mktemp("pictures")
    folder = ROOT / named
    folder.mkdir(parents=True, exist_ok=True)
    return folder
