"""Values out of output, and the patterns that find them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutch.model.runbook import Capture
from hutch.runbook.capture import MOST_TEXT, extract, parse_captures
from hutch.runbook.errors import RunbookError
from hutch.runbook.pattern import compile_pattern, first_match

Effort = Callable[[Callable[[], object]], int]

READ = [
    ("pid", [Capture("pid")]),
    (" PREVIOUS_VERSION ", [Capture("previous-version")]),
    (r"pid = /pid: (\d+)/", [Capture("pid", r"pid: (\d+)")]),
    (r"path=/a\/b, (c)/", [Capture("path", "a/b, (c)")]),
    ("a=$.x,b,c=/y/", [Capture("a", path="$.x"), Capture("b"), Capture("c", "y")]),
]


@pytest.mark.parametrize(("text", "found"), READ)
def test_captures_are_read(text: str, found: list[Capture]) -> None:
    assert list(parse_captures(text)) == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "9: hutch.capture: cannot read ''; write "),
        ("1x", "9: hutch.capture: cannot read '1x'; write "),
        ("a b", "9: hutch.capture: cannot read 'a b'; write "),
        ("a=", "9: hutch.capture: cannot read 'a='; write "),
        ("a,a", "9: hutch.capture takes 'a' twice; give each its own name"),
        ("a=//", "9: hutch.capture 'a': the pattern is empty; correct it"),
        ("a=/(b/", "9: hutch.capture 'a': the pattern has a '(' that is not closed; correct it"),
        (r"a=/(b)\1/", "9: hutch.capture 'a': the pattern has '\\1', which is not known here; correct it"),
        ("a=/(?=b)/", "9: hutch.capture 'a': the pattern has a group that begins with '(?'; only "),
        ("a=/b**/", "9: hutch.capture 'a': the pattern repeats a repetition; correct it"),
        ("a=/[b/", "9: hutch.capture 'a': the pattern has a '[' that is not closed; correct it"),
        ("a=/[z-a]/", "9: hutch.capture 'a': the pattern has the range z-a, which is empty; correct it"),
        (f"a=/{'b' * 201}/", "9: hutch.capture 'a': the pattern is longer than 200 characters; correct it"),
        ("a=/*/", "9: hutch.capture 'a': the pattern has '*' with nothing before it; correct it"),
        ("a=/b)/", "9: hutch.capture 'a': the pattern has a ')' that closes nothing; correct it"),
        (f"a=/{'(' * 30}/", "9: hutch.capture 'a': the pattern is nested too deep; correct it"),
        ("a=$.x[y]", "9: hutch.capture 'a': cannot read the path '$.x[y]'; write $.items[0].name"),
    ],
)
def test_what_is_no_capture(text: str, message: str) -> None:
    with pytest.raises(RunbookError) as error:
        parse_captures(text, 9)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "output", "value"),
    [
        ("v", "\n  v1.2 \n\n", "v1.2"),
        (r"pid=/pid: (\d+)/", "a\npid: 42\npid: 43\n", "42"),
        (r"pid=/^\d+$/", "x\n77\n", "77"),
        ("v=$.items[-1].name", '{"items": [{"name": "a"}, {"name": "b"}]}', "b"),
        ("v=$['a.b'].n", '{"a.b": {"n": 3}}', "3"),
        ("v=$", '"x"', "x"),
        ("v=$.ok", '{"ok": true}', "true"),
    ],
)
def test_values_are_found(text: str, output: str, value: str) -> None:
    (capture,) = parse_captures(text)
    assert extract(capture, output) == value


@pytest.mark.parametrize(
    ("text", "output", "message"),
    [
        ("v", "a\nb\n", "wants an output of one line and got 2: add a pattern or a path"),
        ("v", " \n", "wants an output of one line and got none: add a pattern or a path"),
        ("v=/x(y)/", "xz", "does not find /x(y)/ in the output"),
        ("v=/x(y)|z/", "z", "does not find /x(y)|z/ in the output"),
        ("v=/x( *)/", "x  ", "finds only white space"),
        ("v=/.*/", "a" * 5000, "finds 5000 characters, more than 4096"),
        ("v=$.a", "no", "wants JSON for $.a, which the output is not"),
        ("v=$.a", "[" * 100_000, "wants JSON for $.a, which the output is not"),
        ("v=$.a.b", '{"a": 1}', "does not find $.a.b in the output: no 'b'"),
        ("v=$[3]", "[1]", "does not find $[3] in the output: no 3"),
        ("v=$.a", '{"a": [1]}', "finds no single value at $.a"),
        ("v=$.a", '{"a": null}', "finds no single value at $.a"),
    ],
)
def test_what_is_not_found_is_an_error(text: str, output: str, message: str) -> None:
    (capture,) = parse_captures(text)
    with pytest.raises(RunbookError) as error:
        extract(capture, output)
    assert str(error.value) == f"hutch.capture 'v' {message}"


# ------------------------------------------------------------------ patterns


ATOM = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", r"\s", "^", "$", r"\b", "(?:a|b)", "(a)", "(b|c)"])
REPEATED = st.builds("(?:{}){}".format, st.sampled_from(["a", "ab", "[ab]", r"\w", "a|b"]),
                     st.sampled_from(["*", "+", "?", "*?", "+?", "??"]))  # fmt: skip
PATTERN = st.recursive(
    ATOM | REPEATED,
    lambda inner: st.builds("(?:{}|{})".format, inner, inner) | st.builds("{}{}".format, inner, inner),
    max_leaves=8,
).filter(lambda text: len(text) <= 200)


@given(PATTERN, st.text(alphabet="abc1 \n", max_size=12))
def test_patterns_find_what_python_finds(pattern: str, text: str) -> None:
    found = re.search(pattern, text, re.MULTILINE)
    wanted = None if found is None else found.group(1) if found.re.groups else found.group()
    assert first_match(compile_pattern(pattern), text) == wanted


@given(st.text(alphabet=r"ab()[]|*+?\^$.-", max_size=20))
def test_any_text_is_a_pattern_or_an_error(pattern: str) -> None:
    try:
        program = compile_pattern(pattern)
    except RunbookError as error:
        assert error.message.startswith("the pattern ")
        return
    first_match(program, "ab(a)")


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|a)*b", "a*a*a*b", "(?:a+)+$b", "(.*)(.*)(.*)x"])
def test_no_pattern_takes_more_than_its_length_times_the_texts(calls: Effort, pattern: str) -> None:
    program = compile_pattern(pattern)
    once = calls(lambda: first_match(program, "a" * 200))
    tenfold = calls(lambda: first_match(program, "a" * 2000))
    assert tenfold < 12 * once


def test_only_the_end_of_a_long_output_is_looked_at() -> None:
    (capture,) = parse_captures("v=/n=(.)/")
    assert extract(capture, "n=1\n" + " " * MOST_TEXT + "\nn=2") == "2"
