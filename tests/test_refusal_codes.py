"""The codes that contracts/openapi.yaml tells clients are those that the platform can answer with, and no others."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from api_gateway.problems import STATUS_OF
from kernel.refused import Kind
from trading_engine.refusals import meaning

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("services", "libs/kernel/src/kernel")
# They answer other processes of the platform, never a client.
INTERNAL_FOLDERS = ("libs/kernel/src/kernel/eventlog", "libs/kernel/src/kernel/simulation")
INTERNAL_CODES = {
    "source_time_ahead": "only gRPC takes a source time",
    "account_missing": "told to whoever makes the first users",
    "refused": "what gRPC's own abort amounts to within a process; nobody calls it",
}
CODE = re.compile(r"[a-z][a-z0-9_]*")
LISTED = re.compile(r"^- (\d{3}): (.*)$", re.MULTILINE)
# Where a code is put together, its parts are given here; where another's code is passed on, nothing is said anew.
COMPOSED = {
    "services/trading-engine/src/trading_engine/listing.py": [
        *(("price_off_tick", 422), ("quantity_off_lot", 422), ("invalid_price", 422), ("invalid_quantity", 422)),
        *(("invalid_trigger_price", 422), ("invalid_display_quantity", 422), ("invalid_minimum_quantity", 422)),
    ],
    "services/order-service/src/order_service/submit.py": [
        *(("invalid_price", 400), ("invalid_quantity", 400), ("invalid_protection_price", 400)),
        *(("invalid_trigger_price", 400), ("invalid_display_quantity", 400), ("invalid_minimum_quantity", 400)),
        *(("invalid_budget", 400), ("invalid_lowest_price", 400), ("invalid_highest_price", 400)),
    ],
}
PASSED_ON = {
    *("services/api-gateway/src/api_gateway/commands.py", "services/api-gateway/src/api_gateway/orders.py"),
    "services/api-gateway/src/api_gateway/admin.py",
    "services/api-gateway/src/api_gateway/auth.py",
    *("services/market-data/src/market_data/sessions.py", "services/user-service/src/user_service/process.py"),
    "services/risk-management/src/risk_management/enforcement.py",
    *("services/risk-management/src/risk_management/rpc.py", "services/order-service/src/order_service/rpc.py"),
    "libs/kernel/src/kernel/rpc.py",
}
# Reasons of the core that end an order and refuse nothing, and those that do both.
ONLY_ENDS = {
    *("requested", "immediate_or_cancel", "protection_price", "self_trade", "trades_per_command", "session_end"),
    *("fill_or_kill", "minimum_quantity", "all_or_none", "expire_time", "disconnect", "dead_mans_timer"),
}
ALSO_ENDS = {"kill_switch", "no_liquidity", "no_reference"}
MAKERS = ("Refused", "HttpRefused", "FieldsRefused", "field_refused", "refuse")


def documented() -> dict[str, set[int]]:
    contract = yaml.safe_load((ROOT / "contracts" / "openapi.yaml").read_text())
    text = contract["components"]["schemas"]["Problem"]["description"]
    found = defaultdict(set)
    for status, codes in LISTED.findall(text):
        for code in CODE.findall(codes):
            found[code].add(int(status))
    return dict(found)


def served() -> dict[str, set[int]]:
    found = defaultdict(set)
    for code, status in [*raised(), *decided()]:
        found[code].add(status)
    return {code: statuses for code, statuses in found.items() if code not in INTERNAL_CODES}


def raised() -> Iterator[tuple[str, int]]:
    """What the code makes a refusal of: the code and the HTTP status of its kind."""
    for path in sources():
        yield from COMPOSED.get(path, [])
        for call in calls(path):
            name = call.func.id if isinstance(call.func, ast.Name) else ""
            if name == "HttpRefused":
                yield text_of(call.args[1]), int(ast.literal_eval(call.args[0]))
            elif name in ("FieldsRefused", "field_refused"):
                yield "invalid_request", 400
            elif name == "refuse":
                yield text_of(call.args[0]), 401
            elif name == "Refused" and text_of(call.args[0]):
                yield text_of(call.args[0]), STATUS_OF[kind_of(call)]


def decided() -> Iterator[tuple[str, int]]:
    """What the core decides, from its vocabulary, but for what only ends an order."""
    for code in reasons():
        if code not in ONLY_ENDS:
            yield code, STATUS_OF[meaning(code).kind]


def reasons() -> list[str]:
    vocabulary = (ROOT / "crates" / "matching" / "src" / "vocabulary.rs").read_text()
    return re.findall(r'= \d+, "([a-z_]+)"', vocabulary[vocabulary.index("    Reason {") :])


def documented_ends() -> set[str]:
    """Why an order was canceled or expired, as the contract tells it."""
    contract = yaml.safe_load((ROOT / "contracts" / "openapi.yaml").read_text())
    text = contract["components"]["schemas"]["OrderReason"]["description"]
    return {
        code
        for line in re.findall(r"^- (?:canceled|expired): (.*)$", text, re.MULTILINE)
        for code in CODE.findall(line)
    }


def sources() -> list[str]:
    files = [path for folder in SOURCES for path in (ROOT / folder).rglob("*.py") if "tests" not in path.parts]
    names = (path.relative_to(ROOT).as_posix() for path in files)
    return sorted(name for name in names if not name.startswith(INTERNAL_FOLDERS))


def calls(path: str) -> list[ast.Call]:
    nodes = ast.walk(ast.parse((ROOT / path).read_text()))
    made = [node for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    return [call for call in made if call.func.id in MAKERS and call.args]  # type: ignore[attr-defined]


def text_of(node: ast.expr) -> str:
    """A literal code, empty for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def kind_of(call: ast.Call) -> Kind:
    given = [argument for argument in [*call.args, *(word.value for word in call.keywords)] if is_kind(argument)]
    return Kind[given[0].attr] if given else Kind.UNPROCESSABLE  # type: ignore[attr-defined]


def is_kind(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Kind"


def test_every_code_that_can_be_answered_is_documented_with_its_status_and_no_other_is():
    assert documented() == served()


def test_every_reason_that_ends_an_order_is_documented_and_no_other_is():
    assert set(reasons()) >= ONLY_ENDS | ALSO_ENDS
    assert documented_ends() == ONLY_ENDS | ALSO_ENDS


@pytest.mark.parametrize("path", sources())
def test_a_code_stands_in_the_source_as_it_is_answered(path):
    codes = [call.args[0] for call in calls(path) if call.func.id == "Refused"]  # type: ignore[attr-defined]
    is_hidden = any(not text_of(code) for code in codes)
    assert is_hidden == (path in COMPOSED or path in PASSED_ON)
