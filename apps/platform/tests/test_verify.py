"""`trading verify` on a small platform: nothing differs, until someone changes something, and then it is named."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
import uvloop
from typer.testing import CliRunner

from kernel.event import Append, NewEvent
from kernel.eventlog.sqlite import SqliteLog
from kernel.ids import derived_id
from kernel.runtime import SystemRuntime
from trading_platform import verify_command
from trading_platform.bench import engine, market
from trading_platform.cli import app
from trading_platform.platform import running, until_ready
from trading_platform.settings import PlatformSettings
from trading_platform.verify.checks import Outcome

SERVICES = "trading-engine,market-data,order-service,risk-management"
CHECKS = [
    "hash chain and positions",
    "cash and assets",
    "engine",
    "market-data/market-data.sqlite",
    "order-service/orders.sqlite",
    "risk-management/risk.sqlite",
    "user-service/users.db",
    "user-service/private.db",
]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """The folder of a platform on which some five hundred orders met, with a snapshot in the middle."""
    folder = tmp_path_factory.mktemp("stopped") / "data"
    uvloop.run(_trade(folder))
    return folder


async def _trade(folder: Path) -> None:
    overrides = {"trading-engine": {"snapshot_every_events": 700}}
    settings = PlatformSettings(data=folder, services=SERVICES)
    async with running(settings, overrides) as platform:
        await until_ready(platform)
        channel = platform.channels("trading-engine")
        await market.open_market(channel)
        send = await engine.submitting(channel)
        for number in range(2):
            await send(number)
        await market.lags_ms(platform.runtime, channel)


def on_log(folder: Path, *statements: str) -> None:
    _change(folder / "main.log.sqlite", "DROP TRIGGER events_are_not_updated", *statements)


def _change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            changed = connection.execute(statement).rowcount
            assert changed != 0, statement
        connection.commit()


def change_old_event(folder: Path) -> None:
    """The fourth event lists the share."""
    data = "CAST(replace(event_data, 'BENCH', 'BRIBE') AS BLOB)"
    on_log(folder, f"UPDATE events SET event_data = {data} WHERE position = 4")


def change_new_event(folder: Path) -> None:
    on_log(
        folder,
        "UPDATE events SET event_data = CAST(replace(event_data, '100', '101') AS BLOB) "
        "WHERE position = (SELECT max(position) - 20 FROM events)",
    )


def change_row(folder: Path) -> None:
    where = "WHERE key = (SELECT max(key) FROM orders)"
    _change(folder / "order-service/orders.sqlite", f"UPDATE orders SET row = replace(row, 'BENCH', 'BRIBE') {where}")


def change_column(folder: Path) -> None:
    where = "WHERE key = (SELECT min(key) FROM orders)"
    _change(folder / "order-service/orders.sqlite", f"UPDATE orders SET open = 7 {where}")


def drop_row(folder: Path) -> None:
    where = "WHERE key = (SELECT min(key) FROM trades)"
    _change(folder / "market-data/market-data.sqlite", f"DELETE FROM trades {where}")


def add_row(folder: Path) -> None:
    _change(
        folder / "risk-management/risk.sqlite",
        "INSERT INTO balances SELECT 'zz', row FROM balances ORDER BY key LIMIT 1",
    )


def move_checkpoint(folder: Path) -> None:
    _change(folder / "risk-management/risk.sqlite", "UPDATE checkpoint SET position = position + 1000")


def remove_checkpoint(folder: Path) -> None:
    _change(folder / "order-service/orders.sqlite", "DELETE FROM checkpoint")


def empty_view(folder: Path) -> None:
    path = folder / "order-service/orders.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            connection.execute(f"DELETE FROM {table}")
        connection.commit()


def age_view(folder: Path) -> None:
    _change(folder / "order-service/orders.sqlite", "UPDATE checkpoint SET version = version - 1")


def remove_view(folder: Path) -> None:
    for file in (folder / "order-service").iterdir():
        file.unlink()


def remove_service(folder: Path) -> None:
    shutil.rmtree(folder / "order-service")


def break_view(folder: Path) -> None:
    (folder / "order-service/orders.sqlite").write_bytes(b"no database" * 1_000)


def change_snapshot(folder: Path) -> None:
    _change(folder / "main.log.sqlite.snapshots", "UPDATE snapshots SET state_hash = '-' || substr(state_hash, 2)")


def forge(*postings: list[str]) -> "object":
    """A function that appends, in good form and with a good hash, an event that the engine would never write."""

    def append(folder: Path) -> None:
        uvloop.run(_append(folder, list(postings)))

    return append


async def _append(folder: Path, postings: list[list[str]]) -> None:
    runtime = SystemRuntime()
    log = await SqliteLog.open(runtime, folder / "main.log.sqlite")
    account_id = postings[0][0]
    version = len(await log.read_stream(account_id)) + 1
    writer = await log.acquire("trading-engine", ["Order", "Account", "Instrument", "Asset"])
    data = {"account_id": account_id, "asset": "USD", "amount": "5", "postings": postings}
    event = NewEvent(
        event_id=derived_id("forged"),
        aggregate_id=account_id,
        aggregate_type="Account",
        event_type="CashDeposited",
        event_version=version,
        event_data=msgspec.json.encode(data),
        occurred_at_ns=runtime.now_ns(),
        account_id=account_id,
    )
    await log.append([Append(events=(event,), correlation_id="forged")], writer)
    await log.close()
    runtime.close()


EXTERNAL, CLEARING, CUSTOMER = (f"61636374-0001-8000-8000-{number:012x}" for number in (1, 3, 4))


def verified(folder: Path) -> dict[str, str]:
    """What differs, by check."""
    done = uvloop.run(verify_command.verified(folder, "main", lambda name: lambda at, of: None, lambda checked: None))
    return {
        checked.check: "; ".join(f"{found.where}: {found.what}" for found in checked.differences.first)
        for checked in done
        if checked.outcome is Outcome.DIFFERS
    }


@pytest.mark.parametrize(
    ("sentence", "change", "check", "named"),
    [
        ("a changed byte of an old event", change_old_event, "hash chain and positions", "position 4 (AssetListed"),
        ("a changed byte of a new event", change_new_event, "hash chain and positions", "was changed"),
        ("a changed row of a view", change_row, "order-service/orders.sqlite", "BRIBE"),
        ("a changed column beside a row", change_column, "order-service/orders.sqlite", "table orders, row 6f726472"),
        ("a row that is gone", drop_row, "market-data/market-data.sqlite", "table trades, row BENCH|"),
        ("a row that nobody made", add_row, "risk-management/risk.sqlite", "row zz: is there, and the log does not"),
        ("a view ahead of the log", move_checkpoint, "risk-management/risk.sqlite", "beyond the log's head"),
        ("rows without a checkpoint", remove_checkpoint, "order-service/orders.sqlite", "the log does not give it"),
        ("a file that is no database", break_view, "order-service/orders.sqlite", "not a database"),
        ("a snapshot of another state", change_snapshot, "engine", "the log gives"),
        (
            "money from nowhere",
            forge([CUSTOMER, "USD", "balance", "5", "999990000000005"]),
            "cash and assets",
            "balance postings of USD sum to 5, expected 0",
        ),
        (
            "a balance that does not follow from the one before",
            forge([CUSTOMER, "USD", "balance", "5", "7"], [EXTERNAL, "USD", "balance", "-5", "-5"]),
            "cash and assets",
            "the event says 7",
        ),
        (
            "a hold beyond the balance",
            forge([CUSTOMER, "EUR", "hold", "5", "5"]),
            "cash and assets",
            "holds 5 EUR of 0, expected a hold from 0 to the balance",
        ),
        (
            "money that stays with the clearing account",
            forge([CLEARING, "EUR", "balance", "5", "5"], [EXTERNAL, "EUR", "balance", "-5", "-5"]),
            "cash and assets",
            f"clearing account {CLEARING} keeps 5 EUR after the command, expected 0",
        ),
    ],
)
def test_what_someone_changed_is_found_and_named(stopped, tmp_path, sentence, change, check, named):
    folder = tmp_path / "data"
    shutil.copytree(stopped, folder)
    change(folder)
    assert named in verified(folder)[check]


def test_nothing_differs_on_a_platform_that_nobody_touched(stopped):
    result = CliRunner().invoke(app, ["verify", "--data", str(stopped), "--json"])
    document = msgspec.json.decode(result.stdout)
    assert (result.exit_code, document["ok"], [checked["check"] for checked in document["checks"]]) == (0, True, CHECKS)
    assert "compared" in document["checks"][2]["told"]


@pytest.mark.parametrize(
    ("sentence", "change", "outcome", "told", "code"),
    [
        ("a view of another version", age_view, "not compared", "is current", 4),
        ("a view that somebody emptied", empty_view, "not compared", "no checkpoint and no rows, and the log gives", 4),
        ("a view whose file is gone", remove_view, "missing", "there is no file", 4),
        ("a service that never ran here", remove_service, "not here", "there is no folder", 0),
    ],
)
def test_what_was_not_compared_is_told_apart_from_what_is_right(
    stopped, tmp_path, sentence, change, outcome, told, code
):
    folder = tmp_path / "data"
    shutil.copytree(stopped, folder)
    change(folder)
    result = CliRunner().invoke(app, ["verify", "--data", str(folder), "--json"])
    document = msgspec.json.decode(result.stdout)
    (view,) = (checked for checked in document["checks"] if checked["check"] == "order-service/orders.sqlite")
    assert (view["outcome"], told in view["told"]) == (outcome, True), view
    assert (result.exit_code, document["ok"], view["ok"]) == (code, not code, not code)
    shown = CliRunner().invoke(app, ["verify", "--data", str(folder)])
    assert (shown.exit_code, f"{outcome} order-service/orders.sqlite: " in shown.stderr) == (code, True), shown.stderr


def test_a_view_that_no_event_concerned_is_right_without_a_row(tmp_path):
    async def start_and_stop() -> None:
        async with running(PlatformSettings(data=tmp_path / "data", services=SERVICES)) as platform:
            await until_ready(platform)

    uvloop.run(start_and_stop())
    assert CliRunner().invoke(app, ["verify", "--data", str(tmp_path / "data")]).exit_code == 0


def test_a_difference_is_exit_code_1_with_its_place(stopped, tmp_path):
    folder = tmp_path / "data"
    shutil.copytree(stopped, folder)
    change_row(folder)
    result = CliRunner().invoke(app, ["verify", "--data", str(folder)])
    assert result.exit_code == 1
    assert "differs" in result.stderr


def test_a_running_platform_and_an_empty_folder_are_exit_code_3(stopped, tmp_path):
    async def verify_while_open() -> int:
        runtime = SystemRuntime()
        log = await SqliteLog.open(runtime, stopped / "main.log.sqlite")
        try:
            locked = await runtime.in_thread("cli", CliRunner().invoke, app, ["verify", "--data", str(stopped)])
        finally:
            await log.close()
            runtime.close()
        assert "owns it" in locked.stderr
        return locked.exit_code

    assert uvloop.run(verify_while_open()) == 3
    assert CliRunner().invoke(app, ["verify", "--data", str(tmp_path)]).exit_code == 3
