"""Which requests operators find in the log: every refused one, and a sample of the others."""

from structlog.testing import capture_logs

from .running import TRADER, run


def test_a_refused_request_is_logged_with_its_code_and_others_are_sampled():
    lines = []

    async def test(gateway):
        with capture_logs() as told:
            for _ in range(3):
                await gateway.call("GET", "/v1/public/time")
            await gateway.call("GET", "/v1/orders/1", headers={**TRADER, "X-Request-ID": "req-9"})
        lines.extend(line for line in told if line["event"] == "request")

    run(test, access_log_every=1_000)
    (line,) = lines
    assert line.pop("processing_time_ms") >= 0 and line.pop("user_id")
    assert line == {
        "event": "request", "log_level": "info", "service": "api-gateway", "method": "GET",
        "route": "/v1/orders/{order_id}", "status": 400, "error": "invalid_request",
    }  # fmt: skip


def test_requests_beyond_the_rate_limit_do_not_fill_the_log():
    lines = []

    async def test(gateway):
        with capture_logs() as told:
            for _ in range(20):
                await gateway.call("GET", "/v1/public/time")
        lines.extend(line for line in told if line["event"] == "request")

    run(test, access_log_every=1_000, rate_limit_tokens=2)
    assert lines == []
