"""Values in statements: they stay values, whatever they hold."""

from __future__ import annotations

import shlex

import pytest
import tree_sitter_bash
from hypothesis import given
from hypothesis import strategies as st
from tree_sitter import Language, Node, Parser

from hutch.model.runbook import Statement
from hutch.runbook import sql_lex
from hutch.runbook.errors import RunbookError
from hutch.runbook.placeholders import find
from hutch.runbook.render import render

BASH = Parser(Language(tree_sitter_bash.language()))
ANY = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40)
HOSTILE = ANY | st.sampled_from(
    [
        "'; echo x; '",
        '"; echo x; "',
        "$(echo x)",
        "`echo x`",
        "a\nb",
        "a b",
        "*",
        "~",
        "!!",
        "\\",
        "\\'",
        "${X}",
        "&& x",
        "| x",
        "> x",
        "# x",
        "x'\"x",
        "1); DELETE FROM t; --",
        "'; DROP TABLE t; --",
        "%s %(a)s %",
        "{{ x }}",
        "[x]",
        "\tx",
    ],
)


def made(text: str, lang: str = "bash", line: int = 7) -> Statement:
    return Statement("s", text, line, placeholders=find(text, lang))


# ------------------------------------------------------------------ SQL


SQL = [
    ("SELECT pg_terminate_backend(PID);", {"pid": "42"}, "SELECT pg_terminate_backend(%s);", ("42",)),
    (
        "SELECT a FROM t WHERE at BETWEEN '[from]' AND '[until]' AND x LIKE '%y'",
        {"from": "10:00", "until": "it's 11"},
        "SELECT a FROM t WHERE at BETWEEN %s AND %s AND x LIKE '%%y'",
        ("10:00", "it's 11"),
    ),
    ("SELECT 'it''s [ref] and [alt]!'", {"ref": "a", "alt": "'b"}, "SELECT %s", ("it's a and 'b!",)),
    ("SELECT now() - interval '[num] minutes'", {"num": "5"}, "SELECT now() - %s::interval", ("5 minutes",)),
    ("ANALYZE [table];", {"table": "public.users"}, 'ANALYZE "public"."users";', ()),
    (
        "SELECT * FROM [table] WHERE id = [id]",
        {"table": 'a"b%', "id": "1"},
        'SELECT * FROM "a""b%%" WHERE id = %s',
        ("1",),
    ),
    ('SELECT "[column]" FROM t', {"column": 'x"; DROP'}, 'SELECT "x""; DROP" FROM t', ()),
    ("SELECT x % 2 FROM t", {}, "SELECT x % 2 FROM t", ()),
]


@pytest.mark.parametrize(("text", "values", "sql", "params"), SQL)
def test_values_into_sql(text: str, values: dict[str, str], sql: str, params: tuple[str, ...]) -> None:
    found = render(made(text, "sql"), "sql", values)
    assert (found.sql, found.params, found.missing) == (sql, params, ())


def test_the_text_for_people_has_literals() -> None:
    found = render(
        made("SELECT '[ref]', f(PID), interval '[num] min'", "sql"), "sql", {"ref": "it's", "pid": "1", "num": "2"}
    )
    assert found.text == "SELECT 'it''s', f('1'), '2 min'::interval"


def test_a_literal_with_one_value_missing_stays_whole() -> None:
    found = render(made("SELECT '[ref] to [alt]'", "sql"), "sql", {"ref": "1"})
    assert (found.text, found.sql, found.params, found.missing) == ("SELECT '[ref] to [alt]'",) * 2 + ((), ("alt",))


COMPOUND = "7: [ref] stands in a literal of a compound type; write CAST('…' AS type)"
DOLLAR = "7: [ref] stands in a $$ string, which takes no values; write that part out"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SET lock_timeout = [ref]", "7: SET takes no parameters, so [ref] cannot be given; write the value out"),
        ("SELECT E'[ref]'", "7: [ref] stands in an E'…' string, which takes no values; write that part out"),
        ("SELECT U&'[ref]'", "7: [ref] stands in a string that takes no values; write it as a plain '…'"),
        ("DO $$ BEGIN PERFORM f('[ref]'); END $$", DOLLAR),
        ("SELECT interval '[ref]' day", COMPOUND),
        ("SELECT timestamp with time zone '[ref]'", COMPOUND),
        ("SELECT * FROM logs_{{ ref }}", "7: [ref] touches other text; write it as a value of its own"),
    ],
)
def test_places_in_sql_that_take_no_value(text: str, message: str) -> None:
    with pytest.raises(RunbookError) as error:
        render(made(text, "sql"), "sql", {"ref": "1"})
    assert str(error.value) == message


def test_a_name_has_at_most_three_parts() -> None:
    with pytest.raises(RunbookError, match=r"is not a name; give name or schema\.name"):
        render(made("ANALYZE [ref]", "sql"), "sql", {"ref": "a..b"})


@pytest.mark.parametrize("text", [row[0] for row in SQL if row[1]])
@given(value=HOSTILE)
def test_no_value_changes_the_structure_of_sql(text: str, value: str) -> None:
    statement = made(text, "sql")
    calm = render(statement, "sql", {p.name: "x" for p in statement.placeholders})
    try:
        wild = render(statement, "sql", {p.name: value for p in statement.placeholders})
    except RunbookError:
        return
    if wild.missing:
        assert not value.strip()
        return
    kinds = [t.kind for t in sql_lex.tokens(calm.sql)]
    assert (
        [t.kind for t in sql_lex.tokens(wild.sql)][: kinds.index("name")] == kinds[: kinds.index("name")]
        if ("name" in kinds)
        else wild.sql == calm.sql
    )
    shown = [t.kind for t in sql_lex.tokens(wild.text) if t.kind in {"end", "comment", "meta", "word"}]
    assert shown == [t.kind for t in sql_lex.tokens(calm.text) if t.kind in {"end", "comment", "meta", "word"}]


# ------------------------------------------------------------------ shell


SHELL = [
    ("vercel logs [ref] --follow", "a b", "vercel logs 'a b' --follow"),
    ("curl https://[ref].example/v1", "abc", "curl https://abc.example/v1"),
    ("tool --task api:PREVIOUS_VERSION", "4;2", "tool --task api:'4;2'"),
    ('tool --secret "NEW_SECRET"', 'a"$b`\\', 'tool --secret "a\\"\\$b\\`\\\\"'),
    ("tool 'YOUR_NAME'", "it's", "tool 'it'\"'\"'s'"),
    ("kill <ref>", "42", "kill 42"),
    ("tool [a word] <b-word> {{ c }}", "v w", "tool 'v w' 'v w' 'v w'"),
    ("cat <<EOF\nkey=[ref]\nEOF", "$(a) `b` \\", "cat <<EOF\nkey=\\$(a) \\`b\\` \\\\\nEOF"),
    ("cat <<'EOF'\nkey=[ref]\nEOF", "$(a)", "cat <<'EOF'\nkey=$(a)\nEOF"),
    ("tool $(other [ref])", "a b", "tool $(other 'a b')"),
    ('tool "$(other [ref])"', "a b", "tool \"$(other 'a b')\""),
    ("tool $(other) [ref]", "a b", "tool $(other) 'a b'"),
    ("curl https://x.example/u/[ref]?q=[ref]", "a/b&c d", "curl https://x.example/u/a%2Fb%26c%20d?q=a%2Fb%26c%20d"),
    ("curl x.example/[ref]#[ref]", "a b", "curl x.example/a%20b#a%20b"),
    ("curl -d 'a=YOUR_X&b=1' x.example", "1&b=2", "curl -d 'a=1%26b%3D2&b=1' x.example"),
    ("wget --post-data=a=[ref] x.example", "1&b=2", "wget --post-data=a=1%26b%3D2 x.example"),
    (
        "curl -H 'Content-Type: text/plain' -d a=[ref] x.example",
        "1&b",
        "curl -H 'Content-Type: text/plain' -d a='1&b' x.example",
    ),
    ("git clone https://x.example/[ref]", "a/b", "git clone https://x.example/a/b"),
]


@pytest.mark.parametrize(("text", "value", "expected"), SHELL)
def test_values_into_shell(text: str, value: str, expected: str) -> None:
    statement = made(text)
    found = render(statement, "bash", {p.name: value for p in statement.placeholders})
    assert (found.text, found.env, found.missing) == (expected, {}, ())


def test_variables_are_given_as_environment_and_never_split() -> None:
    text = 'psql $DATABASE_URL -h "$HOST_X" ${PORT_X}'
    found = render(made(text), "sh", {"database-url": "a b", "host-x": "h", "port-x": "1"})
    assert found.text == 'psql "$DATABASE_URL" -h "$HOST_X" "${PORT_X}"'
    assert found.env == {"DATABASE_URL": "a b", "HOST_X": "h", "PORT_X": "1"}


@pytest.mark.parametrize("value", ["", "  "])
def test_what_has_no_value_is_missing_and_stays(value: str) -> None:
    found = render(made("tool [ref] $Y [zed]"), "sh", {"ref": value, "zed": "1"})
    assert (found.text, found.missing) == ("tool [ref] $Y 1", ("ref", "y"))


HYPHEN = "7: the value of [ref] begins with a hyphen and would be read as an option; give another"
EVALUATED = "7: [ref] stands where a shell evaluates its value (backticks, arithmetic, $'…'); rewrite that command"
CODE = "7: [ref] stands in code that another program reads; only letters, digits and _.:/@+=,%- can be given"
LINE = "7: the value of [ref] holds a line break, which could end the here-document; give it on one line"
HOST = "7: [ref] stands in the host of a URL; give a host name or a part of one"
DOTS = "7: the value of [ref] is dots, which lead elsewhere in a path; give another"
BREAK = "7: the value of [ref] holds a line break or control character; give it without"
JSON = "7: [ref] stands in a JSON string; give a value without quotes, backslashes and control characters"


@pytest.mark.parametrize(
    ("text", "value", "message"),
    [
        ("tool [ref]", "-rf", HYPHEN),
        ('tool "[ref]"', "--all", HYPHEN),
        ("tool $REF", "-a", HYPHEN),
        ("tool [ref]", "a\0b", "7: the value of [ref] holds a NUL character; give it without"),
        ("[ref] --now", "id", "7: [ref] stands where the program's name stands; name the program in the document"),
        ("tool `other [ref]`", "a", EVALUATED),
        ("tool $(( $REF + 1 ))", "a[0]", EVALUATED),
        ("cat <<EOF\n[ref]\nEOF", "a\nEOF\nid", LINE),
        ("psql $DB_URL -c \"SELECT f('[ref]')\"", "1'); SELECT 2; --", CODE),
        ("psql <<EOF\nSELECT '[ref]'\nEOF", "1'", CODE),
        ("echo \"SELECT '[ref]'\" | psql", "1'", CODE),
        ("ssh web-1 'tail [ref]'", "a; b", CODE),
        ("sudo -u x sh -c 'tail [ref]'", "a--b", CODE),
        ("curl https://[ref].example/", "evil.example/", HOST),
        ("curl https://api-[ref].example/", "u@evil", HOST),
        ('curl -d \'{"id": "[ref]"}\' a.example', 'a", "admin": "1', JSON),
        ('sh -c "$(tool [ref])"', "a; b", CODE),
        ("curl https://a.example/[ref]/x", "..", DOTS),
        ("curl -H 'X: [ref]' a.example", "a\r\nb: c", BREAK),
        ("curl 'https://a.example/?q=[ref]'", "a\nb", BREAK),
        ("curl -F 'f=[ref];type=x' a.example", "a;b", "7: [ref] stands in a part of a form; give a value without"),
        ("curl -b 'a=[ref]' a.example", "1; b=2", "7: [ref] stands in a cookie; give a value without semicolons,"),
        ("curl https://a.example/$REF", "a b", "7: [ref] stands in an address; give letters, digits and -._~ only"),
        ("curl -d [ref] a.example", "@/etc/passwd", "7: the value of [ref] would make curl read a file; give another"),
    ],
)
def test_values_that_would_be_more_than_a_value(text: str, value: str, message: str) -> None:
    statement = made(text)
    with pytest.raises(RunbookError) as error:
        render(
            statement, "bash", {p.name: value if p.name == "ref" else "postgres://h/d" for p in statement.placeholders}
        )
    assert str(error.value).startswith(message)


def test_harmless_values_are_taken_even_in_code() -> None:
    text = 'psql $DATABASE_URL -c "SELECT pg_terminate_backend(PID)"'
    found = render(made(text), "bash", {"database-url": "postgres://u:p@h/d?sslmode=require&x=y", "pid": "42"})
    assert found.text == 'psql "$DATABASE_URL" -c "SELECT pg_terminate_backend(42)"'


def words(text: str) -> list[str]:
    """The kinds of everything that bash sees in a text, but for how a word is quoted."""
    quoting = {"word", "raw_string", "string", "string_content", "concatenation", "number", '"', "escape_sequence"}
    found: list[str] = []

    def walk(node: Node) -> None:
        if node.type in {"concatenation", "string", "raw_string", "word", "number"}:
            found.append("word")
            found.extend(n.type for n in descend(node) if n.type not in quoting)
            return
        found.append(node.type)
        for child in node.children:
            walk(child)

    walk(BASH.parse(text.encode()).root_node)
    return found


def descend(node: Node) -> list[Node]:
    return [inner for child in node.children for inner in (child, *descend(child))]


@pytest.mark.parametrize(
    "text",
    [
        "tool one [ref] two",
        "tool --x=[ref] two",
        'tool "a [ref] b" two',
        "tool 'YOUR_X' two",
        "tool <ref> | wc",
        "a [ref]; b [ref] && c",
        "tool {{ ref }} > f",
    ],
)
@given(value=HOSTILE)
def test_no_value_changes_what_bash_sees(text: str, value: str) -> None:
    statement = made(text)
    names = [p.name for p in statement.placeholders]
    try:
        wild = render(statement, "bash", dict.fromkeys(names, value))
    except RunbookError:
        return
    if wild.missing:
        return
    calm = render(statement, "bash", dict.fromkeys(names, "calm"))
    assert words(wild.text) == words(calm.text)


@given(value=HOSTILE)
def test_a_value_arrives_as_it_is(value: str) -> None:
    try:
        found = render(made("tool one [ref] 'p YOUR_X q'"), "bash", {"ref": value, "your-x": value})
    except RunbookError:
        assert value.startswith("-")
        return
    if not found.missing:
        assert shlex.split(found.text) == ["tool", "one", value, f"p {value} q"]


def test_what_looks_like_a_placeholder_in_a_value_stays_text() -> None:
    found = render(made("tool [a-name] [b-name]"), "sh", {"a-name": "[b-name]", "b-name": "v"})
    assert found.text == "tool '[b-name]' v"


def test_languages_without_a_place_for_values_refuse_them() -> None:
    with pytest.raises(
        RunbookError, match=r"^7: \[id\] stands in a block of python, which takes no values; write it out$"
    ):
        render(made("print({{ id }})", "python"), "python", {"id": "1"})
    assert render(made("print(1)", "python"), "python", {}).text == "print(1)"
