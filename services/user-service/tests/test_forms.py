"""Forms that come slowly, or not to their end."""

import asyncio

import pytest

from user_service import oauth

from .provider_client import OIDC
from .running import running

FORM = [(b"content-type", b"application/x-www-form-urlencoded")]


async def posted(service, path, messages):
    """The status and headers of what the provider answers to a body that comes in these messages, then nothing."""
    scope = {"type": "http", "method": "POST", "path": path, "headers": FORM, "query_string": b"", "app": None}
    sent = []

    async def receive():
        if not messages:
            await asyncio.sleep(3_600)
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    await service.http(scope | {"root_path": "", "scheme": "http", "server": ("venue.test", 80)}, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"])


PART = {"type": "http.request", "body": b"grant_type=", "more_body": True}
GONE = {"type": "http.disconnect"}


@pytest.mark.parametrize("path", [f"{OIDC}/token", f"{OIDC}/revoke", f"{OIDC}/logout"])
def test_a_form_that_does_not_come_is_408_and_one_that_breaks_off_is_no_fault(path, monkeypatch):
    monkeypatch.setattr(oauth, "FORM_S_MAX", 0.05)

    async def scenario():
        async with running() as platform:
            status, headers = await posted(platform.service, path, [dict(PART)])
            assert status == 408
            assert headers.get(b"connection") == (None if path.endswith("logout") else b"close")
            assert (await posted(platform.service, path, [dict(PART), dict(GONE)]))[0] == 400

    asyncio.run(scenario())
