"""Tables of every shape: keys of several columns, circles, partitions, columns that the server fills, any name."""

from __future__ import annotations

from collections.abc import Mapping

from hutch.model.action import Outcome, Preview, Result, Verified
from shop_world import Shop

AUDIT = """
create table audit_logs (user_id uuid, action text not null, details jsonb not null, created_at timestamptz
                         not null default clock_timestamp());
"""
DIGEST = "select md5(coalesce(string_agg(x::text, ',' order by x::text), '')) from {} x"


async def there_and_back(
    shop: Shop, tables: list[str], destroy: str, args: Mapping[str, object], **settings: object
) -> tuple[Preview, Outcome]:
    """Back up, destroy, recover; every table must be as it was."""
    await shop.backup()
    before = [shop.one(DIGEST.format(table)) for table in tables]
    shop.run(destroy)
    assert [shop.one(DIGEST.format(table)) for table in tables] != before
    async with shop.opened(**settings) as connection:
        action = connection.actions["recover.rows"]
        preview = await action.preview(args)
        assert not preview.refused, preview.refused
        outcome = await action.apply(args)
        assert outcome.result is Result.DONE, outcome
        verification = await action.verify(args)
        assert verification.verdict is Verified.PASSED, verification
    assert [shop.one(DIGEST.format(table)) for table in tables] == before
    assert shop.scratches() == []
    return preview, outcome


async def test_keys_of_two_columns_named_by_the_audit_log(empty: Shop) -> None:
    empty.run(AUDIT + "create table seats (row_name text, number int, taken bool, primary key (row_name, number));")
    empty.run("insert into seats select chr(64 + n % 20), n, n % 2 = 0 from generate_series(1, 200) n")
    destroy = """with gone as (delete from seats where number <= 50 returning *)
                 insert into audit_logs (action, details) select 'seat.deleted', to_jsonb(gone) from gone"""
    preview, _ = await there_and_back(empty, ["seats"], destroy, {"table": "seats"})
    assert "50 of seats" in preview.summary


async def test_a_circle_that_nothing_can_defer_and_a_table_that_refers_to_itself(empty: Shop) -> None:
    empty.run("""
        create table teams (id int primary key, lead int not null);
        create table people (id int primary key, team int not null references teams on delete cascade,
                             boss int references people on delete cascade);
        insert into teams select n, n from generate_series(1, 20) n;
        insert into people select n, n, nullif(n - 1, 0) from generate_series(1, 20) n;
        alter table teams add foreign key (lead) references people on delete cascade;""")
    destroy = "delete from teams where id >= 10"
    args = {"table": "teams", "all_missing": True}
    _, outcome = await there_and_back(empty, ["teams", "people"], destroy, args)
    assert outcome.hits == 22


async def test_partitions_enumerations_generated_and_identity_columns(empty: Shop) -> None:
    empty.run("""
        create type mood as enum ('good', 'bad');
        create table events (id bigint generated always as identity, day date not null, mood mood, twice bigint
                             generated always as (id * 2) stored, primary key (id, day)) partition by range (day);
        create table events_1 partition of events for values from ('2026-01-01') to ('2026-02-01');
        create table events_2 partition of events for values from ('2026-02-01') to ('2026-03-01');
        insert into events (day, mood) select date '2026-01-01' + n, 'bad' from generate_series(0, 50) n;""")
    args = {"table": "events", "all_missing": True}
    await there_and_back(empty, ["events"], "delete from events where day between '2026-01-20' and '2026-02-10'", args)


async def test_names_of_any_signs(empty: Shop) -> None:
    table, column = '"Robert\'); drop table ""x"" -- %s {} $1"', '"select ""id"" %(a)s"'
    empty.run(
        f"""
        create schema "My % Schema";
        create table "My % Schema".{table} ({column} int primary key, "Ünïcode {{}}" text unique);
        create table child (id int primary key, ref int references "My % Schema".{table} on delete cascade);
        insert into "My % Schema".{table} select n, 'it''s %s ' || n from generate_series(1, 30) n;
        insert into child select n, n from generate_series(1, 30) n;""".replace("%", "%%").replace("%%", "%")
    )
    full = f'"My % Schema".{table}'
    args = {"table": 'Robert\'); drop table "x" -- %s {} $1', "all_missing": True}
    await there_and_back(empty, [full, "child"], f"delete from {full} where {column} > 12", args)


async def test_references_that_the_deletion_emptied_are_said_and_not_put_back(shop: Shop) -> None:
    await shop.backup()
    shop.run("delete from users where email = 'owner'")
    async with shop.opened() as connection:
        action = connection.actions["recover.rows"]
        args = {"table": "users", "all_missing": True}
        preview = await action.preview(args)
        assert any("lost their user_id by the deletion" in item and "900 rows" in item for item in preview.items)
        assert (await action.apply(args)).hits == 1
    assert shop.one("select count(*) from portfolios where user_id is not null") == 0


async def test_triggers_are_a_persons_decision(shop: Shop) -> None:
    shop.run("""
        create table outbox (what text);
        create function tell() returns trigger language plpgsql as
            $$ begin insert into public.outbox values ('mail'); return null; end $$;
        create trigger tell after insert on portfolios for each row execute function tell();""")
    await shop.backup()
    shop.deleted("id <= 20")
    async with shop.opened() as connection:
        action = connection.actions["recover.rows"]
        refused = await action.preview({"table": "portfolios"})
        assert "tell (calls tell)" in refused.refused and "triggers: quiet" in refused.refused
        assert (await action.apply({"table": "portfolios"})).result is Result.FAILED
        assert (await action.apply({"table": "portfolios", "triggers": "quiet"})).hits == 40
        assert shop.one("select count(*) from outbox") == 0
        assert shop.one("select tgenabled from pg_trigger where tgname = 'tell'") == "O"
        shop.deleted("id <= 5")
        assert (await action.apply({"table": "portfolios", "triggers": "fire"})).hits == 10
        assert shop.one("select count(*) from outbox") == 5


async def test_sequences_only_go_up(shop: Shop) -> None:
    shop.run(
        "create table notes (id serial primary key, t text);insert into notes (t) select 'x' from generate_series(1, 9)"
    )
    await shop.backup()
    args = {"table": "notes", "all_missing": True}
    async with shop.opened() as connection:
        action = connection.actions["recover.rows"]
        shop.run("truncate notes restart identity")
        outcome = await action.apply(args)
        assert "notes_id_seq from 1 to 9" in outcome.output
        assert shop.one("select nextval('notes_id_seq')") == 10
        shop.run("delete from notes; select setval('notes_id_seq', 500)")
        assert (await action.apply(args)).hits == 9
        assert shop.one("select last_value from notes_id_seq") == 500


async def test_a_schema_that_has_changed_is_carried_as_far_as_it_goes(shop: Shop) -> None:
    await shop.backup()
    shop.run("""alter table portfolios drop column title cascade; alter table portfolios add column theme text;
                alter table portfolios alter column subdomain type varchar(80);
                create table likes (id int primary key, portfolio_id bigint references portfolios on delete cascade)""")
    shop.deleted("id <= 10")
    async with shop.opened() as connection:
        preview = await connection.actions["recover.rows"].preview({"table": "portfolios"})
        text = "\n".join(preview.items)
        assert "column title was dropped since the backup" in text
        assert "column theme was added since the backup: it is NULL" in text
        assert "subdomain was text in the backup and is character varying(80)" in text
        assert "likes: none of its rows can come back" in text
        assert (await connection.actions["recover.rows"].apply({"table": "portfolios"})).hits == 20
    await shop_refuses_a_new_column_without_default(shop)


async def shop_refuses_a_new_column_without_default(shop: Shop) -> None:
    shop.deleted("id <= 10")
    shop.run("alter table portfolios add column size int; update portfolios set size = 1")
    shop.run("alter table portfolios alter column size set not null")
    async with shop.opened() as connection:
        preview = await connection.actions["recover.rows"].preview({"table": "portfolios"})
        assert "column size, added since the backup, is NOT NULL and has no default" in preview.refused


async def test_many_rows_go_over_in_pieces(empty: Shop) -> None:
    empty.run(
        AUDIT + "create table logs (id bigint primary key, at timestamptz not null default now(), t text unique);"
    )
    empty.run("insert into logs (id, t) select n, 'line ' || n from generate_series(1, 30000) n")
    args = {"table": "logs", "all_missing": True}
    _, outcome = await there_and_back(empty, ["logs"], "delete from logs where id % 3 <> 0", args)
    assert outcome.hits == 20_000
