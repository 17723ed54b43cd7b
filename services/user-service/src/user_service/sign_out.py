"""Signing out (OpenID Connect RP-Initiated Logout 1.0): ends the browser's session and every token that it gave."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from user_service.oauth import UNCACHED, OAuthError, fields_of, form_of
from user_service.pages import Form
from user_service.realm import Realm
from user_service.token_endpoint import TokenEndpoint


class SignOut:
    """Without a valid id_token_hint people are asked first: any site could link here."""

    def __init__(self, realm: Realm, tokens: TokenEndpoint) -> None:
        self._realm = realm
        self._tokens = tokens

    async def answer(self, request: Request) -> Response:
        try:
            fields = fields_of(request.url.query.encode()) if request.method == "GET" else await form_of(request)
        except OAuthError as error:
            return self._realm.pages.message("That did not work", error.description, error.status)
        if request.method == "POST" and "refresh_token" in fields:
            await self._tokens.sign_out(fields["refresh_token"], fields.get("client_id", ""))
            return Response(status_code=204, headers=UNCACHED)
        hint = self._realm.tokens.read_hint(fields.get("id_token_hint", ""))
        confirmed = request.method == "POST" and self._realm.sessions.is_own_form(request, fields.get("form_token", ""))
        session = await self._realm.sessions.of(request)
        if hint is None and session is not None and not confirmed:
            return self._question(request)
        if session is not None and (confirmed or (hint is not None and hint.get("sub") == session.user_id)):
            await self._realm.sessions.end(session.session_hash)
        if hint is not None and isinstance(hint.get("sid"), str):
            await self._realm.sessions.end(hint["sid"])
            await self._realm.sessions.end_family(hint["sid"])  # that is its sid where no browser signed in
        response = self._signed_out(fields, hint)
        self._realm.sessions.clear_cookie(response)
        return response

    def _signed_out(self, fields: dict[str, str], hint: dict[str, object] | None) -> Response:
        wanted = fields.get("post_logout_redirect_uri", "")
        client = self._realm.clients.get(str(hint.get("azp"))) if hint else None
        if client is not None and wanted in client.signed_out_uris:
            state = fields.get("state", "")
            separator = "&" if "?" in wanted else "?"
            address = wanted + (separator + urlencode({"state": state}) if state else "")
            return RedirectResponse(address, 303, UNCACHED)
        return self._realm.pages.message("You are signed out", "See you soon.", 200)

    def _question(self, request: Request) -> Response:
        value = self._realm.sessions.form_value(request)
        response = self._realm.pages.sign_out(Form(self._realm.sessions.form_token(value)))
        self._realm.sessions.protect(response, value)
        return response
