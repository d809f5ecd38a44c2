"""What is told of a usual statement by its tokens alone is what its tree says, word for word."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hutch.effect import sqlplain, sqltree
from hutch.effect.sqlwords import Alien, Token, statements, tokens

NAMES = (
    "id", "pid", "email", "state", "query", "password", "user_id", "t.id", "u.email", "users", "audit_logs", "version",
    "action", "owner", "value", "order_no", "name", "type", "date", "next", "only", "kind", "hint", "first", "current",
    "local", "global", "window_id", "final", "temporary", "percent", "ties", "ordinality", "struct", "unit", "second",
)  # fmt: skip
TABLES = ("users", "pg_stat_activity", "public.audit_logs", "orders as o", "sessions as s", "rows", "final", "lateral")
CALLS = ("now", "count", "sum", "max", "pg_size_pretty", "pg_relation_size", "lower", "coalesce", "date_trunc", "age",
         "extract", "round", "left", "any", "if", "trim", "pg_backend_pid", "substring", "position")  # fmt: skip
COMPARED = (" = ", " <> ", " > ", "<=", " != ")
JOINED = (" and ", " or ", "\nAND ")


def _sums(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, min_size=1, max_size=3).flatmap(
        lambda found: st.sampled_from([" + ", " - ", "*", " / ", "||"]).map(lambda op: op.join(found))
    )


def _calls(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    called = st.builds("{}({})".format, st.sampled_from(CALLS), st.lists(inner, max_size=2).map(", ".join))
    counted = st.sampled_from(["count(*)", "count(distinct email)", "count(u.email)", "sum(distinct id)"])
    return called | counted | inner.map("({})".format)


LEAVES = st.sampled_from(
    [*NAMES, "'x'", "'%'", "'a''b'", "1", "2.50", "null", "true", "interval '5 minutes'", "''", "$1"]
)
VALUES = st.recursive(LEAVES, lambda inner: _calls(_sums(inner)), max_leaves=4)
SUMS = _sums(VALUES)
TESTS = st.one_of(
    st.builds("{}{}{}".format, SUMS, st.sampled_from(COMPARED), SUMS),
    st.builds("{} between {} and {}".format, SUMS, SUMS, SUMS),
    st.builds("{} {} ({})".format, SUMS, st.sampled_from(["in", "not in"]), st.lists(SUMS, min_size=1).map(", ".join)),
    st.builds("{} {} 'a%'".format, SUMS, st.sampled_from(["like", "not like", "ilike"])),
    st.builds("{} is {}".format, SUMS, st.sampled_from(["null", "not null", "true", "not false"])),
    SUMS,
).flatmap(lambda test: st.sampled_from([test, f"not {test}"]))
CONDITIONS = st.recursive(
    TESTS,
    lambda inner: st.builds("{}{}{}".format, inner, st.sampled_from(JOINED), inner) | inner.map("({})".format),
    max_leaves=3,
)
ITEMS = st.one_of(
    st.just("*"), CONDITIONS, SUMS, st.builds("{} as {}".format, SUMS, st.sampled_from(NAMES)), SUMS.map("{} x".format)
)
ENDS = st.sampled_from(["", " limit 10", " limit 5 offset 2", " offset 1", " for update", " limit all", " limit null"])
QUERIES = st.builds(
    "select {}{} from {}{}{}{}{}{}".format,
    st.sampled_from(["", "distinct "]),
    st.lists(ITEMS, min_size=1, max_size=3).map(", ".join),
    st.sampled_from(TABLES),
    st.just("") | CONDITIONS.map(" where {}".format),
    st.just("") | SUMS.map(" group by {}".format),
    st.just("") | CONDITIONS.map(" having {}".format),
    st.just("") | st.builds(" order by {}{}".format, SUMS, st.sampled_from(["", " desc", " asc, 2", " nulls last"])),
    ENDS,
) | st.lists(ITEMS, min_size=1, max_size=2).map(lambda items: f"select {', '.join(items)}")
COLUMNS = st.sampled_from([name for name in NAMES if "." not in name])
FIRST = st.sampled_from(["id = 1", "state = 'x'", "1 = 1", "id = id", "id > 2", "true", "state like '%'", "id = $1"])
MORE = st.sampled_from(JOINED)
ROWS = st.lists(st.lists(SUMS, min_size=1, max_size=2).map(", ".join).map("({})".format), min_size=1, max_size=2)
WRITES = st.one_of(
    st.builds("update {} set {} = {} where {}".format, COLUMNS, COLUMNS, SUMS, FIRST),
    st.builds("update {} set {} = {} where {}{}{}".format, COLUMNS, COLUMNS, SUMS, FIRST, MORE, TESTS),
    st.builds("update {} set {} = {}".format, COLUMNS, COLUMNS, SUMS),
    COLUMNS.map("delete from {}".format),
    st.builds("delete from {} where {}{}{}".format, COLUMNS, FIRST, MORE, CONDITIONS),
    st.builds("insert into {} ({}) values {}".format, COLUMNS, COLUMNS, ROWS.map(", ".join)),
)
TYPES = ("bigint", "boolean", "date", "int", "integer", "json", "jsonb", "smallint", "text", "timestamp", "timestamptz",
         "uuid", "varchar", "varchar(20)", "numeric(4, 2)", "mood", "text[]", "double precision", "serial")  # fmt: skip
DEFAULTS = ("", " default 'x'", " default 3", " default true", " default null", " default now()", " default a",
            " default f()", " default 'a' || 'b'", " default (select 1)", " default 'a' using 1")  # fmt: skip
ADDED = st.builds(
    "alter table {}{} add column {}{} {}{}{}{}{}".format,
    st.sampled_from(["", "if exists ", "only "]),
    COLUMNS,
    st.sampled_from(["", "if not exists "]),
    COLUMNS,
    st.sampled_from(TYPES),
    st.sampled_from(["", " not null", " null"]),
    st.sampled_from(DEFAULTS),
    st.just("") | st.builds(" references {}({})".format, COLUMNS, COLUMNS),
    st.sampled_from(["", "", ", drop column b", " primary key", " on delete cascade"]),
)


def _tokens(text: str) -> list[Token]:
    try:
        return statements(tokens(text))[0]
    except Alien:
        return []


@settings(max_examples=100)
@given(QUERIES)
def test_a_usual_query_is_told_as_its_tree_tells_it(text: str) -> None:
    found = _tokens(text)
    told = sqlplain.shows_persons(text, found) if found else None
    if told is not None:
        tree = sqltree.parse(text)
        assert tree is not None
        assert sqltree.stranger(tree) is None
        assert sqltree.written(tree) == []
        assert sqltree.personal(tree) is told


@settings(max_examples=60)
@given(WRITES | ADDED)
def test_a_usual_write_is_told_as_its_tree_tells_it(text: str) -> None:
    found = _tokens(text)
    if found and (told := sqlplain.write(text, found)):
        tree = sqltree.parse(text)
        assert tree is not None
        assert [(v.effect, v.why) for v in sqltree.written(tree)] == [(told.effect, told.why)]


@pytest.mark.parametrize(
    "text",
    [
        "select state, count(*) as n from pg_stat_activity where state != 'idle' group by state having count(*) > 5",
        "select pg_size_pretty(pg_relation_size(schemaname||'.'||tablename)) as size from pg_tables order by size",
        "select * from logs where at > now() - interval '24 hours' and kind in ('a', 'b') order by at desc limit 10",
    ],
)
def test_what_people_write_needs_no_tree(text: str) -> None:
    assert sqlplain.shows_persons(text, _tokens(text)) is False


@pytest.mark.parametrize(
    "text",
    [
        "select a from t for update",
        "select a into b from t",
        "select a from t union select b from u",
        "select (select a from t)",
        "select a::text from t",
        "select a /* b */ from t",
        "select s.f(a) from t as s",
        'select "f"(a) from t',
        "select a from only (t)",
        "select a from t where b = any(c)",
        "select extract(epoch from a) from t",
        "select " + "(" * 20 + "a" + ")" * 20,
    ],
)
def test_what_is_not_usual_is_left_to_the_tree(text: str) -> None:
    assert sqlplain.shows_persons(text, _tokens(text)) is None


@pytest.mark.parametrize(
    "text",
    [
        "delete from sessions",
        "update sessions set seen = 1",
        "delete from sessions where id = $1",
        "alter table portfolios add column if not exists visibility varchar(20) default 'public'",
        "alter table portfolios add column deleted_by uuid references users(id)",
    ],
)
def test_what_people_write_to_change_rows_needs_no_tree(text: str) -> None:
    told, tree = sqlplain.write(text, _tokens(text)), sqltree.parse(text)
    assert tree is not None
    assert [told] == sqltree.written(tree)


@pytest.mark.parametrize(
    "text",
    [
        "alter table a add column b text, drop column c",
        "alter table a drop column b",
        'alter table "a" add column b text',
        "alter table a add column b text default f()",
        "alter table a /* c */ add column b text",
        "alter table a alter column b type text using 'x'",
        "delete from only a",
        "delete from a using b",
        "update a set b = 1 from c",
    ],
)
def test_a_write_that_is_not_usual_is_left_to_the_tree(text: str) -> None:
    assert sqlplain.write(text, _tokens(text)) is None
