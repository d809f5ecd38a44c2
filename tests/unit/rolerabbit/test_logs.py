"""One JSON object a line."""

from __future__ import annotations

import json
import logging
import sys

from rolerabbit.logs import JsonLines


def _record(message: str, **extra: object) -> logging.LogRecord:
    record = logging.LogRecord("rolerabbit.request", logging.ERROR, __file__, 1, message, None, None)
    record.__dict__.update(extra)
    return record


def test_a_line_says_level_time_release_and_user() -> None:
    line = json.loads(JsonLines("43").format(_record("failed", user_id="user-123", status=503)))
    assert (line["level"], line["release"], line["message"]) == ("ERROR", "43", "failed")
    assert (line["user_id"], line["status"]) == ("user-123", 503)
    assert line["time"].endswith("+00:00")
    assert "trace_id" not in line


def test_an_error_stays_on_one_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = _record("failed", exc_info=sys.exc_info())
    text = JsonLines("43").format(record)
    assert "\n" not in text
    assert json.loads(text)["error"] == "ValueError: two\nlines"
    assert "test_logs.py" in json.loads(text)["traceback"]
