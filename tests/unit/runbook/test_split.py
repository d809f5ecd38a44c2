"""Blocks -> statements with the comments that speak of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutch.runbook.shell_lex import Lexer
from hutch.runbook.split import _by_tokens, _usual_lines, split
from hutch.runbook.sql_lex import _items, _usual_items


def texts(text: str, lang: str) -> list[str]:
    return [piece.text for piece in split(text, lang).statements]


SQL = [
    ("SELECT 1; SELECT 2", ["SELECT 1;", "SELECT 2"]),
    ("SELECT ';' ; SELECT 'it''s;'", ["SELECT ';' ;", "SELECT 'it''s;'"]),
    ('SELECT ";" FROM "a;b"', ['SELECT ";" FROM "a;b"']),
    (r"SELECT E'\';' ; SELECT 1", [r"SELECT E'\';' ;", "SELECT 1"]),
    (r"SELECT '\'; SELECT 1", [r"SELECT '\';", "SELECT 1"]),
    ("DO $$ BEGIN; x; END $$; SELECT 1", ["DO $$ BEGIN; x; END $$;", "SELECT 1"]),
    ("SELECT $a$ ; $b$ ; $a$; SELECT 1", ["SELECT $a$ ; $b$ ; $a$;", "SELECT 1"]),
    ("SELECT a$b$c; SELECT 1", ["SELECT a$b$c;", "SELECT 1"]),
    ("SELECT $$ never closed; SELECT 1", ["SELECT $$ never closed;", "SELECT 1"]),
    ("SELECT 1 /* ; /* ; */ ; */; SELECT 2", ["SELECT 1 /* ; /* ; */ ; */;", "SELECT 2"]),
    ("SELECT 1 -- ; not\n; SELECT 2", ["SELECT 1 -- ; not\n;", "SELECT 2"]),
    ("SELECT 'never closed; SELECT 1", ["SELECT 'never closed; SELECT 1"]),
    ("\\dt\nSELECT 1;\n\\d x", ["\\dt", "SELECT 1;", "\\d x"]),
    ("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3", [
        "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);", "SELECT 3"]),
    ("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END; SELECT 2", [
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END;", "SELECT 2"]),
    ("BEGIN; SELECT 1; COMMIT;", ["BEGIN;", "SELECT 1;", "COMMIT;"]),
    ("COPY t FROM stdin;\n1;it's\n\\.\nSELECT 1;", ["COPY t FROM stdin;", "1;it's\n\\.", "SELECT 1;"]),
    (";;", [";", ";"]),
    ("-- only\n/* comments */", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "statements"), SQL)
def test_sql_statements(text: str, statements: list[str]) -> None:
    found = texts(text, "sql")
    assert [s.strip() for s in found] == statements


SHELL = [
    ("ls\nid", ["ls", "id"]),
    ("ls; id && w", ["ls; id && w"]),
    ("a |\n  b &&\n  c", ["a |\n  b &&\n  c"]),
    ("a \\\n  --b \\\n  c\nd", ["a \\\n  --b \\\n  c", "d"]),
    ("echo 'a\nb'\nid", ["echo 'a\nb'", "id"]),
    ('echo "a\nb $(id\nw)"\nid', ['echo "a\nb $(id\nw)"', "id"]),
    ("cat <<EOF\na; b\n# no comment\nEOF\nid", ["cat <<EOF\na; b\n# no comment\nEOF", "id"]),
    ("cat <<-'E' | wc\n\ta\n\tE\nid", ["cat <<-'E' | wc\n\ta\n\tE", "id"]),
    ("cat <<A <<B\n1\nA\n2\nB\nid", ["cat <<A <<B\n1\nA\n2\nB", "id"]),
    ("cat <<< 'x'\nid", ["cat <<< 'x'", "id"]),
    ("for p in a b; do\n  echo $p  # each\ndone\nid", ["for p in a b; do\n  echo $p  # each\ndone", "id"]),
    ("if x\nthen\n y\nelse\n z\nfi\nid", ["if x\nthen\n y\nelse\n z\nfi", "id"]),
    ("while read l; do echo $l; done < f\nid", ["while read l; do echo $l; done < f", "id"]),
    ("case $x in\n a) b;;\n *) c;;\nesac\nid", ["case $x in\n a) b;;\n *) c;;\nesac", "id"]),
    ("{\n a\n b\n} > f\nid", ["{\n a\n b\n} > f", "id"]),
    ("(cd x\n ls)\nid", ["(cd x\n ls)", "id"]),
    ("f() {\n a\n}\nid", ["f() {\n a\n}", "id"]),
    ("f()\n{\n a\n}\nid", ["f()\n{\n a\n}", "id"]),
    ("function f {\n a\n}\nid", ["function f {\n a\n}", "id"]),
    ("echo $((1 << 2)) ; (( x << 2 ))\nid", ["echo $((1 << 2)) ; (( x << 2 ))", "id"]),
    ("echo a#b ${#x} $#\nid # c", ["echo a#b ${#x} $#", "id"]),
    ("echo for done if\nid", ["echo for done if", "id"]),
    ("echo it's\nid \\\n -u\n# c\nw", ["echo it's", "id \\\n -u", "w"]),
    ('id\necho "a\nw', ["id", 'echo "a', "w"]),
    ("kill <pid>\nid", ["kill <pid>", "id"]),
    ("vercel logs [deployment-url]\nid", ["vercel logs [deployment-url]", "id"]),
    ("$ ls -l\ntotal 3\n$ id", ["ls -l", "id"]),
    ("  ls\n\n\n  id  ", ["ls", "id"]),
]


@pytest.mark.parametrize(("text", "statements"), SHELL)
def test_shell_statements(text: str, statements: list[str]) -> None:
    assert texts(text, "bash") == statements


def test_only_the_prompts_of_a_transcript_are_commands() -> None:
    text = "$ uptime\n 10:00 up 3 days\n$ cat <<E\n> a\n> E\na\nops@web-1:~$ df\n# a remark\n(venv) root@db:/# id\n"
    found = split(text, "console")
    assert [(p.text, p.line) for p in found.statements] == [
        ("uptime", 0), ("cat <<E\na\nE", 2), ("df", 6), ("id", 8),
    ]  # fmt: skip


def test_without_a_dollar_the_hash_is_a_prompt() -> None:
    assert texts("# systemctl status x\nactive\n% id\n", "console") == ["systemctl status x", "id"]


def test_a_transcript_without_prompts_is_output() -> None:
    assert texts("total 3\nrm x\n", "console") == []


def test_other_languages() -> None:
    assert texts("a = 1\nprint(a)\n", "python") == ["a = 1\nprint(a)"]
    assert texts("rate(a[5m])\n\nsum(b)\n", "promql") == ["rate(a[5m])", "sum(b)"]
    assert texts("# one\nGET http://a\nX: 1\n\nbody\n### two\nGET http://b\n", "http") == [
        "GET http://a\nX: 1\n\nbody", "GET http://b",
    ]  # fmt: skip
    assert texts("const a = 1;", "typescript") == []


def test_comments_go_to_the_statement_they_speak_of() -> None:
    text = "# head\n\n# one\na  # tail\n# Should return 1\n# two\nb\n# after b\n\n# loose\n"
    found = split(text, "sh")
    assert [[c.text for c in p.comments] for p in found.statements] == [
        ["head", "one", "tail", "Should return 1"],
        ["two", "after b"],
    ]
    assert [c.text for c in found.notes] == ["loose"]


def test_an_announced_output_takes_the_lines_below_it() -> None:
    found = split("a\n# Expected output:\n# x\n# y\nb\n", "sh")
    assert [[c.text for c in p.comments] for p in found.statements] == [["Expected output:", "x", "y"], []]


def test_lines_are_those_of_the_block() -> None:
    found = split("\n-- c\nSELECT 1;\nSELECT\n 2; SELECT 3;\n", "sql")
    assert [(p.line, p.last) for p in found.statements] == [(2, 2), (3, 4), (4, 4)]


SHELL_SHARDS = st.lists(
    st.sampled_from([
        *"\n\n\n  \t#'\"$|&;<>(){}`\\!", "ls", " -l", " # seen", "$HOME", " | wc", " && id", "'a b'", '"x $Y"', "2>&1",
        "for", "if ", "done", "function f", "<<E\n", "a#b", "\r", "\x0b", "\u00a0", "> out", "$(id)", "${X}", "é",
        " \\\n", "\\\n  ", '"\\d"', "${X:-y}", "${X:-'}", '"${X}', " if applicable", "# if so",
    ]),
    max_size=20,
)  # fmt: skip


@given(SHELL_SHARDS.map("".join))
def test_usual_lines_are_what_the_lexer_finds(text: str) -> None:
    lexer = Lexer(text)
    usual = _usual_lines(text)
    assert usual is None or (lexer.complete and usual == [*_by_tokens(lexer)])


USUAL = [
    "ls\n\n  # all\nls -l | wc  # lines\n", "", "a='x y' && b > /dev/null 2>&1;\n#", "[url]",
    "# if this is so\naws ecs update-service \\\n  --desired-count 3  # from 1\nls\n",
    'psql "$URL" -c "\\d x"\nls ${A:-b}\n',
]  # fmt: skip


@pytest.mark.parametrize("text", USUAL)
def test_usual_lines_need_no_lexer(text: str) -> None:
    assert _usual_lines(text) == [*_by_tokens(Lexer(text))]


SQL_SHARDS = st.lists(
    st.sampled_from([
        *"\n\n  ;;;()'\"$-/*\\,=", "select", " a", " FROM t", "-- seen", "\n-- 'x\n", "/* c */", "'it''s'", "E'\\''",
        "U&\"x\"",
        "$1", "$1$", "$x$", "$$ ; $$", "create function f", "begin atomic", " end", "copy t from stdin",
        "\\d t", "((1))", "(a;b)",
        '"q;"', "::text", "1.5", "\r", "\x0b", "\u00a0", "\u017ftdin", "é",
    ]),
    max_size=20,
)  # fmt: skip


@given(SQL_SHARDS.map("".join))
def test_usual_statements_are_what_the_tokens_tell(text: str) -> None:
    usual = _usual_items(text)
    assert usual is None or usual == [*_items(text)]


USUAL_SQL = [
    "", ";", "-- one\nSELECT count(*) FROM t WHERE a = 'x;'; -- ok\nSELECT ((1 + 2) * coalesce(a, (b)))\n",
    "UPDATE t SET a = $1 WHERE id = 5;\n\nSELECT a - b / c;",
]  # fmt: skip


@pytest.mark.parametrize("text", USUAL_SQL)
def test_usual_statements_need_no_tokens(text: str) -> None:
    assert _usual_items(text) == [*_items(text)]
