"""contracts/openapi.yaml as tests use it: its operations, their own examples, and what an answer must look like."""

from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import yaml

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "contracts" / "openapi.yaml").read_text())
METHODS = ("get", "post", "put", "patch", "delete")
# Operation id -> its method, path and description.
OPERATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    operation["operationId"]: (method.upper(), path, operation)
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


def example(operation: dict[str, Any]) -> Any:
    content = operation["requestBody"]["content"]["application/json"]
    if "example" in content:
        return content["example"]
    return next(iter(content["examples"].values()))["value"]


def success(operation: dict[str, Any]) -> str:
    """The first status of success that the operation declares."""
    return next(status for status in operation["responses"] if status.startswith("2"))


def check_answer(operation: dict[str, Any], answer: httpx2.Response) -> None:
    """AssertionError or ValidationError unless the answer is the success that the contract shows, headers included."""
    assert str(answer.status_code) == success(operation), f"{operation['operationId']}: {answer.text}"
    check_headers(operation, answer)
    content = operation["responses"][str(answer.status_code)].get("content")
    if content is None:
        assert answer.content == b""
    else:
        check_document(content["application/json"]["schema"], answer.json())


def check_problem(answer: httpx2.Response) -> None:
    check_document({"$ref": "#/components/schemas/Problem"}, answer.json())


def check_document(schema: Any, document: Any) -> None:
    validator = jsonschema.Draft202012Validator(
        only_declared(resolved(schema)), format_checker=jsonschema.FormatChecker()
    )
    validator.validate(document)


def check_headers(operation: dict[str, Any], answer: httpx2.Response) -> None:
    declared = operation["responses"][str(answer.status_code)]["headers"]
    always = {name for name in declared if name != "X-Log-Position"}
    assert always <= {name for name in declared if name in answer.headers}
    for name, header in declared.items():
        if name in answer.headers:
            schema = resolved(header)["schema"]
            value: Any = answer.headers[name]
            jsonschema.validate(int(value) if schema["type"] == "integer" else value, schema)
