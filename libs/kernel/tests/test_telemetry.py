"""What was said about logs holds for loggers that were used before too, and until it is taken back."""

import io
import json
import sys

import pytest
from structlog.testing import capture_logs

from kernel.telemetry import configure_logs, logger, reset_logs


def said(monkeypatch, log):
    """What a line of `log` comes to on standard error."""
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    configure_logs("INFO")
    log.info("a line", size=1)
    return sys.stderr.getvalue()


def test_a_logger_that_was_used_follows_a_new_configuration(monkeypatch):
    log = logger("tests")
    for _ in range(2):  # each time with a standard error of its own
        assert json.loads(said(monkeypatch, log))["event"] == "a line"
    configure_logs("WARNING")
    log.info("unheard")
    log.warning("heard")
    assert sys.stderr.getvalue().count("\n") == 2


@pytest.mark.parametrize("level", ["INFO", "ERROR"])
def test_what_a_command_set_can_be_taken_back(monkeypatch, level):
    log = logger("tests")
    said(monkeypatch, log)
    configure_logs(level)
    reset_logs()
    with capture_logs() as lines:
        log.debug("a line")
    assert [line["event"] for line in lines] == ["a line"]
