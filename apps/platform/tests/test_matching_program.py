"""The core's own program behind `trading conformance matching` and `trading bench matching`."""

import json
import re

import pytest
from typer.testing import CliRunner

from trading_platform import matching_program
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
