from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rolerabbit.platform.errors import BadRequest
from rolerabbit.platform.logs import MAX_LINE, Line, Query, Ring, parse_since, read_line

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def line(text: str, seconds: int = 0) -> Line:
    return read_line(text, NOW + timedelta(seconds=seconds), "42", "42-1", "stdout")


@pytest.mark.parametrize(
    ("text", "level", "user"),
    [
        ('{"level": "ERROR", "user_id": "u1", "message": "x"}', "error", "u1"),
        ('{"level": "warning", "user": 7}', "warning", "7"),
        ("INFO:     started", "info", None),
        ("[WARNING] late", "warning", None),
        ("Informational text", None, None),
        ('{"level": ', None, None),
        ("[1, 2]", None, None),
        ("", None, None),
    ],
)
def test_level_and_user_of_a_line(text: str, level: str | None, user: str | None) -> None:
    found = line(text)
    assert (found.level, found.user) == (level, user)


def test_a_line_is_cut() -> None:
    assert len(line("x" * 100_000).text) == MAX_LINE


def test_the_ring_forgets_the_oldest() -> None:
    ring = Ring(kept=2)
    for text in "abc":
        ring.add(line(text))
    assert [found.text for found in ring.find(Query())] == ["b", "c"]


def test_a_search_takes_the_newest_and_returns_them_oldest_first() -> None:
    ring = Ring()
    for number in range(5):
        ring.add(line(f"ERROR {number}", seconds=number))
    assert [found.text for found in ring.find(Query(limit=2))] == ["ERROR 3", "ERROR 4"]
    assert [found.text for found in ring.find(Query(since=NOW + timedelta(seconds=4)))] == ["ERROR 4"]
    assert ring.find(Query(level="INFO")) == []
    assert len(ring.find(Query(level="ERROR", grep="error"))) == 5


def test_grep_is_plain_text() -> None:
    ring = Ring()
    ring.add(line("a.*b"))
    ring.add(line("axxb"))
    assert [found.text for found in ring.find(Query(grep=".*"))] == ["a.*b"]


def test_lines_of_one_user() -> None:
    ring = Ring()
    ring.add(line('{"user": "u1"}'))
    ring.add(line('{"user": "u2"}'))
    assert [found.user for found in ring.find(Query(user="u2"))] == ["u2"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("5m", NOW - timedelta(minutes=5)),
        ("1.5 h", NOW - timedelta(minutes=90)),
        ("2026-01-02T00:00:00", datetime(2026, 1, 2, tzinfo=UTC)),
        ("2026-01-02T01:00:00+01:00", datetime(2026, 1, 2, tzinfo=UTC)),
    ],
)
def test_since(text: str, moment: datetime) -> None:
    assert parse_since(text, NOW) == moment


def test_since_that_is_no_time() -> None:
    with pytest.raises(BadRequest, match="since='yesterday' is no time"):
        parse_since("yesterday", NOW)
