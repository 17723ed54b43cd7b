"""The authorization endpoint and its forms: who is it, and may the client have a code for it?"""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from kernel.refused import Kind, Refused
from user_service import authorization_request as requests
from user_service.authorization_request import AuthorizationRequest, Declined, Misdirected, answer_address
from user_service.clients import origin_of
from user_service.grants import Grant
from user_service.oauth import UNCACHED, OAuthError, client_address, form_of
from user_service.pages import Form
from user_service.persons import Person
from user_service.realm import Realm
from user_service.sessions import Session

STATUS_OF = {Kind.RATE_LIMITED: 429, Kind.UNAVAILABLE: 503, Kind.UNAUTHENTICATED: 401}
OLD_FORM = "This page had been open for too long, or was sent from elsewhere. Please try again."


class Authorization:
    """`authorize` is where clients send people; `authenticate` and `register` take the forms."""

    def __init__(self, realm: Realm) -> None:
        self._realm = realm

    async def authorize(self, request: Request) -> Response:
        try:
            asked = self._asked(request)
            session = await self._realm.sessions.of(request)
            if session is not None and self._is_enough(session, asked) and await self._still_there(session):
                return self._granted(asked, session)
            if "none" in asked.prompt:
                raise asked.declined("login_required", "nobody is signed in")
        except (Misdirected, Declined) as error:
            return self._told(error)
        if "create" in asked.prompt:
            return self._registration_form(request, asked)
        return self._sign_in_form(request, asked, email=asked.login_hint)

    async def authenticate(self, request: Request) -> Response:
        """GET shows the form, POST takes it."""
        try:
            asked = self._asked(request)
            if request.method == "GET":
                return self._sign_in_form(request, asked, email=asked.login_hint)
            form = await form_of(request)
        except (Misdirected, Declined) as error:
            return self._told(error)
        except OAuthError as error:
            return self._realm.pages.message("That did not work", error.description, error.status)
        email = form.get("username", "")
        if not self._realm.sessions.is_own_form(request, form.get("form_token", "")):
            return self._sign_in_form(request, asked, email, OLD_FORM, 403)
        try:
            address = client_address(request)
            signed_in = await self._realm.sign_in.with_password(email, form.get("password", ""), address)
        except Refused as refused:
            return self._refused_sign_in(request, asked, email, refused)
        if signed_in.must_choose:
            return self._choice_form(request, asked, self._realm.password_choices.begin(signed_in))
        return await self._begun(asked, signed_in.person)

    async def choose_password(self, request: Request) -> Response:
        """Takes the form that whoever signed in with a password that was given once is shown."""
        try:
            asked = self._asked(request)
            form = await form_of(request)
        except (Misdirected, Declined) as error:
            return self._told(error)
        except OAuthError as error:
            return self._realm.pages.message("That did not work", error.description, error.status)
        choice = form.get("choice", "")
        signed_in = self._realm.password_choices.whose(choice)
        if signed_in is None or not self._realm.sessions.is_own_form(request, form.get("form_token", "")):
            return self._sign_in_form(request, asked, "", OLD_FORM, 403)
        try:
            chosen = await self._realm.password_changes.choose(signed_in, form.get("password", ""))
        except Refused as refused:
            status = STATUS_OF.get(refused.kind, 400)
            return self._choice_form(request, asked, choice, _sentence(refused.message), status)
        self._realm.password_choices.end(choice)
        return (
            await self._begun(asked, signed_in.person)
            if chosen
            else self._sign_in_form(request, asked, "", OLD_FORM, 403)
        )

    async def _begun(self, asked: AuthorizationRequest, person: Person) -> Response:
        """A new session of the browser, and the code that was asked for."""
        session, cookie = await self._realm.sessions.start(person.user_id)
        response = self._granted(asked, session)
        self._realm.sessions.set_cookie(response, cookie)
        return response

    async def register(self, request: Request) -> Response:
        """GET shows the form, POST takes it. The answer is the same whether the address was new or not."""
        try:
            asked = self._asked(request)
            if request.method == "GET":
                return self._registration_form(request, asked)
            form = await form_of(request)
        except (Misdirected, Declined) as error:
            return self._told(error)
        except OAuthError as error:
            return self._realm.pages.message("That did not work", error.description, error.status)
        if not self._realm.sessions.is_own_form(request, form.get("form_token", "")):
            return self._registration_form(request, asked, form, OLD_FORM, 403)
        email, password, name = (form.get(field, "") for field in ("email", "password", "name"))
        try:
            await self._realm.directory.register(email, password, name, client_address(request))
        except Refused as refused:
            status = STATUS_OF.get(refused.kind, 400)
            return self._registration_form(request, asked, form, _sentence(refused.message), status)
        return self._realm.pages.registered(asked.query)

    def _asked(self, request: Request) -> AuthorizationRequest:
        return requests.parsed(request.url.query, self._realm.clients)

    def _is_enough(self, session: Session, asked: AuthorizationRequest) -> bool:
        if asked.client.is_native:
            return False  # any program of the machine could ask in its name: people sign in for it (RFC 8252, 8.6)
        if asked.prompt & {"login", "create", "select_account"}:
            return False
        age_ns = self._realm.runtime.now_ns() - session.signed_in_at_ns
        return asked.max_age_s is None or age_ns <= asked.max_age_s * 1_000_000_000

    async def _still_there(self, session: Session) -> bool:
        person, _ = await self._realm.directory.find(session.user_id, None)
        return not person.erased

    def _granted(self, asked: AuthorizationRequest, session: Session) -> Response:
        realm = self._realm
        grant = Grant(
            family=realm.runtime.uuid7(),
            session=session.session_hash,
            user_id=session.user_id,
            client_id=asked.client.client_id,
            scope=asked.scope,
            signed_in_at_ns=session.signed_in_at_ns,
            ends_at_ns=session.signed_in_at_ns + realm.settings.session_s * 1_000_000_000,
        )
        code = realm.codes.issue(grant, asked.redirect_uri, asked.challenge, asked.nonce)
        return self._redirect(answer_address(asked.redirect_uri, asked.state, realm.settings.issuer, code=code))

    def _told(self, error: Misdirected | Declined) -> Response:
        if isinstance(error, Misdirected):
            return self._realm.pages.message("This link does not work", str(error), 400)
        told = {"error": error.error, "error_description": error.description}
        return self._redirect(answer_address(error.redirect_uri, error.state, self._realm.settings.issuer, **told))

    def _redirect(self, address: str) -> Response:
        # 303: the browser goes on with GET, and does not send the form to the client (RFC 9700, 4.12).
        return RedirectResponse(address, 303, UNCACHED | {"Referrer-Policy": "no-referrer"})

    def _refused_sign_in(self, request: Request, asked: AuthorizationRequest, email: str, refused: Refused) -> Response:
        status = STATUS_OF.get(refused.kind, 400)
        response = self._sign_in_form(request, asked, email, _sentence(refused.message), status)
        if refused.retry_after_s:
            response.headers["Retry-After"] = str(refused.retry_after_s)
        return response

    def _sign_in_form(
        self, request: Request, asked: AuthorizationRequest, email: str = "", error: str = "", status: int = 200
    ) -> Response:
        sessions = self._realm.sessions
        value = sessions.form_value(request)
        form = Form(sessions.form_token(value), error, email)
        response = self._realm.pages.sign_in(asked.query, form, origin_of(asked.redirect_uri), status)
        sessions.protect(response, value)
        return response

    def _choice_form(
        self, request: Request, asked: AuthorizationRequest, choice: str, error: str = "", status: int = 200
    ) -> Response:
        sessions = self._realm.sessions
        value = sessions.form_value(request)
        form = Form(sessions.form_token(value), error)
        response = self._realm.pages.choose_password(asked.query, form, choice, origin_of(asked.redirect_uri), status)
        sessions.protect(response, value)
        return response

    def _registration_form(
        self,
        request: Request,
        asked: AuthorizationRequest,
        typed: dict[str, str] | None = None,
        error: str = "",
        status: int = 200,
    ) -> Response:
        sessions = self._realm.sessions
        value = sessions.form_value(request)
        given = typed or {}
        form = Form(sessions.form_token(value), error, given.get("email", ""), given.get("name", ""))
        response = self._realm.pages.register(asked.query, form, status)
        sessions.protect(response, value)
        return response


def _sentence(message: str) -> str:
    return message[:1].upper() + message[1:].rstrip(".") + "."
