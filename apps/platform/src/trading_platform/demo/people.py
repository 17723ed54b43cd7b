"""Whom one can be in the demo market: their passwords are made at first start and kept beside the data."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console

from kernel.runtime import Runtime

TRADER, ADMINISTRATOR = "trader@example.com", "admin@example.com"


class People:
    """folder: of the platform's data."""

    def __init__(self, runtime: Runtime, folder: Path) -> None:
        self._runtime = runtime
        self._secrets = folder / "demo.json"
        self._passwords: dict[str, str] = {}

    async def register(self, users: Any) -> str:
        """Those who are not there yet, over a channel to the user service; the trader's account id."""
        from user_service.bootstrap import InitialUser, bootstrap

        if self._secrets.exists():
            self._passwords = _passwords_in(self._secrets)
        else:
            self._passwords = {email: self._runtime.random_bytes(9).hex() for email in (TRADER, ADMINISTRATOR)}
            self._secrets.touch(mode=0o600)
            self._secrets.write_text(json.dumps(self._passwords))
        people = [
            InitialUser(TRADER, "Demo Trader", self._passwords[TRADER], ("USER", "TRADER")),
            InitialUser(ADMINISTRATOR, "Demo Administrator", self._passwords[ADMINISTRATOR], ("ADMIN",)),
        ]
        made = await bootstrap(self._runtime, users, people)
        return made[0].account_id

    def tell(self, console: Console, url: str) -> None:
        """Demo users, and a line that places an order and works."""
        for email, password in self._passwords.items():
            console.print(f"sign in   [bold]{email}[/] / [bold]{password}[/]")
        token = f"{url}/realms/trading-platform/protocol/openid-connect/token"
        form = f"grant_type=password&client_id=trading-cli&username={TRADER}&password={self._passwords[TRADER]}"
        console.print("\nbuy ten shares (copy both lines):", style="dim")
        script = "import json,sys;print(json.load(sys.stdin)['access_token'])"
        console.print(f"TOKEN=$(curl -s {token} -d '{form}' | python3 -c \"{script}\")", soft_wrap=True, markup=False)
        order = '{"symbol":"AAPL","side":"BUY","type":"MARKET","quantity":"10"}'
        console.print(
            f'curl -s {url}/v1/orders -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" '
            f"-d '{order}'\n",
            soft_wrap=True,
            markup=False,
        )


def _passwords_in(path: Path) -> dict[str, str]:
    """Of the demo's people, by address; OSError if the file does not tell them."""
    try:
        found = json.loads(path.read_text())
        return {email: str(found[email]) for email in (TRADER, ADMINISTRATOR)}
    except (ValueError, TypeError, KeyError):
        told = f"{path} does not hold the passwords of the demo's people: restore it, or use another folder (--data)"
        raise OSError(told) from None
