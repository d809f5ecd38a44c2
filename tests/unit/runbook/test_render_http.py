"""Values in requests and PromQL: they stay values, whatever they hold."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hutch.model.runbook import Statement
from hutch.runbook.errors import RunbookError
from hutch.runbook.placeholders import find
from hutch.runbook.render import render

HOSTILE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40) | (
    st.sampled_from([
        "a\r\nX-Admin: 1", "a\n\n### x\nDELETE http://evil/", "../../admin", "..", "a/b?c=d#e", "a&role=admin",
        '","admin":"1', "\\", '"', "u@evil.example", "evil.example/", "{{ x }}", "%2e%2e", " HTTP/1.0", "\u2028",
        "'; DROP TABLE t", "</a><b>", "]]>", "< /etc/passwd", "1e999", "0x1", "null",
    ])
)  # fmt: skip


def filled(text: str, value: str, lang: str = "http") -> str:
    statement = Statement("s", text, 7, placeholders=find(text, lang))
    return render(statement, lang, {one.name: value for one in statement.placeholders}).text


@pytest.mark.parametrize(
    ("text", "value", "found"),
    [
        ("GET https://x.io/u/{{ id }}?q={{ id }}", "a b/&ü", "GET https://x.io/u/a%20b%2F%26%C3%BC?q=a%20b%2F%26%C3%BC"),
        ("GET https://{{ id }}.x.example/", "eu-1", "GET https://eu-1.x.example/"),
        ("GET {{ base }}/health", "http://127.0.0.1:80/v1", "GET http://127.0.0.1:80/v1/health"),
        ("GET https://x.io/\n  ?a={{ id }}\n  &b=1", "x y", "GET https://x.io/\n  ?a=x%20y\n  &b=1"),
        ("GET https://x.io/\nX-Id: {{ id }}", "a: b", "GET https://x.io/\nX-Id: a: b"),
        ('POST https://x.io/\n\n{"a": "{{ v }}", "b": {{ v }}}', 'x"\\\n',
         'POST https://x.io/\n\n{"a": "x\\"\\\\\\n", "b": "x\\"\\\\\\n"}'),
        ('POST https://x.io/\n\n{"b": {{ v }}}', "12.5", 'POST https://x.io/\n\n{"b": 12.5}'),
        ("POST https://x.io/\nContent-Type: application/x-www-form-urlencoded\n\na={{ v }}", "1&b=2",
         "POST https://x.io/\nContent-Type: application/x-www-form-urlencoded\n\na=1%26b%3D2"),
        ("POST https://x.io/\nContent-Type: text/xml\n\n<a b='{{ v }}'/>", "'<",
         "POST https://x.io/\nContent-Type: text/xml\n\n<a b='&apos;&lt;'/>"),
        ("POST https://x.io/\nContent-Type: text/plain\n\nsay {{ v }}", "it's",
         "POST https://x.io/\nContent-Type: text/plain\n\nsay it's"),
    ],
)  # fmt: skip
def test_values_into_requests(text: str, value: str, found: str) -> None:
    assert filled(text, value) == found


@pytest.mark.parametrize(
    ("text", "value", "message"),
    [
        ("{{ verb }} https://x.io/", "GET", "[verb] stands where the method or the scheme stands; "),
        ("GET {{ s }}://x.example/", "ftp", "the value of [s] is not what can stand there; give an"),
        ("GET https://{{ h }}/", "a@evil", "the value of [h] is not what can stand there; give a host name"),
        ("GET https://x.io/\nHost: {{ h }}", "a b", "the value of [h] is not what can stand there; give a host"),
        ("GET https://x.io/{{ p }}/x", "..", "the value of [p] is dots, which lead elsewhere in a path; give"),
        ("GET https://x.io/\nX-{{ n }}: 1", "A", "[n] stands in a header's name; write the name out"),
        ("GET https://x.io/\nX: {{ n }}", "A\r\nB: 1", "the value of [n] holds a line break or"),
        ('POST https://x.io/\n\n{"query": "{ u(id: \\"{{ i }}\\") }"}', "a) b", "the value of [i] is not what can"),
        ("POST https://x.io/\n\n{{ body }}", "< /etc/passwd", "the value of [body] would read a file or be"),
    ],
)  # fmt: skip
def test_values_that_would_be_more(text: str, value: str, message: str) -> None:
    with pytest.raises(RunbookError) as error:
        filled(text, value)
    assert str(error.value).startswith(f"7: {message}")


REQUEST = (
    "POST https://x.example/v1/{{ p }}/end?q={{ q }}&r=1\nX-One: {{ h }}\nContent-Type: application/json\n\n"
    '{"a": "{{ s }}", "n": {{ n }}, "z": [1]}'
)


@given(value=HOSTILE)
@example(value="a\r\nX: 1")
def test_no_value_changes_the_parts_of_a_request(value: str) -> None:
    for name in "pqhsn":
        values = {**dict.fromkeys("pqhsn", "calm"), name: value}
        statement = Statement("s", REQUEST, 7, placeholders=find(REQUEST, "http"))
        try:
            found = render(statement, "http", values)
        except RunbookError:
            assert name in "ph"  # query, JSON string and JSON value take anything
            continue
        if found.missing:
            assert not value.strip()
            continue
        first, header, kind, blank, body = found.text.split("\n")
        url = urlsplit(first.removeprefix("POST "))
        assert (url.netloc, kind, blank) == ("x.example", "Content-Type: application/json", "")
        assert [unquote(part) for part in url.path.split("/")] == ["", "v1", values["p"], "end"]
        assert parse_qs(url.query, keep_blank_values=True) == {"q": [values["q"]], "r": ["1"]}
        assert header == f"X-One: {values['h']}"
        seen = json.loads(body)
        assert list(seen) == ["a", "n", "z"]
        assert seen["a"] == values["s"]
        assert seen["z"] == [1]
        assert not isinstance(seen["n"], dict | list)


@given(value=HOSTILE)
def test_no_value_leaves_a_string_of_promql(value: str) -> None:
    try:
        found = filled('rate(http_total{job="{{ job }}",a="b"}[5m])', value, "promql")
    except RunbookError:
        return
    inner = found.removeprefix('rate(http_total{job="').removesuffix('",a="b"}[5m])')
    if inner != "{{ job }}":
        assert json.loads(f'"{inner}"') == value


@pytest.mark.parametrize(("value", "taken"), [("5m", True), ("up", True), ("1) or vector(1", False), ("a{b}", False)])
def test_bare_values_in_promql(value: str, taken: bool) -> None:
    if taken:
        assert filled("rate(x[{{ v }}])", value, "promql") == f"rate(x[{value}])"
        return
    with pytest.raises(RunbookError, match="give a name, a number or a duration"):
        filled("rate(x[{{ v }}])", value, "promql")
