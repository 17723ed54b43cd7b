"""The commands for people against a platform that runs beside the test: what they print and how they end."""

import json
import re
import stat
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import pytest
import uvloop
from typer.testing import CliRunner

from kernel.runtime import SystemRuntime
from trading_platform.bench import market
from trading_platform.bench.child import child
from trading_platform.cli import app
from trading_platform.client import browser, live, placing, rest, tables
from trading_platform.client.rest import Failure, Gateway, exit_code_of, refusal_line
from trading_platform.client.session import Session, current, save, session_file
from user_service.bootstrap import InitialUser, bootstrap

from .losing_proxy import losing

EMAIL, PASSWORD = "alice@example.com", "correct horse battery staple"


class Told(NamedTuple):
    exit_code: int
    out: str
    error: str


class Terminal:
    """Runs commands in a thread, as the platform's client needs the loop free."""

    def __init__(self, runtime: SystemRuntime) -> None:
        self._runtime = runtime

    async def run(self, *words: str, typed: str = "") -> Told:
        told = await self._runtime.in_thread("terminal", lambda: CliRunner().invoke(app, list(words), input=typed))
        assert told.exception is None or isinstance(told.exception, SystemExit), told.exception
        return Told(told.exit_code, told.stdout, told.stderr)

    async def document(self, *words: str) -> Any:
        told = await self.run(*words, "--json")
        assert told.exit_code == 0, told
        return json.loads(told.out)


async def on_a_platform(
    folder: Any, story: Callable[[Terminal, str], Any], environment: dict[str, str] | None = None
) -> None:
    runtime = SystemRuntime()
    async with (
        child(runtime, folder, environment=environment) as platform,
        market.channel_to(platform.grpc, folder) as channel,
    ):
        await market.open_market(channel)
        (alice,) = await bootstrap(runtime, channel, [InitialUser(EMAIL, "Alice", PASSWORD, ("USER", "TRADER"))])
        deposit = market.engine_pb2.Deposit(account_id=alice.account_id, asset="USD", amount="3000")
        await market.execute(channel, "alice", deposit=deposit)
        await story(Terminal(runtime), f"http://{platform.http}")


async def the_story(terminal: Terminal, url: str) -> None:
    for words, code in (
        (("order", "list"), 4),
        (("login", "--url", "http://127.0.0.1:1", "--user", EMAIL), 3),
        (("login", "--url", url, "--user", EMAIL), 0),
    ):
        assert (await terminal.run(*words, typed=PASSWORD)).exit_code == code, words
    assert (await terminal.run("login", "--url", url, "--user", EMAIL, typed="wrong")).exit_code == 4

    rests = await terminal.document("order", "place", "buy", "2", "BENCH", "--price", "99.50", "--client-order-id", "a")
    assert (rests["status"], rests["price"], rests["client_order_id"]) == ("PENDING", "99.5", "a")
    fills = await terminal.document("order", "place", "BUY", "1", "BENCH", "--protection-price", "102")
    assert (fills["type"], fills["status"], fills["average_price"]) == ("MARKET", "EXECUTED", "101")
    assert [order["order_id"] for order in (await terminal.document("order", "list"))["items"]] == [rests["order_id"]]
    assert (await terminal.document("order", "show", "a", "--client"))["order_id"] == rests["order_id"]
    history = await terminal.run("order", "show", rests["order_id"], "--history")
    assert "OrderCreated" in history.out
    reports = await terminal.run("order", "show", fills["order_id"], "--executions")
    assert all(word in reports.out for word in ("TRADE", "FILLED", "TAKER"))

    assert fills["client_order_id"].startswith("cli-")
    await pages(terminal, rests["order_id"])

    book = await terminal.run("book", "bench", "--depth", "2")
    assert [line.split()[1] for line in book.out.splitlines() if " bid " in line or " ask " in line] == [
        *("101.02", "101.01", "99.5", "99"),
    ]
    session = Gateway(session_file()).session()
    async for now, _ in live.follow(session, "BENCH", 5):
        assert now.best("bids", 2) == [("99.5", "2"), ("99", "1")]
        break

    account = (await terminal.document("account", "show"))["items"][0]
    assert {balance["asset"]: balance["hold"] for balance in account["balances"]} == {"BENCH": "0", "USD": "199"}
    assert [position["quantity"] for position in account["positions"]] == ["1"]
    assert "BENCH" in (await terminal.run("instrument", "list")).out

    refused = await terminal.run("order", "place", "buy", "1000", "BENCH", "--price", "100")
    assert (refused.exit_code, refused.error.startswith("insufficient_funds: ")) == (1, True)
    wrong = await terminal.run("order", "place", "buy", "0", "BENCH", "--price", "100")
    assert (wrong.exit_code, wrong.error.count("\n")) == (2, 1), wrong
    assert "quantity" in wrong.error
    assert (await terminal.run("order", "cancel")).exit_code == 2
    await replacing(terminal, rests["order_id"])
    assert rests["order_id"] in (await terminal.run("order", "list")).out
    canceled = await terminal.run("order", "cancel", rests["order_id"])
    assert canceled.out == f"CANCELED  BUY 1 BENCH at 98.75  {rests['order_id']}\n"
    assert (await terminal.document("order", "cancel", "--all"))["count"] == 0
    await every_word(terminal)
    await a_new_password(terminal, url)


# What is typed behind `trading order place buy`, and what the order says of itself.
PLACED = [
    ("2 BENCH --trigger-price 105", "STOP from 105: market PENDING"),
    ("2 BENCH --trigger-price 105 --price 106", "STOP_LIMIT from 105: 106 PENDING"),
    ("2 BENCH --trigger-price 95 --touched --trigger-by bid_ask", "MARKET_IF_TOUCHED from 95: market PENDING"),
    ("2 BENCH --trigger-price 95 --touched --price 94", "LIMIT_IF_TOUCHED from 95: 94 PENDING"),
    ("2 BENCH --price 90 --post-only slide --self-trade-prevention cancel_both", "LIMIT 90 PENDING"),
    ("2 BENCH --price 90 --display-quantity 1", "LIMIT 90 PENDING"),
    ("2 BENCH --price 90 --hidden --minimum-quantity 1", "LIMIT 90 PENDING"),
    ("2 BENCH --price 90 --tif gtd --expire-at 2200-01-01T00:00:00Z", "LIMIT 90 PENDING"),
    ("2 BENCH --price 90 --tif fok", "LIMIT 90 CANCELED"),
    ("2 BENCH --type primary_peg --peg-offset=-1 --limit-price 95", "PRIMARY_PEG 95 PENDING"),
    ("1 BENCH --type market_to_limit --all-or-none", "MARKET_TO_LIMIT 101.01 EXECUTED"),
    ("- BENCH --budget 150", "MARKET market EXECUTED"),
]


async def every_word(terminal: Terminal) -> None:
    for typed, told in PLACED:
        order = await terminal.document("order", "place", "buy", *typed.split())
        assert f"{order['type']} {tables.price(order)} {order['status']}" == told, typed
    for typed in ("--touched", "--trigger-price 1 --type limit --price 1", "--budget 5"):
        assert (await terminal.run("order", "place", "buy", "1", "BENCH", *typed.split())).exit_code == 2, typed
    waiting = (await terminal.document("order", "list", "--limit", "9"))["items"][-1]
    moved = await terminal.run("order", "replace", waiting["order_id"], "--trigger-price", "104.5")
    assert "at from 104.5: market" in moved.out
    chosen = ("--symbol", "BENCH", "--side", "buy", "--lowest-price", "90", "--highest-price", "94")
    assert (await terminal.document("order", "cancel", "--all", *chosen))["count"] == 5
    assert (await terminal.run("order", "cancel", waiting["order_id"], "--side", "buy")).exit_code == 2
    assert "orders end at " in (await terminal.run("account", "timer", "600")).out
    assert "the timer is off" in (await terminal.run("account", "timer", "0")).out
    assert (await terminal.document("account", "options", "--cancel-on-disconnect"))["cancel_on_disconnect"] is True
    assert (await terminal.document("order", "cancel", "--all"))["count"] == 4


async def a_new_password(terminal: Terminal, url: str) -> None:
    new = "staple of the correct horse"
    wrong = await terminal.run("password", typed=f"not it\n{new}\n{new}\n")
    assert (wrong.exit_code, "wrong_password: " in wrong.error) == (1, True), wrong
    changed = await terminal.run("password", typed=f"{PASSWORD}\n{new}\n{new}\n")
    assert (changed.exit_code, "your password was changed" in changed.error) == (0, True), changed
    assert (await terminal.run("order", "list")).exit_code == 0
    for typed, code in ((PASSWORD, 4), (new, 0)):
        assert (await terminal.run("login", "--url", url, "--user", EMAIL, typed=typed)).exit_code == code


async def pages(terminal: Terminal, order_id: str) -> None:
    """Lists are whole however small a page is; the newest few are told as such."""
    size, rest.PAGE_ITEMS = rest.PAGE_ITEMS, 1
    try:
        every = (await terminal.document("order", "list", "--status", "all"))["items"]
        assert [order["status"] for order in every] == ["EXECUTED", "PENDING"]
        newest = await terminal.run("order", "list", "--status", "all", "--limit", "1")
        assert ("there are more" in newest.error, order_id in newest.out) == (True, False)
        history = await terminal.document("order", "show", every[0]["order_id"], "--history")
        assert [event["event_type"] for event in history["items"]] == ["OrderCreated", "OrderExecuted"]
    finally:
        rest.PAGE_ITEMS = size


async def replacing(terminal: Terminal, order_id: str) -> None:
    both = await terminal.document("order", "replace", "a", "--client", "--price", "98.75", "--quantity", "3")
    assert (both["order_id"], both["price"], both["quantity"], both["status"]) == (order_id, "98.75", "3", "PENDING")
    less = await terminal.run("order", "replace", order_id, "--quantity", "1")
    assert less.out == f"PENDING  BUY 1 BENCH at 98.75  {order_id}\n"
    for words, code in (((order_id,), 2), ((order_id, "--quantity", "x"), 2), (("b", "--client", "--price", "1"), 1)):
        assert (await terminal.run("order", "replace", *words)).exit_code == code, words


def test_a_person_trades_from_the_command_line(tmp_path, monkeypatch):
    monkeypatch.setenv("TRADING_CONFIG", str(tmp_path / "config"))
    uvloop.run(on_a_platform(tmp_path / "data", the_story))
    kept = tmp_path / "config" / "session.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


async def without_answers(terminal: Terminal, url: str) -> None:
    """The platform takes every order, and the first answers are lost on the way."""
    assert (await terminal.run("login", "--url", url, "--user", EMAIL, typed=PASSWORD)).exit_code == 0
    session = Gateway(session_file()).session()
    async with losing(url.removeprefix("http://"), orders_lost=2) as (address, orders_sent):
        save(session_file(), msgspec.structs.replace(session, url=f"http://{address}"))
        placed = await terminal.document("order", "place", "buy", "1", "BENCH", "--price", "99")
        assert (placed["status"], len(orders_sent)) == ("PENDING", 3)
        assert [order["order_id"] for order in (await terminal.document("order", "list"))["items"]] == [
            placed["order_id"]
        ]
    async with losing(url.removeprefix("http://"), orders_lost=placing.ATTEMPTS_MAX) as (address, orders_sent):
        save(session_file(), msgspec.structs.replace(session, url=f"http://{address}"))
        silent = await terminal.run("order", "place", "buy", "1", "BENCH", "--price", "98")
        assert (silent.exit_code, len(orders_sent)) == (3, placing.ATTEMPTS_MAX), silent
        ask = re.search("trading (order show cli-[0-9a-f-]+ --client)", silent.error)
        assert ask, silent
        asked = await terminal.document(*ask[1].split())
        assert (asked["price"], asked["status"]) == ("98", "PENDING")
        again = await terminal.document(
            *("order", "place", "buy", "1", "BENCH", "--price", "98", "--client-order-id", asked["client_order_id"])
        )
        assert again["order_id"] == asked["order_id"]


def test_an_order_whose_answer_is_lost_is_placed_once(tmp_path, monkeypatch):
    monkeypatch.setenv("TRADING_CONFIG", str(tmp_path / "config"))
    monkeypatch.setattr(placing, "PAUSE_S", 0.01)
    uvloop.run(on_a_platform(tmp_path / "data", without_answers))


# What BROWSER names in the next test: follows the sign-in page as a person would.
A_PERSON = f"""#!{sys.executable}
import re, sys, httpx2
with httpx2.Client(follow_redirects=True) as browser:
    page = browser.get(sys.argv[1])
    action = re.search('method="post" action="([^"]+)"', page.text)[1].replace("&amp;", "&")
    token = re.search('name="form_token" value="([^"]+)"', page.text)[1]
    form = {{"form_token": token, "username": "{EMAIL}", "password": "{PASSWORD}"}}
    browser.post(page.url.join(action), data=form)
"""


async def in_a_browser(terminal: Terminal, url: str) -> None:
    told = await terminal.run("login", "--url", url)
    assert (told.exit_code, f"signed in to {url} as {EMAIL}" in told.error) == (0, True), told
    assert (await terminal.document("order", "list"))["items"] == []
    no_password = await terminal.run("login", "--url", url, "--user", EMAIL, typed=PASSWORD)
    assert (no_password.exit_code, "without --user" in no_password.error) == (4, True)


def test_a_person_signs_in_with_a_browser_where_programs_take_no_passwords(tmp_path, monkeypatch):
    person = tmp_path / "browser"
    person.write_text(A_PERSON)
    person.chmod(0o700)
    monkeypatch.setenv("BROWSER", str(person))
    monkeypatch.setenv("TRADING_CONFIG", str(tmp_path / "config"))
    uvloop.run(on_a_platform(tmp_path / "data", in_a_browser, {"USER_SERVICE_PASSWORD_GRANT_CLIENTS": ""}))


@pytest.mark.parametrize(
    ("sentence", "answer", "line"),
    [
        ("another state", {"code": "c", "state": "forged"}, "belongs to another sign-in"),
        ("another issuer", {"code": "c", "state": "s", "iss": "http://evil"}, "belongs to another sign-in"),
        ("a refusal", {"error": "access_denied", "state": "s"}, "refused: access_denied"),
        ("nothing", {"state": "s"}, "gave no code"),
    ],
)
def test_an_answer_that_is_not_the_one_to_our_request_signs_nobody_in(sentence, answer, line):
    with pytest.raises(Failure, match=line):
        browser._code(answer, "s", "http://issuer")


@pytest.mark.parametrize(
    ("sentence", "now_s", "renewals"),
    [("a fresh token is used as it is", 80, 0), ("one that is about to expire is renewed and kept", 95, 1)],
)
def test_a_session_renews_itself(tmp_path, sentence, now_s, renewals):
    path = tmp_path / "session.json"
    save(path, Session("http://here", EMAIL, "http://here/token", "old", "refresh", 100 * 10**9))
    asked: list[Session] = []

    def renew(session: Session) -> Session:
        asked.append(session)
        return Session("http://here", EMAIL, "http://here/token", "new", "next", 1_000 * 10**9)

    for _ in range(2):
        session = current(path, now_s * 10**9, renew)
    assert (len(asked), session.access_token) == (renewals, "new" if renewals else "old")


@pytest.mark.parametrize(
    ("sentence", "problem", "line"),
    [
        ("code and message", {"code": "not_found", "message": "No such order."}, "not_found: No such order."),
        (
            "fields that the message does not tell",
            {"code": "invalid_request", "message": "Wrong.", "errors": [{"field": "price", "message": "must be > 0"}]},
            "invalid_request: Wrong.; price must be > 0",
        ),
        (
            "fields that the message tells",
            {"code": "c", "message": "price: must be > 0.", "errors": [{"field": "price", "message": "must be > 0"}]},
            "c: price: must be > 0.",
        ),
        (
            "the order that was recorded as refused",
            {"code": "insufficient_funds", "message": "Too little.", "order_id": "7"},
            "insufficient_funds: Too little. (order 7)",
        ),
    ],
)
def test_a_refusal_is_one_line(sentence, problem, line):
    assert refusal_line(problem, 422) == line


@pytest.mark.parametrize(
    ("status", "code"), [(400, 2), (401, 4), (403, 1), (404, 1), (409, 1), (422, 1), (429, 3), (500, 3), (503, 3)]
)
def test_exit_codes_mean_something(status, code):
    assert exit_code_of(status) == code


def test_a_book_that_misses_an_update_says_so():
    book = live.Book()
    assert book.apply({"type": "snapshot", "seq": 4, "bids": [["9", "1"], ["8", "2"]], "asks": []})
    assert book.apply({"type": "update", "first_seq": 5, "seq": 7, "bids": [["9", "0"], ["8.5", "3"]], "asks": []})
    assert book.best("bids", 5) == [("8.5", "3"), ("8", "2")]
    assert not book.apply({"type": "update", "first_seq": 9, "seq": 9, "bids": [], "asks": []})
