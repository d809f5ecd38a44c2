"""Limits, reasons, sensitivity and placeholders."""

from __future__ import annotations

import pytest

from hutch.effect import classify, classify_http, classify_shell, classify_sql
from hutch.effect.arguments import parse
from hutch.effect.specs import make, spec_of
from hutch.effect.sqlwords import LIMIT, Alien, tokens
from hutch.effect.words import Word
from hutch.model.effect import Effect


@pytest.mark.parametrize("judge", [classify_sql, classify_shell])
def test_past_64_kb_nothing_is_parsed(judge) -> None:  # type: ignore[no-untyped-def]
    verdict = judge("select '" + "x" * LIMIT + "'")
    assert verdict.effect is Effect.CHANGE
    assert "64 kB" in verdict.why


@pytest.mark.parametrize("text", ["", "  \n", "-- only a comment", "/* x */", ";;"])
def test_nothing_to_run_in_sql(text: str) -> None:
    assert classify_sql(text).effect is Effect.NONE


@pytest.mark.parametrize("text", ["", "  \n", "# only a comment"])
def test_nothing_to_run_in_shell(text: str) -> None:
    assert classify_shell(text).effect is Effect.NONE


@pytest.mark.parametrize(
    ("lang", "text", "why"),
    [
        ("sql", "select lower(a) from t", "SELECT with only functions that read"),
        ("sql", "select pg_terminate_backend(1)", "calls pg_terminate_backend, which ends a session"),
        ("sql", "select 1; drop table t", "2 statements, the worst: DROP TABLE loses what it drops"),
        ("bash", "ls > out", "redirects into a file: out"),
        ("bash", "frobnicate -x", "unknown program frobnicate"),
        ("bash", "git push", "git push changes a remote"),
        ("bash", "ls &", "runs in the background"),
        ("bash", "$X -c", "runs a program that is only known when it runs"),
        ("bash", "f() { ls; }", "holds a function, whose effect cannot be proven"),
    ],
)
def test_reasons(lang: str, text: str, why: str) -> None:
    assert classify(lang, text).why == why


@pytest.mark.parametrize(
    "text",
    [
        "select * from users",
        "select u.* from users u",
        "select email from portfolios",
        "select users from users",
        "select max(email) from users",
        "select * from (select * from users) x",
        "with x as (select * from users) select count(*) from x",
        "select rolpassword from pg_authid",
        "select most_common_vals from pg_stats",
        "table users",
        "copy users to stdout",
        "explain analyze select * from users",
        "show primary_conninfo",
    ],
)
def test_sensitive_sql(text: str) -> None:
    verdict = classify_sql(text)
    assert (verdict.effect, verdict.sensitive) == (Effect.READ, True)


@pytest.mark.parametrize(
    "text",
    [
        "select count(*) from users",
        "select status, count(*) from users group by status",
        "select max(created_at) from audit_logs",
        "select count(distinct user_id) from audit_logs",
        "select * from pg_stat_activity",
        "select attname, n_distinct from pg_stats",
        "select 1 from users",
        "select id, title from portfolios where user_id = 3",
    ],
)
def test_figures_are_not_sensitive(text: str) -> None:
    verdict = classify_sql(text)
    assert (verdict.effect, verdict.sensitive) == (Effect.READ, False)


@pytest.mark.parametrize(
    "text",
    [
        "printenv",
        "env",
        "cat .env",
        "cat /srv/app/.env.production",
        "cat ~/.ssh/id_rsa",
        "cat /etc/shadow",
        "kubectl get secret x -o yaml",
        "kubectl get secrets -A",
        "kubectl get secret/x",
        "aws secretsmanager get-secret-value --secret-id x",
        "echo $DATABASE_URL",
        'echo "${JWT_SECRET}"',
        "grep x < .env",
        "openssl rand -hex 16",
        "redis-cli config get '*'",
        "pg_dump x",
        "psql -c 'select * from users'",
        "redis-cli monitor",
        "docker inspect x",
        "terraform output",
    ],
)
def test_sensitive_shell(text: str) -> None:
    verdict = classify_shell(text)
    assert (verdict.effect, verdict.sensitive) == (Effect.READ, True), verdict.why


@pytest.mark.parametrize(
    "text", ["echo $HOME", "ls -l .env", "cat readme.md", "kubectl get pods", "redis-cli config get maxmemory"]
)
def test_not_sensitive_shell(text: str) -> None:
    assert classify_shell(text).sensitive is False


def test_blanks_that_bash_takes_for_letters_are_no_blanks() -> None:
    assert classify_shell("ls\u00a0x").effect is Effect.CHANGE
    assert classify_shell("cat\u2003x").effect is Effect.CHANGE
    assert classify_shell("ls\r\nrm x").effect >= Effect.CHANGE
    assert classify_sql("select\u00a01").effect is Effect.CHANGE


def test_a_name_is_lowered_as_postgres_does() -> None:
    assert classify_sql("select PG_BAC\u212aEND_PID()").effect is Effect.CHANGE
    assert classify_sql("select PG_BACKEND_PID()").effect is Effect.READ


def test_placeholders_are_one_value_each() -> None:
    text = "kubectl logs <pod> -n <namespace>"
    holes = [(text.index("<pod>"), text.index("<pod>") + 5), (text.index("<name"), len(text))]
    assert classify("bash", text).effect is Effect.CHANGE
    assert classify("bash", text, holes).effect is Effect.READ
    assert classify("bash", "<tool> -x", [(0, 6)]).effect is Effect.CHANGE
    assert classify("bash", "psql -c '<sql>'", [(9, 14)]).effect is Effect.CHANGE
    sql = "select * from t where id = {{ id }}"
    assert classify("sql", sql, [(27, 35)]).effect is Effect.READ
    assert classify("sql", "select {{ f }}(1)", [(7, 14)]).effect is Effect.CHANGE


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("GET https://x", "read"),
        ("https://x/api", "read"),
        ("HEAD /x HTTP/1.1\nHost: y", "read"),
        ("options https://x", "read"),
        ("# a comment\nGET https://x", "read"),
        ("GET https://x\n\n{\"a\": 1}", "change"),
        ("POST https://x", "change"),
        ("PATCH https://x", "change"),
        ("FROB https://x", "change"),
        ("DELETE https://x", "destroy"),
        ("GET https://x\nX-HTTP-Method-Override: DELETE", "destroy"),
        ("GET https://x\n###\nPOST https://y", "change"),
        ("GET https://x HTTP/1.1 extra words", "change"),
        ("", "none"),
    ],
)  # fmt: skip
def test_http(text: str, effect: str) -> None:
    assert classify_http(text).effect is Effect.of(effect)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("\\d", "backslash"), ("'x", "quote"), ("{{", "template"), ("U&'x'", "U&"), ("/* x", "comment"),
        ("$$ x", "dollar"),
        ("1abc", "'1'"), ("'\\'", "server setting"), (":x", "psql variable"), ("e'a'\n'b'", "second literal"),
    ],
)  # fmt: skip
def test_what_is_no_plain_sql(text: str, what: str) -> None:
    with pytest.raises(Alien, match=what.replace("$", r"\$")):
        tokens(text)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("a=-1", ["a", "=", "-", "1"]),
        ("a@-1", ["a", "@-", "1"]),
        ("a--b", ["a"]),
        ("1.5e3 .5 1..2", ["1.5e3", ".5", "1", "..", "2"]),
        ("$$a$$ $x$ $$ $x$", ["$$a$$", "$x$ $$ $x$"]),
        ("'a''b' E'\\''", ["'a''b'", "E'\\''"]),
        ("a/*/*x*/*/b", ["a", "b"]),
        ('"A""b".C', ['"A""b"', ".", "c"]),
        ("x$1 $1", ["x$1", "$1"]),
    ],
)
def test_tokens(text: str, kinds: list[str]) -> None:
    assert [t.text for t in tokens(text)] == kinds


def test_an_unknown_key_in_a_program_file_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown keys efect"):
        make({"efect": "read"})
    with pytest.raises(ValueError, match="unknown effect"):
        make({"effect": "reed"})


def test_arguments_are_read_by_the_spec() -> None:
    spec = spec_of("psql")
    assert spec is not None
    parsed = parse("psql", spec, [Word(w) for w in ["-Atc", "select 1", "--host=x", "-p5432", "db"]])
    assert [(f.name, f.value.text if f.value else None) for f in parsed.flags] == [
        ("-A", None), ("-t", None), ("-c", "select 1"), ("--host", "x"), ("-p", "5432"),
    ]  # fmt: skip
    assert [w.text for w in parsed.operands] == ["db"]
    assert parsed.unknown == ""


def test_a_flag_counts_by_where_it_stands() -> None:
    assert classify_shell("git log -c").effect is Effect.READ
    assert classify_shell("git -c alias.log=!x log").effect is Effect.CHANGE


def test_deep_nesting_is_refused_quickly() -> None:
    assert classify_shell("(" * 500 + "ls" + ")" * 500).effect is Effect.CHANGE
    assert classify_sql("select " + "(" * 5000 + "1" + ")" * 5000).effect in (Effect.READ, Effect.CHANGE)
    assert classify_sql("delete from t where " + " or ".join(["a = 1"] * 5000)).effect >= Effect.CHANGE
