"""The contracts: what buf says, generated code as generated, and events that stay readable for ever."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import msgspec
import protovalidate
import pytest
import yaml
from google.protobuf import descriptor_pb2
from openapi_spec_validator import validate as validate_openapi

from tools import generate_event_schemas, generate_protocol
from trading.v1 import engine_pb2, risk_pb2, trading_pb2

ROOT = Path(__file__).resolve().parent.parent
EVENTS = generate_event_schemas.EVENTS
TYPES = {
    kind.__name__: (EVENTS / folder, kind) for folder, types in generate_event_schemas.WRITERS.items() for kind in types
}
ACCOUNT = "61636374-0001-8000-8000-000000000001"
SAMPLES = [
    (generate_event_schemas.event_type(path), line)
    for path in sorted(EVENTS.rglob("*.samples.jsonl"))
    for line in path.read_text().splitlines()
]


def run_tool(name, *arguments):
    command = [sys.executable, ROOT / "tools" / name, *arguments]
    return subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The contract's descriptors as buf reads them."""
    path = tmp_path_factory.mktemp("contracts") / "image.binpb"
    assert run_tool("generate_protocol.py", "--image", str(path)).returncode == 0
    return path


def changed(image, change):
    """The image with `change` made to trading/v1/trading.proto, beside it."""
    files = descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes())
    (trading,) = (file for file in files.file if file.name == "trading/v1/trading.proto")
    change(trading)
    path = image.parent / "changed.binpb"
    path.write_bytes(files.SerializeToString())
    return path


def without_a_field(file):
    del next(message for message in file.message_type if message.field).field[-1]


def with_a_service_of_another_name(file):
    file.service[0].name = "tradings"


def test_the_protobuf_contract_is_clean(image):
    linted = generate_protocol.buf("lint", str(image))
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_the_linter_finds_a_badly_named_service(image):
    assert "tradings" in generate_protocol.buf("lint", str(changed(image, with_a_service_of_another_name))).stdout


def test_nothing_that_clients_hold_is_broken(image):
    compared = generate_protocol.buf("breaking", str(image), "--against", str(generate_protocol.PROMISED))
    assert compared.returncode == 0, compared.stdout + compared.stderr


def test_a_deleted_field_would_be_found(image):
    compared = generate_protocol.buf("breaking", str(changed(image, without_a_field)), "--against", str(image))
    assert "deleted" in compared.stdout, compared.stdout + compared.stderr


def test_the_promised_contract_is_the_present_one(image):
    promised = gzip.decompress(generate_protocol.PROMISED.read_bytes())
    assert promised == generate_protocol.without_comments(image.read_bytes()), "run `make generate`"


def test_the_generated_messages_are_what_the_contract_generates():
    checked = run_tool("generate_protocol.py", "--check")
    assert checked.returncode == 0, checked.stderr


def test_a_generated_file_that_was_edited_or_lost_is_found(tmp_path):
    generated, checked_in = tmp_path / "generated", tmp_path / "checked_in"
    for folder in (generated, checked_in):
        (folder / "trading").mkdir(parents=True)
        (folder / "trading" / "a_pb2.py").write_text("A = 1\n")
        (folder / "trading" / "b_pb2.py").write_text("B = 1\n")
    assert generate_protocol.differences(generated, checked_in) == []
    (checked_in / "trading" / "a_pb2.py").write_text("A = 2\n")
    (checked_in / "trading" / "b_pb2.py").unlink()
    assert generate_protocol.differences(generated, checked_in) == ["trading/a_pb2.py", "trading/b_pb2.py"]


def test_the_openapi_contract_is_valid():
    contract = yaml.safe_load((ROOT / "contracts" / "openapi.yaml").read_text())
    assert contract["openapi"] == "3.0.3"
    validate_openapi(contract)


# A field's text -> whether the contracts take it for a number above zero.
POSITIVE = [
    *(("1", True), ("0.01", True), ("0.000000000000000001", True), ("12345678901234567890.123456789012345678", True)),
    *(("1.50", True), ("10", True), ("0", False), ("0.0", False), ("0.000000000000000000", False), ("-1", False)),
    *(("01", False), ("1e3", False), ("1.", False), (".5", False), ("+1", False), ("NaN", False), ("1" * 21, False)),
]


@pytest.mark.parametrize(("text", "fits"), POSITIVE)
def test_a_number_that_must_be_positive_is_so_in_every_contract(text, fits):
    rest = yaml.safe_load((ROOT / "contracts" / "openapi.yaml").read_text())["components"]["schemas"]
    for name in ("PositiveDecimalInput", "NullablePositiveDecimalInput"):
        assert jsonschema.Draft202012Validator({"oneOf": rest[name]["oneOf"]}).is_valid(text) == fits, name
    place = {"account_id": ACCOUNT, "symbol": "AAPL", "side": 1, "type": 2, "time_in_force": 1}
    uuid = {"account_id": ACCOUNT, "order_id": ACCOUNT}
    listing = {"symbol": "A", "base": "A", "quote": "USD", "calendar": "24x7", "protection": "0.05"}
    units = dict.fromkeys(("price_unit", "lot_unit", "max_price", "max_quantity"), text)
    for message in (
        engine_pb2.PlaceOrder(**place, quantity=text, price=text),
        engine_pb2.PlaceOrder(**place, quantity="1", price=text, protection_price=text),
        engine_pb2.ReplaceOrder(**uuid, quantity=text, price=text),
        engine_pb2.Deposit(account_id=ACCOUNT, asset="USD", amount=text),
        engine_pb2.Withdraw(account_id=ACCOUNT, asset="USD", amount=text),
        engine_pb2.ChangeLimits(account_id=ACCOUNT, max_order_notional=text, max_order_quantity=text),
        engine_pb2.ListInstrument(**listing, **units),
        risk_pb2.Limits(max_order_notional=text),
        risk_pb2.Limits(max_order_quantity=text),
        trading_pb2.ReplaceRequest(quantity=text),
        trading_pb2.ReplaceRequest(price=text),
    ):
        assert (not protovalidate.collect_violations(message)) == fits, f"{type(message).__name__} {message}"


def test_the_event_schemas_are_what_the_types_generate():
    checked = run_tool("generate_event_schemas.py", "--check")
    assert checked.returncode == 0, checked.stderr


def test_a_schema_that_was_edited_or_is_nobodys_is_found(tmp_path):
    path = tmp_path / "A.schema.json"
    path.write_text("{}\n")
    assert generate_event_schemas.differences({path: "{}\n"}, tmp_path) == []
    assert generate_event_schemas.differences({path: '{"type": "object"}\n'}, tmp_path) == [path]
    assert generate_event_schemas.differences({}, tmp_path) == [path]


@pytest.mark.parametrize("event_type", sorted(TYPES))
def test_every_event_type_has_golden_samples(event_type):
    folder, _ = TYPES[event_type]
    path = folder / f"{event_type}.samples.jsonl"
    assert path.exists() and path.read_text(), f"no samples of {event_type}: see CONTRIBUTING.md, Contracts"


@pytest.mark.parametrize(("event_type", "line"), SAMPLES, ids=[f"{kind}-{at}" for at, (kind, _) in enumerate(SAMPLES)])
def test_a_sample_fits_its_schema_and_comes_back_byte_for_byte(event_type, line):
    folder, kind = TYPES[event_type]
    schema = json.loads((folder / f"{event_type}.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(json.loads(line))
    assert msgspec.json.encode(msgspec.json.decode(line, type=kind)).decode() == line


def test_samples_only_grow():
    recorded = generate_event_schemas.RECORDED.read_text().splitlines()
    there = [generate_event_schemas.fingerprint(kind, line) for kind, line in SAMPLES]
    assert sorted(recorded) == sorted(there), "a sample was changed or removed, or one was added without its hash"


def test_the_core_writes_what_the_samples_say():
    if shutil.which("cargo") is None and os.environ.get("CI") != "true":
        pytest.skip("no cargo to run the core's example with")
    command = ["cargo", "run", "--quiet", "--locked", "-p", "matching", "--example", "events"]
    printed = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    written = {(sample.event_type, bytes(sample.event_data).decode()) for sample in map(decoded, printed)}
    assert {kind for kind, _ in written} == {kind.__name__ for kind in generate_event_schemas.engine.TYPES}
    assert not written - set(SAMPLES), "the core writes events that no sample has: see CONTRIBUTING.md, Contracts"


def decoded(line):
    return msgspec.json.decode(line, type=generate_event_schemas.Sample)


@pytest.mark.parametrize(
    ("sentence", "event_type", "data"),
    [
        ("a number instead of a decimal string", "CashDeposited", {"amount": 1.5}),
        ("a decimal with a trailing zero", "CashDeposited", {"amount": "1.50"}),
        ("an exponent", "CashDeposited", {"amount": "1e3"}),
        ("minus zero", "CashDeposited", {"postings": [[ACCOUNT, "USD", "hold", "-0", "0"]]}),
        ("a posting of six", "CashDeposited", {"postings": [[ACCOUNT, "USD", "hold", "1", "1", "1"]]}),
        ("the id of an order for an account", "CashDeposited", {"account_id": ACCOUNT.replace("61636374", "6f726472")}),
        ("a field that nobody knows", "CashDeposited", {"memo": "hello"}),
    ],
)
def test_the_schema_refuses(sentence, event_type, data):
    fits = {"account_id": ACCOUNT, "asset": "USD", "amount": "1", "postings": []}
    folder, _ = TYPES[event_type]
    validator = jsonschema.Draft202012Validator(json.loads((folder / f"{event_type}.schema.json").read_text()))
    validator.validate(fits)
    assert not validator.is_valid({**fits, **data}), sentence
