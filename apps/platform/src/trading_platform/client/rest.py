"""The gateway's REST interface as the commands use it: a signed-in request, and refusals as one line."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2

from kernel.runtime import SystemRuntime
from trading_platform.client.session import NotSignedIn, Session, current

CLIENT_ID = "trading-cli"
TIMEOUT_S = 30.0
PAGE_ITEMS = 500  # the most that the contract gives at once
REFUSED, USAGE, FAILED, UNAUTHENTICATED = 1, 2, 3, 4


class Failure(Exception):
    """What went wrong in one line; exit_code says of which kind it is."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Unanswered(Failure):
    """Nobody said what became of the request: it may have been done."""

    def __init__(self, message: str) -> None:
        super().__init__(message, FAILED)


class Gateway:
    """A platform with someone signed in. Documents are the contract's, numbers are text."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._runtime = SystemRuntime()

    def session(self) -> Session:
        """Failure if nobody is signed in, or not any more."""
        try:
            return current(self._path, self._runtime.now_ns(), lambda session: _renewed(session, self._runtime))
        except NotSignedIn as error:
            raise Failure(str(error), UNAUTHENTICATED) from None

    def get(self, path: str, **query: Any) -> Any:
        return self._ask("GET", path, query)

    def pages(self, path: str, most: int | None = None, **query: Any) -> dict[str, Any]:
        """All items of a list, or the first `most`, page by page; next_cursor tells whether there are more."""
        items: list[Any] = []
        cursor = None
        while True:
            size = PAGE_ITEMS if most is None else min(PAGE_ITEMS, most - len(items))
            page = self.get(path, limit=size, cursor=cursor, **query)
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None or (most is not None and len(items) >= most):
                return {"items": items, "next_cursor": cursor}

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._ask("PATCH", path, {}, body)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._ask("POST", path, {}, body)

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._ask("PUT", path, {}, body)

    def delete(self, path: str, **query: Any) -> Any:
        return self._ask("DELETE", path, query)

    def _ask(self, method: str, path: str, query: Mapping[str, Any], body: Mapping[str, Any] | None = None) -> Any:
        session = self.session()
        given = {name: value for name, value in query.items() if value is not None}
        headers = {"Authorization": f"Bearer {session.access_token}"}
        url = f"{session.url}/v1{path}"
        return answered(method, url, params=given, json=body, headers=headers)


def signed_in(url: str, user: str, password: str) -> Session:
    """A session by the password grant, where the platform lets programs take passwords; it says itself where its tokens
    come from."""
    config = answered("GET", f"{url}/v1/public/config")
    token_url = f"{config['issuer']}/protocol/openid-connect/token"
    form = {"grant_type": "password", "client_id": CLIENT_ID, "username": user, "password": password}
    return session_by(url, user, token_url, form, SystemRuntime())


def _renewed(session: Session, runtime: SystemRuntime) -> Session:
    form = {"grant_type": "refresh_token", "client_id": CLIENT_ID, "refresh_token": session.refresh_token}
    try:
        return session_by(session.url, session.user, session.token_url, form, runtime)
    except Failure as failure:
        if failure.exit_code != UNAUTHENTICATED:
            raise
        raise NotSignedIn(f"the session of {session.user} is over ({failure}); run `trading login`") from None


def session_by(url: str, user: str | None, token_url: str, form: Mapping[str, str], runtime: SystemRuntime) -> Session:
    """What the token endpoint gives for `form`. user: None takes the name from the id token, which comes straight from
    the endpoint and therefore needs no check of its signature (OpenID Connect Core 1.0, 3.1.3.7)."""
    now_ns = runtime.now_ns()
    answer = _sent("POST", token_url, data=form)
    document = _document(answer)
    if answer.status_code >= 400:
        told = document.get("error_description") or document.get("error") or f"status {answer.status_code}"
        if document.get("error") == "unauthorized_client":
            told = (
                "this platform takes no passwords from programs: run `trading login` without --user, to use a browser"
            )
        raise Failure(str(told), UNAUTHENTICATED if answer.status_code < 500 else FAILED)
    expires_at_ns = now_ns + int(document["expires_in"]) * 1_000_000_000
    user = user or _named_in(document["id_token"])
    return Session(url, user, token_url, document["access_token"], document["refresh_token"], expires_at_ns)


def _named_in(id_token: str) -> str:
    payload = id_token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims.get("preferred_username") or claims["sub"])


def answered(method: str, url: str, **more: Any) -> Any:
    """The document that the platform answers with; Failure with the refusal in one line."""
    answer = _sent(method, url, **more)
    document = _document(answer)
    if answer.status_code >= 500:
        raise Unanswered(refusal_line(document, answer.status_code))
    if answer.status_code >= 400:
        raise Failure(refusal_line(document, answer.status_code), exit_code_of(answer.status_code))
    return document


def _sent(method: str, url: str, **more: Any) -> httpx2.Response:
    try:
        return httpx2.request(method, url, timeout=TIMEOUT_S, **more)
    except httpx2.HTTPError as error:
        told = f"no answer from {url}: {error or type(error).__name__}; does the platform run there?"
        raise Unanswered(told) from None


def _document(answer: httpx2.Response) -> Any:
    if not answer.content:
        return {}
    try:
        return answer.json()
    except ValueError:
        told = f"{answer.url} answered {answer.status_code} with no JSON; is that where the platform is?"
        raise Unanswered(told) from None


def refusal_line(problem: Mapping[str, Any], status: int) -> str:
    """A problem+json document as one line: its code, its message and what it says of single fields."""
    code = problem.get("code", f"status_{status}")
    message = str(problem.get("message", problem.get("detail", ""))).strip()
    missing = [
        f"{error['field']} {error['message']}" for error in problem.get("errors", ()) if error["message"] not in message
    ]
    about = f" (order {problem['order_id']})" if problem.get("order_id") else ""
    return f"{code}: {'; '.join([message, *missing])}{about}"


def exit_code_of(status: int) -> int:
    """1 refused, 2 the request was wrong, 3 the platform failed or is busy, 4 not signed in."""
    if status == 401:
        return UNAUTHENTICATED
    if status == 400:
        return USAGE
    return FAILED if status >= 500 or status == 429 else REFUSED
