"""Conditions: what they mean, and that nothing else can be said in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutch.runbook.errors import RunbookError
from hutch.runbook.when import holds, names, parse

VALUES = {"state": "open", "lag": "12.5", "replicas": "3", "cpu": "81%", "severity": "SEV-1"}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('state == "open"', True),
        ("state != 'open'", False),
        ("lag > 5", True),
        ("lag>12.5", False),
        ("lag >= 12.5 and replicas == 3.0", True),
        ("cpu > 80%", True),
        ("80 < cpu", True),
        ("severity == 'sev-1'", False),
        ("STATE == 'open'", True),
        ("state == 'x' or state == 'open' and lag < 1", False),
        ("(state == 'x' or state == 'open') and not lag < 1", True),
        ("not not state == 'open'", True),
        ("not state == 'open' or replicas <= 3", True),
        ("state == 'x' and missing > 1", False),
        ("state == 'open' or missing > 1", True),
        ("lag == '12.50'", True),
        ("state == 'a and b'", False),
    ],
)
def test_what_conditions_mean(text: str, answer: bool) -> None:
    assert holds(parse(text), VALUES) is answer


def test_names_are_placeholder_keys() -> None:
    assert names(parse("PREVIOUS_VERSION != 'x' and (lag > 1 or not state == other)")) == {
        "previous-version", "lag", "state", "other",
    }  # fmt: skip


EXAMPLE = "write comparisons joined by and, or, not: state == 'open' and lag > 5"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "hutch.when ends too early"),
        ("state", "hutch.when compares 'state' with nothing"),
        ("state == ", "hutch.when ends too early"),
        ("state = 'x'", "hutch.when cannot be read at \"= 'x'\""),
        ("state == 'x", 'hutch.when cannot be read at "\'x"'),
        ("state == 'x' lag > 1", "hutch.when has 'lag' left over"),
        ("(state == 'x'", "hutch.when has a '(' that is not closed"),
        ("state == 'x')", "hutch.when has ')' left over"),
        ("a == 1 and and b == 2", "hutch.when has 'and' where a name or a value must stand"),
        ("__import__('os')", "hutch.when compares '--import--' with nothing"),
        ("not " * 21 + "a == 1", "hutch.when is nested too deep"),
        ("(" * 400 + "a == 1", "hutch.when is nested too deep"),
        ("a == 1" + " and a == 1" * 100, "hutch.when is longer than 500 characters"),
    ],
)
def test_what_is_no_condition(text: str, message: str) -> None:
    message = message.replace("'--import--'", "'import'")
    with pytest.raises(RunbookError) as error:
        parse(text, 4)
    assert str(error.value) == f"4: {message}; {EXAMPLE}"


def test_a_name_without_a_value_and_text_without_an_order() -> None:
    with pytest.raises(RunbookError, match=r"^hutch.when asks for 'x', which has no value; known here: lag, state$"):
        holds(parse("x == 1"), {"state": "a", "lag": "1"})
    with pytest.raises(RunbookError, match=r"^hutch.when compares 'many' by >, which needs numbers; compare text by"):
        holds(parse("n > 3"), {"n": "many"})


@given(st.text(alphabet="ab ()'\"=!<>.%1-andort", max_size=60), st.dictionaries(st.sampled_from("ab"), st.text()))
def test_any_text_is_a_condition_or_an_error(text: str, values: dict[str, str]) -> None:
    try:
        assert holds(parse(text), values) in {True, False}
    except RunbookError as error:
        assert error.message.startswith("hutch.when ")


@given(st.text(max_size=30), st.text(max_size=30))
def test_text_from_outside_is_only_compared(one: str, other: str) -> None:
    same = holds(parse("a == b"), {"a": one, "b": other})
    assert same is not holds(parse("a != b"), {"a": one, "b": other})
    if one.strip() == other.strip():
        assert same
