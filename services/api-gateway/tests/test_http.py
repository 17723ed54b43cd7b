"""What every answer has, and what the edge does before any service is asked."""

import asyncio
import json

import pytest

from kernel.refused import Kind, Refused

from .running import ADMIN, TRADER, run
from .services import ACCOUNT, ADA, SYMBOL

ORDER = {"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "quantity": "0.5", "price": "64250.10"}

# The X-Request-ID sent, and whether it is kept.
REQUEST_IDS = [
    ("req-7f3a", True),
    ("a" * 128, True),
    ("a" * 129, False),
    ("a b", False),
    ("<script>", False),
    ("", False),
]


@pytest.mark.parametrize(("sent", "kept"), REQUEST_IDS)
def test_a_request_id_is_kept_if_it_is_valid_and_made_if_not(sent, kept):
    async def test(gateway):
        answer = await gateway.call("GET", "/v1/public/time", headers={"X-Request-ID": sent})
        given = answer.headers["X-Request-ID"]
        assert (given == sent) == kept
        assert len(given) == 36 or kept

    run(test)


ASSET = b'{"asset":"X","scale":1,"kind":"CURRENCY"}'
# Method, path, headers, body -> status, code.
EDGE = [
    ("GET", "/v1/nothing", {}, None, 404, "not_found"),
    ("GET", "/v1", {}, None, 404, "not_found"),
    ("GET", "/v1/orders/", {}, None, 404, "not_found"),
    ("PUT", "/v1/orders", {}, b"{}", 405, "method_not_allowed"),
    ("GET", "/v1/orders/1", {}, None, 400, "invalid_request"),
    *(("GET", f"/v1/instruments?cursor={cursor}", {}, None, 400, "invalid_cursor") for cursor in ("x", "-1", "%00")),
    ("GET", "/v1/instruments/btc", {}, None, 400, "invalid_request"),
    ("GET", "/v1/market-data/BTC%2FUSD/quote", {}, None, 404, "not_found"),
    ("GET", "/v1/instruments/AAPL", {}, None, 404, "unknown_instrument"),
    ("GET", "/v1/market-data/AAPL/book", {}, None, 404, "unknown_instrument"),
    ("GET", "/v1/orders", {"X-Log-Position": "main"}, None, 400, "invalid_request"),
    ("GET", "/v1/orders", {"X-Log-Position": "main:-1"}, None, 400, "invalid_request"),
    ("POST", "/v1/orders", {"Content-Type": "text/plain"}, b"{}", 415, "unsupported_media_type"),
    ("POST", "/v1/orders", {"Content-Type": "application/json; charset=utf-8"}, b"{}", 400, "invalid_request"),
    ("POST", "/v1/orders", {"Content-Type": "application/json"}, b" " * 1001, 413, "body_too_large"),
    ("POST", "/v1/orders", {"Content-Type": "application/json"}, b" " * 1000, 400, "malformed_json"),
    (
        "POST",
        "/v1/admin/assets",
        {"Idempotency-Key": "a" * 129},
        b'{"asset":"X","scale":1,"kind":"CURRENCY"}',
        400,
        "invalid_request",
    ),
    ("GET", f"/v1/market-data/{SYMBOL}/bars?interval=2m", {}, None, 400, "invalid_request"),
    ("GET", f"/v1/market-data/{SYMBOL}/bars?from=yesterday", {}, None, 400, "invalid_request"),
    ("GET", f"/v1/market-data/{SYMBOL}/bars?from=2026-11-02T14:30:00", {}, None, 400, "invalid_request"),
    ("GET", f"/v1/market-data/{SYMBOL}/bars?from=2262-04-12T00:00:00Z", {}, None, 400, "invalid_request"),
    ("GET", f"/v1/market-data/{SYMBOL}/bars?limit=1001", {}, None, 400, "invalid_request"),
    ("GET", f"/v1/market-data/{SYMBOL}/book?depth=501", {}, None, 400, "invalid_request"),
    *(
        ("GET", f"{path}?cursor={'1' * 65}", {}, None, 400, "invalid_request")
        for path in ("/v1/orders", "/v1/accounts", "/v1/users", f"/v1/market-data/{SYMBOL}/trades")
    ),
    ("GET", "/v1/market-data/stream", {}, None, 400, "invalid_request"),
    ("GET", "/v1/market-data/stream?symbols=AAPL", {}, None, 404, "unknown_instrument"),
    ("GET", "/v1/market-data/stream?symbols=BTC-USD&channels=orders", {}, None, 400, "invalid_request"),
    ("PATCH", "/v1/users/me", {}, b'{"name":""}', 400, "invalid_request"),
    ("PATCH", "/v1/users/me", {}, b"{}", 400, "invalid_request"),
    ("POST", "/v1/users/me/api-keys", {}, b'{"name":"x","roles":[]}', 400, "invalid_request"),
    ("POST", "/v1/users/me/api-keys", {}, b'{"name":"x","roles":["ROOT"]}', 400, "invalid_request"),
    ("POST", "/v1/users/me/api-keys", {}, b'{"name":"x","expires_at":"soon"}', 400, "invalid_request"),
]


@pytest.mark.parametrize(("method", "path", "headers", "body", "status", "code"), EDGE)
def test_a_request_that_the_edge_refuses(method, path, headers, body, status, code):
    async def test(gateway):
        content = {} if body is None else {"content": body}
        answer = await gateway.call(method, path, headers=ADMIN | headers, **content)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["X-Request-ID"] == answer.json()["request_id"]
        assert "X-RateLimit-Remaining" in answer.headers

    run(test, body_bytes_max=1000)


def test_the_edge_tells_which_methods_a_path_has():
    async def test(gateway):
        answer = await gateway.call("POST", "/v1/clock", json={})
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")

    run(test)


# What a service refuses with -> status, Retry-After.
KINDS = [
    (Kind.INVALID, None, 400, None),
    (Kind.UNAUTHENTICATED, None, 401, None),
    (Kind.FORBIDDEN, None, 403, None),
    (Kind.NOT_FOUND, None, 404, None),
    (Kind.CONFLICT, None, 409, None),
    (Kind.TOO_LARGE, None, 413, None),
    (Kind.UNPROCESSABLE, None, 422, None),
    (Kind.RATE_LIMITED, 7, 429, "7"),
    (Kind.UNAVAILABLE, None, 503, "1"),
    (Kind.UNAVAILABLE, 9, 503, "9"),
]


@pytest.mark.parametrize(("kind", "wait_s", "status", "retry_after"), KINDS)
def test_every_kind_of_refusal_has_its_status(kind, wait_s, status, retry_after):
    async def test(gateway):
        gateway.orders.fault = Refused("some_code", "What came and what to do.", kind, retry_after_s=wait_s)
        answer = await gateway.call("POST", "/v1/orders", json=ORDER)
        problem = answer.json()
        assert (answer.status_code, problem["status"], problem["code"]) == (status, status, "some_code")
        assert problem["message"] == "What came and what to do."
        assert (problem["title"], problem["instance"]) == ("Some code", "/v1/orders")
        assert answer.headers.get("Retry-After") == retry_after

    run(test)


def test_a_slow_body_is_408():
    async def test(gateway):
        sent = []

        async def receive():
            await asyncio.sleep(0.03)
            return {"type": "http.request", "body": b" ", "more_body": True}

        async def send(message):
            sent.append(message)

        headers = [(b"authorization", TRADER["Authorization"].encode())]
        scope = {"type": "http", "method": "POST", "path": "/v1/orders", "query_string": b"", "headers": headers}
        await gateway.app(scope, receive, send)
        assert sent[0]["status"] == 408
        assert json.loads(sent[1]["body"])["code"] == "request_timeout"
        assert (b"connection", b"close") in sent[0]["headers"]

    run(test, body_timeout_s=0.1)


def test_a_body_that_grows_over_the_limit_is_413_before_its_end():
    async def test(gateway):
        sent, received = [], []

        async def receive():
            received.append(1)
            return {"type": "http.request", "body": b" " * 400, "more_body": True}

        async def send(message):
            sent.append(message)

        headers = [(b"authorization", TRADER["Authorization"].encode())]
        scope = {"type": "http", "method": "POST", "path": "/v1/orders", "query_string": b"", "headers": headers}
        await gateway.app(scope, receive, send)
        assert (sent[0]["status"], len(received)) == (413, 3)

    run(test, body_bytes_max=1000)


def test_admin_changes_the_venue_and_a_retry_with_the_same_key_gets_the_first_answer():
    async def test(gateway):
        key = ADMIN | {"Idempotency-Key": "k1"}
        path = f"/v1/admin/accounts/{ACCOUNT}/deposits"
        body = {"asset": "USD", "amount": 250.50}
        first = await gateway.call("POST", path, headers=key, json=body)
        assert first.status_code == 201, first.text
        assert first.json() == {
            "account_id": ACCOUNT,
            "asset": "USD",
            "amount": "250.5",
            "event_type": "CashDeposited",
            "balance": "350.5",
        }
        other = await gateway.call("POST", path, headers=key, json=body | {"amount": "1"})
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        page = (await gateway.call("GET", "/v1/admin/events?limit=1", headers=ADMIN)).json()
        assert page["items"][0]["event_data"]["amount"] == "250.5"
        assert page["items"][0]["position"] == 1

        asset = {"asset": "USD", "scale": 10, "kind": "CURRENCY"}
        assert (await gateway.call("POST", "/v1/admin/assets", headers=ADMIN, json=asset)).json() == asset
        again = await gateway.call("POST", "/v1/admin/assets", headers=ADMIN, json=asset)
        assert (again.status_code, again.json()["code"]) == (409, "duplicate_listing")

    run(test)


def test_the_event_log_is_paged_by_position_and_by_aggregate():
    async def test(gateway):
        for number in range(5):
            await gateway.engine.append(f"c{number}", f"order-{number % 2}", "Order", "OrderCreated", b"{}")
        first = (await gateway.call("GET", "/v1/admin/events?limit=2", headers=ADMIN)).json()
        assert ([event["position"] for event in first["items"]], first["next_cursor"]) == ([1, 2], "main:2")
        rest = (await gateway.call("GET", "/v1/admin/events?after=main:2", headers=ADMIN)).json()
        assert ([event["position"] for event in rest["items"]], rest["next_cursor"]) == ([3, 4, 5], None)
        one = "/v1/admin/events?aggregate_id=order-0"
        found = (await gateway.call("GET", f"{one}&limit=2", headers=ADMIN)).json()
        assert ([event["position"] for event in found["items"]], found["next_cursor"]) == ([1, 3], "main:3/2")
        for after, positions in (("main:3/2", [5]), ("main:3", [5]), ("main:0/1", [3, 5]), ("main:9/0", [1, 3, 5])):
            found = (await gateway.call("GET", f"{one}&after={after}", headers=ADMIN)).json()
            assert [event["position"] for event in found["items"]] == positions, "the version is where it is read from"
        for bad in ("after=other:3", "after=main:3/2", "aggregate_id=order-0&after=main:3/x"):
            assert (await gateway.call("GET", f"/v1/admin/events?{bad}", headers=ADMIN)).status_code == 400

    run(test)


def test_limits_are_set_whole():
    async def test(gateway):
        path = f"/v1/admin/accounts/{ACCOUNT}/limits"
        body = {"max_order_notional": "100000", "max_order_quantity": None, "max_open_orders": 200}
        set_ = await gateway.call("PUT", path, headers=ADMIN, json=body)
        in_force = body | {"account_id": ACCOUNT, "state": "ACTIVE"}
        assert (set_.status_code, set_.json()) == (200, in_force)
        gateway.risk.pending = 1
        waits = await gateway.call("PUT", path, headers=ADMIN, json=body | {"max_open_orders": 7})
        assert (waits.status_code, waits.json()) == (202, in_force)
        bad = await gateway.call("PUT", path, headers=ADMIN, json={"max_order_notional": None, "max_open_orders": 1})
        assert bad.json()["errors"] == [{"field": "max_order_quantity", "message": "required, but missing"}]
        state = {"state": "SUSPENDED", "reason": "margin review"}
        answer = await gateway.call("PUT", f"/v1/admin/accounts/{ACCOUNT}/state", headers=ADMIN, json=state)
        assert answer.json()["state"] == "SUSPENDED"

    run(test)


def test_registration_says_the_same_for_every_address():
    async def test(gateway):
        answers = []
        for email in ("ada@example.com", "new@example.com"):
            body = {"email": email, "name": "Ada", "password": "correct horse battery"}
            answers.append(await gateway.call("POST", "/v1/public/register", headers={}, json=body))
        assert [answer.status_code for answer in answers] == [202, 202]
        assert answers[0].content == answers[1].content
        for change in ({"email": "no address"}, {"password": "short"}, {"name": ""}, {"roles": ["ADMIN"]}):
            answer = await gateway.call("POST", "/v1/public/register", headers={}, json=body | change)
            assert answer.json()["errors"][0]["field"] == next(iter(change))
        taken = await gateway.call("POST", "/v1/users", headers=ADMIN, json=body | {"email": "ada@example.com"})
        assert (taken.status_code, taken.json()["code"]) == (409, "email_taken")

    run(test)


def test_cors_answers_the_origins_that_are_allowed():
    async def test(gateway):
        preflight = {"Origin": "https://desk.example", "Access-Control-Request-Method": "POST"}
        allowed = await gateway.call("OPTIONS", "/v1/orders", headers=preflight)
        assert allowed.status_code == 200
        assert allowed.headers["Access-Control-Allow-Origin"] == "https://desk.example"
        refused = await gateway.call("OPTIONS", "/v1/orders", headers=preflight | {"Origin": "https://evil.example"})
        assert refused.status_code == 400
        answer = await gateway.call("GET", "/v1/orders", headers=TRADER | {"Origin": "https://desk.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "https://desk.example"
        assert "X-RateLimit-Remaining" in answer.headers["Access-Control-Expose-Headers"]

    run(test, cors_origins="https://desk.example, https://other.example")


def test_probes_say_what_lives_and_which_dependency_is_not_ready():
    async def test(gateway):
        assert (await gateway.call("GET", "/health", headers={})).json() == {"status": "ok"}
        ready = await gateway.call("GET", "/ready", headers={})
        assert (ready.status_code, ready.json()["status"]) == (200, "ready"), ready.text
        assert await gateway.service.ready() is None
        gateway.orders.fault = Refused("view_stopped", "The orders view stopped.", Kind.UNAVAILABLE)
        gateway.clock.move_on(2)
        waiting = await gateway.call("GET", "/ready", headers={})
        assert (waiting.status_code, waiting.json()["dependencies"]["order-service"]) == (
            503,
            "The orders view stopped.",
        )
        assert await gateway.service.ready() == "order-service: The orders view stopped."

    run(test)


# What the engine answers about an instrument that nobody listed, and whether that is an engine that runs.
ENGINES = [
    ("unknown_instrument", Kind.NOT_FOUND, True),
    ("engine_stopped", Kind.UNAVAILABLE, False),
    ("invalid_request", Kind.INVALID, False),
]


@pytest.mark.parametrize(("code", "kind", "is_ready"), ENGINES)
def test_the_engine_is_ready_once_it_knows_its_instruments(code, kind, is_ready):
    async def test(gateway):
        gateway.engine.fault = Refused(code, "What the engine says.", kind)
        answer = await gateway.call("GET", "/ready", headers={})
        shown = "ready" if is_ready else "What the engine says."
        assert answer.status_code == (200 if is_ready else 503)
        assert answer.json()["dependencies"]["trading-engine"] == shown

    run(test)


def test_metrics_count_by_route_template_and_never_by_path():
    async def test(gateway):
        order_id = (await gateway.call("POST", "/v1/orders", json=ORDER)).json()["order_id"]
        await gateway.call("GET", f"/v1/orders/{order_id}")
        await gateway.call("GET", "/v1/secret-path")
        await gateway.call("BREW", "/v1/orders")
        shown = (await gateway.call("GET", "/metrics", headers={})).text
        for line in (
            'http_requests_total{method="POST",route="/v1/orders",service="api-gateway",status="201"} 1.0',
            'http_requests_total{method="GET",route="/v1/orders/{order_id}",service="api-gateway",status="200"} 1.0',
            'http_requests_total{method="GET",route="unmatched",service="api-gateway",status="404"} 1.0',
            'http_requests_total{method="OTHER",route="unmatched",service="api-gateway",status="405"} 1.0',
            'http_request_duration_seconds_count{method="POST",route="/v1/orders",service="api-gateway"} 1.0',
            'api_requests_count{route="/v1/orders",service="api-gateway"} 1.0',
            'orders_api_created_total{service="api-gateway"} 1.0',
            'errors_total{service="api-gateway"} 0.0',
        ):
            assert line in shown
        assert order_id not in shown
        assert "secret-path" not in shown

    run(test)


def test_the_documentation_is_whole_without_the_internet():
    async def test(gateway):
        page = await gateway.call("GET", "/docs", headers={})
        assert page.status_code == 200
        assert "http" not in page.text.replace("http-equiv", "")
        for path in ("/docs/assets/swagger-ui-bundle.js", "/docs/assets/swagger-ui.css", "/docs/start.js"):
            assert path in page.text
            assert (await gateway.call("GET", path, headers={})).status_code == 200
        for path, start in (("/openapi.yaml", "openapi: 3.0.3"), ("/asyncapi.yaml", "asyncapi: 3.0.0")):
            assert path in page.text
            assert (await gateway.call("GET", path, headers={})).text.startswith(start)
        assert (await gateway.call("GET", "/docs/assets/..%2f..%2f__init__.py", headers={})).status_code == 404
        assert (await gateway.call("GET", "/", headers={})).headers["Location"] == "/docs"

    run(test)


# Path -> status, a word of the body, and whether browsers keep it for ever.
TERMINAL = [
    ("/", 200, "the terminal", False),
    ("/market/BTC-USD", 200, "the terminal", False),
    ("/market/BRK.B", 200, "the terminal", False),
    ("/market/BRK.B-ABCDEFGH", 200, "the terminal", False),
    ("/main-ABCDEFGH.js", 200, "script", True),
    ("/chunk-B_VB2Qqf.js", 200, "script", True),
    ("/chunk-CqGau0S-.js", 200, "script", True),
    ("/media/mono-a1b2c3d4.woff2", 200, "font", True),
    ("/start-up.js", 200, "script", False),
    ("/assets/logo.svg", 200, "svg", False),
    ("/missing.js", 404, "Not found", False),
    ("/missing-ABCDEFGH.js", 404, "Not found", False),
    ("/..%2fsecret.txt", 404, "Not found", False),
    ("/v1x", 200, "the terminal", False),
]


@pytest.mark.parametrize(("path", "status", "word", "is_kept"), TERMINAL)
def test_the_terminal_is_served_and_its_pages_fall_back_to_its_index(tmp_path, path, status, word, is_kept):
    web = tmp_path / "web"
    (web / "assets").mkdir(parents=True)
    (web / "index.html").write_text("the terminal")
    (web / "media").mkdir()
    (web / "media" / "mono-a1b2c3d4.woff2").write_text("font")
    for name in ("main-ABCDEFGH.js", "chunk-B_VB2Qqf.js", "chunk-CqGau0S-.js", "start-up.js"):
        (web / name).write_text("script")
    (web / "assets" / "logo.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")

    async def test(gateway):
        answer = await gateway.call("GET", path, headers={})
        assert answer.status_code == status
        assert word in answer.text
        assert ("immutable" in answer.headers.get("Cache-Control", "")) == is_kept
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

    run(test, web_folder=web)


# A file, the request's headers -> whether the answer is in gzip.
ENCODINGS = [
    ("/main-ABCDEFGH.js", {"Accept-Encoding": "gzip, deflate, br"}, True),
    ("/", {"Accept-Encoding": "gzip"}, True),
    ("/main-ABCDEFGH.js", {"Accept-Encoding": "br, gzip;q=0.5"}, True),
    ("/main-ABCDEFGH.js", {"Accept-Encoding": "gzip;q=0"}, False),
    ("/main-ABCDEFGH.js", {"Accept-Encoding": "gzip; q=0.000"}, False),
    ("/main-ABCDEFGH.js", {"Accept-Encoding": "identity"}, False),
    ("/main-ABCDEFGH.js", {"Accept-Encoding": "gzip", "Range": "bytes=0-9"}, False),
    ("/small.js", {"Accept-Encoding": "gzip"}, False),
    ("/picture.png", {"Accept-Encoding": "gzip"}, False),
    ("/missing.js", {"Accept-Encoding": "gzip"}, False),
    ("/docs/assets/swagger-ui-bundle.js", {"Accept-Encoding": "gzip"}, True),
    ("/openapi.yaml", {"Accept-Encoding": "gzip"}, True),
]


@pytest.mark.parametrize(("path", "headers", "is_gzip"), ENCODINGS)
def test_text_files_come_in_gzip_to_who_accepts_it(tmp_path, path, headers, is_gzip):
    for name in ("index.html", "main-ABCDEFGH.js", "picture.png"):
        (tmp_path / name).write_text("a word and another " * 1_000)
    (tmp_path / "small.js").write_text("script")

    async def test(gateway):
        plain = await gateway.call("GET", path, headers={"Accept-Encoding": "identity"})
        answer = await gateway.call("GET", path, headers=headers)
        assert (answer.headers.get("Content-Encoding") == "gzip") == is_gzip
        if is_gzip:
            assert answer.content == plain.content
            assert int(answer.headers["Content-Length"]) < len(plain.content) / 3
            told = ("Content-Type", "Cache-Control", "Vary", "X-Content-Type-Options")
            assert [answer.headers.get(name) for name in told] == [plain.headers.get(name) for name in told]
            again = await gateway.call("GET", path, headers=headers)
            assert answer.headers["Last-Modified"] == again.headers["Last-Modified"] == plain.headers["Last-Modified"]
            if path != "/openapi.yaml":
                known = headers | {"If-None-Match": answer.headers["ETag"]}
                assert (await gateway.call("GET", path, headers=known)).status_code == 304

    run(test, web_folder=tmp_path)


def test_a_file_that_changed_is_compressed_anew(tmp_path):
    page = tmp_path / "index.html"

    async def test(gateway):
        for text in ("the first page " * 100, "another page " * 200):
            page.write_text(text)
            answer = await gateway.call("GET", "/", headers={"Accept-Encoding": "gzip"})
            assert (answer.text, answer.headers["Content-Encoding"]) == (text, "gzip")

    run(test, web_folder=tmp_path)


def test_the_identity_provider_is_mounted_below_realms_as_it_is():
    async def test(gateway):
        found = await gateway.call("GET", "/realms/trading-platform/protocol/openid-connect/certs", headers={})
        assert found.json()["keys"][0]["kid"] == "first"

    run(test)


def test_a_registration_is_told_with_the_network_address_that_it_came_from():
    async def test(gateway):
        asked = {"email": "new@example.com", "name": "New", "password": "a fine password"}
        assert (await gateway.call("POST", "/v1/public/register", headers={}, json=asked)).status_code == 202
        assert gateway.users.registered == [("new@example.com", "127.0.0.1")]

    run(test)


def test_ones_profile_is_ones_own():
    async def test(gateway):
        me = await gateway.call("GET", "/v1/users/me")
        assert (me.json()["user_id"], me.json()["name"]) == (ADA, "Ada Lovelace")
        changed = await gateway.call("PATCH", "/v1/users/me", json={"name": "Ada King"})
        assert changed.json()["name"] == "Ada King"
        key = await gateway.call("POST", "/v1/users/me/api-keys", json={"name": "laptop"})
        assert (key.status_code, key.json()["api_key"]) == (201, "tk_new.s3cret")
        listed = await gateway.call("GET", "/v1/users/me/api-keys")
        assert "api_key" not in listed.json()["items"][0]

    run(test)


@pytest.mark.parametrize(("given", "calendar"), [({}, "24x7"), ({"calendar": "XNAS"}, "XNAS")])
def test_an_instrument_that_names_no_calendar_trades_around_the_clock(given, calendar):
    async def test(gateway):
        terms = {"price_unit": "0.01", "lot_unit": "1", "max_price": "1000", "max_quantity": "1000"}
        listing = {"symbol": "AAPL", "base": "AAPL", "quote": "USD"} | terms | given
        listed = await gateway.call("POST", "/v1/admin/instruments", headers=ADMIN, json=listing)
        assert (listed.status_code, listed.json()["calendar"]) == (201, calendar)
        read = await gateway.call("GET", "/v1/instruments/AAPL")
        assert listed.json() == read.json()

    run(test)
