"""What a client of the identity provider does: PKCE, forms, tokens."""

import base64
import hashlib
import re
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet

from .running import ADA, PASSWORD, PUBLIC_URL

REALM = "/realms/trading-platform"
OIDC = f"{REALM}/protocol/openid-connect"
REDIRECT = f"{PUBLIC_URL}/signed-in"
VERIFIER = "a-verifier-of-at-least-43-characters-0123456789"


def challenge(verifier=VERIFIER):
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def auth_address(**changed):
    """The authorization request of trading-web; a changed value of None leaves the parameter out."""
    asked = {
        "response_type": "code",
        "client_id": "trading-web",
        "redirect_uri": REDIRECT,
        "scope": "openid profile email",
        "state": "the-state",
        "nonce": "the-nonce",
        "code_challenge": challenge(),
        "code_challenge_method": "S256",
    } | changed
    return f"{OIDC}/auth?" + urlencode({name: value for name, value in asked.items() if value is not None})


def form_of(page):
    """(address, token) of the one form of a page."""
    action = re.search(r'<form method="post" action="([^"]+)"', page.text).group(1).replace("&amp;", "&")
    token = re.search(r'name="form_token" value="([^"]+)"', page.text).group(1)
    return action, token


def answered(response):
    """The parameters that a redirect carries to the client."""
    assert response.status_code == 303, response.text
    location = urlsplit(response.headers["location"])
    return {name: values[0] for name, values in parse_qs(location.query).items()}


async def sign_in(browser, email=ADA, password=PASSWORD, **changed):
    """Follow the sign-in page with a password; the response to the form."""
    page = await browser.get(auth_address(**changed))
    assert page.status_code == 200, page.headers
    action, token = form_of(page)
    return await browser.post(action, data={"form_token": token, "username": email, "password": password})


async def code_for(browser, **changed):
    return answered(await sign_in(browser, **changed))["code"]


async def token_for(browser, code, **changed):
    form = {
        "grant_type": "authorization_code",
        "client_id": "trading-web",
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    } | changed
    return await browser.post(f"{OIDC}/token", data={name: value for name, value in form.items() if value is not None})


async def refreshed(browser, token, client_id="trading-cli", **more):
    form = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": token} | more
    return await browser.post(f"{OIDC}/token", data=form)


async def password_grant(browser, email=ADA, password=PASSWORD, **more):
    form = {"grant_type": "password", "client_id": "trading-cli", "username": email, "password": password} | more
    return await browser.post(f"{OIDC}/token", data=form)


async def claims_of(browser, token):
    """Header and claims, checked against the published keys as a gateway does."""
    keys = KeySet.import_key_set((await browser.get(f"{OIDC}/certs")).json())
    decoded = jwt.decode(token, keys, ["RS256"])
    return decoded.header, decoded.claims
