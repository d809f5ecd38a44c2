"""Every remedy against the fault that it cures, made for real; and what it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.ports import Connection, hearing

SCHEMA = """
grant create on schema public to postgres_owner;
alter role operator createrole;
grant app to operator with admin option;
create schema shop authorization postgres_owner;
set role postgres_owner;
create table shop.orders (id serial primary key, customer int, note text) with (autovacuum_enabled = off);
insert into shop.orders (customer, note) select n % 100, 'note ' || n from generate_series(1, 20000) n;
create table shop.customers (id int primary key);
insert into shop.customers select generate_series(0, 99);
create table shop.lines (id bigint primary key, order_id int references shop.orders);
create index orders_customer on shop.orders (customer);
create sequence shop.tickets maxvalue 100;
create table shop.tickets_used (id bigint default nextval('shop.tickets'));
create function shop.noted() returns trigger language plpgsql as 'begin new.note := ''noted''; return new; end';
create trigger noted before insert on shop.orders for each row execute function shop.noted();
reset role;
grant usage on schema shop to watcher, app, operator;
grant select on all tables in schema shop to watcher, app;
grant select on all sequences in schema shop to watcher;
"""
UNDO = """
drop schema shop cascade;
alter role app reset all;
alter role operator nocreaterole;
revoke app from operator;
"""


@pytest.fixture(autouse=True)
def shop(server: Any) -> Iterator[psycopg.Connection]:
    """A small shop of the owner's; the superuser's session."""
    with psycopg.connect(server.postgres.url, autocommit=True) as admin:
        admin.execute(SCHEMA)
        counted(admin)
        yield admin
        admin.execute(UNDO)


def counted(admin: psycopg.Connection) -> None:
    """What was changed stands in the server's counters now, not in a second."""
    admin.execute("select pg_stat_force_next_flush()")


def quick(server: Any, **more: object) -> dict[str, Any]:
    return {"owner_url": server.url("postgres_owner"), "index_lock_timeout": 1.0, "lock_timeout": 0.3, **more}


async def carried_out(
    connection: Connection, name: str, args: dict[str, Any]
) -> tuple[Preview, Verification, Outcome, Verification, Outcome]:
    """Preview, verification before, the change, verification after, and the same change once more."""
    action = connection.actions[name]
    preview, before = await action.preview(args), await action.verify(args)
    outcome, after = await action.apply(args), await action.verify(args)
    return preview, before, outcome, after, await action.apply(args)


def value(admin: psycopg.Connection, statement: str) -> Any:
    row = admin.execute(statement.encode()).fetchone()
    return row[0] if row else None


# ------------------------------------------------------------------ analyze and vacuum


async def test_stale_statistics_are_refreshed(server: Any, target: Any, shop: psycopg.Connection) -> None:
    args = {"table": "shop.orders"}
    async with target(**quick(server)) as connection:
        preview, before, outcome, after, _ = await carried_out(connection, "postgres.analyze", args)
    assert (preview.summary, preview.hits, preview.refused) == ('ANALYZE "shop"."orders"', 1, "")
    assert "20000 rows changed" in preview.items[0]
    assert (before.verdict, outcome.result, outcome.hits, after.verdict) == (
        Verified.FAILED, Result.DONE, 1, Verified.PASSED,
    )  # fmt: skip
    assert value(shop, "select count(*) from pg_stats where schemaname = 'shop' and tablename = 'orders'") == 3


async def test_dead_rows_are_removed_and_who_holds_them_is_named(
    server: Any, target: Any, shop: psycopg.Connection
) -> None:
    args = {"table": "orders", "schema": "shop", "analyze": True}
    with server.connect(application="nightly") as holder:
        holder.execute("set transaction isolation level repeatable read")
        holder.execute("select 1")
        shop.execute("delete from shop.orders where id > 5000")
        counted(shop)
        async with target(**quick(server)) as connection:
            preview, before, held, still, _ = await carried_out(connection, "postgres.vacuum", args)
            holder.rollback()
            outcome = await connection.actions["postgres.vacuum"].apply(args)
            after = await connection.actions["postgres.vacuum"].verify(args)
    assert preview.summary == 'VACUUM (TRUNCATE FALSE, ANALYZE) "shop"."orders"'
    assert "15000 dead rows" in preview.items[0]
    assert (before.verdict, held.result, still.verdict) == (Verified.FAILED, Result.DONE, Verified.FAILED)
    assert "of app nightly" in still.evidence[0]
    assert (outcome.result, after.verdict) == (Result.DONE, Verified.PASSED)


async def test_a_table_is_moved_away_from_wraparound(server: Any, target: Any, shop: psycopg.Connection) -> None:
    async with target(**quick(server)) as connection:
        args = {"table": "shop.orders", "freeze": "true"}
        outcome = await connection.actions["postgres.vacuum"].apply(args)
        after = await connection.actions["postgres.vacuum"].verify(args)
    assert "FREEZE" in outcome.output
    assert (outcome.result, after.verdict) == (Result.DONE, Verified.PASSED)
    assert value(shop, "select age(relfrozenxid) from pg_class where oid = 'shop.orders'::regclass") < 50


@pytest.mark.parametrize("name", ["postgres.analyze", "postgres.vacuum"])
async def test_who_may_not_tend_a_table_is_told_what_is_missing(server: Any, target: Any, name: str) -> None:
    async with target(lock_timeout=0.3) as connection:
        action = connection.actions[name]
        preview, outcome = await action.preview({"table": "shop.orders"}), await action.apply({"table": "shop.orders"})
        nothing = await action.preview({"table": "shop.nothing"})
        unsaid = await action.preview({"table": "shop.orders", "freeze": "perhaps", "analyze": 3})
    assert "make operator a member of its owner postgres_owner" in preview.refused
    assert "GRANT MAINTAIN ON shop.orders" in preview.refused
    assert (outcome.result, preview.refused in outcome.summary) == (Result.FAILED, True)
    assert nothing.refused == "there is no table shop.nothing"
    assert ("true or false" in unsaid.refused) == (name == "postgres.vacuum")


async def test_the_right_to_maintain_is_enough(server: Any, target: Any, shop: psycopg.Connection) -> None:
    shop.execute("grant maintain on shop.orders to operator")
    async with target() as connection:
        outcomes = [await connection.actions[n].apply(a) for n, a in TENDED]
    assert [o.result for o in outcomes] == [Result.DONE] * 3


TENDED = (
    ("postgres.analyze", {"table": "shop.orders"}),
    ("postgres.vacuum", {"table": "shop.orders"}),
    ("postgres.reindex", {"index": "shop.orders_customer"}),
)


async def test_progress_is_told(server: Any, target: Any, shop: psycopg.Connection) -> None:
    told: list[str] = []
    token = hearing.set(told.append)
    shop.execute(
        "alter role postgres_owner set vacuum_cost_delay = '20ms'; alter role postgres_owner set vacuum_cost_limit = 5"
    )
    shop.execute("delete from shop.orders where id % 3 = 0")
    async with target(**quick(server)) as connection:
        asking = asyncio.create_task(connection.actions["postgres.vacuum"].apply({"table": "shop.orders"}))
        await asyncio.sleep(1.6)
        under_way = await connection.actions["postgres.vacuum"].verify({"table": "shop.orders"})
        second = await connection.actions["postgres.vacuum"].preview({"table": "shop.orders"})
        outcome = await asking
    hearing.reset(token)
    shop.execute("alter role postgres_owner reset all")
    assert outcome.result is Result.DONE
    assert under_way.verdict is Verified.PENDING
    assert "under way" in second.refused
    assert any(line.startswith("shop.orders: vacuuming ") and " % (" in line for line in told), told


async def test_the_progress_of_a_build_is_told(server: Any, target: Any, shop: psycopg.Connection) -> None:
    told: list[str] = []
    token = hearing.set(told.append)
    async with target(**quick(server, index_lock_timeout=10.0)) as connection:
        with server.connect("postgres_owner", application="writer") as writer:
            writer.execute("update shop.orders set note = note where id = 1")
            args = {"table": "shop.orders", "columns": ["note"]}
            asking = asyncio.create_task(connection.actions["postgres.create_index"].apply(args))
            await asyncio.sleep(1.5)
            writer.rollback()
            outcome = await asking
    hearing.reset(token)
    assert outcome.result is Result.DONE
    assert "waiting for writers before build, 0 % (0 of 1 sessions waited for)" in "".join(told)


async def test_the_rights_that_the_guide_gives_are_enough(server: Any, target: Any, shop: psycopg.Connection) -> None:
    grants = GUIDE.read_text("utf-8").partition("<!-- tested: rights -->\n```sql\n")[2].partition("```")[0]
    assert grants.count("CREATE ROLE") == 2
    named = {"shop_app": "app", "shop_owner": "postgres_owner", "'…'": "'guide-word'"}
    for there, here in named.items():
        grants = grants.replace(there, here)
    shop.execute(grants.encode())
    shop.execute("alter table shop.orders disable trigger noted")
    logins = {
        f"{n}_url": server.postgres.url_for("postgres", f"hutch_{n}", "guide-word") for n in ("operator", "owner")
    }
    try:
        async with target(**logins) as connection:
            outcomes = {
                name: await connection.actions[f"postgres.{name}"].apply(args) for name, args in RIGHTFUL.items()
            }
    finally:
        shop.execute("drop owned by hutch_operator, hutch_owner; drop role hutch_operator, hutch_owner")
    assert {name: o.hits for name, o in outcomes.items()} == dict.fromkeys(RIGHTFUL, 1), outcomes


GUIDE = Path(__file__).parents[3] / "docs/guide/postgres-remedies.md"
RIGHTFUL: dict[str, dict[str, Any]] = {
    "set_role_timeout": {"role": "app", "setting": "idle_in_transaction_session_timeout", "value": "60s"},
    "analyze": {"table": "shop.orders"},
    "vacuum": {"table": "shop.orders"},
    "create_index": {"table": "shop.orders", "columns": ["note"]},
    "reindex": {"index": "shop.orders_customer"},
    "extend_sequence": {"sequence": "shop.tickets"},
    "enable_trigger": {"table": "shop.orders", "trigger": "noted"},
}


# ------------------------------------------------------------------ indexes


async def test_an_index_is_rebuilt(server: Any, target: Any, shop: psycopg.Connection) -> None:
    old = value(shop, "select 'shop.orders_customer'::regclass::oid::int8")
    args = {"index": "orders_customer", "schema": "shop", "oid": old}
    async with target(**quick(server)) as connection:
        preview, before, outcome, after, again = await carried_out(connection, "postgres.reindex", args)
    async with target(**quick(server)) as other:
        verdicts = [
            await other.actions["postgres.reindex"].verify(a) for a in (args, {"index": "shop.orders_customer"})
        ]
    assert preview.summary == 'REINDEX INDEX CONCURRENTLY "shop"."orders_customer"'
    assert (before.verdict, outcome.result, after.verdict) == (Verified.FAILED, Result.DONE, Verified.PASSED)
    assert (again.result, again.hits) == (Result.DONE, 0)
    assert [v.verdict for v in verdicts] == [Verified.PASSED, Verified.UNKNOWN]
    assert value(shop, "select 'shop.orders_customer'::regclass::oid::int8") != old


async def test_all_indexes_of_a_table_are_rebuilt(server: Any, target: Any) -> None:
    async with target(**quick(server)) as connection:
        preview, _, outcome, after, _ = await carried_out(connection, "postgres.reindex", {"table": "shop.orders"})
    assert (preview.summary.count("REINDEX INDEX CONCURRENTLY"), preview.hits, outcome.hits) == (2, 2, 2)
    assert (outcome.result, after.verdict) == (Result.DONE, Verified.PASSED)


async def test_what_a_failed_rebuild_left_is_found_and_cleared_away(
    server: Any, target: Any, shop: psycopg.Connection
) -> None:
    with server.connect(application="reader") as reader:
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select count(*) from shop.orders")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            shop.execute("set lock_timeout = '300ms'")
            shop.execute("reindex index concurrently shop.orders_customer")
    shop.execute("set lock_timeout = 0")
    left = "select count(*) from pg_index where not indisvalid"
    assert value(shop, left) == 1
    args = {"index": "shop.orders_customer"}
    async with target(**quick(server)) as connection:
        preview, before, outcome, after, _ = await carried_out(connection, "postgres.reindex", args)
    assert preview.summary.startswith('DROP INDEX CONCURRENTLY IF EXISTS "shop"."orders_customer_cc')
    assert before.verdict is Verified.FAILED and "INVALID: shop.orders_customer_cc" in before.summary
    assert (outcome.result, after.verdict) == (Result.DONE, Verified.PASSED)
    assert value(shop, left) == 0


async def test_a_rebuild_that_fails_leaves_nothing(server: Any, target: Any, shop: psycopg.Connection) -> None:
    args = {"index": "shop.orders_customer"}
    with server.connect("postgres_owner", application="writer") as writer:
        writer.execute("update shop.orders set note = 'x' where id = 1")
        async with target(**quick(server)) as connection:
            outcome = await connection.actions["postgres.reindex"].apply(args)
            writer.rollback()
            verified = await connection.actions["postgres.reindex"].verify(args)
    assert (outcome.result, outcome.recoverable) == (Result.FAILED, True)
    assert (
        value(shop, "select count(*) from pg_index where not indisvalid") == 0
        or "postgres.drop_index" in outcome.summary
    )
    assert verified.verdict is Verified.FAILED


async def test_a_duplicate_index_is_dropped_and_comes_back(server: Any, target: Any, shop: psycopg.Connection) -> None:
    shop.execute("create index \"orders Customer2\" on shop.orders (customer) include (note) where note <> ''")
    shop.execute("create index orders_customer_note on shop.orders (customer, note)")
    async with target(**quick(server)) as connection:
        drop, make = connection.actions["postgres.drop_index"], connection.actions["postgres.create_index"]
        args = {"index": "orders_customer", "schema": "shop"}
        preview, _, outcome, after, again = await carried_out(connection, "postgres.drop_index", args)
        back: Any = outcome.undo["args"]
        made_preview, _, made, verified, made_again = await carried_out(connection, "postgres.create_index", back)
        partial = await drop.preview({"index": "orders Customer2", "schema": "shop"})
        primary = await drop.preview({"index": "shop.orders_pkey"})
        odd = await make.preview({"definition": "drop table shop.orders"})
    assert "index orders_customer_note serves as well" in preview.items
    assert (outcome.result, after.verdict, again.hits) == (Result.DONE, Verified.PASSED, 0)
    assert outcome.undo["action"] == "postgres.create_index"
    assert made_preview.summary == "CREATE INDEX CONCURRENTLY orders_customer ON shop.orders USING btree (customer)"
    assert (made.result, verified.verdict, made_again.hits) == (Result.DONE, Verified.PASSED, 0)
    assert "less than unused_index_days" in partial.refused
    assert "carries the constraint orders_pkey" in primary.refused
    assert "definition must be" in odd.refused


async def test_an_index_that_nobody_reads_is_dropped_and_one_that_is_read_stays(
    server: Any, target: Any, shop: psycopg.Connection
) -> None:
    shop.execute("create index unread on shop.orders (note); create unique index once on shop.orders (id, note)")
    shop.execute(
        "create index lines_order on shop.lines (order_id); create index seen on shop.orders (note text_pattern_ops)"
    )
    shop.execute(
        "set enable_seqscan = off; select count(*) from shop.orders where note like 'note 1%'; reset enable_seqscan"
    )
    counted(shop)
    names = ("unread", "once", "lines_order", "seen")
    async with target(**quick(server, unused_index_days=0.000001)) as connection:
        drop = connection.actions["postgres.drop_index"]
        refused = {name: (await drop.preview({"index": f"shop.{name}"})).refused for name in names}
        outcome = await drop.apply({"index": "shop.unread"})
    assert refused["unread"] == ""
    assert "keeps rows unique" in refused["once"]
    assert "serves the foreign key lines_order_id_fkey" in refused["lines_order"]
    assert "was read 1 times" in refused["seen"]
    assert outcome.result is Result.DONE


async def test_a_unique_index_over_duplicates_fails_and_leaves_nothing(
    server: Any, target: Any, shop: psycopg.Connection
) -> None:
    args = {"definition": "CREATE UNIQUE INDEX once ON shop.orders USING btree (customer)"}
    async with target(**quick(server)) as connection:
        outcome = await connection.actions["postgres.create_index"].apply(args)
        verified = await connection.actions["postgres.create_index"].verify(args)
    assert (outcome.result, verified.verdict) == (Result.FAILED, Verified.FAILED)
    assert "Key (customer)=(…) is duplicated" in outcome.summary
    assert "its half-made index once was dropped" in outcome.summary
    assert value(shop, "select count(*) from pg_index where not indisvalid") == 0


async def test_an_index_that_the_disk_has_no_room_for_is_refused(server: Any, target: Any) -> None:
    async with target(**quick(server, disk_capacity=0.04)) as connection:
        action = connection.actions["postgres.create_index"]
        preview = await action.preview({"table": "shop.orders", "columns": ["note"]})
    assert "it would be more than 90 % full" in preview.refused


# ------------------------------------------------------------------ sequences


async def test_a_sequence_that_ends_before_its_column_goes_on(
    server: Any, target: Any, shop: psycopg.Connection
) -> None:
    shop.execute("select setval('shop.tickets', 100)")
    args = {"sequence": "shop.tickets"}
    async with target(**quick(server)) as connection:
        preview, before, outcome, after, again = await carried_out(connection, "postgres.extend_sequence", args)
        shop.execute("insert into shop.tickets_used default values")
        beyond = await connection.actions["postgres.extend_sequence"].apply(dict(outcome.undo["args"]))  # type: ignore[call-overload]
        shop.execute("delete from shop.tickets_used; select setval('shop.tickets', 50)")
        undone = await connection.actions["postgres.extend_sequence"].apply(dict(outcome.undo["args"]))  # type: ignore[call-overload]
    assert preview.summary == 'ALTER SEQUENCE "shop"."tickets" AS bigint MAXVALUE 9223372036854775807'
    assert "is at 100; it is bigint and ends at 100" in preview.items[0]
    assert "feeds shop.tickets_used.id (bigint)" in preview.items[1]
    assert (before.verdict, outcome.result, after.verdict) == (Verified.FAILED, Result.DONE, Verified.PASSED)
    assert (again.hits, again.result) == (0, Result.DONE)
    assert (beyond.result, "is at 101 already" in beyond.summary) == (Result.FAILED, True)
    assert undone.result is Result.DONE
    assert value(shop, "select seqmax from pg_sequence where seqrelid = 'shop.tickets'::regclass") == 100


async def test_a_column_that_is_too_narrow_gets_a_plan_and_is_not_touched(
    server: Any, target: Any, shop: psycopg.Connection
) -> None:
    shop.execute("select setval('shop.orders_id_seq', 2147483000)")
    args = {"sequence": "orders_id_seq", "schema": "shop"}
    async with target(**quick(server)) as connection:
        preview, before, outcome, after, _ = await carried_out(connection, "postgres.extend_sequence", args)
    assert "shop.orders.id is integer and ends at 2147483647: widen the column first" in preview.refused
    assert any("referred to by shop.lines.order_id (integer)" in item for item in preview.items)
    plan = [item for item in preview.items if item.startswith("shop.orders.id, ")]
    assert len(plan) == 8 and 'ADD COLUMN "id_wide" bigint' in plan[0]
    assert any(item.startswith("shop.lines.order_id, 1.") for item in preview.items)
    assert (before.verdict, outcome.result, after.verdict) == (Verified.FAILED, Result.FAILED, Verified.FAILED)
    assert (
        value(shop, "select seqtypid::regtype::text from pg_sequence where seqrelid = 'shop.orders_id_seq'::regclass")
        == "integer"
    )


async def test_a_sequence_of_a_widened_column_follows_it(server: Any, target: Any, shop: psycopg.Connection) -> None:
    shop.execute("alter table shop.orders alter id type bigint; alter table shop.lines alter order_id type bigint")
    shop.execute("select setval('shop.orders_id_seq', 2147483647)")
    async with target(**quick(server)) as connection:
        args = {"sequence": "shop.orders_id_seq"}
        _, before, outcome, after, _ = await carried_out(connection, "postgres.extend_sequence", args)
    assert (before.verdict, outcome.result, after.verdict) == (Verified.FAILED, Result.DONE, Verified.PASSED)
    assert value(shop, "insert into shop.orders (customer) values (1) returning id") == 2147483648


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"sequence": "shop.nothing"}, "there is no sequence shop.nothing"),
        ({"sequence": "shop.tickets", "max": "many"}, "max must be a whole number"),
        ({"sequence": "shop.orders_id_seq", "max": 2**40}, "beyond what the columns hold, 2147483647"),
        ({}, "sequence must be a name"),
    ],
)
async def test_what_is_no_sequence_is_refused(server: Any, target: Any, args: Any, said: str) -> None:
    async with target(**quick(server)) as connection:
        action = connection.actions["postgres.extend_sequence"]
        preview, outcome, verified = await action.preview(args), await action.apply(args), await action.verify(args)
    assert said in preview.refused
    assert (outcome.result, said in outcome.summary) == (Result.FAILED, True)
    assert verified.verdict is Verified.UNKNOWN


# ------------------------------------------------------------------ roles


async def test_a_role_gets_a_time_out_and_its_former_one_back(
    server: Any, target: Any, shop: psycopg.Connection
) -> None:
    shop.execute("alter role app set idle_in_transaction_session_timeout = '10min'")
    args = {"role": "app", "setting": "idle_in_transaction_session_timeout", "value": "60s"}
    with server.connect() as pooled:
        async with target(**quick(server)) as connection:
            action = connection.actions["postgres.set_role_timeout"]
            preview, before, outcome, after, again = await carried_out(connection, "postgres.set_role_timeout", args)
            with server.connect() as new:
                shown = new.execute("show idle_in_transaction_session_timeout").fetchone()
            undone = await action.apply(dict(outcome.undo["args"]))  # type: ignore[call-overload]
        assert pooled.execute("show idle_in_transaction_session_timeout").fetchone() == ("10min",)
    assert preview.summary == 'ALTER ROLE "app" SET "idle_in_transaction_session_timeout" = \'60s\''
    assert preview.undo == 'ALTER ROLE "app" SET "idle_in_transaction_session_timeout" = \'10min\''
    assert "1 sessions are open and keep what they have" in preview.items[0]
    assert (before.verdict, outcome.result, after.verdict) == (Verified.FAILED, Result.DONE, Verified.PASSED)
    assert (shown, again.hits, undone.result) == (("1min",), 0, Result.DONE)
    assert value(shop, "select setconfig[1] from pg_db_role_setting where setrole = 'app'::regrole") == (
        "idle_in_transaction_session_timeout=10min"
    )


async def test_a_first_time_out_is_taken_away_again(server: Any, target: Any, shop: psycopg.Connection) -> None:
    args = {"role": "app", "setting": "statement_timeout", "value": "30s"}
    async with target(**quick(server)) as connection:
        action = connection.actions["postgres.set_role_timeout"]
        outcome = await action.apply(args)
        undone, verified = await action.apply(dict(outcome.undo["args"])), await action.verify(args)  # type: ignore[call-overload]
    assert (outcome.result, outcome.undo["args"]) == (
        Result.DONE,
        {"role": "app", "setting": "statement_timeout", "value": "reset"},
    )
    assert (undone.result, verified.verdict) == (Result.DONE, Verified.FAILED)
    assert value(shop, "select count(*) from pg_db_role_setting where setrole = 'app'::regrole") == 0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"role": "nobody_here"}, "there is no role nobody_here"),
        ({"role": "postgres"}, "superuser: protected"),
        ({"role": "warden"}, "ALTER ROLE operator CREATEROLE"),
        ({"value": "200ms"}, "would stop app altogether"),
        ({"value": "60"}, "a time with its unit"),
        ({"value": "1s'; drop table x"}, "a time with its unit"),
        ({"setting": "work_mem"}, "setting must be one of"),
        ({"role": ""}, "role must be a name"),
    ],
)
async def test_time_outs_that_would_harm_are_refused(server: Any, target: Any, args: Any, said: str) -> None:
    full = {"role": "app", "setting": "statement_timeout", "value": "30s", **args}
    async with target(**quick(server)) as connection:
        action = connection.actions["postgres.set_role_timeout"]
        preview, outcome = await action.preview(full), await action.apply(full)
    assert said in preview.refused
    assert (outcome.result, said in outcome.summary) == (Result.FAILED, True)


async def test_a_role_that_a_backup_works_as_gets_no_time_out(server: Any, target: Any) -> None:
    with server.connect(application="pg_dump"):
        async with target(**quick(server)) as connection:
            args = {"role": "app", "setting": "statement_timeout", "value": "30s"}
            preview = await connection.actions["postgres.set_role_timeout"].preview(args)
    assert "pg_dump works as app now" in preview.refused


# ------------------------------------------------------------------ slots


@pytest.fixture
def slot(shop: psycopg.Connection) -> Iterator[str]:
    """A slot that nobody reads."""
    shop.execute("select pg_create_physical_replication_slot('old_replica', true)")
    yield "old_replica"
    shop.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = 'old_replica'")


async def test_a_slot_that_nobody_reads_is_dropped(server: Any, target: Any, shop: Any, slot: str) -> None:
    where = value(shop, "select restart_lsn::text from pg_replication_slots")
    args = {"slot": slot, "restart_lsn": where}
    async with target(**quick(server)) as connection:
        action = connection.actions["postgres.drop_slot"]
        unallowed = await action.preview(args)
        shop.execute("alter role operator replication")
        moved = await action.preview({**args, "restart_lsn": "0/1"})
        preview, before, outcome, after, again = await carried_out(connection, "postgres.drop_slot", args)
        shop.execute("alter role operator noreplication")
    assert action.effect is Effect.DESTROY
    assert "ALTER ROLE operator REPLICATION" in unallowed.refused
    assert "moved on to" in moved.refused
    assert (preview.refused, "cannot be undone" in preview.undo) == ("", True)
    assert (before.verdict, outcome.result, outcome.hits, after.verdict) == (
        Verified.FAILED, Result.DONE, 1, Verified.PASSED,
    )  # fmt: skip
    assert (again.result, again.hits) == (Result.DONE, 0)


# ------------------------------------------------------------------ constraints and triggers


async def test_a_constraint_is_validated_or_a_row_that_breaks_it_stops_it(
    server: Any, target: Any, shop: psycopg.Connection
) -> None:
    shop.execute(
        "alter table shop.orders add constraint known foreign key (customer) references shop.customers not valid"
    )
    args = {"table": "shop.orders", "constraint": "known"}
    async with target(**quick(server)) as connection:
        action = connection.actions["postgres.validate_constraint"]
        shop.execute("set session_replication_role = replica")  # as a restore does
        shop.execute("delete from shop.customers where id = 7")
        shop.execute("reset session_replication_role")
        broken, still = await action.apply(args), await action.verify(args)
        shop.execute("insert into shop.customers values (7)")
        preview, _, outcome, after, again = await carried_out(connection, "postgres.validate_constraint", args)
        unknown = await action.preview({**args, "constraint": "unknown"})
    assert (broken.result, "Key (customer)=(…) is not present" in broken.summary, still.verdict) == (
        Result.FAILED,
        True,
        Verified.FAILED,
    )
    assert preview.summary == 'ALTER TABLE "shop"."orders" VALIDATE CONSTRAINT "known"'
    assert "looks each up in shop.customers" in preview.items[1]
    assert (outcome.result, after.verdict, again.hits) == (Result.DONE, Verified.PASSED, 0)
    assert unknown.refused == "shop.orders has no constraint unknown"


async def test_a_trigger_fires_again(server: Any, target: Any, shop: psycopg.Connection) -> None:
    shop.execute("alter table shop.orders disable trigger noted")
    args = {"table": "shop.orders", "trigger": "noted"}
    async with target(**quick(server)) as connection:
        preview, before, outcome, after, again = await carried_out(connection, "postgres.enable_trigger", args)
    assert (preview.summary, preview.undo) == (
        'ALTER TABLE "shop"."orders" ENABLE TRIGGER "noted"',
        'ALTER TABLE "shop"."orders" DISABLE TRIGGER "noted"',
    )
    assert (before.verdict, outcome.result, after.verdict) == (Verified.FAILED, Result.DONE, Verified.PASSED)
    assert (again.result, again.hits) == (Result.DONE, 0)
    assert value(shop, "insert into shop.orders (note) values ('x') returning note") == "noted"


async def test_a_change_that_gets_no_lock_is_tried_a_few_times_and_holds_up_nobody(
    server: Any, target: Any, shop: psycopg.Connection
) -> None:
    shop.execute("alter table shop.orders disable trigger noted")
    args = {"table": "shop.orders", "trigger": "noted"}
    async with target(**quick(server)) as connection:
        action = connection.actions["postgres.enable_trigger"]
        with server.connect("postgres_owner", application="writer") as writer:
            writer.execute("update shop.orders set note = 'x' where id = 1")
            outcome = await action.apply(args)
            asking = asyncio.create_task(action.apply(args))
            await asyncio.sleep(0.6)
            writer.rollback()
            second = await asking
    assert (outcome.result, outcome.recoverable) == (Result.FAILED, True)
    assert outcome.seconds > 2
    assert second.result is Result.DONE
