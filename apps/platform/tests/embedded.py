"""All services in this process on a log in a temporary folder, with people who have signed in: what a contract is held
against."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trading_platform.platform import Platform, running, until_ready
from trading_platform.settings import PlatformSettings
from user_service.bootstrap import InitialUser, bootstrap

from .scenario import PASSWORD, PEOPLE, Person, listed, signed_in, token_of

SETTINGS: dict[str, dict[str, Any]] = {
    "user-service": {"password_grant_clients": ["trading-cli"]},
    "api-gateway": {"rate_limit_tokens": 1_000_000, "body_bytes_max": 65_536},
}


@dataclass
class Embedded:
    """people: by the names of the scenario. tokens: their access tokens."""

    platform: Platform
    url: str
    people: dict[str, Person]
    tokens: dict[str, str]


@asynccontextmanager
async def embedded(folder: Path, **gateway: Any) -> AsyncIterator[Embedded]:
    """A platform on which AAPL is listed, the buyer has cash and the seller shares. gateway: settings of its own."""
    async with empty(folder, **gateway) as venue:
        await listed(venue.people)
        yield venue


@asynccontextmanager
async def empty(folder: Path, **gateway: Any) -> AsyncIterator[Embedded]:
    """A platform with people on which nothing is listed."""
    overrides = SETTINGS | {"api-gateway": SETTINGS["api-gateway"] | gateway}
    settings = PlatformSettings(data=folder, http="127.0.0.1:0")
    async with running(settings, overrides) as platform, AsyncExitStack() as opened:
        await until_ready(platform)
        url = f"http://{platform.http}"
        initial = [InitialUser(f"{name}@example.com", name.title(), PASSWORD, roles) for name, roles in PEOPLE.items()]
        made = await bootstrap(platform.runtime, platform.channels("user-service"), initial, accounts_wait_s=30)
        tokens, people = {}, {}
        for name, user in zip(PEOPLE, made, strict=True):
            tokens[name] = await token_of(f"{url}/realms/trading-platform", f"{name}@example.com")
            client = await opened.enter_async_context(signed_in(url, tokens[name]))
            people[name] = Person(client, user.account_id)
        yield Embedded(platform, url, people, tokens)
