from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from hutch.model.finding import Cause, Finding, Status
from hutch.providers.postgres import provider

SMALL = {"upkeep_rows": 1000, "bloat_size": 0.5}
TABLES = """
create schema depot;
create table depot.left_off (id int primary key, text text) with (autovacuum_enabled = false);
create table depot.cared_for (id int primary key, text text);
insert into depot.left_off select n, repeat('x', 100) from generate_series(1, 20000) n;
insert into depot.cared_for select n, repeat('x', 100) from generate_series(1, 20000) n;
vacuum analyze depot.left_off;
vacuum analyze depot.cared_for;
grant usage on schema depot to watcher;
grant select on all tables in schema depot to watcher;
"""


@pytest.fixture(autouse=True)
def depot(server: Any) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.postgres.url, autocommit=True) as admin:
        for text in TABLES.split(";"):
            if text.strip():
                admin.execute(text.encode())
        yield admin
        admin.execute("drop schema depot cascade")


def change(server: Any, *statements: str) -> None:
    """By a session of its own: its counters are handed in when it ends."""
    with psycopg.connect(server.postgres.url, autocommit=True) as session:
        for text in statements:
            session.execute(text.encode())


async def looked(target: Any, *names: str, **settings: object) -> tuple[list[Finding], list[Cause]]:
    async with target(**{**SMALL, **settings}) as connection:
        found = [await connection.checks[f"postgres.{name}"]() for name in names]
    return found, list(provider.explain(found))


async def test_dead_rows_where_autovacuum_is_off_are_named(server: Any, target: Any) -> None:
    change(server, "delete from depot.left_off where id <= 15000", "delete from depot.cared_for where id <= 15000")
    _, causes = await looked(target, "autovacuum")
    behind = [cause for cause in causes if cause.code == "postgres.autovacuum_behind"]
    assert [cause.object.id for cause in behind] == ["depot.left_off"]  # the other's turn comes
    assert "switched off for it" in behind[0].summary
    [remedy] = behind[0].remedies
    assert (remedy.action, remedy.args) == ("postgres.vacuum", {"schema": "depot", "table": "left_off"})


async def test_stale_statistics_are_named_unless_autovacuum_will_come(server: Any, target: Any) -> None:
    grow = "insert into depot.{} select n, 'y' from generate_series(100000, 200000) n"
    change(server, grow.format("left_off"), grow.format("cared_for"))
    _, causes = await looked(target, "autovacuum")
    assert [(cause.code, cause.object.id) for cause in causes] == [("postgres.stale_statistics", "depot.left_off")]
    assert "the planner takes it for 20000 rows, it has 12000" in causes[0].evidence[0]
    change(server, "analyze depot.left_off")
    assert (await looked(target, "autovacuum"))[1] == []


async def test_what_stays_due_for_long_is_behind_without_being_off(server: Any, target: Any) -> None:
    change(server, "delete from depot.cared_for where id <= 15000")
    async with target(**SMALL, overdue_after=0.2) as connection:
        first = await connection.checks["postgres.autovacuum"]()
        again = await connection.checks["postgres.autovacuum"]()
        assert provider.explain([first]) == []
        while again.seconds + (again.at - first.at).total_seconds() < 0.4:
            again = await connection.checks["postgres.autovacuum"]()
    codes = {(cause.code, cause.object.id) for cause in provider.explain([again])}
    assert ("postgres.autovacuum_behind", "depot.cared_for") in codes


async def test_who_holds_vacuum_back_is_named_and_ended_first(server: Any, target: Any, depot: Any) -> None:
    with server.connect(application="report-notebook") as holder:
        holder.execute("set transaction isolation level repeatable read")
        holder.execute("select count(*) from portfolios")
        change(server, "delete from depot.left_off where id <= 15000", "vacuum depot.left_off")
        _, causes = await looked(target, "autovacuum", old_transaction_after=0.01)
        [cause] = [cause for cause in causes if cause.code == "postgres.autovacuum_behind"]
        pid = holder.info.backend_pid
    assert f"session {pid} might still look at them" in cause.summary
    assert [remedy.action for remedy in cause.remedies] == ["postgres.end_sessions", "postgres.vacuum"]


async def test_a_session_of_another_database_holds_nothing_back_here(server: Any, target: Any, depot: Any) -> None:
    elsewhere = server.postgres.createdb("elsewhere")
    with psycopg.connect(elsewhere, application_name="console") as holder:
        holder.execute("set transaction isolation level repeatable read")
        holder.execute("select count(*) from pg_class")
        change(server, "delete from depot.cared_for where id <= 15000", "vacuum depot.left_off")
        _, causes = await looked(target, "autovacuum", old_transaction_after=0.01)
    assert causes == []


async def test_a_backup_that_holds_vacuum_back_is_not_to_be_ended(server: Any, target: Any) -> None:
    with server.connect(application="pg_dump") as holder:
        holder.execute("set transaction isolation level repeatable read")
        holder.execute("select count(*) from portfolios")
        change(server, "delete from depot.left_off where id <= 15000", "vacuum depot.left_off")
        _, causes = await looked(target, "autovacuum", old_transaction_after=0.01)
    assert [remedy.action for cause in causes for remedy in cause.remedies if "vac" in cause.code] == [
        "postgres.vacuum"
    ]


async def test_air_is_estimated_and_measured_where_asked(server: Any, target: Any, depot: Any) -> None:
    assert (await looked(target, "bloat"))[1] == []
    change(server, "delete from depot.left_off where id % 20 <> 0")
    change(server, "vacuum analyze depot.left_off")
    found, causes = await looked(target, "bloat")
    by_kind = {cause.object.kind: cause for cause in causes}
    assert by_kind["table"].object.id == "depot.left_off"
    assert by_kind["table"].remedies == ()
    assert 'VACUUM (FULL, ANALYZE) "depot"."left_off"; it holds ACCESS EXCLUSIVE' in by_kind["table"].evidence[2]
    assert found[0].evidence[0].endswith("%, estimated)")
    asked, _ = await looked(target, "bloat", bloat_exact=True)
    assert "create extension pgstattuple" in asked[0].reason
    depot.execute("create extension pgstattuple")
    try:
        measured, causes = await looked(target, "bloat", bloat_exact=True)
    finally:
        depot.execute("drop extension pgstattuple")
    assert measured[0].evidence[0].endswith("%, measured)")
    assert causes[0].confidence > by_kind["table"].confidence


async def test_an_index_that_is_mostly_air_is_to_be_made_anew(server: Any, target: Any) -> None:
    change(server, "delete from depot.left_off where id % 20 <> 0", "vacuum analyze depot.left_off")
    _, causes = await looked(target, "bloat", bloat_size=0.2)
    [index] = [cause for cause in causes if cause.object.kind == "index"]
    assert (index.object.id, index.remedies[0].action) == ("depot.left_off_pkey", "postgres.reindex")


async def test_a_vacuum_is_offered_for_a_table_whose_air_is_dead_rows(server: Any, target: Any) -> None:
    change(server, "delete from depot.left_off where id % 20 <> 0", "analyze depot.left_off")
    found, _ = await looked(target, "bloat")
    found[0].data["tables"][0].update(air=9e6, bytes=1e7, dead=19_000.0, rows=1_000.0)
    [table] = [cause for cause in provider.explain(found) if cause.object.kind == "table"]
    assert [remedy.action for remedy in table.remedies] == ["postgres.vacuum"]


async def test_an_index_is_measured_where_asked(server: Any, target: Any, depot: Any) -> None:
    change(server, "delete from depot.left_off where id % 20 <> 0", "vacuum analyze depot.left_off")
    depot.execute("create extension pgstattuple")
    try:
        measured, causes = await looked(target, "bloat", bloat_size=0.2, bloat_exact=True)
        change(server, "reindex index depot.left_off_pkey")
        again, _ = await looked(target, "bloat", bloat_size=0.2, bloat_exact=True)
    finally:
        depot.execute("drop extension pgstattuple")
    [index] = [cause for cause in causes if cause.object.kind == "index"]
    assert (index.object.id, index.confidence, measured[0].reason) == ("depot.left_off_pkey", 0.75, "")
    assert again[0].data["indexes"] == []


async def test_room_that_fillfactor_leaves_is_no_air(server: Any, target: Any) -> None:
    change(
        server,
        "create table depot.queue (id int, text text) with (fillfactor = 20)",
        "insert into depot.queue select n, repeat('x', 100) from generate_series(1, 20000) n",
        "vacuum analyze depot.queue",
        "grant select on depot.queue to watcher",
    )
    assert (await looked(target, "bloat"))[1] == []


async def test_tables_that_cannot_be_read_are_said(server: Any, target: Any) -> None:
    found, _ = await looked(target, "bloat", url=server.url("operator"))
    assert (found[0].status, found[0].matters) == (Status.UNKNOWN, False)
    assert "pg_read_all_data" in found[0].reason
