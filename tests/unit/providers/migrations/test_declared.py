"""What statements make, drop, rename and lose; what a migration leaves behind; what is proposed: by their text."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutch.providers.migrations.alembic import ancestors, in_order, script
from hutch.providers.migrations.client import MigrationsError
from hutch.providers.migrations.declared import Key, Op, loses, operations
from hutch.providers.migrations.expected import made_by, wanted
from hutch.providers.migrations.files import sql_file
from hutch.providers.migrations.listing import rows_of
from hutch.providers.migrations.proposal import by_hand
from hutch.providers.migrations.words import Unreadable, statements


def told(text: str) -> list[str]:
    ops = [op for statement in statements(text) for op in operations(statement)]
    return [f"{op.verb} {op.key}{f' -> {op.to}' if op.to else ''}{'?' if op.unsure else ''}" for op in ops]


@pytest.mark.parametrize(
    ("text", "ops"),
    [
        ("create unlogged table if not exists App.X (Id int)", ["make table app.x?", "make column app.x.id?"]),
        ("create table x (like y, unique (id), constraint c check (true))", ["make table x", "make constraint x.c"]),
        ("create table x as select 1", ["make table x"]),
        ("create table x partition of y for values from (1) to (2)", ["make table x"]),
        ("create temp table x (id int)", []),
        ("create unique index concurrently if not exists i on only app.x (lower(a))", ["make index app.i?"]),
        ("create index on x (a)", []),
        ("create type mood as enum ('a')", ["make type mood"]),
        ("create domain d as text", ["make type d"]),
        ("alter type mood add value if not exists 'It''s' before 'a'", ["make value mood.\"It's\"?"]),
        ("create or replace view v as select 1", ["make view v?"]),
        ("create materialized view v as select 1", ["make view v"]),
        ("create or replace function f(a int) returns int language sql as $$ select 1; $$", ["make function f?"]),
        ("create function f() returns int begin atomic select 1; select case when true then 1 end; end",
         ["make function f"]),
        ("create trigger t before insert on app.x for each row execute function f()", ["make trigger app.x.t"]),
        ("create policy p on x using (true)", ["make policy x.p"]),
        ("create extension if not exists \"uuid-ossp\"", ['make extension "uuid-ossp"?']),
        ("alter table only x add column if not exists a int, add b text, add constraint c check (a > 0) not valid,"
         " drop column if exists z, alter column q set not null, add primary key (a)",
         ["make column x.a?", "make column x.b", "make constraint x.c", "drop column x.z?", "make not null x.q?"]),
        ("alter table x drop constraint c cascade, rename to y", ["drop constraint x.c"]),
        ("alter table x rename to y", ["rename table x -> y"]),
        ("alter table x rename a to b", ["rename column x.a -> b"]),
        ("alter table x rename constraint a to b", ["rename constraint x.a -> b"]),
        ("alter table x set schema s", ["rename table x -> s.x"]),
        ("alter index i rename to j", ["rename index i -> j"]),
        ("alter type mood rename value 'a' to 'b'", ["rename value mood.a -> b"]),
        ("drop table if exists a, App.\"B c\" cascade", ["drop table a?", 'drop table app."B c"?']),
        ("drop index concurrently i, j", ["drop index i", "drop index j"]),
        ("drop trigger t on x", ["drop trigger x.t"]),
        ("drop function f(int, text)", ["drop function f"]),
        ("insert into x select 'create table y (id int)'", []),
        ("do $$ begin create table y (id int); end $$", []),
        ("create table a.b.c (id int)", []),
        ("create", []), ("alter table", []), ("drop index", []), ("alter table x add constraint", []),
    ],
)  # fmt: skip
def test_what_a_statement_does(text: str, ops: list[str]) -> None:
    assert told(text) == ops


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("drop table a", "drops table a"),
        ("alter table a drop column b, drop c", "drops column a.b, column a.c"),
        ("drop schema s cascade", "drops schema s"),
        ("drop type mood", "drops type mood"),
        ("truncate a", "empties a table"),
        ("delete from a", "deletes rows"),
        ("update a set b = 1", "overwrites rows"),
        ("alter table a alter column b type int", "changes a column's type"),
        ("do $$ begin end $$", "runs code that can't be told"),
        ("drop index i", ""),
        ("drop view v", ""),
        ("alter table a drop constraint c", ""),
        ("create table a (id int)", ""),
    ],
)
def test_what_a_statement_loses(text: str, lost: str) -> None:
    [statement] = statements(text)
    assert loses(statement) == lost


def left(own: str, later: str = "", before: str = "") -> list[str]:
    def ops(text: str) -> list[Op]:
        return [op for s in statements(text) for op in operations(s)]

    numbered = [(n, op) for n, s in enumerate(statements(own)) for op in operations(s)]
    found = wanted(numbered, ops(later), made_by(ops(before)))
    return sorted(f"{w}{'' if w.sure else '?'}" for w in found)


def test_what_a_migration_leaves_behind() -> None:
    assert left("create table a (id int); drop table a") == []
    assert left("create table a (id int); alter table a rename to b") == ["column b.id", "table b"]
    assert left("create table a (id int)", "alter table a rename to b") == ["column b.id", "table b"]
    assert left("create table s.a (id int)", "alter table s.a rename column id to key") == [
        "column s.a.key",
        "table s.a",
    ]
    assert left("create index i on a (id)", "drop table a") == []
    assert left("alter table a add column b int", "alter table a drop column b") == []
    assert left("create table a (id int)", before="create table a (id int)") == ["column a.id?", "table a?"]
    assert left("drop table a", before="create table a (id int)") == ["table a dropped"]
    assert left("drop table a") == ["table a dropped?"]
    assert left("drop table a", "create table a (id int)", "create table a (id int)") == []
    assert left("drop index i; create index i on a (x)", before="create index i on a (y)") == ["index i?"]
    assert left("alter table a rename to b", before="create table a (id int)") == ["table a dropped", "table b"]
    assert left("alter type m add value 'x'", "alter type m rename to n") == ["value n.x"]


def proposals(text: str, states: dict[str, str]) -> list[str]:
    file = sql_file("1", "x", text)
    every = wanted(file.operations)
    missing = [w for w in every if states.get(str(w.key), "missing") != "there"]
    return list(by_hand(file, missing, {w.key: states.get(str(w.key), "missing") for w in every}, []))


def test_what_is_proposed_is_only_what_is_missing_in_its_safe_form() -> None:
    assert proposals("create table a (id int); create index i on a (id)", {}) == [
        "create table IF NOT EXISTS a (id int);",
        "create index i on a (id);",
    ]
    assert proposals("create index i on a (id)", {}) == ["create index CONCURRENTLY i on a (id);"]
    assert proposals("alter table a add b int, add c int -- why\n", {"column a.b": "there"}) == [
        "alter table a ADD COLUMN IF NOT EXISTS c int;"
    ]
    assert proposals("alter table a add constraint c check (b > 0)", {}) == [
        "alter table a add constraint c check (b > 0) NOT VALID;",
        "alter table a VALIDATE CONSTRAINT c;",
    ]
    assert proposals("create unique index concurrently i on a (b)", {"index i": "invalid"}) == [
        "DROP INDEX CONCURRENTLY i;",
        "create unique index concurrently i on a (b);",
    ]
    assert proposals("alter type m add value 'it''s'", {}) == ["alter type m add value IF NOT EXISTS 'it''s';"]


@pytest.mark.parametrize("text", ["select 'x", "select $a$ x", "/* x", "create table x (a int, b", 'select "x'])
def test_a_text_that_is_cut_off_is_told(text: str) -> None:
    with pytest.raises(Unreadable, match="is the file cut off"):
        statements(text)


@given(st.text(max_size=300) | st.text("create table xyz();'\"$-/*,.\n 1alter add column drop", max_size=300))
def test_no_text_makes_it_fail(text: str) -> None:
    try:
        found = statements(text)
    except Unreadable:
        return
    for statement in found:
        assert statement.bare()
        loses(statement)
        assert all(isinstance(op.key, Key) and op.key.whole for op in operations(statement))


@given(st.text(max_size=200) | st.text('revision="1"\ndef upgrade():\n op.create_table("x")(),=', max_size=200))
def test_no_script_and_no_listing_makes_it_fail(text: str) -> None:
    script("x", text)
    with suppress(MigrationsError):
        rows_of(text)


def test_alembic_s_order_is_that_of_the_revisions() -> None:
    def one(name: str, revision: str, down: str) -> str:
        return f'revision = "{revision}"\ndown_revision = {down}\n'

    texts = [("z", "a1", "None"), ("a", "b2", '"a1"'), ("m", "c3", '"a1"'), ("b", "d4", '("b2", "c3")')]
    files = [script(f"{r}_{n}", one(n, r, d)) for n, r, d in texts]
    known = [f for f in files if f is not None]
    assert [f.version for f in in_order(known)] == ["a1", "b2", "c3", "d4"]
    assert ancestors(known, ["c3"]) == {"a1", "c3"}
    circle = [f for f in (script("x", one("x", "x", '"y"')), script("y", one("y", "y", '"x"'))) if f]
    assert {f.version for f in in_order(circle)} == {"x", "y"}
