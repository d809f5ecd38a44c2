"""Generated statements, harm composed into reading ones: what is called a read leaves a real Postgres as it was."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from database_world import World, world
from hutch.effect import classify_sql
from hutch.effect.functions import readers, reads
from hutch.effect.tables import words
from hutch.model.effect import Effect

GRAMMAR = tomllib.loads((Path(__file__).parents[2] / "data" / "effect" / "grammar.toml").read_text("utf-8"))["sql"]
TRAPS = """
create type mood as enum ('x'); create type mood_row as (m mood);
create function trap() returns table (a int) language sql as 'insert into u values (4, 4, ''t''); select 1';
create function plus(int, int) returns int language sql as 'insert into u values ($1, $2, ''p''); select $1';
create operator +@+ (leftarg = int, rightarg = int, function = plus);
create function f(t) returns int language sql as 'insert into u values (1, 1, ''r''); select 1';
create view noisy as select f(1) as a;
select nextval('s');
"""
"""Beside what the digest's world has. A view and ``t.f`` call what nobody can tell from the statement: see KNOWN."""
KNOWN = ("noisy", "t.f")
"""The database's own definitions, hidden behind a plain name: against these stand READ ONLY and the login's rights."""


def either(draw: st.DrawFn, kind: str, harms: int) -> str:
    """A piece of the kind, a harming one once in ``harms``; expressions in it are drawn too."""
    harming = f"harming_{kind}" if f"harming_{kind}" in GRAMMAR else "harming"
    pool: Sequence[str] = GRAMMAR[harming] if draw(st.integers(1, harms)) == 1 else GRAMMAR[kind]
    return draw(st.sampled_from(pool))


def expression(draw: st.DrawFn, depth: int) -> str:
    if depth == 0 or draw(st.integers(0, 2)) == 0:
        return str(draw(st.sampled_from(GRAMMAR["columns"] + GRAMMAR["literals"])))
    return filled(draw, either(draw, "reading", 12), depth - 1)


def filled(draw: st.DrawFn, template: str, depth: int) -> str:
    parts = template.split("@")
    return parts[0] + "".join(expression(draw, depth) + part for part in parts[1:])


@st.composite
def statements(draw: st.DrawFn) -> str:
    items = ", ".join(expression(draw, 2) for _ in range(draw(st.integers(1, 2))))
    head = either(draw, "ctes", 6) if draw(st.integers(0, 4)) == 0 else ""
    source = filled(draw, either(draw, "sources", 12), 1)
    query = f"{head}select {items} from {source} {filled(draw, either(draw, 'tails', 12), 1)}".rstrip()
    return respelled(draw, either(draw, "wrappers", 12).replace("@", query))


def respelled(draw: st.DrawFn, text: str) -> str:
    """The text as it is, in capitals, or with other blanks: all the same to Postgres."""
    match draw(st.integers(0, 7)):
        case 0 if not any(mark in text for mark in "'\"$"):
            return text.upper()
        case 1:
            return text.replace(" from ", "\n\tfrom/* ; */ ")
        case _:
            return text


@pytest.fixture(scope="module")
def database() -> Iterator[World]:
    with world() as made:
        for statement in TRAPS.strip().splitlines():
            made.runner.execute(statement.encode())
        yield made


def attempt(database: World, statement: str) -> bool:
    """Whether the statement ran; that it does not is no matter, as long as nothing changes."""
    try:
        database.run(statement)
    except psycopg.Error:
        return False
    return True


def check(database: World, texts: Sequence[str]) -> int:
    """Runs the reads among the texts and compares what there is before and after; how many did run."""
    called = [t for t in texts if classify_sql(t).effect is Effect.READ and not any(k in t.lower() for k in KNOWN)]
    before = database.digest()
    ran = sum(attempt(database, text) for text in called)
    if database.digest() != before:
        raise AssertionError(f"called reads, and one changed something: {_culprits(database, called)}")
    return ran


def _culprits(database: World, texts: Sequence[str]) -> list[str]:
    found = []
    for text in texts:
        before = database.digest()
        attempt(database, text)
        if database.digest() != before:
            found.append(text)
    return found or list(texts)


QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
BATCH = st.lists(statements(), min_size=20, max_size=20)


@QUICK
@given(BATCH)
def test_what_is_called_a_read_changes_nothing(database: World, texts: list[str]) -> None:
    check(database, texts)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@LONG
@given(BATCH)
def test_what_is_called_a_read_changes_nothing_at_length(database: World, texts: list[str]) -> None:
    check(database, texts)


def test_the_grammar_makes_reads_that_run_and_harm_that_is_seen(database: World) -> None:
    plain = [f"select {piece.replace('@', '1')} from t" for piece in GRAMMAR["reading"]]
    assert check(database, plain) > len(plain) / 2
    for piece in GRAMMAR["harming"]:
        assert classify_sql(f"select {piece} from t").effect >= Effect.CHANGE or piece in KNOWN, piece


def test_a_read_may_call_only_what_the_catalogue_calls_stable_or_we_have_looked_at(database: World) -> None:
    rows = database.watcher.execute("select proname, provolatile from pg_proc").fetchall()
    looked_at = words("functions", "read", "volatile") | words("functions", "read", "extensions")
    volatile = {name for name, kind in rows if kind == "v" and reads(name)}
    assert {name for name in volatile if name not in looked_at and not name.startswith("pg_stat_get_")} == set()
    assert len(readers() & {name for name, _ in rows}) > 600
