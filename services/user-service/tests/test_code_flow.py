"""The authorization code flow with PKCE, in a browser's place."""

import asyncio

import pytest

from kernel.refused import Refused
from trading.v1 import user_pb2

from .provider_client import (
    OIDC,
    REALM,
    REDIRECT,
    answered,
    auth_address,
    claims_of,
    code_for,
    form_of,
    refreshed,
    sign_in,
    token_for,
)
from .running import ADA, ADA_NAME, PUBLIC_URL, running


def browsing(scenario, **values):
    """Run `scenario(platform, browser, user)` with Ada registered."""

    async def run():
        async with running(**values) as platform:
            user = await platform.create()
            async with platform.browser() as browser:
                await scenario(platform, browser, user)

    asyncio.run(run())


def test_a_person_signs_in_and_the_client_gets_tokens():
    async def scenario(platform, browser, user):
        answer = answered(await sign_in(browser))
        assert answer["state"] == "the-state" and answer["iss"] == f"{PUBLIC_URL}{REALM}"
        tokens = (await token_for(browser, answer["code"])).json()
        assert tokens["token_type"] == "Bearer" and tokens["expires_in"] == 900
        header, access = await claims_of(browser, tokens["access_token"])
        assert header["alg"] == "RS256" and header["kid"]
        wanted = {"iss": answer["iss"], "sub": user.id, "aud": "trading-platform", "azp": "trading-web"}
        assert wanted.items() <= access.items()
        assert access["typ"] == "Bearer" and access["exp"] - access["iat"] == 900 and access["nbf"] <= access["iat"]
        assert access["roles"] == ["USER", "TRADER"] and "orders:write" in access["permissions"]
        assert access["scope"] == "openid profile email" and access["jti"]
        assert not {"email", "name"} & access.keys()
        _, identity = await claims_of(browser, tokens["id_token"])
        assert (identity["aud"], identity["nonce"], identity["sub"]) == ("trading-web", "the-nonce", user.id)
        assert (identity["email"], identity["name"], identity["typ"]) == (ADA, ADA_NAME, "ID")
        person = await browser.get(f"{OIDC}/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
        assert person.json()["email"] == ADA and person.json()["sub"] == user.id

    browsing(scenario)


def test_the_session_signs_in_at_once_unless_the_client_asks_again():
    async def scenario(platform, browser, user):
        await code_for(browser)
        assert "code" in answered(await browser.get(auth_address()))
        assert "code" in answered(await browser.get(auth_address(prompt="none")))
        assert (await browser.get(auth_address(prompt="login"))).status_code == 200
        platform.runtime.move_on(100)
        assert "code" in answered(await browser.get(auth_address(max_age=101)))
        assert (await browser.get(auth_address(max_age=99))).status_code == 200
        platform.runtime.move_on(7 * 86_400)
        assert (await browser.get(auth_address())).status_code == 200

    browsing(scenario)


def test_without_a_session_prompt_none_is_answered_with_an_error():
    async def scenario(platform, browser, user):
        answer = answered(await browser.get(auth_address(prompt="none")))
        assert (answer["error"], answer["state"]) == ("login_required", "the-state")

    browsing(scenario)


@pytest.mark.parametrize(
    ("sentence", "changed"),
    [
        ("an unknown client", {"client_id": "someone"}),
        ("a client without this flow", {"client_id": "robot"}),
        ("no client", {"client_id": None}),
        ("another return address", {"redirect_uri": "http://evil.test/signed-in"}),
        ("a longer return address", {"redirect_uri": f"{REDIRECT}/more"}),
        ("a return address with a query", {"redirect_uri": f"{REDIRECT}?x=1"}),
        ("another scheme", {"redirect_uri": REDIRECT.replace("http:", "https:")}),
        ("no return address", {"redirect_uri": None}),
        ("an endless state", {"state": "s" * 9_000}),
    ],
)
def test_a_request_that_cannot_be_answered_is_shown_and_never_redirected(sentence, changed):
    async def scenario(platform, browser, user):
        page = await browser.get(auth_address(**changed))
        assert page.status_code == 400 and "location" not in page.headers
        assert "This link does not work" in page.text

    browsing(scenario, confidential_clients={"robot": {"secret": "s" * 32, "roles": ["USER"]}})


@pytest.mark.parametrize(
    ("sentence", "redirect_uri", "accepted"),
    [
        ("any port of the loopback interface", "http://127.0.0.1:49152/signed-in", True),
        ("also in IPv6", "http://[::1]:49152/signed-in", True),
        ("a name that may lead elsewhere", "http://localhost:49152/signed-in", False),
        ("no port", "http://127.0.0.1/signed-in", False),
        ("another path", "http://127.0.0.1:49152/elsewhere", False),
        ("a user before another host", "http://127.0.0.1:80@evil.test/signed-in", False),
        ("another host", "http://127.0.0.1.evil.test:80/signed-in", False),
        ("the web terminal's address", REDIRECT, False),
    ],
)
def test_a_native_program_takes_its_answer_on_the_loopback_interface(sentence, redirect_uri, accepted):
    async def scenario(platform, browser, user):
        native = {"client_id": "trading-cli", "redirect_uri": redirect_uri}
        assert (await browser.get(auth_address(**native))).status_code == (200 if accepted else 400)
        if accepted:
            tokens = (await token_for(browser, await code_for(browser, **native), **native)).json()
            assert (await refreshed(browser, tokens["refresh_token"])).status_code == 200

    browsing(scenario)


def test_people_sign_in_for_a_native_program_even_if_their_browser_is_signed_in():
    async def scenario(platform, browser, user):
        await code_for(browser)
        native = {"client_id": "trading-cli", "redirect_uri": "http://127.0.0.1:49152/signed-in"}
        page = await browser.get(auth_address(**native))
        assert (page.status_code, "form_token" in page.text) == (200, True)
        assert answered(await browser.get(auth_address(prompt="none", **native)))["error"] == "login_required"

    browsing(scenario)


@pytest.mark.parametrize(
    ("sentence", "changed", "error"),
    [
        ("no challenge", {"code_challenge": None}, "invalid_request"),
        ("a plain challenge", {"code_challenge_method": "plain"}, "invalid_request"),
        ("no challenge method", {"code_challenge_method": None}, "invalid_request"),
        ("a short challenge", {"code_challenge": "short"}, "invalid_request"),
        ("the implicit flow", {"response_type": "token"}, "unsupported_response_type"),
        ("a fragment answer", {"response_mode": "fragment"}, "invalid_request"),
        ("a request object", {"request": "eyJ"}, "request_not_supported"),
        ("none and more", {"prompt": "none login"}, "invalid_request"),
        ("an age that is none", {"max_age": "soon"}, "invalid_request"),
    ],
)
def test_a_wrong_request_is_told_to_the_client(sentence, changed, error):
    async def scenario(platform, browser, user):
        answer = answered(await browser.get(auth_address(**changed)))
        assert (answer["error"], answer["state"]) == (error, "the-state")

    browsing(scenario)


def test_a_parameter_twice_is_refused():
    async def scenario(platform, browser, user):
        assert (await browser.get(auth_address() + "&state=other")).status_code == 400

    browsing(scenario)


@pytest.mark.parametrize(
    ("sentence", "changed"),
    [
        ("a wrong verifier", {"code_verifier": "b" * 43}),
        ("no verifier", {"code_verifier": None}),
        ("a verifier with odd letters", {"code_verifier": "é" * 43}),
        ("another return address", {"redirect_uri": f"{REDIRECT}/"}),
        ("no return address", {"redirect_uri": None}),
        ("another code", {"code": "guess"}),
        ("no code", {"code": None}),
    ],
)
def test_a_code_needs_what_it_was_given_for(sentence, changed):
    async def scenario(platform, browser, user):
        code = await code_for(browser)
        refused = await token_for(browser, **({"code": code} | changed))
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")

    browsing(scenario)


def test_a_code_used_twice_ends_the_tokens_of_its_first_use():
    async def scenario(platform, browser, user):
        code = await code_for(browser)
        tokens = (await token_for(browser, code)).json()
        assert (await token_for(browser, code)).json()["error"] == "invalid_grant"
        ended = await refreshed(browser, tokens["refresh_token"], "trading-web")
        assert ended.json()["error"] == "invalid_grant"

    browsing(scenario)


def test_of_two_uses_at_once_none_keeps_tokens():
    async def scenario(platform, browser, user):
        code = await code_for(browser)
        both = await asyncio.gather(token_for(browser, code), token_for(browser, code))
        for response in both:
            token = response.json().get("refresh_token")
            assert token is None or (await refreshed(browser, token, "trading-web")).status_code == 400

    browsing(scenario)


def test_a_code_expires():
    async def scenario(platform, browser, user):
        code = await code_for(browser)
        platform.runtime.move_on(61)
        assert (await token_for(browser, code)).json()["error"] == "invalid_grant"

    browsing(scenario)


def test_a_wrong_password_and_an_unknown_address_look_alike():
    async def scenario(platform, browser, user):
        wrong = await sign_in(browser, password="not the password")
        unknown = await sign_in(browser, email="nobody@example.com")
        assert wrong.status_code == unknown.status_code == 401
        assert "The e-mail address or the password is wrong." in wrong.text
        assert wrong.text.replace(ADA, "") == unknown.text.replace("nobody@example.com", "")
        assert "trading_session" not in wrong.headers.get("set-cookie", "")

    browsing(scenario)


def test_after_ten_failures_an_address_waits_even_with_the_right_password():
    async def scenario(platform, browser, user):
        for _ in range(10):
            assert (await sign_in(browser, password="not the password")).status_code == 401
        waits = await sign_in(browser)
        assert waits.status_code == 429 and int(waits.headers["retry-after"]) > 800
        platform.runtime.move_on(901)
        assert (await sign_in(browser)).status_code == 303

    browsing(scenario)


def test_a_form_from_elsewhere_is_refused():
    async def scenario(platform, browser, user):
        action, token = form_of(await browser.get(auth_address()))
        async with platform.browser() as other:
            theirs = {"form_token": token, "username": ADA, "password": "correct horse battery"}
            assert (await other.post(action, data=theirs)).status_code == 403
        headers = {"Sec-Fetch-Site": "cross-site"}
        assert (await browser.post(action, data=theirs, headers=headers)).status_code == 403
        assert (await browser.post(action, data=theirs | {"form_token": ""})).status_code == 403
        assert (await browser.post(action, data=theirs)).status_code == 303

    browsing(scenario)


def test_pages_show_what_was_typed_as_text():
    async def scenario(platform, browser, user):
        attack = '"><script>alert(1)</script>'
        page = await sign_in(browser, email=attack)
        hinted = await browser.get(auth_address(login_hint=attack, state=attack))
        assert "<script>" not in page.text + hinted.text and "&lt;script&gt;" in page.text

    browsing(scenario)


def test_pages_carry_strict_headers_and_flags():
    async def scenario(platform, browser, user):
        page = await browser.get(auth_address())
        policy = page.headers["content-security-policy"]
        for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "style-src 'sha256-"):
            assert part in policy
        assert f"form-action 'self' {PUBLIC_URL}" in policy and "unsafe" not in policy
        assert page.headers["x-frame-options"] == "DENY" and page.headers["cache-control"] == "no-store"
        cookie = page.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie and f"Path={REALM}" in cookie
        assert "Secure" not in cookie

    browsing(scenario)


def test_over_tls_cookies_are_secure():
    async def run():
        async with running(public_url="https://venue.test") as platform:
            await platform.create()
            async with platform.browser("https://venue.test") as browser:
                response = await sign_in(browser, redirect_uri="https://venue.test/signed-in")
                assert response.status_code == 303 and "Secure" in response.headers["set-cookie"]
                page = await browser.get(auth_address(redirect_uri="https://venue.test/signed-in", prompt="login"))
                assert "strict-transport-security" in page.headers

    asyncio.run(run())


def test_someone_registers_and_signs_in():
    async def scenario(platform, browser, user):
        page = await browser.get(auth_address(prompt="create"))
        action, token = form_of(page)
        new = {"form_token": token, "name": "Grace Hopper", "email": "grace@example.com", "password": "a fine password"}
        done = await browser.post(action, data=new)
        known = await browser.post(action, data=new | {"email": ADA})
        assert done.status_code == known.status_code == 200 and done.text == known.text
        weak = await browser.post(action, data=new | {"email": "x@example.com", "password": "short"})
        assert weak.status_code == 400 and "12 to 128 characters" in weak.text and "Grace Hopper" in weak.text
        assert "code" in answered(await sign_in(browser, "grace@example.com", "a fine password"))

    browsing(scenario)


def test_registrations_from_one_place_have_a_limit():
    async def scenario(platform, browser, user):
        action, token = form_of(await browser.get(auth_address(prompt="create")))
        statuses = []
        for number in range(3):
            email = f"u{number}@example.com"
            new = {"form_token": token, "name": "U", "email": email, "password": "a fine password"}
            statuses.append((await browser.post(action, data=new)).status_code)
        assert statuses == [200, 200, 429]
        asked = user_pb2.RegisterRequest(email="api@example.com", password="a fine password", name="U")
        await platform.stub.Register(asked)
        asked.client_address = "127.0.0.1"  # the browser's
        with pytest.raises(Refused, match="too_many_attempts"):
            await platform.stub.Register(asked)

    browsing(scenario, client_registrations_max=2)
