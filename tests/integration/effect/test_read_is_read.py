"""Every statement of the corpora that we call a read leaves a real Postgres as it was.

Compared before and after each statement: the definitions, the rows, the sequences, the settings, the large objects,
the locks, prepared transactions, listeners and the sessions. A statement that fails proves as much: what it did first
would show. The statements run outside a READ ONLY transaction, so that nothing but the classification protects.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from database_world import World, world
from hutch.effect import classify_sql
from hutch.model.effect import Effect

DATA = Path(__file__).parents[2] / "data" / "effect"


def reads() -> list[str]:
    lines = [
        line.replace("⏎", "\n")
        for effect in ("read", "change", "destroy")
        for line in (DATA / f"sql-{effect}.txt").read_text("utf-8").splitlines()
    ]
    return [x for x in lines if not x.startswith(("## ", "\\")) and classify_sql(x).effect is Effect.READ]


@pytest.fixture(scope="module")
def database() -> Iterator[World]:
    with world() as made:
        yield made


@pytest.mark.parametrize("statement", reads())
def test_a_read_changes_nothing(database: World, statement: str) -> None:
    before = database.digest()
    try:
        database.run(statement)
    except psycopg.Error as error:
        assert "timeout" not in str(error)
    assert database.digest() == before


def test_most_of_the_reads_do_run(database: World) -> None:
    failed = []
    for statement in reads():
        try:
            database.run(statement)
        except psycopg.Error as error:
            failed.append(f"{statement}: {error}")
    assert len(failed) < len(reads()) / 4, "\n".join(failed)


HARMS = """
insert into u values (1)
select nextval('s')
select f(7)
select pg_advisory_lock(1)
set work_mem = '8MB'
select lo_create(0)
listen x
create view v as select 1
prepare p as select 1
select 1 into n
select * from t for update
select pg_reload_conf()
"""


@pytest.mark.parametrize("harm", HARMS.strip().splitlines())
def test_the_digest_sees_harm(database: World, harm: str) -> None:
    before = database.digest()
    database.runner.execute(harm.encode())
    if "reload" in harm:
        database.runner.execute("select pg_sleep(0.3)")
    assert database.digest() != before
    assert classify_sql(harm).effect >= Effect.CHANGE
