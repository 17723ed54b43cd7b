"""Requests that schemathesis makes from the contract, good and bad, with a fixed seed: never a server error, and every
answer is one that the contract shows."""

import asyncio

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api_gateway.pages import CONTRACT

from .running import ADMIN, running

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
EXAMPLES = 8

contract = schemathesis.openapi.from_path(CONTRACT)
contract.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
operations = contract.exclude(operation_id="streamMarketData")


@pytest.fixture(scope="module")
def ask():
    """Sends a prepared request to one gateway that all requests share."""
    with asyncio.Runner() as runner:
        started = running()
        gateway = runner.run(started.__aenter__())

        async def send(request):
            headers = {name.encode("latin-1"): text.encode("latin-1") for name, text in request.headers.items()}
            return await gateway.client.request(request.method, request.url, headers=headers, content=request.body)

        yield lambda request: runner.run(send(request))
        runner.run(started.__aexit__(None, None, None))


@operations.parametrize()
@seed(2026)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_a_generated_request_gets_an_answer_of_the_contract(case, ask):
    # Bad credentials have tests of their own, and a bad X-Request-ID is replaced, not refused.
    ours = ("authorization", "x-api-key", "x-request-id")
    case.headers = {name: text for name, text in (case.headers or {}).items() if name.lower() not in ours} | ADMIN
    request = requests.Request(**case.as_transport_kwargs(base_url="http://gateway.test/v1")).prepare()
    case.validate_response(ask(request), checks=CHECKS)
