"""The replay of a LOBSTER day: its parts on small days made here, and the real days through the whole platform."""

import io
import sqlite3
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
import uvloop
from typer.testing import CliRunner

from trading_platform.cli import app
from trading_platform.lobster import day
from trading_platform.lobster.day import Levels, NotLobster
from trading_platform.lobster.plan import Action, MustWait, Plan, Step
from trading_platform.lobster.replay import Replay
from trading_platform.replay_commands import replayed_day, same

B, S = day.BUY, day.SELL
MIDNIGHT_NS = 1_340_251_200_000_000_000  # 2012-06-21 in New York


def sample(folder: Path, messages: list[str], rows: list[str]) -> Path:
    path = folder / "sample.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("TEST_2012-06-21_1_2_message_2.csv", "\n".join(messages))
        archive.writestr("TEST_2012-06-21_1_2_orderbook_2.csv", "\n".join(rows))
    return path


def message(kind: int, order_id: int, size: int, price: int, side: int, time_ns: int = 0) -> day.Message:
    return day.Message(time_ns, kind, order_id, size, price, side)


def row(bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> Levels:
    return Levels(tuple(bids), tuple(asks))


def test_a_sample_is_read_with_times_in_new_york_and_missing_levels_left_out(tmp_path):
    read = day.read(
        sample(tmp_path, ["34200.5,1,7,10,100000,1"], ["9999999999,0,100000,10,9999999999,0,-9999999999,0"])
    )
    assert read.messages == [day.Message(MIDNIGHT_NS + 34_200_500_000_000, 1, 7, 10, 100_000, 1)]
    assert (read.symbol, read.rows, read.depth) == ("TEST", [row([(100_000, 10)], [])], 1)


@pytest.mark.parametrize(
    ("sentence", "messages", "rows", "told"),
    [
        ("an unknown type", ["1,9,7,10,100,1"], ["1,1,1,1"], "message_2.csv:1: unknown type 9"),
        ("a word for a number", ["1,1,7,ten,100,1"], ["1,1,1,1"], "expected time,type,id"),
        ("a missing column", ["1,1,7,10,100"], ["1,1,1,1"], "expected time,type,id"),
        ("an odd number of columns", ["1,1,7,10,100,1"], ["1,1,1"], "expected four columns a level"),
        ("fewer rows than messages", ["1,1,7,10,100,1", "2,1,8,10,100,1"], ["1,1,1,1"], "2 messages and 1 book rows"),
    ],
)
def test_what_is_no_sample_is_refused_with_its_line(tmp_path, sentence, messages, rows, told):
    with pytest.raises(NotLobster, match=told):
        day.read(sample(tmp_path, messages, rows))


def test_a_file_that_is_no_zip_is_refused(tmp_path):
    (tmp_path / "sample.zip").write_bytes(io.BytesIO(b"not a zip").getvalue())
    with pytest.raises(NotLobster, match="expected a zip"):
        day.read(tmp_path / "sample.zip")


def test_levels_enter_and_leave_at_the_far_edge_only():
    plan = Plan(row([(100, 5), (98, 5)], [(101, 5), (103, 5)]))
    assert [step.action for step in plan.opening] == [Action.PLACE] * 4
    better = plan.steps(message(1, 7, 3, 99, B), row([(100, 5), (99, 3)], [(101, 5), (103, 5)]))
    assert better == [Step(Action.PLACE, "L7", B, 99, 3), Step(Action.CANCEL, "S2", B, 98, 0)]
    gone = plan.steps(message(3, 7, 3, 99, B), row([(100, 5), (98, 6)], [(101, 5), (103, 5)]))
    assert gone == [Step(Action.CANCEL, "L7", B, 99, 0), Step(Action.PLACE, "S5", B, 98, 6)]
    assert (plan.seeded, plan.dropped) == (1, 1)


def test_an_order_from_before_is_taken_from_the_front_of_its_level():
    plan = Plan(row([(100, 5)], []))
    assert plan.steps(message(2, 1, 2, 100, B), row([(100, 3)], [])) == [Step(Action.REDUCE, "S1", B, 100, 3)]
    assert plan.steps(message(3, 2, 3, 100, B), row([], [])) == [Step(Action.CANCEL, "S1", B, 100, 0)]


def test_where_the_venue_filled_another_order_the_surplus_gives_way():
    plan = Plan(row([(100, 5)], []))
    plan.steps(message(1, 7, 4, 100, B), row([(100, 9)], []))
    executed = message(4, 7, 4, 100, B)
    assert plan.steps(executed, row([(100, 5)], [])) == [Step(Action.EXECUTE, "X1", S, 100, 4)]
    with pytest.raises(MustWait):
        plan.steps(message(3, 1, 5, 100, B), row([], []))
    plan.filled(executed, {"S1": 4})  # the venue knows the synthetic order as the older one
    steps = plan.steps(message(3, 1, 5, 100, B), row([], []))
    assert steps == [Step(Action.CANCEL, "S1", B, 100, 0), Step(Action.CANCEL, "L7", B, 100, 0)]


def test_a_level_is_known_once_it_appears_by_a_message():
    plan = Plan(row([(100, 5)], []))
    assert not plan.known(message(4, 1, 1, 100, B))
    plan.steps(message(3, 1, 5, 100, B), row([], []))
    plan.steps(message(1, 2, 5, 100, B), row([(100, 5)], []))
    assert plan.known(message(4, 2, 1, 100, B))


REPORT = {
    "rows": 10,
    "rows_equal": 10,
    "executions_known": 2_000,
    "executions_expected": 1_998,
    "log_verified": True,
    "state_hash_live": "a",
    "state_hash_replayed": "a",
}


@pytest.mark.parametrize(
    ("sentence", "changed", "expected"),
    [
        ("all as in the file, but for one execution in a thousand", {}, True),
        ("a row differs", {"rows_equal": 9}, False),
        ("another order was hit too often", {"executions_expected": 1_997}, False),
        ("the log does not verify", {"log_verified": False}, False),
        ("the log gives another state", {"state_hash_replayed": "b"}, False),
    ],
)
def test_a_day_is_the_same_or_not(sentence, changed, expected):
    assert same(REPORT | changed) is expected


@pytest.mark.parametrize("forged", [False, True], ids=["a sound log", "a log that somebody changed"])
def test_a_small_day_goes_through_the_command(tmp_path, monkeypatch, forged):
    """A day of three messages; the forger changes its log behind the platform's back, before it is verified."""
    path = sample(
        tmp_path,
        ["34200.5,1,7,10,1000000,1", "34201,1,8,5,1010000,-1", "34202,4,8,2,1010000,-1"],
        ["-9999999999,0,1000000,10", "1010000,5,1000000,10", "1010000,3,1000000,10"],
    )
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if forged:
        monkeypatch.setattr(Replay, "state_hash", forging(Replay.state_hash, tmp_path))
    result = CliRunner().invoke(app, ["replay", "lobster", str(path), "--json"])
    report = msgspec.json.decode(result.stdout)
    assert (result.exit_code, report["rows_equal"], report["log_verified"]) == (int(forged), 3, not forged), report
    assert ("the log does not verify" in result.stderr) is forged


def forging(state_hash, folder):
    """`state_hash`, after which the log lies."""

    async def told(replay):
        told = await state_hash(replay)
        (log,) = folder.glob("trading-replay-*/main.log.sqlite")
        with closing(sqlite3.connect(log)) as connection:
            connection.execute("DROP TRIGGER events_are_not_updated")
            connection.execute("UPDATE events SET event_data = CAST('{}' AS BLOB) WHERE position = 4")
            connection.commit()
        return told

    return told


@pytest.mark.parametrize(
    ("levels", "rows", "seeded_max", "known_min", "expected_min"),
    [(1, 49_482, 11_207, 3_703, 3_700), (10, 147_916, 44_451, 6_589, 6_584)],
)
def test_the_real_day_is_reproduced_row_by_row(real_data, levels, rows, seeded_max, known_min, expected_min):
    sample = day.read(real_data / "lobster" / f"LOBSTER_SampleFile_GOOG_2012-06-21_{levels}.zip")
    report = uvloop.run(replayed_day(sample, quiet=True))
    assert (report["rows_equal"], report["rows"], report["first_difference"]) == (rows, rows, "")
    assert report["levels_seeded"] <= seeded_max
    assert (report["executions"], report["executions_known"] >= known_min) == (7_764, True)
    assert report["executions_expected"] >= expected_min
    assert report["log_verified"]
    assert report["state_hash_live"] == report["state_hash_replayed"]
