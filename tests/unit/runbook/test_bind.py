"""What the names of a document stand for: replaced where they stand and nowhere else."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutch.model.runbook import Statement
from hutch.runbook.bind import Action, Binding, action, bind
from hutch.runbook.errors import RunbookError
from hutch.runbook.placeholders import find
from hutch.runbook.render import render

LOCAL = "http://127.0.0.1:8000"


def bound(text: str, table: dict[str, str], lang: str = "bash") -> Binding:
    return bind(Statement("s", text, 7, placeholders=find(text, lang)), lang, table)


def names(binding: Binding) -> list[str]:
    return [f"{m.target.kind} {m.target.name}" for m in binding.open]


@pytest.mark.parametrize(
    ("text", "table", "becomes"),
    [
        ("curl https://a.co/x", {"a.co": LOCAL}, f"curl {LOCAL}/x"),
        ("curl https://a.co/x", {"https://a.co": LOCAL + "/"}, f"curl {LOCAL}/x"),
        ("curl https://a.co", {"a.co": LOCAL + "/base"}, f"curl {LOCAL}/base"),
        ("curl http://a.co/x https://a.co/y", {"https://a.co": LOCAL}, f"curl {LOCAL}/x {LOCAL}/y"),
        ("curl https://a.co/x", {"a.co": "b.co:81"}, "curl https://b.co:81/x"),
        ("curl a.co/x", {"a.co": LOCAL}, f"curl {LOCAL}/x"),
        ("curl https://a.com/a.co?u=https://a.co/", {"a.co": LOCAL}, f"curl https://a.com/a.co?u={LOCAL}/"),
        ("curl https://xa.co/ https://a.co.uk/", {"a.co": LOCAL}, "curl https://xa.co/ https://a.co.uk/"),
        ("curl -H 'Host: a.co' \"https://a.co/\"", {"a.co": LOCAL}, f"curl -H 'Host: a.co' \"{LOCAL}/\""),
        ("curl https://u:p@a.co/x", {"a.co": LOCAL}, "curl http://u:p@127.0.0.1:8000/x"),
        ("curl https://A.co/x", {"a.CO": LOCAL}, f"curl {LOCAL}/x"),
        ("curl https://a.co:8443/x", {"a.co:8443": LOCAL, "a.co": "b.co"}, f"curl {LOCAL}/x"),
        ("curl https://a.co:443/x http://a.co/y", {"a.co": LOCAL}, f"curl {LOCAL}/x {LOCAL}/y"),
        ("curl https://a.co/api/x", {"a.co": "b.co", "a.co/api": LOCAL + "/v1"}, f"curl {LOCAL}/v1/x"),
        ("curl https://a.co/apis/x", {"a.co": "b.co", "a.co/api": LOCAL}, "curl https://b.co/apis/x"),
        ("curl http://a.co/", {"http://a.co": "http://b.co", "https://a.co": "https://c.co"}, "curl http://b.co/"),
        ("curl https://[::1]:80/x", {"[::1]:80": LOCAL}, f"curl {LOCAL}/x"),
        ("curl https://[id].s.co/x", {"[id].s.co": LOCAL}, f"curl {LOCAL}/x"),
        ("ssh ops@a.co uptime", {"a.co": LOCAL}, "ssh ops@127.0.0.1 uptime"),
        ("psql -h a.co -c 'select 1'", {"a.co": "b.co:5433"}, "psql -h b.co -c 'select 1'"),
        ("aws ecs x --cluster=c --services c", {"c": "d"}, "aws ecs x --cluster=d --services d"),
        ("aws s3 ls s3://b/b/ --profile b", {"b": "b2"}, "aws s3 ls s3://b2/b/ --profile b"),
        ("npm run db:migrate", {"npm run db:migrate": "make migrate"}, "make migrate"),
        ("npm run a -- --x", {"npm run": "yarn", "npm": "no"}, "yarn a -- --x"),
        ("cat x | tool -v", {"tool": "/opt/my tool/bin"}, "cat x | /opt/my tool/bin -v"),
        ("echo \"$(tool)\"", {"tool": "new"}, "echo \"$(new)\""),
        ("cat <<E\nhttps://a.co\nE", {"a.co": LOCAL}, "cat <<E\nhttps://a.co\nE"),
        ("curl https://a.co", {"a.co": "as-is", "curl": "manual"}, "curl https://a.co"),
    ],
)  # fmt: skip
def test_a_name_is_replaced_where_it_stands(text: str, table: dict[str, str], becomes: str) -> None:
    assert bound(text, table).statement.text == becomes


def test_requests_are_bound_too() -> None:
    text = "POST https://a.co/x HTTP/1.1\nHost: a.co\n\n{}"
    assert bound(text, {"a.co": LOCAL}, "http").statement.text == text.replace("https://a.co", LOCAL)


def test_placeholders_move_with_the_text_and_go_with_what_is_replaced() -> None:
    text = "curl https://[id].a.co/[one]?x=[two] -H [three]"
    binding = bound(text, {"[id].a.co": "http://127.0.0.1:8000/longer/than/before"})
    assert [p.name for p in binding.statement.placeholders] == ["one", "two", "three"]
    for one in binding.statement.placeholders:
        assert binding.statement.text[one.start : one.end] == one.text
    done = render(binding.statement, "bash", {"one": "1", "two": "2", "three": "3"})
    assert done.text == "curl http://127.0.0.1:8000/longer/than/before/1?x=2 -H 3"


@pytest.mark.parametrize(
    ("text", "table", "left"),
    [
        ("curl https://a.co:8443/x", {"curl": "as-is", "a.co": LOCAL}, ["host a.co:8443"]),
        ("curl http://a.co:443/x", {"curl": "as-is", "a.co": LOCAL}, ["host a.co:443"]),
        ("curl https://b.co/a.co", {"a.co": LOCAL}, ["program curl", "host b.co"]),
        ("curl https://a.co/x", {"a.co/y": LOCAL, "curl": "as-is"}, ["host a.co"]),
        ("curl https://x.a.co/ https://a.co/", {"*.a.co": "as-is", "curl": "as-is"}, ["host a.co"]),
        ("curl https://evila.co/", {"*.a.co": "as-is", "curl": "as-is"}, ["host evila.co"]),
        ("npm run b", {"npm run a": "as-is"}, ["program npm run b"]),
        ("npmx run a", {"npm": "as-is"}, ["program npmx"]),
    ],
)
def test_what_is_not_bound_stays_open(text: str, table: dict[str, str], left: list[str]) -> None:
    assert names(bound(text, table)) == left


@pytest.mark.parametrize(
    ("text", "table", "said"),
    [
        ("curl https://a.co", {"a.co": "http://b.co; rm x"}, "is no address"),
        ("curl https://a.co", {"a.co": "http://b.co/$(x)"}, "is no address"),
        ("curl https://a.co", {"a.co": "http://u@b.co"}, "is no address"),
        ("curl https://a.co", {"a.co": "-o"}, "is no address"),
        ("aws x --cluster c", {"c": "d --force"}, "is no name"),
        ("aws x --cluster c", {"c": "--force"}, "is no name"),
        ("tool", {"tool": "'"}, "is no command"),
        ("npm --silent run a", {"npm run a": "yarn a"}, "options between its words"),
        ("curl https://a'.co'/x", {"a.co": LOCAL}, "not written in one piece"),
        ("tool https://a.co", {"tool https://a.co": "x", "a.co": LOCAL}, "meet in one place"),
    ],
)
def test_a_value_that_cannot_stand_there_is_refused(text: str, table: dict[str, str], said: str) -> None:
    with pytest.raises(RunbookError, match=said):
        bound(text, table)


def test_actions_by_their_form() -> None:
    assert action("action:migrate.up") == Action("migrate.up")
    assert action("action:a.b to=$1 n=3 s='x y'") == Action("a.b", {"to": "$1", "n": 3, "s": "x y"})
    assert action("as-is") is None
    for bad in ("action:a.b x", "action:a.b 'x", "action:"):
        with pytest.raises(RunbookError, match="is not an action"):
            action(bad)


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0\n"), min_size=1, max_size=12)


@given(st.lists(WORDS, min_size=1, max_size=3))
def test_the_words_of_another_program_stay_its_words(command: list[str]) -> None:
    """Whatever a program is bound to, the shell sees these words and no syntax."""
    done = bound("tool --flag", {"tool": shlex.join(command)}).statement.text
    assert shlex.split(done) == [*command, "--flag"]


@given(st.text(max_size=30))
def test_no_value_of_a_host_brings_syntax(value: str) -> None:
    try:
        text = bound("curl https://a.co/x", {"a.co": value}).statement.text
    except RunbookError:
        return
    assert len(shlex.split(text)) == 2
    assert not set(text) & set("'\"\\`$;&|<>(){}*?#!\n ") - {" "}
