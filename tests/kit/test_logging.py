"""Log lines are JSON, and say nothing of secrets, people or input."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from structlog.testing import capture_logs

from backend.kit import logging

SCRIPT = """
import logging as plain
from backend.kit import logging

logging.configure()
logging.new_trace("00-" + "a" * 32 + "-" + "b" * 16 + "-01")
log = logging.get("test")
log.info("something happened", phone="13800000000", count=3, inner={"access_token": "t0p", "rows": [{"email": "a@b"}]})
try:
    raise ValueError("row holds 13800000000")
except ValueError:
    log.exception("it failed")
    plain.getLogger("some.library").exception("a library failed")
plain.getLogger("some.library").info("a library says so")
plain.getLogger("some.library").info({"a library": "says a mapping"})
"""


@pytest.fixture(scope="module")
def written() -> str:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert not done.stdout
    return done.stderr


def test_each_line_is_json_with_time_level_logger_and_trace(written: str) -> None:
    lines = [json.loads(line) for line in written.splitlines()]
    assert len(lines) == 5
    for line in lines:
        assert {"event", "timestamp", "level", "logger", "trace_id"} <= set(line)
        assert line["timestamp"].endswith("Z")
        assert line["trace_id"] == "a" * 32


def test_secrets_people_and_texts_of_exceptions_stay_out(written: str) -> None:
    for kept_out in ("13800000000", "t0p", "a@b"):
        assert kept_out not in written
    first, failed, library, *_ = (json.loads(line) for line in written.splitlines())
    assert first["count"] == 3
    assert first["inner"] == {"access_token": logging.HIDDEN, "rows": [{"email": logging.HIDDEN}]}
    for line in (failed, library):
        assert line["error"] == ["ValueError"]
        assert line["at"]


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "refresh_token",
        "Authorization",
        "card_no",
        "id_card",
        "totp",
        "phone_number",
        "lat",
        "body",
    ],
)
def test_such_names_are_hidden(name: str) -> None:
    assert logging.hide_private(None, "info", {name: "x"})[name] == logging.HIDDEN


@pytest.mark.parametrize("name", ["outbox_id", "route", "status", "ms", "rows", "participant_id", "platform"])
def test_such_names_are_shown(name: str) -> None:
    assert logging.hide_private(None, "info", {name: "x"})[name] == "x"


@pytest.mark.parametrize("given", [None, "", "00-zz-1-01", f"00-{'0' * 32}-{'b' * 16}-01", "x" * 5000])
def test_a_trace_that_is_not_one_is_replaced(given: str | None) -> None:
    trace = logging.new_trace(given)
    assert len(trace) == 32
    assert trace != "0" * 32
    assert logging.trace_id() == trace


def test_a_logger_can_be_watched_in_tests() -> None:
    with capture_logs() as lines:
        logging.get("watched").info("seen", number=1)
    assert lines == [{"event": "seen", "number": 1, "log_level": "info"}]
