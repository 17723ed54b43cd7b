"""Who gets in: every way in which a credential can be wrong, roles, keys that change, and revocations."""

import asyncio
import base64
import hmac
import json

import httpx2
import pytest
from joserfc import jws

from api_gateway.keys import KeyCache
from api_gateway.settings import ApiGatewaySettings
from kernel.runtime import SystemRuntime

from .running import ADMIN, ISSUER, KEY, OTHER_KEY, READER, SECOND_KEY, TRADER, bearer, claims, run, token
from .services import ACCOUNT, ADA, GRACE, NOW_NS

NOW_S = NOW_NS // 1_000_000_000
ORDER = {"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "quantity": "0.5", "price": "64250.10"}
ORDER_ID = "6f726472-0001-8000-8000-000000000001"


def b64(document):
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unsigned(header):
    return f"{b64(header)}.{b64(claims())}."


def hmac_with_the_public_key():
    signed = f"{b64({'alg': 'HS256', 'kid': 'first'})}.{b64(claims())}"
    signature = hmac.digest(KEY.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{b64(signature)}"


def tampered():
    head, _, signature = token().split(".")
    return f"{head}.{b64(claims(roles=['ADMIN']))}.{signature}"


def signed(payload):
    return jws.serialize_compact({"alg": "RS256", "kid": "first"}, payload, KEY, algorithms=["RS256"])


# What is presented, its Authorization header (None: none), the refusal's code.
BAD_TOKENS = [
    ("nothing", None, "unauthenticated"),
    ("basic authentication", "Basic YTpi", "unauthenticated"),
    ("an empty token", "Bearer ", "token_malformed"),
    ("no token at all", "Bearer abc", "token_malformed"),
    ("two parts", "Bearer a.b", "token_malformed"),
    ("a header that is no JSON", "Bearer YQ.YQ.YQ", "token_malformed"),
    ("a very long token", "Bearer " + "a" * 9_000, "token_malformed"),
    ("alg none", f"Bearer {unsigned({'alg': 'none', 'kid': 'first'})}", "token_algorithm"),
    ("alg None with capitals", f"Bearer {unsigned({'alg': 'NoNe', 'kid': 'first'})}", "token_algorithm"),
    ("alg none without a key id", f"Bearer {unsigned({'alg': 'none'})}", "token_malformed"),
    ("HS256 with the public key as secret", f"Bearer {hmac_with_the_public_key()}", "token_algorithm"),
    ("RS256 claimed over no signature", f"Bearer {unsigned({'alg': 'RS256', 'kid': 'first'})}", "token_forged"),
    ("another issuer's key under our key id", f"Bearer {token(key=OTHER_KEY)}", "token_forged"),
    ("an unknown key id", f"Bearer {token(key=SECOND_KEY)}", "token_forged"),
    ("changed claims", f"Bearer {tampered()}", "token_forged"),
    ("another type of token", f"Bearer {token(typ='logout+jwt')}", "token_malformed"),
    ("claims that are no object", f"Bearer {signed(b'[1]')}", "token_malformed"),
    ("no expiry", f"Bearer {token(claims(exp=None))}", "token_malformed"),
    ("no subject", f"Bearer {token(claims(sub=None))}", "token_malformed"),
    ("an empty subject", f"Bearer {token(claims(sub=''))}", "token_malformed"),
    ("a subject of 65 characters", f"Bearer {token(claims(sub='a' * 65))}", "token_malformed"),
    ("no issuer", f"Bearer {token(claims(iss=None))}", "token_malformed"),
    ("no audience", f"Bearer {token(claims(aud=None))}", "token_malformed"),
    ("no time of issue", f"Bearer {token(claims(iat=None))}", "token_malformed"),
    ("an expiry as text", f"Bearer {token(claims(exp='tomorrow'))}", "token_malformed"),
    ("roles as text", f"Bearer {token(claims(roles='ADMIN'))}", "token_malformed"),
    ("another issuer", f"Bearer {token(claims(iss=ISSUER + '/'))}", "token_wrong_issuer"),
    ("another audience", f"Bearer {token(claims(aud='account'))}", "token_wrong_audience"),
    ("several other audiences", f"Bearer {token(claims(aud=['account', 'x']))}", "token_wrong_audience"),
    ("expired", f"Bearer {token(claims(exp=NOW_S - 5))}", "token_expired"),
    ("not valid yet", f"Bearer {token(claims(nbf=NOW_S + 6))}", "token_not_yet_valid"),
    ("issued in the future", f"Bearer {token(claims(iat=NOW_S + 6))}", "token_not_yet_valid"),
]


@pytest.mark.parametrize(("header", "code"), [row[1:] for row in BAD_TOKENS], ids=[row[0] for row in BAD_TOKENS])
def test_a_bad_token_is_401_with_a_code_and_reaches_nobody(header, code):
    async def test(gateway):
        headers = {"Authorization": header} if header else {}
        answer = await gateway.call("POST", "/v1/orders", headers=headers, json=ORDER)
        assert (answer.status_code, answer.json()["code"]) == (401, code)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert int(answer.headers["X-RateLimit-Remaining"]) == 9_999
        assert not gateway.orders.submitted

    run(test)


GOOD_TOKENS = [
    ("the audience among others", claims(aud=["account", "trading-platform"])),
    ("expired within the leeway", claims(exp=NOW_S - 4)),
    ("issued a little ahead of our clock", claims(iat=NOW_S + 4, nbf=NOW_S + 4)),
    ("a fraction of a second", claims(exp=NOW_S + 10.5)),
    ("roles of the identity provider's own", claims(roles=["TRADER", "offline_access", "default-roles-x"])),
    ("no permissions", claims(permissions=None)),
]


@pytest.mark.parametrize("given", [row[1] for row in GOOD_TOKENS], ids=[row[0] for row in GOOD_TOKENS])
def test_a_good_token_gets_in(given):
    async def test(gateway):
        answer = await gateway.call(
            "POST", "/v1/orders", headers={"Authorization": f"bearer {token(given)}"}, json=ORDER
        )
        assert answer.status_code == 201

    run(test)


# Method, path, body, the least role; every other operation of the contract is compared with its x-role elsewhere.
OPERATIONS = [
    ("GET", f"/v1/orders/{ORDER_ID}", None, "USER"),
    ("GET", "/v1/orders", None, "USER"),
    ("POST", "/v1/orders", ORDER, "TRADER"),
    ("POST", "/v1/orders/batch", {"orders": [ORDER]}, "TRADER"),
    ("PATCH", f"/v1/orders/{ORDER_ID}", {"price": "1"}, "TRADER"),
    ("DELETE", f"/v1/orders/{ORDER_ID}", None, "TRADER"),
    ("DELETE", "/v1/orders", None, "TRADER"),
    ("GET", f"/v1/accounts/{ACCOUNT}", None, "USER"),
    ("GET", "/v1/users", None, "ADMIN"),
    ("POST", f"/v1/admin/accounts/{ACCOUNT}/deposits", {"asset": "USD", "amount": "1"}, "ADMIN"),
    ("GET", "/v1/admin/events", None, "ADMIN"),
    ("GET", "/v1/public/time", None, None),
    ("GET", "/v1/public/instruments", None, None),
]
RANK = {None: 0, "USER": 1, "TRADER": 2, "ADMIN": 3}


@pytest.mark.parametrize(("method", "path", "body", "least"), OPERATIONS)
@pytest.mark.parametrize("has", [None, "USER", "TRADER", "ADMIN"])
def test_a_role_lets_one_do_what_it_contains_and_nothing_else(method, path, body, least, has):
    async def test(gateway):
        headers = {"Authorization": f"Bearer {token(claims(roles=[has]))}"} if has else {}
        answer = await gateway.call(method, path, headers=headers, **({"json": body} if body else {}))
        if RANK[has] >= RANK[least]:
            assert answer.status_code < 500
            assert answer.status_code not in (401, 403)
        else:
            assert (answer.status_code, answer.json()["code"]) == (
                (401, "unauthenticated") if has is None else (403, "forbidden")
            )

    run(test)


def test_a_token_without_a_role_of_ours_may_do_nothing():
    async def test(gateway):
        answer = await gateway.call("GET", "/v1/orders", headers=bearer(roles=["offline_access"]))
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert "you have none" in answer.json()["message"]

    run(test)


def test_a_verified_token_is_remembered_until_it_expires():
    async def test(gateway):
        assert (await gateway.call("GET", "/v1/orders")).status_code == 200
        gateway.issuer.is_down = True
        gateway.clock.move_on(299)
        assert (await gateway.call("GET", "/v1/orders")).status_code == 200
        gateway.clock.move_on(6)
        answer = await gateway.call("GET", "/v1/orders")
        assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")

    run(test)


def test_a_new_key_is_fetched_when_it_is_first_seen_and_not_for_every_invented_one():
    async def test(gateway):
        assert (await gateway.call("GET", "/v1/orders")).status_code == 200
        assert gateway.issuer.asked == 1
        gateway.issuer.keys = [KEY, SECOND_KEY]
        new = {"Authorization": f"Bearer {token(key=SECOND_KEY)}"}
        assert (await gateway.call("GET", "/v1/orders", headers=new)).status_code == 401
        gateway.clock.move_on(11)
        assert (await gateway.call("GET", "/v1/orders", headers=new)).status_code == 200
        assert gateway.issuer.asked == 2
        for number in range(20):
            invented = {"Authorization": f"Bearer {token(kid=f'invented-{number}')}"}
            answer = await gateway.call("GET", "/v1/orders", headers=invented)
            assert answer.status_code == 401
        assert gateway.issuer.asked == 2

    run(test)


def test_without_any_keys_a_token_is_503_and_public_routes_answer():
    async def test(gateway):
        gateway.issuer.is_down = True
        answer = await gateway.call("GET", "/v1/orders")
        assert (answer.status_code, answer.json()["code"]) == (503, "identity_unavailable")
        assert (await gateway.call("GET", "/v1/public/time", headers={})).status_code == 200
        gateway.issuer.is_down = False
        gateway.clock.move_on(2)
        assert (await gateway.call("GET", "/v1/orders")).status_code == 200

    run(test)


# The header X-API-Key, the status and the code (None: it gets in).
API_KEYS = [
    ("tk_ada.secret", 200, None),
    ("tk_ada.wrong", 401, "key_revoked"),
    ("tk_ada", 401, "unauthenticated"),
    ("tk_ada.", 401, "unauthenticated"),
    (".secret", 401, "unauthenticated"),
    ("tk_ada." + "x" * 129, 401, "unauthenticated"),
    ("tk_ä.secret", 401, "unauthenticated"),
]


@pytest.mark.parametrize(("key", "status", "code"), API_KEYS)
def test_an_api_key_gets_in_if_the_user_service_knows_it(key, status, code):
    async def test(gateway):
        answer = await gateway.call("GET", "/v1/users/me", headers={b"X-API-Key": key.encode("latin-1")})
        assert (answer.status_code, answer.json().get("code")) == (status, code)

    run(test)


def test_an_api_key_has_its_own_roles_and_is_asked_for_once_a_minute():
    async def test(gateway):
        reader = {"X-API-Key": "tk_reader.secret"}
        assert (await gateway.call("GET", "/v1/orders", headers=reader)).status_code == 200
        assert (await gateway.call("POST", "/v1/orders", headers=reader, json=ORDER)).status_code == 403
        assert gateway.users.verified == 1
        gateway.clock.move_on(61)
        assert (await gateway.call("GET", "/v1/orders", headers=reader)).status_code == 200
        assert gateway.users.verified == 2

    run(test)


# Who asks for a key, the roles asked for, the roles got (None: refused).
NEW_KEYS = [
    ({"X-API-Key": "tk_reader.secret"}, {}, ["USER"]),
    ({"X-API-Key": "tk_reader.secret"}, {"roles": ["USER"]}, ["USER"]),
    ({"X-API-Key": "tk_reader.secret"}, {"roles": ["TRADER"]}, None),
    (READER, {"roles": ["TRADER"]}, None),
    (TRADER, {"roles": ["TRADER"]}, ["TRADER"]),
    (TRADER, {}, ["USER", "TRADER"]),
]


@pytest.mark.parametrize(("headers", "asked", "got"), NEW_KEYS)
def test_nobody_makes_a_key_that_is_stronger_than_his_own_credential(headers, asked, got):
    async def test(gateway):
        made = await gateway.call("POST", "/v1/users/me/api-keys", headers=headers, json={"name": "x"} | asked)
        if got is None:
            assert (made.status_code, made.json()["code"]) == (422, "role_not_held")
        else:
            assert (made.status_code, made.json()["roles"]) == (201, got)

    run(test)


def test_a_token_and_a_key_together_are_refused():
    async def test(gateway):
        both = TRADER | {"X-API-Key": "tk_ada.secret"}
        for _ in range(2):
            assert (await gateway.call("GET", "/v1/orders", headers=both)).status_code == 401
            await gateway.call("GET", "/v1/orders")

    run(test)


def test_a_credential_counts_only_in_its_own_header():
    async def test(gateway):
        assert (await gateway.call("GET", "/v1/orders", headers={"X-API-Key": "tk_ada.secret"})).status_code == 200
        assert (await gateway.call("GET", "/v1/orders", headers=TRADER)).status_code == 200
        for wrong in ({"Authorization": "tk_ada.secret"}, {"X-API-Key": TRADER["Authorization"]}):
            assert (await gateway.call("GET", "/v1/orders", headers=wrong)).status_code == 401

    run(test)


def test_a_revoked_key_stops_working_at_once():
    async def test(gateway):
        key = {"X-API-Key": "tk_ada.secret"}
        assert (await gateway.call("POST", "/v1/orders", headers=key, json=ORDER)).status_code == 201
        assert (await gateway.call("DELETE", "/v1/users/me/api-keys/tk_ada")).status_code == 204
        await asyncio.sleep(0.05)
        answer = await gateway.call("POST", "/v1/orders", headers=key, json=ORDER)
        assert (answer.status_code, answer.json()["code"]) == (401, "key_revoked")

    run(test)


def test_another_users_data_is_not_found_and_an_administrator_sees_it():
    async def test(gateway):
        assert (await gateway.call("GET", f"/v1/users/{GRACE}", headers=READER)).status_code == 404
        assert (await gateway.call("GET", f"/v1/users/{ADA}", headers=READER)).status_code == 200
        assert (await gateway.call("GET", f"/v1/users/{GRACE}", headers=ADMIN)).status_code == 200
        assert (await gateway.call("GET", f"/v1/accounts?user_id={GRACE}", headers=READER)).status_code == 403
        assert (await gateway.call("GET", f"/v1/accounts/{ACCOUNT}", headers=bearer(sub=GRACE))).status_code == 404
        page = await gateway.call("GET", f"/v1/accounts?user_id={GRACE}", headers=ADMIN)
        assert [account["user_id"] for account in page.json()["items"]] == [GRACE]

    run(test)


def test_the_issuers_keys_come_over_http_when_it_is_not_in_this_process():
    """The same cache over a transport that counts, as over a network."""
    asked = []

    def answer(request):
        asked.append(str(request.url))
        weak = SECOND_KEY.as_dict(private=False) | {"kid": "weak", "n": SECOND_KEY.as_dict(private=False)["n"][:171]}
        encryption = SECOND_KEY.as_dict(private=False) | {"kid": "enc", "use": "enc"}
        keys = [KEY.as_dict(private=False), weak, encryption, {"kty": "EC", "kid": "ec"}]
        return httpx2.Response(200, json={"keys": keys})

    async def test():
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
        keys = KeyCache(SystemRuntime(), client, ApiGatewaySettings(jwks_url="http://issuer.test/keys"))
        found = {kid: await keys.find(kid) is not None for kid in ("first", "weak", "enc", "ec")}
        assert found == {"first": True, "weak": False, "enc": False, "ec": False}
        assert asked == ["http://issuer.test/keys"]
        await keys.close()

    asyncio.run(test())
