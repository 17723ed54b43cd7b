"""The published suites: every case passes, or is listed with the reason why it is none of ours."""

import json

import pytest
from typer.testing import CliRunner

from trading_platform.cli import app
from trading_platform.conformance import cointossx, exchange_core, feature, fix44, kraken, lobster, order_states
from trading_platform.conformance.suite import Outcome
from trading_platform.conformance_commands import tell


@pytest.mark.parametrize(
    ("run", "folder", "expected"),
    [
        (lambda folder: [kraken.run(folder)], "kraken", {"kraken": (14, 0)}),
        (exchange_core.run, "exchange-core", {"exchange-core-basic": (42, 16), "exchange-core-risk": (62, 5)}),
        (
            cointossx.run,
            "cointossx",
            {
                "cointossx-limitOrder": (12, 0),
                "cointossx-marketOrder": (6, 2),
                "cointossx-stopOrder": (12, 0),
                "cointossx-stopLimitOrder": (12, 2),
                "cointossx-cancelOrder": (10, 2),
                "cointossx-auction": (3, 0),
            },
        ),
        (lobster.run, "lobster", {"lobster-1": (49_483, 0), "lobster-10": (147_917, 0)}),
    ],
    ids=["kraken", "exchange-core", "cointossx", "lobster"],
)
def test_every_case_passes_or_is_listed(real_data, run, folder, expected):
    outcomes = run(real_data / folder)
    assert {outcome.suite: outcome.failures for outcome in outcomes if outcome.failures} == {}
    assert {outcome.suite: (outcome.cases, len(outcome.not_applicable)) for outcome in outcomes} == expected
    assert all(reason for outcome in outcomes for reason in outcome.not_applicable.values())


def test_every_order_state_matrix_passes_or_is_listed():
    outcome = fix44.run()
    assert outcome.failures == {}
    assert (outcome.cases, len(outcome.not_applicable)) == (48, 19)
    groups = {case.name[0] for case in order_states.read() if not case.none}
    assert groups == set("ABCDEFGHIKLM"), (
        "of the standard's twelve groups only corrections of trades have no case at all"
    )


# ---- a suite that differs is told: each of these has one answer that no engine gives


KRAKEN_INPUT = """#name: scenario 1
#descr: one order
N, 1, IBM, 10, 100, B, 1
F
"""


@pytest.mark.parametrize(
    ("sentence", "top", "failed"),
    [("the top of the book as it is", "B, B, 10, 100", 0), ("another quantity", "B, B, 10, 99", 1)],
)
def test_the_exercise_compares_each_line(tmp_path, sentence, top, failed):
    (tmp_path / "input_file.csv").write_text(KRAKEN_INPUT)
    (tmp_path / "output_file.csv").write_text(f"#name: scenario 1\n#descr: one order\nA, 1, 1\n{top}\n")
    outcome = kraken.run(tmp_path)
    assert (outcome.cases, len(outcome.failures)) == (1, failed), sentence


FEATURE = """Feature: one client

  Scenario Outline: an order
    Given New client Ann has a balance:
      | XBT | 1000 |
    When A client Ann places an BID order 1 at 5@<size> (type: GTC, symbol: ETH_XBT, reservePrice: 5)
    Then A balance of a client Ann:
      | XBT | 900 |

    Examples:
      | size |
      | 2    |
      | 3    |
"""


def test_a_feature_is_read_with_its_examples_and_each_step_compared(tmp_path):
    scenarios = feature.parse(FEATURE)
    assert [scenario.name for scenario in scenarios] == ["an order, 2", "an order, 3"]
    assert scenarios[1].steps[1].text.startswith("A client Ann places an BID order 1 at 5@3 ")
    for name in exchange_core.FEATURES:
        (tmp_path / f"{name}.feature").write_text(FEATURE)
    basic, _ = exchange_core.run(tmp_path)
    assert (basic.cases, basic.not_applicable) == (6, {})
    told = "expected {'XBT': 900}, found {'XBT': 850}"
    assert basic.failures == {"an order, 3, step 3: A balance of a client Ann:": told}


@pytest.mark.parametrize(
    ("sentence", "line", "failed"),
    [
        ("as it is", "cancel | Canceled Canceled 10 0 0 0 0", 0),
        ("another quantity", "cancel | Canceled Canceled 10 0 10 0 0", 1),
        ("another status", "cancel | Canceled Filled 10 0 0 0 0", 1),
        ("one report too few", "cancel |", 1),
    ],
)
def test_the_order_states_compare_each_step(tmp_path, sentence, line, failed):
    table = tmp_path / "order_states.txt"
    table.write_text(f"A.1 One\n  place 10 10 DAY | New New 10 0 10 0 0\n  {line}\n")
    outcome = fix44.run(table)
    assert (outcome.cases, len(outcome.failures)) == (1, failed), sentence


def test_what_a_suite_tells():
    outcome = Outcome("small")
    outcome.compare("same", 1, 1)
    outcome.compare("other", 1, 2)
    outcome.leave_out("strange", "nobody does that")
    counts = {"suite": "small", "cases": 3, "passed": 1, "failed": 1, "not_applicable": 1}
    reasons = {"other": "expected 1, found 2", "strange": "nobody does that"}
    assert outcome.as_object() == counts | {"reasons": reasons}
    assert outcome.as_lines()[1:] == [
        "  failed: other: expected 1, found 2",
        "  not applicable: strange: nobody does that",
    ]
    with pytest.raises(ValueError, match="two cases are called 'other'"):
        outcome.compare("other", 1, 1)


@pytest.mark.parametrize(("found", "failed"), [(1, False), (2, True)])
def test_one_object_a_suite(capsys, found, failed):
    outcome = Outcome("small")
    outcome.compare("only", 1, found)
    assert tell([outcome, Outcome("empty")], as_json=True) is failed
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(suite["suite"], suite["failed"]) for suite in told] == [("small", int(failed)), ("empty", 0)]


def test_where_there_is_no_data_nothing_runs(tmp_path):
    missing = str(tmp_path / "nowhere")
    result = CliRunner().invoke(app, ["conformance", "matching"], env={"TRADING_REAL_DATA": missing})
    assert (result.exit_code, f"no public data sets in {missing}" in result.stderr.replace("\n", "")) == (2, True)
