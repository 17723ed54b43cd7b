"""The token endpoint beside the code flow, keys, discovery, and signing out."""

import asyncio
import base64
import json

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.routing import Mount

from kernel.eventlog.memory import MemoryLog
from kernel.eventlog.port import LogFailed
from trading.v1 import user_pb2
from user_service.private_store import PrivateStore
from user_service.settings import UserServiceSettings
from user_service.signing import SigningKeys

from .provider_client import (
    OIDC,
    REALM,
    answered,
    auth_address,
    claims_of,
    code_for,
    form_of,
    password_grant,
    refreshed,
    token_for,
)
from .running import ADA, PUBLIC_URL, ShiftedRuntime, quick_settings, running
from .test_code_flow import browsing

ROBOT = {"robot": {"secret": "s" * 32, "roles": ["USER"]}}


def test_a_password_is_traded_for_tokens_on_the_command_line():
    async def scenario(platform, browser, user):
        tokens = (await password_grant(browser)).json()
        _, claims = await claims_of(browser, tokens["access_token"])
        assert (claims["sub"], claims["azp"]) == (user.id, "trading-cli") and claims["sid"]
        assert (await password_grant(browser, password="not the password")).json()["error"] == "invalid_grant"
        assert (await password_grant(browser, client_id="trading-web")).json()["error"] == "unauthorized_client"

    browsing(scenario)


def test_the_password_grant_is_off_unless_a_client_is_named():
    async def scenario(platform, browser, user):
        assert (await password_grant(browser)).json()["error"] == "unauthorized_client"
        offered = (await browser.get(f"{REALM}/.well-known/openid-configuration")).json()["grant_types_supported"]
        assert offered == ["authorization_code", "refresh_token"]

    browsing(scenario, password_grant_clients=UserServiceSettings().password_grant_clients)


def test_a_refresh_token_is_spent_and_its_reuse_ends_the_family():
    async def scenario(platform, browser, user):
        first = (await password_grant(browser)).json()["refresh_token"]
        second = (await refreshed(browser, first)).json()["refresh_token"]
        third = (await refreshed(browser, second)).json()["refresh_token"]
        assert len({first, second, third}) == 3
        assert (await refreshed(browser, first)).json()["error"] == "invalid_grant"
        assert (await refreshed(browser, third)).json()["error"] == "invalid_grant"

    browsing(scenario)


def test_a_refresh_token_belongs_to_its_client():
    async def scenario(platform, browser, user):
        token = (await password_grant(browser)).json()["refresh_token"]
        assert (await refreshed(browser, token, "trading-web")).json()["error"] == "invalid_grant"
        assert (await refreshed(browser, token)).status_code == 200

    browsing(scenario)


@pytest.mark.parametrize(("sentence", "steps"), [("idle for a day", [86_401]), ("used for a week", [86_000] * 8)])
def test_a_refresh_token_expires(sentence, steps):
    async def scenario(platform, browser, user):
        token = (await password_grant(browser)).json()["refresh_token"]
        for seconds in steps:
            platform.runtime.move_on(seconds)
            answer = (await refreshed(browser, token)).json()
            token = answer.get("refresh_token")
        assert answer["error"] == "invalid_grant"

    browsing(scenario)


def test_a_refresh_carries_the_roles_of_today_and_no_more_scope():
    async def scenario(platform, browser, user):
        tokens = (await password_grant(browser, scope="openid email")).json()
        await platform.stub.SetRoles(user_pb2.SetRolesRequest(user_id=user.id, roles=["USER"], changed_by="boss"))
        again = (await refreshed(browser, tokens["refresh_token"])).json()
        _, claims = await claims_of(browser, again["access_token"])
        assert claims["roles"] == ["USER"] and claims["scope"] == "openid email"
        more = await refreshed(browser, again["refresh_token"], scope="openid email profile")
        assert more.json()["error"] == "invalid_scope"

    browsing(scenario)


class AwayLog(MemoryLog):
    """A log that can be away."""

    is_away = False

    async def head(self):
        if self.is_away:
            raise LogFailed("the log is away")
        return await super().head()


def test_a_refused_refresh_leaves_the_token_as_it_is():
    async def run():
        runtime = ShiftedRuntime()
        log = AwayLog(runtime)
        async with running(log=log, runtime=runtime) as platform, platform.browser() as browser:
            await platform.create()
            token = (await password_grant(browser, scope="openid email")).json()["refresh_token"]
            more = await refreshed(browser, token, scope="openid email profile")
            assert (more.status_code, more.json()["error"]) == (400, "invalid_scope")
            log.is_away = True
            away = await refreshed(browser, token)
            assert (away.status_code, away.json()["error"]) == (503, "temporarily_unavailable")
            log.is_away = False
            assert (await refreshed(browser, token)).status_code == 200
            assert (await refreshed(browser, token, scope="address")).json()["error"] == "invalid_grant"

    asyncio.run(run())


def test_a_program_trades_its_secret_for_a_token():
    async def scenario(platform, browser, user):
        form = {"grant_type": "client_credentials"}
        basic = base64.b64encode(f"robot:{'s' * 32}".encode()).decode()
        by_header = await browser.post(f"{OIDC}/token", data=form, headers={"Authorization": f"Basic {basic}"})
        by_form = await browser.post(f"{OIDC}/token", data=form | {"client_id": "robot", "client_secret": "s" * 32})
        wrong = await browser.post(f"{OIDC}/token", data=form | {"client_id": "robot", "client_secret": "t" * 32})
        none = await browser.post(f"{OIDC}/token", data=form | {"client_id": "robot"})
        for response in (by_header, by_form):
            _, claims = await claims_of(browser, response.json()["access_token"])
            assert claims["roles"] == ["USER"] and claims["azp"] == "robot" and "refresh_token" not in response.json()
        assert [wrong.status_code, none.status_code] == [401, 401] and wrong.json()["error"] == "invalid_client"

    browsing(scenario, confidential_clients=json.dumps(ROBOT))


@pytest.mark.parametrize(
    ("sentence", "sent", "status", "error"),
    [
        ("no grant", {"data": {"client_id": "trading-cli"}}, 400, "unsupported_grant_type"),
        ("no client", {"data": {"grant_type": "password"}}, 401, "invalid_client"),
        ("JSON", {"json": {"grant_type": "password"}}, 400, "invalid_request"),
        ("too much", {"data": {"client_id": "x" * 20_000}}, 413, "invalid_request"),
        ("a broken header", {"data": {}, "headers": {"Authorization": "Basic !"}}, 400, "invalid_request"),
        ("no password", {"data": {"grant_type": "password", "client_id": "trading-cli"}}, 400, "invalid_request"),
    ],
)
def test_a_bad_token_request_is_refused(sentence, sent, status, error):
    async def scenario(platform, browser, user):
        refused = await browser.post(f"{OIDC}/token", **sent)
        assert (refused.status_code, refused.json()["error"]) == (status, error)
        assert refused.headers["cache-control"] == "no-store"

    browsing(scenario)


def test_only_own_pages_may_read_tokens():
    async def scenario(platform, browser, user):
        asked = {"Access-Control-Request-Method": "POST"}
        own = await browser.options(f"{OIDC}/token", headers=asked | {"Origin": PUBLIC_URL})
        assert own.headers["access-control-allow-origin"] == PUBLIC_URL
        dev = await browser.options(f"{OIDC}/token", headers=asked | {"Origin": "http://localhost:4200"})
        assert dev.headers["access-control-allow-origin"] == "http://localhost:4200"
        evil = await browser.options(f"{OIDC}/token", headers=asked | {"Origin": "http://evil.test"})
        assert "access-control-allow-origin" not in evil.headers
        keys = await browser.get(f"{OIDC}/certs", headers={"Origin": "http://evil.test"})
        assert keys.headers["access-control-allow-origin"] == "*"

    browsing(scenario, web_origins="http://localhost:4200")


def test_discovery_names_what_is_there():
    async def scenario(platform, browser, user):
        told = (await browser.get(f"{REALM}/.well-known/openid-configuration")).json()
        assert told["issuer"] == PUBLIC_URL + REALM and told["code_challenge_methods_supported"] == ["S256"]
        for name in ("token", "authorization", "userinfo", "end_session", "revocation"):
            path = told[f"{name}_endpoint"].removeprefix(PUBLIC_URL)
            assert (await browser.get(path)).status_code != 404
        keys = (await browser.get(told["jwks_uri"].removeprefix(PUBLIC_URL))).json()["keys"]
        assert [(key["kty"], key["use"], key["alg"]) for key in keys] == [("RSA", "sig", "RS256")]
        assert all(not {"d", "p", "q", "dp", "dq", "qi"} & key.keys() for key in keys)

    browsing(scenario)


def test_it_answers_when_a_gateway_mounts_it():
    async def scenario(platform, browser, user):
        direct = await browser.get(f"{REALM}/.well-known/openid-configuration")
        gateway = Starlette(routes=[Mount("/realms", app=platform.service.http)])
        browser._transport.app = gateway
        mounted = await browser.get(f"{REALM}/.well-known/openid-configuration")
        assert mounted.json() == direct.json()
        assert "code" in answered(await _signed_in_again(browser))

    browsing(scenario)


async def _signed_in_again(browser):
    code = await code_for(browser)
    assert (await token_for(browser, code)).status_code == 200
    return await browser.get(auth_address())


def unsigned(claims):
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


@pytest.mark.parametrize(
    ("sentence", "forge"),
    [
        ("none", unsigned),
        ("another key", lambda claims: jwt.encode({"alg": "RS256"}, claims, RSAKey.generate_key(2048))),
        ("an id token", None),
        ("nothing", lambda claims: ""),
    ],
)
def test_a_token_that_is_not_ours_opens_nothing(sentence, forge):
    async def scenario(platform, browser, user):
        tokens = (await password_grant(browser)).json()
        _, claims = await claims_of(browser, tokens["access_token"])
        token = forge(claims) if forge else tokens["id_token"]
        refused = await browser.get(f"{OIDC}/userinfo", headers={"Authorization": f"Bearer {token}"})
        assert refused.status_code == 401 and "invalid_token" in refused.headers["www-authenticate"]

    browsing(scenario)


def test_an_access_token_expires():
    async def scenario(platform, browser, user):
        headers = {"Authorization": f"Bearer {(await password_grant(browser)).json()['access_token']}"}
        assert (await browser.get(f"{OIDC}/userinfo", headers=headers)).status_code == 200
        platform.runtime.move_on(901)
        assert (await browser.get(f"{OIDC}/userinfo", headers=headers)).status_code == 401

    browsing(scenario)


def test_a_revoked_refresh_token_is_of_no_use():
    async def scenario(platform, browser, user):
        token = (await password_grant(browser)).json()["refresh_token"]
        form = {"client_id": "trading-cli", "token": token}
        assert (await browser.post(f"{OIDC}/revoke", data=form | {"token": "unknown"})).status_code == 200
        assert (await browser.post(f"{OIDC}/revoke", data=form)).status_code == 200
        assert (await refreshed(browser, token)).status_code == 400

    browsing(scenario)


def test_signing_out_with_an_id_token_ends_the_session_and_its_tokens():
    async def scenario(platform, browser, user):
        tokens = (await token_for(browser, await code_for(browser))).json()
        asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": f"{PUBLIC_URL}/", "state": "s"}
        done = await browser.get(f"{OIDC}/logout", params=asked)
        assert (done.status_code, done.headers["location"]) == (303, f"{PUBLIC_URL}/?state=s")
        assert (await browser.get(auth_address())).status_code == 200
        assert (await refreshed(browser, tokens["refresh_token"], "trading-web")).status_code == 400

    browsing(scenario)


# How a client ends what it has, by a password or in a browser.
async def by_refresh_token(browser, client, tokens):
    form = {"client_id": client, "refresh_token": tokens["refresh_token"]}
    assert (await browser.post(f"{OIDC}/logout", data=form)).status_code == 204


async def by_id_token(browser, client, tokens):
    await browser.get(f"{OIDC}/logout", params={"id_token_hint": tokens["id_token"]})


async def by_revoking_the_refresh_token(browser, client, tokens):
    form = {"client_id": client, "token": tokens["refresh_token"]}
    assert (await browser.post(f"{OIDC}/revoke", data=form)).status_code == 200


async def by_revoking_the_access_token(browser, client, tokens):
    form = {"client_id": client, "token": tokens["access_token"]}
    assert (await browser.post(f"{OIDC}/revoke", data=form)).status_code == 200


async def by_using_a_refresh_token_twice(browser, client, tokens):
    for _ in range(2):
        await refreshed(browser, tokens["refresh_token"], client)


ENDINGS = [
    by_refresh_token,
    by_id_token,
    by_revoking_the_refresh_token,
    by_revoking_the_access_token,
    by_using_a_refresh_token_twice,
]


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.__name__)
@pytest.mark.parametrize("client", ["trading-cli", "trading-web"])
def test_what_ends_a_sign_in_ends_its_access_tokens_and_tells_the_gateways(client, ending):
    async def scenario(platform, browser, user):
        other = (await password_grant(browser)).json()
        by_password = client == "trading-cli"
        answer = await (password_grant(browser) if by_password else token_for(browser, await code_for(browser)))
        tokens = answer.json()
        _, claims = await claims_of(browser, tokens["access_token"])
        stream = aiter(platform.stub.StreamRevocations(user_pb2.StreamRevocationsRequest()))
        await asyncio.wait_for(anext(stream), 5)
        await ending(browser, client, tokens)
        told = await asyncio.wait_for(anext(stream), 5)
        await stream.aclose()
        assert list(told.session_ids) == [claims["sid"]]
        for token, status in ((tokens, 401), (other, 200)):
            headers = {"Authorization": f"Bearer {token['access_token']}"}
            assert (await browser.get(f"{OIDC}/userinfo", headers=headers)).status_code == status
        assert (await refreshed(browser, tokens["refresh_token"], client)).status_code == 400
        assert (await refreshed(browser, other["refresh_token"])).status_code == 200

    browsing(scenario)


def test_a_client_ends_no_tokens_of_another():
    async def scenario(platform, browser, user):
        tokens = (await password_grant(browser)).json()
        for token in (tokens["refresh_token"], tokens["access_token"]):
            await browser.post(f"{OIDC}/revoke", data={"client_id": "trading-web", "token": token})
        form = {"client_id": "trading-web", "refresh_token": tokens["refresh_token"]}
        await browser.post(f"{OIDC}/logout", data=form)
        assert (await refreshed(browser, tokens["refresh_token"])).status_code == 200

    browsing(scenario)


def test_a_code_of_a_session_that_was_signed_out_is_of_no_use():
    async def scenario(platform, browser, user):
        code = await code_for(browser)
        tokens = (await token_for(browser, answered(await browser.get(auth_address()))["code"])).json()
        await browser.get(f"{OIDC}/logout", params={"id_token_hint": tokens["id_token"]})
        assert (await token_for(browser, code)).json()["error"] == "invalid_grant"

    browsing(scenario)


def test_signing_out_never_sends_people_elsewhere():
    async def scenario(platform, browser, user):
        tokens = (await token_for(browser, await code_for(browser))).json()
        asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": "http://evil.test/"}
        page = await browser.get(f"{OIDC}/logout", params=asked)
        assert page.status_code == 200 and "You are signed out" in page.text

    browsing(scenario)


def test_signing_out_without_an_id_token_asks_first():
    async def scenario(platform, browser, user):
        await code_for(browser)
        question = await browser.get(f"{OIDC}/logout")
        assert "Sign out?" in question.text and "code" in answered(await browser.get(auth_address()))
        action, token = form_of(question)
        assert "Sign out?" in (await browser.post(action, data={"form_token": "forged"})).text
        assert "You are signed out" in (await browser.post(action, data={"form_token": token})).text
        assert (await browser.get(auth_address())).status_code == 200

    browsing(scenario)


def test_a_replaced_key_is_published_until_its_tokens_have_expired():
    runtime, store = ShiftedRuntime(), PrivateStore(None)
    keys = SigningKeys(runtime, store, quick_settings(signing_key_pem="", signing_key_days=30))
    old = keys.sign({"sub": "ada"})
    runtime.move_on(30 * 86_400 + 1)
    keys.keep_fresh()
    assert len(keys.published()["keys"]) == 2 and keys.verified(old) == {"sub": "ada"}
    new = keys.sign({"sub": "ada"})
    assert jwt.decode(new, keys.current, ["RS256"]).header["kid"] == keys.published()["keys"][0]["kid"]
    runtime.move_on(900 + 301)
    keys.keep_fresh()
    assert len(keys.published()["keys"]) == 1
    assert keys.verified(old) is None and keys.verified(new) == {"sub": "ada"}
    with pytest.raises(JoseError):
        jwt.decode(old, keys.current, ["RS256"])


def test_a_key_from_the_settings_signs_and_stays():
    pem = RSAKey.generate_key(2048).as_pem(private=True).decode()
    runtime, store = ShiftedRuntime(), PrivateStore(None)
    keys = SigningKeys(runtime, store, quick_settings(signing_key_pem=pem))
    kid = keys.current.kid
    runtime.move_on(1_000 * 86_400)
    keys.keep_fresh()
    keys.rotate()
    assert keys.current.kid == kid and store.signing_keys() == []


def test_sign_in_by_password_is_throttled_too():
    async def run():
        async with running(address_failures_max=2) as platform:
            await platform.create()
            async with platform.browser() as browser:
                for _ in range(2):
                    assert (await password_grant(browser, ADA, "not the password")).status_code == 400
                assert (await password_grant(browser)).status_code == 429

    asyncio.run(run())
