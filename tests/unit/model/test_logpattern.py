"""Lines that differ in figures alone are one pattern; what began after a deployment is marked, and only then."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from hutch.model.logpattern import MOST_DISTINCT, OTHERS, clustered, fields_of, pattern_of
from hutch.model.platform import LogLine

NOW = datetime(2026, 1, 15, 10, tzinfo=UTC)


def line(minutes: float, text: str) -> LogLine:
    return LogLine(NOW + timedelta(minutes=minutes), "1", text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("timed out after 30 s", "timed out after 7.5 s", True),
        ("user 6f1c2a3b-0000-4000-8000-123456789abc gone", "user 00000000-1111-4222-8333-abcdefabcdef gone", True),
        ("mail to ada@example.org failed", "mail to bob@mail.example.com failed", True),
        ("no column 'theme'", 'no column "colour of it"', True),
        ("listening on 10.0.0.1:80", "listening on 10.0.0.2:8080", True),
        ("connection refused", "connection reset", False),
        (
            json.dumps({"level": "ERROR", "message": "x", "path": "/a"}),
            json.dumps({"level": "ERROR", "message": "x"}),
            True,
        ),
        (json.dumps({"level": "ERROR", "message": "x"}), json.dumps({"level": "INFO", "message": "x"}), False),
        (json.dumps({"message": "x"}), json.dumps({"message": "y"}), False),
        ('{"level": ', '{"level": "', False),
    ],
)
def test_what_is_one_pattern(one: str, other: str, same: bool) -> None:
    assert (pattern_of(one) == pattern_of(other)) is same


def test_counted_and_the_new_ones_first() -> None:
    lines = [*(line(n, f"slow: {n} ms") for n in range(5)), line(6, "no column 'theme'"), line(7, "slow: 9 ms")]
    found = clustered(lines, NOW + timedelta(minutes=5.5))
    assert [(p.text, p.count, p.new) for p in found] == [
        ("no column <quoted>", 1, True), ("slow: <number> ms", 6, False),
    ]  # fmt: skip
    assert (found[1].first, found[1].last, found[1].example) == (NOW, NOW + timedelta(minutes=7), "slow: 0 ms")
    assert not any(p.new for p in clustered(lines))
    assert not any(p.new for p in clustered(lines, NOW - timedelta(minutes=1)))  # nothing from before was looked at


def test_so_many_are_told_apart() -> None:
    names = [f"{chr(97 + n // 26 % 26)}{chr(97 + n % 26)}{chr(97 + n // 676)}" for n in range(MOST_DISTINCT + 50)]
    lines = [*(line(0, f"word {name}") for name in names), line(1, "word aaa"), line(2, "no column 'theme'")]
    found = clustered(lines, NOW + timedelta(minutes=1.5))
    assert len(found) == MOST_DISTINCT + 1
    assert [(p.text, p.count, p.new) for p in (found[0], found[1], found[-1])] == [
        ("no column <quoted>", 1, True), ("word aaa", 2, False), (OTHERS, 51, False),
    ]  # fmt: skip
    assert sum(p.count for p in found) == len(lines)


def test_a_hostile_line_costs_no_more_than_its_length() -> None:
    for text in ("a@" * 5000, "'" * 5000, "1." * 5000, "a" * 5000, "{" * 5000, '{"message": "' + "[" * 5000 + '"}'):
        assert len(pattern_of(text)) < 3000


@pytest.mark.parametrize("text", ["plain", "[1]", '{"a"', '"{}"', '{"a": ' * 100_000 + "1" + "}" * 100_000])
def test_no_line_is_too_odd_to_be_asked_for_its_fields(text: str) -> None:
    assert fields_of(text) == {}
