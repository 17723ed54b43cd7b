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

from .contract import ROOT
from .embedded import embedded

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
EXAMPLES = 8

contract = schemathesis.openapi.from_path(ROOT / "contracts" / "openapi.yaml")
contract.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
operations = contract.exclude(operation_id="streamMarketData")


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Sends a prepared request, as an administrator, to one platform that all requests share."""
    with asyncio.Runner() as runner:
        started = embedded(tmp_path_factory.mktemp("generated") / "data")
        venue = runner.run(started.__aenter__())
        client = venue.people["admin"].client

        async def send(request):
            headers = {name.encode("latin-1"): text.encode("latin-1") for name, text in request.headers.items()}
            url = venue.url + request.path_url
            return await client.request(request.method, url, headers=headers, content=request.body)

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
    # Bad credentials have tests of their own, a bad X-Request-ID is replaced, not refused, and a position that the log
    # has not reached is waited for.
    ours = ("authorization", "x-api-key", "x-request-id", "x-log-position")
    case.headers = {name: text for name, text in (case.headers or {}).items() if name.lower() not in ours}
    request = requests.Request(**case.as_transport_kwargs(base_url="http://gateway.test/v1")).prepare()
    case.validate_response(ask(request), checks=CHECKS)
