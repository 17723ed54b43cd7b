"""The contract and the server are the same: every operation is served, every served route is in the file, and who may
call what is what `x-role` says. That every answer validates is tested on the whole platform (apps/platform/tests)."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from api_gateway.pages import CONTRACT, CONTRACTS
from api_gateway.routes import ROUTES

DOCUMENT: dict[str, Any] = yaml.safe_load(CONTRACT.read_text())
METHODS = ("get", "post", "put", "patch", "delete")
OPERATIONS = {
    (method.upper(), path): operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in METHODS
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


def test_the_package_carries_the_contracts_themselves():
    root = Path(__file__).resolve().parents[3]
    for path in CONTRACTS.values():
        assert path.read_bytes() == (root / "contracts" / path.name).read_bytes()
