"""A database whose whole state is one digest: to show that a statement left everything as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from rolerabbit.embedded.postgres import Postgres

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
  union all select concat('transactions ', pg_snapshot_xmax(pg_current_snapshot()))
  union all select concat('namespace ', nspname) from pg_namespace
  union all select concat('temporary ', count(*)) from pg_class where relpersistence = 't'
  union all select concat('extension ', extname, extversion) from pg_extension
  union all select concat('statistics ', count(*), sum(stanumbers1[1])) from pg_statistic
  union all select concat('description ', count(*)) from pg_description where objoid >= 16384
  union all select concat('file ', name) from pg_ls_dir('.') name where name not like 'postmaster%'
  union all select concat('snapshot ', name) from pg_ls_dir('pg_snapshots') name
  union all select concat('statements ', stats_reset) from pg_stat_statements_info
  union all select concat('session ', pid) from pg_stat_activity where backend_type = 'client backend'
) parts(part)
"""


@dataclass(frozen=True, slots=True)
class World:
    """``runner`` executes as a superuser, outside a READ ONLY transaction; ``watcher`` looks from outside."""

    runner: psycopg.Connection
    watcher: psycopg.Connection

    def run(self, statement: str) -> None:
        """By the extended protocol, as reads are run. Raises :class:`psycopg.Error`."""
        with self.runner.cursor(binary=True) as cursor:
            if statement.lower().startswith("copy"):
                with cursor.copy(statement.encode()) as copied:
                    list(copied)
            else:
                cursor.execute(statement.encode())

    def digest(self) -> tuple[object, ...]:
        """What there is: it differs when a statement changed anything."""
        own = [self.runner.execute(query).fetchone() for query in OWN]
        return (*own, self.watcher.execute(DIGEST.encode()).fetchone())


OWN = (
    "select md5(string_agg(name || setting, '|' order by name)) from pg_settings",
    "select count(*) from pg_listening_channels()",
    "select count(*) from pg_prepared_statements where from_sql",
    "select count(*) from pg_cursors where name not in ('')",
    "select current_user, session_user, pg_backend_pid(), pg_my_temp_schema()",
)
"""Of the running session."""


@contextmanager
def world() -> Iterator[World]:
    """A server of its own, without autovacuum, so that nothing but the statements uses transactions."""
    with (
        Postgres.temporary(autovacuum="off") as server,
        psycopg.connect(server.url, autocommit=True) as runner,
        psycopg.connect(server.url, autocommit=True) as watcher,
    ):
        runner.execute(SCHEMA.encode())
        runner.execute("set statement_timeout = '2s'")
        yield World(runner, watcher)
