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

from hutch.effect import classify_sql
from hutch.model.effect import Effect
from rolerabbit.embedded.postgres import Postgres

DATA = Path(__file__).parents[2] / "data" / "effect"
SCHEMA = """
create table t (a int, b int, c bool, d int, e text, f int, g int, h bool, j jsonb, x int, y text, z text);
insert into t select i, i, true, i, 'e', i, i, true, '{"a": {"b": 1}}', i, 'y', 'z' from generate_series(1, 20) i;
create table u (a int, b int, c text); insert into u values (1, 2, 'x');
create table users (id serial primary key, status text, email text); insert into users (status) values ('new');
create table audit_logs (user_id int, action text, created_at timestamptz default now());
create table security_logs (ip_address inet, event_type text, created_at timestamptz default now());
create sequence s; create extension pg_stat_statements; create extension dblink;
create function f(int) returns int language sql as 'insert into u values ($1, $1, $1::text); select $1';
"""
DIGEST = """
select md5(string_agg(part, '|' order by part)) from (
  select concat('class ', oid, relname, relkind, relfilenode, relacl) from pg_class
    where relnamespace = 'public'::regnamespace
  union all select concat('proc ', oid, proname, prosrc) from pg_proc where pronamespace = 'public'::regnamespace
  union all select concat('attribute ', attrelid, attname, atttypid) from pg_attribute where attrelid > 16384
  union all select concat('row t ', ctid, xmin, xmax, t) from t
  union all select concat('row u ', ctid, xmin, xmax, u) from u
  union all select concat('row users ', ctid, xmin, xmax, users) from users
  union all select concat('sequence ', last_value, is_called) from s
  union all select concat('sequence ', last_value, is_called) from users_id_seq
  union all select concat('setting ', name, setting) from pg_settings
  union all select concat('role ', rolname) from pg_roles
  union all select concat('database ', datname) from pg_database
  union all select concat('slot ', slot_name) from pg_replication_slots
  union all select concat('large object ', oid) from pg_largeobject_metadata
  union all select concat('prepared ', gid) from pg_prepared_xacts
  union all select concat('advisory ', objid) from pg_locks where locktype = 'advisory'
  union all select concat('conf ', pg_conf_load_time())
  union all select concat('reset ', stats_reset) from pg_stat_database where datname = current_database()
  union all select concat('session ', pid) from pg_stat_activity where backend_type = 'client backend'
) parts(part)
"""


def reads() -> list[str]:
    lines = [
        line.replace("⏎", "\n")
        for effect in ("read", "change", "destroy")
        for line in (DATA / f"sql-{effect}.txt").read_text("utf-8").splitlines()
    ]
    return [x for x in lines if not x.startswith(("## ", "\\")) and classify_sql(x).effect is Effect.READ]


@pytest.fixture(scope="module")
def database() -> Iterator[tuple[psycopg.Connection, psycopg.Connection]]:
    """The connection that runs statements, and the one that watches."""
    with (
        Postgres.temporary() as pg,
        psycopg.connect(pg.url, autocommit=True) as runner,
        psycopg.connect(pg.url, autocommit=True) as watcher,
    ):
        runner.execute(SCHEMA.encode())
        runner.execute("set statement_timeout = '5s'")
        yield runner, watcher


def run(runner: psycopg.Connection, statement: str) -> None:
    with runner.cursor(binary=True) as cursor:
        if statement.startswith("copy"):
            with cursor.copy(statement.encode()) as copied:
                list(copied)
        else:
            cursor.execute(statement.encode())


def digest(runner: psycopg.Connection, watcher: psycopg.Connection) -> tuple[object, ...]:
    own = runner.execute("select md5(string_agg(name || setting, '|' order by name)) from pg_settings").fetchone()
    listening = runner.execute("select count(*) from pg_listening_channels()").fetchone()
    prepared = runner.execute("select count(*) from pg_prepared_statements where from_sql").fetchone()
    cursors = runner.execute("select count(*) from pg_cursors where name not in ('')").fetchone()
    return own, listening, prepared, cursors, watcher.execute(DIGEST.encode()).fetchone()


@pytest.mark.parametrize("statement", reads())
def test_a_read_changes_nothing(database: tuple[psycopg.Connection, psycopg.Connection], statement: str) -> None:
    runner, watcher = database
    before = digest(runner, watcher)
    try:
        run(runner, statement)
    except psycopg.Error as error:
        assert "timeout" not in str(error)
    assert digest(runner, watcher) == before


def test_most_of_the_reads_do_run(database: tuple[psycopg.Connection, psycopg.Connection]) -> None:
    runner, _ = database
    failed = []
    for statement in reads():
        try:
            run(runner, statement)
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
def test_the_digest_sees_harm(database: tuple[psycopg.Connection, psycopg.Connection], harm: str) -> None:
    runner, watcher = database
    before = digest(runner, watcher)
    runner.execute(harm.encode())
    if "reload" in harm:
        runner.execute("select pg_sleep(0.3)")
    assert digest(runner, watcher) != before
    assert classify_sql(harm).effect >= Effect.CHANGE
