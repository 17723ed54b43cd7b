"""The contract and the server are the same: every operation is served, every served route is in the file, every answer
validates, and who may call what is what `x-role` says."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from api_gateway.pages import CONTRACT, CONTRACTS
from api_gateway.routes import ROUTES

from .running import ADMIN, TRADER, run
from .services import ACCOUNT, ADA, SYMBOL

DOCUMENT: dict[str, Any] = yaml.safe_load(CONTRACT.read_text())
METHODS = ("get", "post", "put", "patch", "delete")
OPERATIONS = {
    (method.upper(), path): operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}
ORDER = {"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "quantity": "0.5", "price": "64250.10"}
ORDER_ID = "6f726472-0001-8000-8000-000000000001"
VALUES = {
    "order_id": ORDER_ID,
    "account_id": ACCOUNT,
    "user_id": ADA,
    "symbol": SYMBOL,
    "client_order_id": "my-1",
    "key_id": "tk_ada",
}


def resolved(node: Any) -> Any:
    """The contract's fragment with its references replaced, and `nullable` in JSON Schema's words."""
    if isinstance(node, list):
        return [resolved(each) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target: Any = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return resolved(target)
    found = {name: resolved(value) for name, value in node.items()}
    if found.pop("nullable", False):
        found["type"] = [found["type"], "null"]
    return found


def only_declared(schema: Any) -> Any:
    """Answers may not carry what the contract does not show."""
    if isinstance(schema, list):
        return [only_declared(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: only_declared(value) for name, value in schema.items()}
    if "allOf" in found and all(isinstance(part, dict) and "properties" in part for part in found["allOf"]):
        merged: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
        for part in found["allOf"]:
            merged["properties"] |= part["properties"]
            merged["required"] += part.get("required", [])
        found = merged
    if "properties" in found:
        found.setdefault("additionalProperties", False)
    return found


def test_every_operation_is_served_and_every_served_route_is_in_the_contract():
    assert {(route.method, route.template) for route in ROUTES} == set(OPERATIONS)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.template}")
def test_roles_and_query_parameters_are_those_of_the_contract(route):
    operation = OPERATIONS[route.method, route.template]
    assert operation.get("x-role") == (route.role.value if route.role else None)
    assert (operation.get("security") == []) == (route.role is None)
    item = DOCUMENT["paths"][route.template]
    given = [resolved(parameter) for parameter in [*operation.get("parameters", []), *item.get("parameters", [])]]
    assert {parameter["name"] for parameter in given if parameter["in"] == "query"} == set(route.query)
    assert ("requestBody" in operation) == route.has_body


def example(operation: dict[str, Any]) -> Any:
    content = operation["requestBody"]["content"]["application/json"]
    if "example" in content:
        return content["example"]
    return next(iter(content["examples"].values()))["value"]


@pytest.mark.parametrize(("method", "path"), sorted(OPERATIONS), ids=lambda text: text)
def test_the_contracts_own_example_succeeds_and_its_answer_validates(method, path):
    operation = OPERATIONS[method, path]
    if operation["operationId"] == "streamMarketData":
        pytest.skip("an answer without an end has its own test")

    async def test(gateway):
        await gateway.call("POST", "/v1/orders", json=ORDER | {"client_order_id": "my-1"})
        await gateway.engine.append("c1", ORDER_ID, "Order", "OrderCreated", b'{"quantity":"0.5"}')
        url = "/v1" + re.sub(r"\{(\w+)\}", lambda matched: VALUES[matched.group(1)], path)
        body = {"json": example(operation)} if "requestBody" in operation else {}
        if operation["operationId"] == "createUser":
            body["json"] = body["json"] | {"email": "new@example.com"}
        headers = ADMIN if operation.get("x-role") == "ADMIN" else TRADER
        answer = await gateway.call(method, url, headers=headers, **body)
        expected = next(status for status in operation["responses"] if status.startswith("2"))
        assert str(answer.status_code) == expected, answer.text
        check_headers(operation, answer)
        content = operation["responses"][expected].get("content")
        if content is None:
            assert answer.content == b""
        else:
            schema = only_declared(resolved(content["application/json"]["schema"]))
            check_document(schema, answer.json())

    run(test)


def check_document(schema, document):
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(document)


def check_headers(operation, answer):
    declared = operation["responses"][str(answer.status_code)]["headers"]
    always = {name for name in declared if name != "X-Log-Position"}
    assert always <= {name for name in declared if name in answer.headers}
    for name, header in declared.items():
        if name in answer.headers:
            schema = resolved(header)["schema"]
            value: Any = answer.headers[name]
            jsonschema.validate(int(value) if schema["type"] == "integer" else value, schema)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 415, 422, 429])
def test_every_problem_validates(status):
    async def test(gateway):
        given = {
            400: ("POST", "/v1/orders", TRADER, {"json": {}}),
            401: ("GET", "/v1/orders", {}, {}),
            403: ("GET", "/v1/users", TRADER, {}),
            404: ("GET", f"/v1/orders/{ORDER_ID}", TRADER, {}),
            405: ("PUT", "/v1/orders", TRADER, {}),
            413: ("POST", "/v1/orders", TRADER, {"json": {"symbol": "A" * 2000}}),
            415: ("POST", "/v1/orders", TRADER | {"Content-Type": "text/plain"}, {"content": b"{}"}),
            422: ("POST", "/v1/orders", TRADER, {"json": ORDER}),
            429: ("GET", "/v1/orders", TRADER, {}),
        }
        gateway.orders.refuse = "insufficient_funds"
        method, path, headers, rest = given[status]
        for _ in range(2 if status == 429 else 1):
            answer = await gateway.call(method, path, headers=headers, **rest)
        assert answer.status_code == status
        schema = only_declared(resolved({"$ref": "#/components/schemas/Problem"}))
        check_document(schema, answer.json())

    run(test, body_bytes_max=1000, rate_limit_tokens=1 if status == 429 else 100)


def test_the_package_carries_the_contracts_themselves():
    root = Path(__file__).resolve().parents[3]
    for path in CONTRACTS.values():
        assert path.read_bytes() == (root / "contracts" / path.name).read_bytes()
