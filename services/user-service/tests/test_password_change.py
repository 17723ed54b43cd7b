"""A password is changed with the current one, or reset for one sign-in; whoever had the old one is out."""

import asyncio

import pytest

from kernel.refused import Refused
from trading.v1 import user_pb2

from .provider_client import (
    OIDC,
    answered,
    auth_address,
    claims_of,
    form_of,
    password_grant,
    refreshed,
    sign_in,
    token_for,
)
from .running import ADA, PASSWORD, running

NEW = "staple of the correct horse"
ADMIN_ID = "01936d2e-7c1a-7b3e-9a51-3f2c8d4e5a6c"


def with_ada(scenario, **values):
    """Run `scenario(platform, browser, user)` with Ada registered."""

    async def run():
        async with running(**values) as platform:
            user = await platform.create()
            async with platform.browser() as browser:
                await scenario(platform, browser, user)

    asyncio.run(run())


async def change(platform, user, current=PASSWORD, new=NEW, session=""):
    """The code of the refusal, or "changed"."""
    asked = user_pb2.ChangePasswordRequest(
        user_id=user.id, current_password=current, new_password=new, session_id=session
    )
    try:
        await platform.stub.ChangePassword(asked)
    except Refused as refused:
        return refused.code
    return "changed"


async def reset(platform, user, by=ADMIN_ID):
    return await platform.stub.ResetPassword(user_pb2.ResetPasswordRequest(user_id=user.id, reset_by=by))


async def holds(browser, access_token):
    answer = await browser.get(f"{OIDC}/userinfo", headers={"Authorization": f"Bearer {access_token}"})
    return answer.status_code == 200


def test_the_new_password_is_the_only_one():
    async def scenario(platform, browser, user):
        assert await change(platform, user) == "changed"
        assert (await password_grant(browser)).status_code == 400
        assert (await password_grant(browser, ADA, NEW)).status_code == 200

    with_ada(scenario)


@pytest.mark.parametrize(
    ("sentence", "current", "new", "code"),
    [
        ("another current one", "not the password", NEW, "wrong_password"),
        ("the same again", PASSWORD, PASSWORD, "weak_password"),
        ("the address", PASSWORD, ADA, "weak_password"),
        ("too plain", PASSWORD, "aaaaaaaaaaaaaaa", "weak_password"),
    ],
)
def test_a_password_that_cannot_be_changes_nothing(sentence, current, new, code):
    async def scenario(platform, browser, user):
        kept = (await password_grant(browser)).json()["refresh_token"]
        assert await change(platform, user, current, new) == code
        assert (await refreshed(browser, kept)).status_code == 200
        assert (await password_grant(browser)).status_code == 200

    with_ada(scenario)


def test_guessing_the_current_password_has_a_limit():
    async def scenario(platform, browser, user):
        codes = [await change(platform, user, "not the password") for _ in range(3)]
        assert codes == ["wrong_password", "wrong_password", "too_many_attempts"]
        assert await change(platform, user) == "too_many_attempts"
        platform.runtime.move_on(901)
        assert await change(platform, user) == "changed"

    with_ada(scenario, address_failures_max=2)


def test_nobody_has_no_password():
    async def scenario(platform, browser, user):
        user.id = ADMIN_ID
        assert await change(platform, user) == "not_found"
        with pytest.raises(Refused, match="not_found"):
            await reset(platform, user, by="boss")

    with_ada(scenario)


def test_other_sessions_end_and_the_one_that_asks_goes_on():
    async def scenario(platform, browser, user):
        own, other = [(await password_grant(browser)).json() for _ in range(2)]
        await sign_in(browser)  # a session of the browser, without tokens yet
        _, claims = await claims_of(browser, own["access_token"])
        assert await change(platform, user, session=claims["sid"]) == "changed"
        assert (await holds(browser, own["access_token"]), await holds(browser, other["access_token"])) == (True, False)
        assert (await refreshed(browser, own["refresh_token"])).status_code == 200
        assert (await refreshed(browser, other["refresh_token"])).status_code == 400
        assert (await browser.get(auth_address())).status_code == 200  # the sign-in page: nobody is signed in

    with_ada(scenario)


def test_a_browser_stays_signed_in_where_the_password_was_changed():
    async def scenario(platform, browser, user):
        tokens = (await token_for(browser, answered(await sign_in(browser))["code"])).json()
        _, claims = await claims_of(browser, tokens["access_token"])
        async with platform.browser() as elsewhere:
            await sign_in(elsewhere)
            assert await change(platform, user, session=claims["sid"]) == "changed"
            assert "code" in answered(await browser.get(auth_address()))
            assert (await elsewhere.get(auth_address())).status_code == 200

    with_ada(scenario)


def test_after_a_reset_one_signs_in_once_and_chooses_another_password():
    async def scenario(platform, browser, user):
        before = (await password_grant(browser)).json()
        given = await reset(platform, user)
        assert (await password_grant(browser)).status_code == 400
        assert not await holds(browser, before["access_token"])
        by_a_program = await password_grant(browser, ADA, given.one_time_password)
        assert (by_a_program.status_code, "with a browser" in by_a_program.text) == (400, True)

        page = await sign_in(browser, ADA, given.one_time_password)
        assert (page.status_code, "Choose a password" in page.text) == (200, True)
        action, token = form_of(page)
        choice = page.text.split('name="choice" value="')[1].split('"')[0]
        form = {"form_token": token, "choice": choice}
        weak = await browser.post(action, data=form | {"password": "short"})
        assert (weak.status_code, "12 to 128 characters" in weak.text) == (400, True)
        same = await browser.post(action, data=form | {"password": given.one_time_password})
        assert (same.status_code, "choose another" in same.text) == (400, True)
        forged = await browser.post(action, data=form | {"password": NEW, "form_token": "forged"})
        assert forged.status_code == 403
        done = await browser.post(action, data=form | {"password": NEW})
        assert (await token_for(browser, answered(done)["code"])).status_code == 200
        assert (await browser.post(action, data=form | {"password": "another one of mine"})).status_code == 403
        assert (await password_grant(browser, ADA, given.one_time_password)).status_code == 400
        assert (await password_grant(browser, ADA, NEW)).status_code == 200

    with_ada(scenario)


def test_a_password_for_one_sign_in_expires_and_can_be_given_again():
    async def scenario(platform, browser, user):
        given = await reset(platform, user)
        assert given.expires_at_ns > platform.runtime.now_ns()
        platform.runtime.move_on(3_601)
        assert (await sign_in(browser, ADA, given.one_time_password)).status_code == 401
        again = await reset(platform, user)
        assert again.one_time_password != given.one_time_password
        assert "Choose a password" in (await sign_in(browser, ADA, again.one_time_password)).text

    with_ada(scenario, one_time_password_s=3_600)


def test_who_had_the_one_time_password_too_does_not_choose_after_its_owner():
    async def scenario(platform, browser, user):
        given = await reset(platform, user)
        async with platform.browser() as elsewhere:
            forms = []
            for each in (browser, elsewhere):
                page = await sign_in(each, ADA, given.one_time_password)
                action, token = form_of(page)
                choice = page.text.split('name="choice" value="')[1].split('"')[0]
                forms.append({"form_token": token, "choice": choice})
            assert (await browser.post(action, data=forms[0] | {"password": NEW})).status_code == 303
            late = await elsewhere.post(action, data=forms[1] | {"password": "another one of mine"})
            assert late.status_code == 403
            assert (await password_grant(elsewhere, ADA, NEW)).status_code == 200

    with_ada(scenario)


def test_an_administrator_does_not_reset_the_own_password():
    async def scenario(platform, browser, user):
        with pytest.raises(Refused, match="own_password"):
            await reset(platform, user, by=user.id)

    with_ada(scenario)


def test_who_takes_too_long_to_choose_signs_in_again():
    async def scenario(platform, browser, user):
        given = await reset(platform, user)
        page = await sign_in(browser, ADA, given.one_time_password)
        action, token = form_of(page)
        choice = page.text.split('name="choice" value="')[1].split('"')[0]
        platform.runtime.move_on(601)
        late = await browser.post(action, data={"form_token": token, "choice": choice, "password": NEW})
        assert (late.status_code, "open for too long" in late.text) == (403, True)

    with_ada(scenario)
