"""The pages that people see: sign in, register, sign out. One style, no script, nothing from elsewhere."""

import base64
import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse

from user_service.passwords import CHARACTERS_MAX, CHARACTERS_MIN
from user_service.settings import UserServiceSettings

TEMPLATES = (
    *("sign_in.html", "choose_password.html", "register.html", "registered.html", "sign_out.html", "message.html"),
)

LIMITS = {"password_min": CHARACTERS_MIN, "password_max": CHARACTERS_MAX}


@dataclass(frozen=True, slots=True)
class Form:
    """What a form shows: the token that protects it, what was typed before, and what was wrong with it."""

    token: str
    error: str = ""
    email: str = ""
    name: str = ""


class Pages:
    """query: the authorization request, carried along in the addresses of the forms."""

    def __init__(self, settings: UserServiceSettings) -> None:
        environment = Environment(
            loader=PackageLoader("user_service"), autoescape=select_autoescape(), undefined=StrictUndefined
        )
        # Read once: nothing is read from disk while a request waits.
        self._style = environment.get_template("style.css").render()
        self._templates = {name: environment.get_template(name) for name in TEMPLATES}
        self._actions = urlsplit(settings.issuer).path + "/login-actions"
        self._sign_out = urlsplit(settings.issuer).path + "/protocol/openid-connect/logout"
        self._public_url = settings.public_url
        self._secure = settings.secure
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self._style_source = f"'sha256-{digest}'"

    def sign_in(self, query: str, form: Form, client_origin: str, status: int = 200) -> HTMLResponse:
        return self._page("sign_in.html", status, client_origin, query=query, form=form)

    def choose_password(
        self, query: str, form: Form, choice: str, client_origin: str, status: int = 200
    ) -> HTMLResponse:
        """choice: says who chooses (`PasswordChoices`)."""
        values = {"query": query, "form": form, "choice": choice}
        return self._page("choose_password.html", status, client_origin, **values, **LIMITS)

    def register(self, query: str, form: Form, status: int = 200) -> HTMLResponse:
        return self._page("register.html", status, "", query=query, form=form, **LIMITS)

    def registered(self, query: str) -> HTMLResponse:
        """The same page whether the address was new or not."""
        return self._page("registered.html", 200, "", query=query)

    def sign_out(self, form: Form) -> HTMLResponse:
        return self._page("sign_out.html", 200, "", form=form, sign_out=self._sign_out)

    def message(self, title: str, text: str, status: int) -> HTMLResponse:
        return self._page("message.html", status, "", title=title, text=text)

    def _page(self, name: str, status: int, client_origin: str, **values: object) -> HTMLResponse:
        fixed = {"style": self._style, "actions": self._actions, "public_url": self._public_url}
        return HTMLResponse(self._templates[name].render(fixed | values), status, self._headers(client_origin))

    def _headers(self, client_origin: str) -> dict[str, str]:
        # A form's answer redirects to the client, and browsers hold form-action against the redirect too.
        policy = (
            f"default-src 'none'; style-src {self._style_source}; form-action 'self' {client_origin}".rstrip()
            + "; base-uri 'none'; frame-ancestors 'none'"
        )
        headers = {
            "Content-Security-Policy": policy,
            "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff",
            # Not no-referrer: with it browsers send `Origin: null` with the own form.
            "Referrer-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cache-Control": "no-store",
        }
        return headers | {"Strict-Transport-Security": "max-age=31536000"} if self._secure else headers
