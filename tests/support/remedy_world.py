"""A small shop with everything wrong in it: for each remedy its fault, and what is true once it is cured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from rolerabbit.embedded.postgres import Postgres

ROLES = """
create role app login password 'app-word';
create role watcher login password 'watcher-word';
grant pg_monitor to watcher;
create role operator login createrole replication password 'operator-word';
grant pg_monitor, pg_signal_backend to operator;
create role shop_owner login password 'shop_owner-word';
grant app to operator with admin option;
alter role operator set log_statement = 'all';
alter role shop_owner set log_statement = 'all';
"""
SCHEMA = """
drop schema if exists shop cascade;
create schema shop authorization shop_owner;
set role shop_owner;
create table shop.orders (id serial primary key, customer int, note text) with (autovacuum_enabled = off);
insert into shop.orders (customer, note) select n % 100, 'note ' || n from generate_series(1, 5000) n;
create table shop.customers (id int primary key);
insert into shop.customers select generate_series(0, 99);
alter table shop.orders add constraint known foreign key (customer) references shop.customers not valid;
create index orders_customer on shop.orders (customer);
create index orders_again on shop.orders (customer);
create sequence shop.tickets maxvalue 100;
create table shop.tickets_used (id bigint default nextval('shop.tickets'));
create function shop.noted() returns trigger language plpgsql as 'begin return new; end';
create trigger noted before insert on shop.orders for each row execute function shop.noted();
alter table shop.orders disable trigger noted;
delete from shop.orders where id > 1000;
reset role;
alter role app reset all;
grant usage on schema shop to watcher, app;
grant select on all tables in schema shop to watcher, app;
grant select on all sequences in schema shop to watcher;
select pg_drop_replication_slot(slot_name) from pg_replication_slots;
select pg_create_physical_replication_slot('old_replica', true);
select pg_stat_force_next_flush();
"""
_WRITER = "update shop.orders set note = note where id = 1"
_MAINTAINER = "lock table shop.orders in share update exclusive mode"


@dataclass(frozen=True, slots=True)
class Case:
    """One remedy. ``made`` is true in the database once it is done; ``statement`` begins what the server's log must not
    hold twice; ``blocker`` makes it wait; ``repeats``: doing it again does no harm, so nothing keeps it from it."""

    name: str
    args: Mapping[str, object]
    made: str
    statement: str
    blocker: str = ""
    repeats: bool = False


CASES = (
    Case("end_sessions", {}, "", "-- Ends the approved sessions"),
    Case(
        "create_index",
        {"table": "shop.orders", "columns": ["note"]},
        "select exists (select 1 from pg_index i join pg_attribute a on a.attrelid = i.indexrelid"
        " where i.indrelid = 'shop.orders'::regclass and a.attname = 'note' and i.indisvalid)",
        "CREATE INDEX CONCURRENTLY",
        _WRITER,
    ),
    Case(
        "drop_index",
        {"index": "shop.orders_again"},
        "select to_regclass('shop.orders_again') is null",
        'DROP INDEX CONCURRENTLY IF EXISTS "shop"."orders_again"',
        _WRITER,
    ),
    Case("reindex", {"index": "shop.orders_customer"}, "", "REINDEX INDEX CONCURRENTLY", _WRITER),
    Case(
        "analyze",
        {"table": "shop.orders"},
        "select exists (select 1 from pg_stats where schemaname = 'shop' and tablename = 'orders')",
        "ANALYZE",
        _MAINTAINER,
        repeats=True,
    ),
    Case(
        "vacuum",
        {"table": "shop.orders"},
        "select n_dead_tup = 0 from pg_stat_all_tables where relid = 'shop.orders'::regclass",
        "VACUUM",
        _MAINTAINER,
        repeats=True,
    ),
    Case(
        "extend_sequence",
        {"sequence": "shop.tickets"},
        "select seqmax > 100 from pg_sequence where seqrelid = 'shop.tickets'::regclass",
        "ALTER SEQUENCE",
        "select nextval('shop.tickets')",
    ),
    Case(
        "set_role_timeout",
        {"role": "app", "setting": "idle_in_transaction_session_timeout", "value": "60s"},
        "select exists (select 1 from pg_db_role_setting where setrole = 'app'::regrole)",
        "ALTER ROLE",
        "lock table pg_db_role_setting in share mode",
    ),
    Case(
        "drop_slot",
        {"slot": "old_replica"},
        "select not exists (select 1 from pg_replication_slots)",
        "SELECT pg_drop_replication_slot",
    ),
    Case(
        "validate_constraint",
        {"table": "shop.orders", "constraint": "known"},
        "select convalidated from pg_constraint where conname = 'known'",
        "ALTER TABLE",
        _MAINTAINER,
    ),
    Case(
        "enable_trigger",
        {"table": "shop.orders", "trigger": "noted"},
        "select tgenabled = 'O' from pg_trigger where tgname = 'noted'",
        "ALTER TABLE",
        _WRITER,
    ),
)
"""Every remedy; ``reindex`` and ``end_sessions`` name what was there, so a :class:`Shop` completes them."""


@dataclass
class Shop:
    """The shop on its server, fresh for each case."""

    postgres: Postgres
    admin: psycopg.Connection
    leaked: psycopg.Connection | None = None
    read_to: int = 0

    def url(self, role: str) -> str:
        """The address of a role's login."""
        return self.postgres.url_for("postgres", role, f"{role}-word")

    @property
    def settings(self) -> dict[str, object]:
        """The provider's, with times that suit a test."""
        return {
            "url": self.url("watcher"), "operator_url": self.url("operator"), "owner_url": self.url("shop_owner"),
            "lock_timeout": 3.0, "index_lock_timeout": 3.0,
        }  # fmt: skip

    def renew(self) -> None:
        """All faults stand; what the log held so far does not count."""
        self.close()
        self.admin.execute(SCHEMA)
        self.leaked = psycopg.connect(self.url("app"), application_name="web/43")
        self.leaked.execute("select 1")
        self.read_to = self.postgres.log_path.stat().st_size

    def close(self) -> None:
        """The leaked session ends."""
        if self.leaked is not None:
            self.leaked.close()

    def completed(self, case: Case) -> Case:
        """The case with what it approves as it is now."""
        if case.name == "reindex":
            oid = self.value("select 'shop.orders_customer'::regclass::oid::int8")
            made = (
                "select exists (select 1 from pg_index where indexrelid = to_regclass('shop.orders_customer')"
                f" and indisvalid and indexrelid <> {oid}) and not exists (select 1 from pg_index where not indisvalid)"
            )
            return Case(case.name, {**case.args, "oid": oid}, made, case.statement, case.blocker)
        if case.name == "end_sessions":
            assert self.leaked is not None
            pid = self.leaked.info.backend_pid
            began = self.value(f"select backend_start::text from pg_stat_activity where pid = {pid}")
            made = f"select not exists (select 1 from pg_stat_activity where pid = {pid})"
            return Case(case.name, {"sessions": [{"pid": pid, "backend_start": began}]}, made, case.statement)
        return case

    def value(self, statement: str) -> Any:
        """The one value of the superuser's statement."""
        row = self.admin.execute(statement.encode()).fetchone()
        return row[0] if row else None

    def times(self, case: Case) -> int:
        """How often the server was asked to do it since the shop was renewed."""
        with self.postgres.log_path.open("rb") as log:
            log.seek(self.read_to)
            lines = log.read().decode(errors="replace").splitlines()
        return sum("execute" in line and f": {case.statement}" in line for line in lines)

    def invalid(self) -> int:
        """Indexes that nothing can use."""
        return int(self.value("select count(*) from pg_index where not indisvalid"))

    @contextmanager
    def blocked(self, statement: str) -> Iterator[Callable[[], None]]:
        """Somebody in a transaction who makes the remedy wait; the call lets it go on."""
        with psycopg.connect(self.postgres.url, application_name="blocker") as session:
            if statement:
                session.execute(statement.encode())
            yield session.rollback

    def busy(self) -> list[int]:
        """The sessions of the changing logins that are at work."""
        rows = self.admin.execute(
            "select pid from pg_stat_activity where usename in ('operator', 'shop_owner') and state = 'active'"
            " and query !~* 'set_config'"
        )
        return [pid for (pid,) in rows]


@contextmanager
def shop(**settings: object) -> Iterator[Shop]:
    """A server of its own with the shop on it."""
    with (
        Postgres.temporary(autovacuum="off", max_replication_slots=4, **settings) as postgres,
        psycopg.connect(postgres.url, autocommit=True) as admin,
    ):
        admin.execute(ROLES)
        found = Shop(postgres, admin)
        yield found
        found.close()
