"""Whom one can be in the demo market: their passwords are made at first start and kept beside the data."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from kernel.refused import Refused
from kernel.runtime import Runtime
from trading.v1.user_pb2 import ChangePasswordRequest
from trading.v1.user_pb2_grpc import UserServiceStub

if TYPE_CHECKING:
    from trading.v1.user_pb2_grpc import UserServiceAsyncStub

TRADER, ADMINISTRATOR = "trader@example.com", "admin@example.com"


class People:
    """folder: of the platform's data."""

    def __init__(self, runtime: Runtime, folder: Path) -> None:
        self._runtime = runtime
        self._secrets = folder / "demo.json"
        self._passwords: dict[str, str] = {}
        self._changed: set[str] = set()  # whose password is another one by now

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
        for person, user in zip(people, made, strict=True):
            if not user.created and not await _still_has(users, user.user_id, person.password):
                self._changed.add(person.email)
        return made[0].account_id

    def tell(self, console: Console, url: str) -> None:
        """Demo users, and lines that place an order and work."""
        for email, password in self._passwords.items():
            if email in self._changed:
                console.print(
                    f"sign in   [bold]{email}[/] / the password that was chosen in place of the first one",
                    soft_wrap=True,
                )
            else:
                console.print(f"sign in   [bold]{email}[/] / [bold]{password}[/]")
        token = f"{url}/realms/trading-platform/protocol/openid-connect/token"
        form = f"-d 'grant_type=password&client_id=trading-cli&username={TRADER}"
        if TRADER in self._changed:
            console.print(
                "\nbuy ten shares (copy the lines one by one; the first waits for the password):", style="dim"
            )
            console.print("read -rs PASSWORD", soft_wrap=True, markup=False)
            form += '\' --data-urlencode "password=$PASSWORD"'
        else:
            console.print("\nbuy ten shares (copy both lines):", style="dim")
            form += f"&password={self._passwords[TRADER]}'"
        script = "import json,sys;print(json.load(sys.stdin)['access_token'])"
        console.print(f'TOKEN=$(curl -s {token} {form} | python3 -c "{script}")', soft_wrap=True, markup=False)
        order = '{"symbol":"AAPL","side":"BUY","type":"MARKET","quantity":"10"}'
        console.print(
            f'curl -s {url}/v1/orders -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" '
            f"-d '{order}'\n",
            soft_wrap=True,
            markup=False,
        )


async def _still_has(users: Any, user_id: str, password: str) -> bool:
    """Asked by changing it to itself, which is refused as no change, once the current one was found right."""
    stub: UserServiceAsyncStub = UserServiceStub(users)
    asked = ChangePasswordRequest(user_id=user_id, current_password=password, new_password=password)
    try:
        await stub.ChangePassword(asked)
    except Refused as refused:
        return refused.code == "weak_password"
    return True


def _passwords_in(path: Path) -> dict[str, str]:
    """Of the demo's people, by address; OSError if the file does not tell them."""
    try:
        found = json.loads(path.read_text())
        return {email: str(found[email]) for email in (TRADER, ADMINISTRATOR)}
    except (ValueError, TypeError, KeyError):
        told = f"{path} does not hold the passwords of the demo's people: restore it, or use another folder (--data)"
        raise OSError(told) from None
