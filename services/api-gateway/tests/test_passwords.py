"""Passwords and erasure over REST: one's own with the current password, somebody's by an administrator."""

import pytest

from .running import ADMIN, TRADER, bearer, run
from .services import ADA, GRACE

CURRENT, NEW = "correct horse battery", "staple of the correct horse"


def test_the_session_of_the_token_that_asks_is_told():
    async def test(gateway):
        body = {"current_password": CURRENT, "new_password": NEW}
        done = await gateway.call("PUT", "/v1/users/me/password", headers=bearer(sid="mine"), json=body)
        assert (done.status_code, done.content) == (204, b"")
        by_key = await gateway.call("PUT", "/v1/users/me/password", headers={"X-API-Key": "tk_ada.secret"}, json=body)
        assert by_key.status_code == 204
        assert gateway.users.passwords == [(ADA, CURRENT, NEW, "mine"), (ADA, CURRENT, NEW, "")]

    run(test)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"current_password": "another one", "new_password": NEW}, 422, "wrong_password"),
        ({"current_password": CURRENT, "new_password": "short"}, 400, "invalid_request"),
        ({"current_password": "", "new_password": NEW}, 400, "invalid_request"),
        ({"new_password": NEW}, 400, "invalid_request"),
    ],
)
def test_a_change_that_is_refused(body, status, code):
    async def test(gateway):
        refused = await gateway.call("PUT", "/v1/users/me/password", json=body)
        assert (refused.status_code, refused.json()["code"]) == (status, code)

    run(test)


def test_only_an_administrator_resets():
    async def test(gateway):
        path = f"/v1/admin/users/{GRACE}/password"
        assert (await gateway.call("DELETE", path, headers=TRADER)).status_code == 403
        given = await gateway.call("DELETE", path, headers=ADMIN)
        assert (given.status_code, given.json()["one_time_password"]) == (200, "abcdef-ghijkl")

    run(test)


def test_erasing_oneself_takes_the_password_and_an_administrator_takes_none():
    async def test(gateway):
        own = "/v1/users/me/erasure"
        assert (await gateway.call("POST", own, json={})).status_code == 400
        done = await gateway.call("POST", own, json={"current_password": CURRENT})
        assert (done.status_code, done.headers["X-Log-Position"]) == (204, "main:99")
        path = f"/v1/admin/users/{GRACE}"
        assert (await gateway.call("DELETE", path, headers=TRADER)).status_code == 403
        assert (await gateway.call("DELETE", path, headers=ADMIN)).status_code == 204
        (ada, by_admin) = gateway.users.erased
        assert (ada, by_admin[0], by_admin[2]) == ((ADA, ADA, CURRENT), GRACE, None)
        assert by_admin[1] != GRACE

    run(test)
