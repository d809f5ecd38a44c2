"""On Postgres 15, as Debian installs it: every check runs, closed views and missing extensions are said."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hutch.model.finding import Finding, Status
from hutch.ports import TargetConfig
from hutch.providers.postgres import provider
from rolerabbit.embedded.postgres import Postgres

FIFTEEN = Path("/usr/lib/postgresql/15")
pytestmark = pytest.mark.skipif(not (FIFTEEN / "bin/postgres").exists(), reason="no postgresql-15 is installed")

SETUP = """
create role watcher login password 'watcher-word';
grant pg_monitor to watcher;
create role stranger login password 'stranger-word';
create role app login password 'app-word';
create schema shop;
create table shop.orders (id smallserial primary key, text text) with (autovacuum_enabled = false);
insert into shop.orders select n, repeat('x', 100) from generate_series(1, 20000) n;
select setval('shop.orders_id_seq', 32000);
grant usage on schema shop to watcher, app;
grant select on all tables in schema shop to watcher;
grant select on all sequences in schema shop to watcher;
grant select, update on shop.orders to app;
"""
CLOSED = {
    "postgres.idle_in_transaction",
    "postgres.long_queries",
    "postgres.cpu_statements",
    "postgres.bloat",
    "postgres.sequences",
    "postgres.disk",
    "postgres.replication",
    "postgres.checksums",
    "postgres.slow_statements",
}


@pytest.fixture(scope="module")
def old() -> Iterator[Postgres]:
    with Postgres.temporary(install=FIFTEEN, shared_preload_libraries="", max_prepared_transactions=5) as postgres:
        with psycopg.connect(postgres.url, autocommit=True) as admin:
            admin.execute(SETUP)
        with psycopg.connect(postgres.url, autocommit=True) as admin:  # the counters of the first are handed in
            admin.execute("vacuum analyze shop.orders")
        yield postgres


async def looked(server: Postgres, role: str = "watcher", **settings: object) -> dict[str, Finding]:
    chosen = {"url": server.url_for("postgres", role, f"{role}-word"), "sample_gap": 0.3, **settings}
    connection = provider.open(TargetConfig("shop", chosen, lambda: datetime.now(UTC)))
    try:
        found = await asyncio.gather(*(check() for check in connection.checks.values()))
    finally:
        await connection.close()
    return {finding.check: finding for finding in found}


async def test_every_check_runs_there_and_finds_what_is_wrong(old: Postgres) -> None:
    found = await looked(old)
    assert "PostgreSQL 15" in found["postgres.reachable"].summary
    broken = {name: f.reason for name, f in found.items() if f.status is Status.UNKNOWN}
    assert set(broken) == {"postgres.disk", "postgres.checksums", "postgres.slow_statements"}, broken
    assert "load pg_stat_statements" in broken["postgres.slow_statements"]
    assert "pg_checksums --enable" in broken["postgres.checksums"]
    assert {cause.code for cause in provider.explain(list(found.values()))} == {"postgres.sequence_exhaustion"}


async def test_a_login_without_pg_monitor_hears_what_each_check_needs(old: Postgres) -> None:
    with psycopg.connect(old.url_for("postgres", "app", "app-word")):
        found = await looked(old, "stranger", bloat_size=0.5)
    unknown = {name: f.reason for name, f in found.items() if f.status is Status.UNKNOWN}
    assert set(unknown) <= CLOSED, unknown
    assert all(reason for reason in unknown.values())
    assert "pg_read_all_data" in unknown["postgres.sequences"]
    for name in ("idle_in_transaction", "long_queries", "cpu_statements"):
        assert "pg_monitor" in found[f"postgres.{name}"].reason, name


async def test_a_prepared_transaction_that_blocks_and_holds_back_vacuum(old: Postgres) -> None:
    with psycopg.connect(old.url, autocommit=True) as admin, psycopg.connect(old.url) as forgotten:
        forgotten.execute("update shop.orders set text = 'y' where id = 7")
        forgotten.execute("prepare transaction 'order 7'")
        try:
            admin.execute("update shop.orders set text = 'z' where id > 100")
            admin.execute("vacuum shop.orders")
            found = await _blocked(old)
        finally:
            admin.execute("rollback prepared 'order 7'")
    causes = {cause.code: cause for cause in provider.explain(list(found.values()))}
    assert "prepared transaction" in causes["postgres.blocked_by_lock"].summary
    assert "prepared transaction order 7" in causes["postgres.autovacuum_behind"].summary


async def _blocked(old: Postgres) -> dict[str, Finding]:
    def wait(session: psycopg.Connection[Any]) -> None:
        with pytest.raises(psycopg.errors.QueryCanceled):
            session.execute("update shop.orders set text = 'x' where id = 7")

    with psycopg.connect(old.url_for("postgres", "app", "app-word"), autocommit=True) as waiter:
        waiting = threading.Thread(target=wait, args=[waiter])
        waiting.start()
        await asyncio.sleep(1.2)
        found = await looked(old, upkeep_rows=1000)
        waiter.cancel_safe()
        waiting.join(10)
    return found
