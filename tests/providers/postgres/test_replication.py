from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from hutch.model.effect import Effect
from hutch.model.finding import Cause, Finding, Status
from hutch.ports import TargetConfig
from hutch.providers.postgres import provider
from rolerabbit.embedded.postgres import Postgres
from standby import standby_of

CHECKS = ("replication", "slots", "archiver", "disk", "reachable")
WRITE = "insert into ledger select n, repeat('x', 200) from generate_series(1, 20000) n"


@pytest.fixture(scope="module")
def primary() -> Iterator[Postgres]:
    with Postgres.temporary(wal_level="logical", archive_mode="on", archive_command="true") as postgres:
        with psycopg.connect(postgres.url, autocommit=True) as admin:
            admin.execute("create table ledger (id int, text text)")
            admin.execute("create role watcher login password 'watcher-word'; grant pg_monitor to watcher")
            admin.execute("create role stranger login password 'stranger-word'")
        yield postgres


@pytest.fixture
def admin(primary: Postgres) -> Iterator[psycopg.Connection]:
    with psycopg.connect(primary.url, autocommit=True) as session:
        yield session


async def looked(server: Postgres, role: str = "watcher", **settings: object) -> dict[str, Finding]:
    chosen = {"url": server.url_for("postgres", role, f"{role}-word"), "sample_gap": 0.3, **settings}
    connection = provider.open(TargetConfig("shop", chosen, lambda: datetime.now(UTC)))
    try:
        found = await asyncio.gather(*(connection.checks[f"postgres.{name}"]() for name in CHECKS))
    finally:
        await connection.close()
    return {finding.check.removeprefix("postgres."): finding for finding in found}


def causes(found: dict[str, Finding]) -> list[Cause]:
    return list(provider.explain(list(found.values())))


def until(session: psycopg.Connection, question: str) -> None:
    deadline = time.monotonic() + 10
    while session.execute(question.encode()).fetchone() != (True,):
        assert time.monotonic() < deadline, question
        time.sleep(0.05)


async def test_a_standby_that_stops_replaying_is_named_from_both_sides(primary: Postgres, admin: Any) -> None:
    with standby_of(primary, "reporting") as standby:
        until(admin, "select bool_or(state = 'streaming') from pg_stat_replication")
        admin.execute(WRITE)
        until(admin, "select bool_and(replay_lsn = pg_current_wal_lsn()) from pg_stat_replication")
        assert causes(await looked(primary, lag_size=1.0, lag_seconds=0.5)) == []
        await asyncio.sleep(0.6)  # an idle primary: the last transaction is old, and nothing is behind
        assert causes(await looked(standby, lag_size=1.0, lag_seconds=0.5)) == []
        with closing(psycopg.connect(standby.url, autocommit=True)) as other:
            other.execute("select pg_wal_replay_pause()")
        admin.execute(WRITE)
        until(admin, "select bool_and(flush_lsn = pg_current_wal_lsn()) from pg_stat_replication")
        [cause] = causes(await looked(primary, lag_size=1.0))
        [itself] = causes(await looked(standby, lag_size=1.0))
        blind = await looked(primary, "stranger")
    assert (cause.code, cause.object.kind, cause.object.id) == ("postgres.replication_lag", "host", "reporting")
    assert "received and not replayed" in cause.evidence[0]
    assert "pg_wal_replay_resume" in itself.evidence[1]
    assert (blind["replication"].status, "pg_monitor" in blind["replication"].reason) == (Status.UNKNOWN, True)


async def test_a_slot_that_nobody_reads_holds_wal(primary: Postgres, admin: Any) -> None:
    admin.execute("select pg_create_logical_replication_slot('warehouse', 'pgoutput')")
    admin.execute("select pg_create_physical_replication_slot('fresh')")
    try:
        assert causes(await looked(primary, slot_size=1.0)) == []
        admin.execute(WRITE)
        found = causes(await looked(primary, slot_size=1.0))
        [warehouse] = [cause for cause in found if cause.object.id == "warehouse"]
    finally:
        admin.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots")
    assert (warehouse.code, warehouse.object.kind) == ("postgres.slot_retains_wal", "slot")
    [remedy] = warehouse.remedies
    assert (remedy.action, remedy.effect, remedy.args["slot"]) == ("postgres.drop_slot", Effect.DESTROY, "warehouse")


async def test_an_archive_that_fails_is_named_until_it_works_again(primary: Postgres, admin: Any) -> None:
    assert causes(await looked(primary)) == []
    admin.execute("alter system set archive_command = 'false'")
    admin.execute("select pg_reload_conf()")
    try:
        admin.execute(WRITE)
        admin.execute("select pg_switch_wal()")
        until(admin, "select last_failed_time > coalesce(last_archived_time, '-infinity') from pg_stat_archiver")
        [cause] = causes(await looked(primary))
    finally:
        admin.execute("alter system reset archive_command")
        admin.execute("select pg_reload_conf()")
    assert (cause.code, cause.object.id) == ("postgres.archiver_failing", "archive_command")
    admin.execute("select pg_switch_wal()")
    until(admin, "select last_archived_time > last_failed_time from pg_stat_archiver")
    assert causes(await looked(primary)) == []


async def test_the_disk_is_judged_by_the_capacity_that_is_told(primary: Postgres) -> None:
    untold = (await looked(primary))["disk"]
    assert (untold.status, untold.matters, "disk_capacity" in untold.reason) == (Status.UNKNOWN, False, True)
    assert causes(await looked(primary, disk_capacity=100.0)) == []
    full = await looked(primary, disk_capacity=0.01)
    [cause] = causes(full)
    assert (cause.code, cause.object.kind) == ("postgres.disk_full", "host")
    closed = (await looked(primary, "stranger", disk_capacity=100.0))["disk"]
    assert "the size of the WAL can't be seen" in closed.reason
