"""What stands after a fence."""

from __future__ import annotations

import pytest

from hutch.runbook.annotations import action_call, language, read_annotations
from hutch.runbook.errors import RunbookError
from hutch.runbook.parse import parse


@pytest.mark.parametrize(
    ("info", "found"),
    [
        ("", ""),
        ("Bash", "bash"),
        ("zsh", "bash"),
        ("postgresql", "sql"),
        ("shell-session", "console"),
        ("sql {x=1}", "sql"),
        ('sql{"name":"x"}', "sql"),
        ("yml", "yaml"),
        ("promql title=x", "promql"),
    ],
)
def test_languages(info: str, found: str) -> None:
    assert language(info) == found


@pytest.mark.parametrize(
    ("info", "found"),
    [
        ("sh", {}),
        ("js {1,3-4}", {}),
        ("sh title=x", {}),
        ('sh {"name":"x","hutch.effect":"change","other":"kept"}', {
            "name": "x", "hutch.effect": "change", "other": "kept"}),
        ('sh { "interactive": false, "n": 3, "e": "a\\"b" }', {"interactive": "false", "n": "3", "e": 'a"b'}),
        ("sh { name=x interactive=false }", {"name": "x", "interactive": "false"}),
        ('sh {name="two words" hutch.when=x}', {"name": "two words", "hutch.when": "x"}),
        ("sh {}", {}),
        ('sh {"a":"b"} title=x {c=d}', {"a": "b"}),
        ('sh {"list":[1,"x"],"hutch.when":"x"}', {"list": '[1,"x"]', "hutch.when": "x"}),
        ("sh { name=x interactive }", {"name": "x"}),
        ("sh {name=x}{y=z}", {"name": "x"}),
        ("python {.numberLines #snippet startFrom=100}", {"startFrom": "100"}),
        ('sh {linenos=true,hl_lines=[1,"2-3"]}', {"linenos": 'true,hl_lines=[1,"2-3"]'.rstrip('"')}),
        ("{r}", {}),
        ("sh {name:x}", {}),
        ("sh {a b", {}),
    ],
)  # fmt: skip
def test_both_forms_of_annotations(info: str, found: dict[str, str]) -> None:
    assert read_annotations(info, 1) == found


@pytest.mark.parametrize(
    "info", ['sh {"a":"b"', "sh {a=b", "sh {hutch.manual}", 'sh {"a"}', "sh {=x}", 'sh {"hutch.a":[1]}']
)
def test_malformed_annotations_name_their_line(info: str) -> None:
    with pytest.raises(RunbookError) as error:
        read_annotations(info, 9)
    assert error.value.line == 9


def test_annotations_with_escapes_survive_markdown() -> None:
    step = parse('# A\n~~~ sh {"name":"a\\"b &amp; c"}\nls\n~~~\n', "a.md").runbooks[0].sections[0].steps[0]
    assert (step.lang, step.name, step.annotations) == ("sh", 'a"b &amp; c', {"name": 'a"b &amp; c'})


def test_a_typed_action_is_a_statement() -> None:
    info = '{"name":"back","hutch.action":"deploy.rollback","hutch.expect":"43"}'
    text = f"# A\n\n```yaml {info}\nto: 42\nto_what: [a]\n```\n"
    step = parse(text, "a.md").runbooks[0].sections[0].steps[0]
    (only,) = step.statements
    assert step.runnable
    assert only.action is not None
    assert (only.action.name, dict(only.action.args)) == ("deploy.rollback", {"to": 42, "to_what": ["a"]})
    assert (only.line, only.text, only.expects[0].text) == (4, "to: 42\nto_what: [a]", "43")


def test_an_action_without_arguments() -> None:
    assert dict(action_call("service.restart", "", 1).args) == {}


def test_arguments_that_are_nested_without_end() -> None:
    with pytest.raises(RunbookError, match="nested too deep"):
        action_call("x", "a: " + "[" * 5000, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("when: 2026-13-45", "7: action 'x': the arguments are not YAML (month must be in 1..12); correct them"),
        ("a: 1\nb: \x82", "8: action 'x': the arguments are not YAML (a character is not allowed); correct them"),
        (
            "a: &a [1]\nb: [*a, *a]",
            "8: action 'x': the arguments are not YAML (a reference (*name) is not taken here)",
        ),
        ("a: " + "x" * 70_000, "7: action 'x': the arguments are not YAML (longer than 64 kB); correct them"),
        ("n: " + "9" * 5000, "7: action 'x': the arguments are not YAML (Exceeds the limit"),
    ],
)
def test_arguments_that_are_no_values(text: str, message: str) -> None:
    with pytest.raises(RunbookError) as error:
        action_call("x", text, 7)
    assert str(error.value).startswith(message)


def test_references_in_front_matter_do_not_grow() -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'x'}]" for n in range(9)]
    text = "---\n" + "\n".join(levels) + "\ntitle: *a8\n---\n# A\n"
    assert dict(parse(text, "a.md").meta) == {}
