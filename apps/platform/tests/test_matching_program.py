"""The core's own program behind `trading conformance matching` and `trading bench matching`."""

import json
import re
import sys

import pytest
from typer.testing import CliRunner

from trading_platform import matching_program
from trading_platform.bench import matching_python
from trading_platform.cli import app

HEADER = "seq,type,side,ioc,qty,order_id,price_ticks\n"
# Two orders that meet: accepted, accepted, traded.
ORDERS = HEADER + "0,NEW,B,0,10,1,100\n1,NEW,S,0,4,2,99\n"
REPORTS = "0,0,0,1,100,10\n0,1,1,2,99,4\n1,1,100,4,1,2"


def test_the_reports_of_a_file(tmp_path, capfd):
    orders, reports = tmp_path / "two.orders.csv", tmp_path / "two.reports.txt"
    orders.write_text(ORDERS)
    arguments = ["conformance", "matching", "--orders", str(orders), "--reports", str(reports), "--json"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    told = json.loads(capfd.readouterr().out)
    assert (told["messages"], told["reports"]) == (2, 3)
    assert re.fullmatch("[0-9a-f]{64}", told["sha256"])
    assert reports.read_text() == REPORTS


def test_a_file_that_is_wrong_is_told_with_its_line(tmp_path, capfd):
    orders = tmp_path / "wrong.csv"
    orders.write_text(HEADER + "0,NEW,B,0,0,1,100\n")
    assert CliRunner().invoke(app, ["conformance", "matching", "--orders", str(orders)]).exit_code == 2
    assert "line 2: qty: an order needs at least 1" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("project", "path", "expected"),
    [(False, None, "no checkout of the project"), (True, "", "cargo is not on PATH")],
)
def test_what_is_missing_is_told(tmp_path, monkeypatch, project, path, expected):
    if project:
        manifest = tmp_path / "crates" / matching_program.PACKAGE / "Cargo.toml"
        manifest.parent.mkdir(parents=True)
        manifest.touch()
    if path is not None:
        monkeypatch.setenv("PATH", path)
    with pytest.raises(matching_program.NotRunnable, match=expected):
        matching_program.run([], tmp_path)


def test_the_python_cases_do_the_same_operations():
    operations = matching_python.make_operations(3_000)
    assert operations == matching_python.make_operations(3_000)
    drivers = [who(operations) for who in (matching_python.Calls, matching_python.Batches)]
    for driver in drivers:
        driver.run()
    calls, batches = (driver.traded() for driver in drivers)
    assert calls == batches > 0


def test_a_python_case_tells_its_figure(monkeypatch):
    monkeypatch.setattr(matching_python, "OPERATIONS", 2_000)
    result = CliRunner().invoke(app, ["bench", "matching", "python-batch", "--runs", "1", "--json"])
    told = json.loads(result.stdout)
    assert (result.exit_code, told["bench"], told["case"], told["unit"]) == (
        0,
        "matching",
        "python-batch",
        "operations/s",
    )
    assert told["value"] > 0


def test_where_bourse_is_missing_it_is_told(monkeypatch):
    monkeypatch.setattr(matching_python.util, "find_spec", lambda name: None)
    result = CliRunner().invoke(app, ["bench", "matching", "bourse"])
    assert (result.exit_code, "bourse is not installed" in result.stderr) == (3, True)


RIVAL = """
class core:
    class OrderBook:
        def __init__(self, *terms): pass
        def set_time(self, time): pass
        def place_order(self, *order): pass
        def cancel_order(self, order_id): pass
        def get_trades(self): return []
"""


def test_books_that_do_not_agree_are_told_in_a_line(monkeypatch, tmp_path):
    """A bourse that trades nothing, in place of the package."""
    (tmp_path / "bourse.py").write_text(RIVAL)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "bourse", raising=False)
    monkeypatch.setattr(matching_python, "OPERATIONS", 2_000)
    result = CliRunner().invoke(app, ["bench", "matching", "bourse", "--runs", "1"])
    sys.modules.pop("bourse")
    assert (result.exit_code, result.stderr.count("\n"), result.stdout) == (1, 1, "")
    assert result.stderr.startswith("bourse: the books do not agree; lots traded: {'Bourse': 0, 'Calls': ")
