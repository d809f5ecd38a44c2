"""Templates of updates: they say what the facts are, and end whatever stands in them."""

from __future__ import annotations

import time

import pytest

from hutch.review.templating import OUTPUT, TemplateError, render

FACTS = {"title": "Outage", "rows": [{"at": "10:00", "what": "<b>x</b>"}] * 100, "empty": ""}


def test_a_template_says_the_facts() -> None:
    source = "[{{ title | upper }}]{% for r in rows %}{% if loop %}{% endif %}{% endfor %}"
    with pytest.raises(TemplateError):
        render("{{ title.nothing }}", FACTS)
    assert render("[{{ title | upper }}] {{ rows[0].what }}{{ empty or ' -' }}", FACTS) == "[OUTAGE] <b>x</b> -"
    assert render(source, FACTS) == "[OUTAGE]"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("a\n{% for i in range(1000000000000) %}x{% endfor %}", "line 2: a call is not allowed here"),
        ("{{ 'a' * 1000000000 }}", "line 1: a multiplication is not allowed here"),
        ("{% macro m() %}{{ m() }}{% endmacro %}", "line 1: a macro is not allowed here"),
        ("{% set x = 1 %}", "line 1: a set is not allowed here"),
        ("{% include 'hutch.yaml' %}", "line 1: an include is not allowed here"),
        ("{% for r in rows recursive %}{% endfor %}", "line 1: a recursive loop is not allowed here"),
        ("{{ title | attr('x') }}", "line 1: no filter 'attr'; there are: capitalize"),
        ("{{ title.__class__ }}", "line 1: '__class__' is not a fact"),
        ("{{ title.format }}\n{{ nobody }}", "line 2: 'nobody' is not a fact"),
        ("x\n\n{% if %}", "line 3: "),
        (
            "{% for a in rows %}{% for b in rows %}{% for c in rows %}.{% endfor %}{% endfor %}{% endfor %}",
            "more than 2000 times",
        ),
        ("{% for c in title %}{% endfor %}", "a loop goes over a list of facts only"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "is nested too deeply"),
        ("x" * 30_000, "is longer than 20000 characters"),
        ("{% for a in rows %}" + "y" * 1000 + "{% endfor %}", f"makes more than {OUTPUT} characters"),
        ("{{ 1 // 0 }}", "is not allowed here"),
    ],
)
def test_what_is_wrong_with_a_template_is_said_and_soon(source: str, said: str) -> None:
    began = time.process_time()
    with pytest.raises(TemplateError) as caught:
        render(source, FACTS)
    assert said in str(caught.value)
    assert time.process_time() - began < 3
