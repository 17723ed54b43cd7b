"""Sign in with a browser: an authorization code with PKCE that comes back on the loopback interface (RFC 8252)."""

import asyncio
import base64
import hashlib
import webbrowser
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from kernel.runtime import SystemRuntime
from trading_platform.client.rest import CLIENT_ID, FAILED, UNAUTHENTICATED, Failure, answered, session_by
from trading_platform.client.session import Session

HOST = "127.0.0.1"
PATH = "/signed-in"
WITHIN_S = 300.0
LINE_BYTES_MAX = 8_192
SCOPE = "openid profile email"


async def signed_in(url: str, tell: Callable[[str], None]) -> Session:
    """A session of whoever signs in at the address that `tell` is given; it is opened in a browser if there is one.

    Failure if nobody signs in within five minutes, or the provider refuses."""
    runtime = SystemRuntime()
    config = answered("GET", f"{url}/v1/public/config")
    provider = answered("GET", f"{config['issuer']}/.well-known/openid-configuration")
    state, verifier = _random(runtime), _random(runtime)
    arrived: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(_answering(arrived), HOST, 0, limit=LINE_BYTES_MAX)
    redirect_uri = f"http://{HOST}:{server.sockets[0].getsockname()[1]}{PATH}"
    asked = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": redirect_uri,
        "scope": SCOPE,
        "state": state,
        "code_challenge": _challenge(verifier),
        "code_challenge_method": "S256",
    }
    address = f"{provider['authorization_endpoint']}?{urlencode(asked)}"
    tell(address)
    opening = runtime.spawn(runtime.in_thread("browser", webbrowser.open, address), "browser")
    try:
        async with server, asyncio.timeout(WITHIN_S):
            answer = await arrived
    except TimeoutError:
        raise Failure(f"nobody signed in within {WITHIN_S:.0f} s", UNAUTHENTICATED) from None
    finally:
        opening.cancel()
    code = _code(answer, state, provider["issuer"])
    form = {"grant_type": "authorization_code", "client_id": CLIENT_ID, "code": code}
    form |= {"redirect_uri": redirect_uri, "code_verifier": verifier}
    return session_by(url, None, provider["token_endpoint"], form, runtime)


def _answering(arrived: "asyncio.Future[dict[str, str]]") -> Callable[[Any, Any], Any]:
    """One request with the answer in its query ends the waiting; anything else that asks here is not for us."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = (await reader.readline()).decode("ascii", "replace").split()
        except ValueError:  # longer than the limit
            line = []
        asked = urlsplit(line[1] if len(line) == 3 and line[0] == "GET" else "")
        found = {name: values[0] for name, values in parse_qs(asked.query).items()}
        is_ours = asked.path == PATH
        told = "You are signed in." if "code" in found else "That did not work."
        told = f"{told} Go back to the terminal." if is_ours else "Nothing is here."
        head = f"HTTP/1.1 {'200 OK' if is_ours else '404 Not Found'}\r\ncontent-type: text/plain; charset=utf-8\r\n"
        writer.write(f"{head}content-length: {len(told)}\r\nconnection: close\r\n\r\n{told}".encode())
        await writer.drain()
        writer.close()
        if is_ours and not arrived.done():
            arrived.set_result(found)

    return answer


def _code(answer: dict[str, str], state: str, issuer: str) -> str:
    """The code; Failure if the answer is an error, or is not the one to our request (RFC 9207)."""
    if answer.get("state") != state or answer.get("iss", issuer) != issuer:
        raise Failure("the answer belongs to another sign-in; try again", UNAUTHENTICATED)
    if "code" not in answer:
        told = answer.get("error_description") or answer.get("error") or "it gave no code"
        raise Failure(f"the identity provider refused: {told}", UNAUTHENTICATED if "error" in answer else FAILED)
    return answer["code"]


def _random(runtime: SystemRuntime) -> str:
    return base64.urlsafe_b64encode(runtime.random_bytes(32)).decode().rstrip("=")


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
