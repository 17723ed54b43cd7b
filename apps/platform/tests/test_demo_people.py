"""Who one can be in the demo market, also after a password was changed."""

import asyncio
import re
import subprocess

import httpx2

from .commands import up

CHOSEN = "a password of my own"
TRADER = "trader@example.com"
CHANGED = f"sign in   {TRADER} / the password that was chosen in place of the first one"


def changed(port, password):
    """Change the trader's password as anybody would."""
    url = f"http://127.0.0.1:{port}"
    form = {"grant_type": "password", "client_id": "trading-cli", "username": TRADER, "password": password}
    given = httpx2.post(f"{url}/realms/trading-platform/protocol/openid-connect/token", data=form).json()
    body = {"current_password": password, "new_password": CHOSEN}
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    assert httpx2.put(f"{url}/v1/users/me/password", json=body, headers=headers).status_code == 204


def bought(said):
    """What the lines that buy ten shares come to in a shell, with the password typed where it is asked for."""
    lines = said[said.index("buy ten shares") :].splitlines()[1:]
    script = "\n".join(lines[: lines.index("")])
    return subprocess.run(
        ["bash", "-c", script], input=f"{CHOSEN}\n", capture_output=True, text=True, check=True
    ).stdout


def test_a_password_that_was_changed_is_not_printed_and_the_lines_ask_for_it(tmp_path):
    async def test():
        async with up(tmp_path, "--demo") as platform:
            assert CHANGED not in platform.said
            password = re.findall(rf"sign in   {TRADER} / (\w+)", platform.said)[0]
            assert '"status":"EXECUTED"' in await asyncio.to_thread(bought, platform.said)
            await asyncio.to_thread(changed, platform.port, password)
        async with up(tmp_path, "--demo") as platform:
            assert CHANGED in platform.said
            assert password not in platform.said
            assert re.search(r"sign in   admin@example.com / \w{18}\n", platform.said)
            assert '"status":"EXECUTED"' in await asyncio.to_thread(bought, platform.said)

    asyncio.run(test())
