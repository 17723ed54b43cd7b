"""What people type that cannot be: one line that says what was expected, and an exit code that means something."""

import socket

import pytest
from typer.testing import CliRunner

from kernel.projection import ViewStore
from market_data.book import Resting
from market_data.views import MarketView
from trading_platform.cli import app

USAGE, FAILED, NOT_SIGNED_IN = 2, 3, 4
UP = "up --data DATA"


def typed(words, folder, environment=None):
    arguments = [word.replace("DATA", str(folder / "data")) for word in words.split()]
    return CliRunner().invoke(app, arguments, env={"TRADING_CONFIG": str(folder / "config"), **(environment or {})})


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (f"{UP} --services engine", USAGE, "there is no service 'engine'; there are trading-engine"),
        (f"{UP} --services ,", USAGE, "no service was named"),
        (f"{UP} --services order-service", USAGE, "say where it is, as --peers trading-engine=<host>:<port>"),
        (f"{UP} --services order-service --peers trading-engine", USAGE, "expected <service>=<host>:<port>"),
        (f"{UP} --services order-service --peers trading-engine=a:99999", USAGE, "expected host:port"),
        (f"{UP} --demo --services order-service", USAGE, "the demo market needs every service"),
        (f"{UP} --http 8080", USAGE, "TRADING_PLATFORM_HTTP: expected host:port, such as 127.0.0.1:8080, got '8080'"),
        (f"{UP} --http 127.0.0.1:99999", USAGE, "expected host:port"),
        (f"{UP} --http nowhere.invalid:80", FAILED, "cannot listen on nowhere.invalid:80"),
        (f"{UP} --http 127.0.0.1:TAKEN", FAILED, "Address already in use; choose another with --http host:port"),
        (f"{UP} --grpc 127.0.0.1:TAKEN", FAILED, "the port is taken, or the host is another machine's; choose another"),
        (f"{UP} --event-log here", USAGE, "TRADING_PLATFORM_EVENT_LOG: expected host:port"),
        (f"{UP} --public-url venue/", USAGE, "TRADING_PLATFORM_PUBLIC_URL: expected http(s)://host[:port]"),
        ("up --data /proc/nobody", FAILED, "/proc/nobody"),
        ("verify --data DATA", FAILED, "there is no event log at"),
        ("login --url venue", USAGE, "expected http(s)://host[:port], got venue"),
        ("login --url http://127.0.0.1:1", FAILED, "does the platform run there?"),
        ("order list", NOT_SIGNED_IN, "run `trading login` first"),
        ("order cancel", USAGE, "give an order id, or --all"),
        ("order place hold 1 AAPL", USAGE, "'hold' is not one of"),
        ("book AAPL --depth 0", USAGE, "greater than or equal to 1"),
        ("replay lobster /nowhere.zip", USAGE, "expected a zip with a message and an orderbook file"),
        ("nonsense", USAGE, "No such command 'nonsense'"),
    ],
)
def test_rubbish_is_refused_in_a_line(words, code, told, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = words.replace("TAKEN", str(taken.getsockname()[1]))
        result = typed(words, tmp_path)
    # Boxes around usage errors break lines where the terminal ends.
    said = " ".join(result.stderr.replace("│", " ").split())
    assert (result.exit_code, told in said) == (code, True), result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("TRADING_PLATFORM_LOG_LEVEL", "LOUD", "TRADING_PLATFORM_LOG_LEVEL: Input should be 'DEBUG', 'INFO'"),
        ("TRADING_PLATFORM_COLOUR", "red", "unknown variable TRADING_PLATFORM_COLOUR"),
        ("TRADING_ENGINE_QUEUE_COMMANDS_MAX", "many", "TRADING_ENGINE_QUEUE_COMMANDS_MAX: Input should be a valid int"),
    ],
)
def test_a_wrong_variable_is_refused_in_a_line(variable, value, told, tmp_path):
    result = typed(UP, tmp_path, {variable: value})
    assert (result.exit_code, result.stderr.count("\n")) == (USAGE, 1), result.stderr
    assert told in result.stderr


def test_the_version_is_told():
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout.count(".")) == (0, 2)


def test_a_fault_of_the_platform_is_no_wrong_usage_and_leaves_its_trace(tmp_path):
    """A read model that contradicts itself: an order rests in a market that is not there."""
    path = tmp_path / "data" / "market-data" / "market-data.sqlite"
    path.parent.mkdir(parents=True, mode=0o700)
    view = MarketView()
    store = ViewStore(view, path)
    view.resting.put("1", Resting("NOWHERE", "BUY", 1, 1, 1))
    store.commit(store.take(), 1)
    store.close()
    failed = typed(f"{UP} --services trading-engine,market-data", tmp_path)
    assert failed.exit_code == FAILED
    assert "Traceback" in failed.stdout + failed.stderr
    assert "KeyError: 'NOWHERE'" in failed.stdout + failed.stderr


def test_what_was_opened_is_closed_when_a_service_cannot_be_built(tmp_path):
    words = f"{UP} --services trading-engine,order-service"
    for _ in range(2):  # the second would find the log locked
        refused = typed(words, tmp_path)
        assert (refused.exit_code, "as --peers market-data" in refused.stderr) == (USAGE, True), refused.stderr
    assert typed("verify --data DATA", tmp_path).exit_code == 0
