"""What an administrator does about people from the command line."""

import json

import pytest
import uvloop
from typer.testing import CliRunner

from kernel.telemetry import configure_logs
from trading_platform.cli import app

from .embedded import embedded
from .scenario import PASSWORD, token_of


def story(tmp_path, monkeypatch, told):
    """Run `told(venue, run)` on a platform on which the administrator has signed in; `run` is a command of theirs."""
    configure_logs("ERROR")  # the platform's lines would be among the command's
    monkeypatch.setenv("TRADING_CONFIG", str(tmp_path / "config"))

    async def whole():
        async with embedded(tmp_path / "data") as venue:

            async def run(*words, typed=""):
                invoke = CliRunner().invoke
                return await venue.platform.runtime.in_thread("terminal", lambda: invoke(app, words, input=typed))

            signed_in = await run("login", "--url", venue.url, "--user", "admin@example.com", typed=PASSWORD)
            assert signed_in.exit_code == 0, signed_in.stderr
            await told(venue, run)

    uvloop.run(whole())


def test_a_person_is_found_given_another_password_and_erased(tmp_path, monkeypatch):
    async def told(venue, run):
        rows = (await run("admin", "users")).stdout
        assert all(f"{name}@example.com" in rows for name in ("admin", "buyer", "seller"))
        (buyer,) = json.loads((await run("admin", "users", "--email", "buyer@example.com", "--json")).stdout)["items"]

        reset = await run("admin", "reset-password", "buyer@example.com")
        assert (reset.exit_code, reset.stderr.splitlines()[-1]) == (
            0,
            "buyer@example.com signs in with it in a browser, and chooses another there",
        )
        assert " for one sign-in until " in reset.stdout
        assert (await venue.people["buyer"].ask("GET", "/orders"))[0] == 401
        again = json.loads((await run("admin", "reset-password", buyer["user_id"], "--json")).stdout)
        assert again["one_time_password"] not in reset.stdout

        kept = await run("admin", "erase", "buyer@example.com", typed="n\n")
        assert (kept.exit_code, "Erase Buyer (buyer@example.com)? It cannot be undone" in kept.stderr) == (1, True)
        erased = await run("admin", "erase", "buyer@example.com", typed="y\n")
        assert erased.stdout.splitlines()[-1].endswith(f"erased {buyer['user_id']}")
        assert (await run("admin", "erase", buyer["user_id"], "--yes")).exit_code == 0, "again changes nothing"
        assert "buyer@example.com" not in (await run("admin", "users")).stdout

    story(tmp_path, monkeypatch, told)


REFUSED = [
    (("reset-password", "nobody@example.com"), 1, "not_found: Nobody has the address nobody@example.com."),
    (("reset-password", "admin@example.com"), 1, "own_password: "),
    (("erase", "01936d2e-7c1a-7b3e-9a51-3f2c8d4e5a6b", "--yes"), 1, "not_found: "),
    (("erase", "nobody", "--yes"), 2, "invalid_request: "),
]


@pytest.fixture(scope="module")
def refusals(tmp_path_factory):
    """What each of the refused commands told, and what a trader is told."""
    outcomes = []

    async def told(venue, run):
        outcomes.extend([await run("admin", *words) for words, *_ in REFUSED])
        await run("login", "--url", venue.url, "--user", "buyer@example.com", typed=PASSWORD)
        outcomes.append(await run("admin", "erase", "seller@example.com", "--yes"))
        await token_of(f"{venue.url}/realms/trading-platform", "seller@example.com")

    with pytest.MonkeyPatch.context() as monkeypatch:
        story(tmp_path_factory.mktemp("venue"), monkeypatch, told)
    return outcomes


@pytest.mark.parametrize("row", range(len(REFUSED)))
def test_who_cannot_be_meant_is_told_in_a_line(refusals, row):
    _, code, line = REFUSED[row]
    outcome = refusals[row]
    assert (outcome.exit_code, outcome.stderr.count("\n")) == (code, 1), outcome.stderr
    assert outcome.stderr.startswith(line)


def test_a_trader_may_not(refusals):
    assert (refusals[-1].exit_code, refusals[-1].stderr.partition(":")[0]) == (1, "forbidden")
