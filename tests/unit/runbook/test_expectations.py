"""Reading what is expected, and judging output by it."""

from __future__ import annotations

import pytest

from hutch.model.runbook import Document
from hutch.runbook.expectations import met, read_comment
from hutch.runbook.parse import parse


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("Should return 200 OK", "200 OK"),
        ("should be 0", "0"),
        ("This should show: three rows", "three rows"),
        ("Must print ok", "ok"),
        ("Expect: PONG", "PONG"),
        ("Expected: PONG", "PONG"),
        ("Expected output: a b", "a b"),
        ("Output: 3", "3"),
        ("Returns: x", "x"),
        ("Expect PONG", "PONG"),
        ("Expected output:", ""),
        ("Should return", ""),
        ("Check what is expected", None),
        ("We should talk", None),
        ("Expected behaviour is described elsewhere", None),
        ("Output goes to a file", None),
    ],
)
def test_comments_that_expect(comment: str, expected: str | None) -> None:
    assert read_comment(comment) == expected


@pytest.mark.parametrize(
    ("expected", "output", "verdict"),
    [
        ("200 OK", "HTTP/2 200 \r\nserver: x\r\n", True),
        ("200 OK", "HTTP/1.1 503 Service Unavailable\r\n", False),
        ("200", "HTTP/1.1 301 Moved\r\n\r\nHTTP/1.1 200 OK\r\n", True),
        ("200 OK", "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 500 Oops\r\n", False),
        ("HTTP 404", "HTTP/1.1 404 Not Found\r\n", True),
        ("200 OK", "", False),
        ('{ "status": "ok" }', '{"status":"ok","version":3}', True),
        ('{ "status": "ok" }', '{"status": "failing"}', False),
        ('{ "status": "ok" }', "status: ok", False),
        ('{ "a": {"b": [1]} }', 'HTTP/1.1 200 OK\n{"a":{"b":[1,2]},"c":0}\n', True),
        ('{ "a": true }', '{"a": 1}', False),
        ("{ broken", "x { broken y", True),
        ("PONG", "pong\n", True),
        ("PONG", "Could not connect", False),
        ("PONG.", "PONG", True),
        ('"all good"', "now ALL  good here", True),
        ("3", "count\n-----\n 3\n(1 row)\n", True),
        ("3", "13", False),
        ("0", "count 0.0", True),
        ("Supabase API response", '{"swagger":"2.0"}', None),
        ("a list of all running tasks", "x", None),
        ("less than 80", "79", None),
        ("", "x", None),
    ],
)
def test_met(expected: str, output: str, verdict: bool | None) -> None:
    assert met(expected, output) is verdict


def test_a_known_status_counts_instead_of_the_output() -> None:
    assert met("200 OK", "it is OK", status=200) is True
    assert met("200 OK", "HTTP/1.1 200 OK", status=500) is False


def test_expectations_of_the_seed(seed: Document) -> None:
    found = [(e.line, e.text) for r in seed.runbooks for _, s in r.steps() for x in s.statements for e in x.expects]
    assert found == [
        (97, "200 OK"),
        (140, "Supabase API response"),
        (144, "PONG"),
        (208, "200 OK"),
        (212, '{ "status": "ok" }'),
    ]


def test_annotations_and_several_lines_are_expectations_too() -> None:
    text = '# A\n```sh {"hutch.expect":"done"}\nls\n# Expected output:\n# a\n# b\nid\n```\n'
    first, last = parse(text, "a.md").runbooks[0].sections[0].steps[0].statements
    assert [(e.text, e.line) for e in first.expects] == [("a\nb", 4)]
    assert [(e.text, e.line) for e in last.expects] == [("done", 2)]
