"""Bad input: a clear error, and the database as it was."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shop_world import Shop, database

STATE = "select md5(string_agg(p::text, ',' order by id)) from portfolios p"


def archives(shop: Shop) -> list[Path]:
    """The stored files that hold rows, the largest last."""
    found = [p for p in shop.folder.rglob("*") if p.is_file() and p.suffix != ".json"]
    return sorted(found, key=lambda p: p.stat().st_size)


async def refusal(shop: Shop, args: Mapping[str, object], **settings: object) -> str:
    """Why it is refused, by the preview and by doing alike; nothing has changed, and nothing is left behind."""
    before = shop.one(STATE)
    async with shop.opened(**settings) as connection:
        action = connection.actions["recover.rows"]
        preview = await action.preview(args)
        outcome = await action.apply(args)
    assert preview.refused
    assert outcome.result == "failed", outcome
    assert preview.refused in outcome.summary
    assert shop.one(STATE) == before
    assert shop.scratches() == []
    return preview.refused


async def test_a_backup_that_is_cut_short(shop: Shop) -> None:
    await shop.backup()
    shop.deleted("id <= 100")
    largest = archives(shop)[-1]
    largest.write_bytes(largest.read_bytes()[:-20])
    assert "cut short" in await refusal(shop, {"table": "portfolios"})


async def test_a_backup_of_another_key(shop: Shop) -> None:
    await shop.backup(key=base64.b64encode(b"k" * 32).decode())
    shop.deleted("id <= 100")
    other = base64.b64encode(b"x" * 32).decode()
    assert "key" in await refusal(shop, {"table": "portfolios"}, key=other)


async def test_a_backup_of_another_database(shop: Shop) -> None:
    with database(shop.postgres, "elsewhere"):
        other = Shop(shop.postgres, "elsewhere", shop.folder)
        other.run("create table portfolios (id bigint primary key)")
        name = await other.backup()
    shop.deleted("id <= 100")
    assert "it is of database 'elsewhere'" in await refusal(shop, {"table": "portfolios", "backup": name})


async def test_no_backup_from_before_the_deletion(shop: Shop) -> None:
    shop.deleted("id <= 100")
    name = await shop.backup()
    assert "there is no backup from before" in await refusal(shop, {"table": "portfolios"})
    assert "after the deletions began" in await refusal(shop, {"table": "portfolios", "backup": name})


async def test_a_backup_that_is_older_than_the_table(shop: Shop) -> None:
    await shop.backup()
    shop.run("create table notes (id bigint primary key); insert into notes values (1)")
    shop.run("delete from notes; insert into audit_logs (action, details) values ('note.deleted', '{\"id\": 1}')")
    assert "holds no table notes" in await refusal(shop, {"table": "notes"})


WRONG: list[tuple[Mapping[str, object], str]] = [
    ({"table": "portfolio"}, "there is no table 'portfolio'; nearest: portfolios"),
    ({}, "needs `table`"),
    ({"table": "portfolios", "when": "now"}, "no argument 'when'"),
    ({"table": "portfolios", "triggers": "maybe"}, "triggers must be fire or quiet"),
    ({"table": "portfolios", "since": "yesterday"}, "since must be a time such as"),
    ({"table": "portfolios", "backup": "20250101T000000Z-abcdef"}, "there is no complete backup"),
    ({"table": "portfolios", "rows": 99}, "200 rows would come back, more than the 99 that were approved"),
    ({"table": "pages"}, "knows no deletion of pages (page.deleted)"),
]


async def test_arguments_that_are_wrong_and_backups_that_are_not_there(shop: Shop) -> None:
    await shop.backup()
    shop.deleted("id <= 100")
    for args, why in WRONG:
        assert why in await refusal(shop, args)


async def test_an_empty_window_and_one_in_which_nothing_was_deleted(shop: Shop) -> None:
    await shop.backup()
    shop.deleted("id <= 100")
    now = datetime.now(UTC)
    args = {"table": "portfolios", "since": (now + timedelta(hours=1)).isoformat(), "until": now.isoformat()}
    assert "the window is empty" in await refusal(shop, args)
    args = {"table": "portfolios", "since": (now + timedelta(hours=1)).isoformat()}
    assert "knows no deletion of portfolios" in await refusal(shop, args)


async def test_without_an_audit_log(shop: Shop) -> None:
    await shop.backup()
    shop.run("drop table audit_logs; delete from portfolios where id <= 100")
    assert "there is no audit log audit_logs" in await refusal(shop, {"table": "portfolios"})


async def test_without_a_login_that_may_write(shop: Shop) -> None:
    await shop.backup()
    shop.deleted("id <= 100")
    assert "recover_url is not set" in await refusal(shop, {"table": "portfolios"}, recover_url=None)


async def test_more_rows_than_the_setting_allows(shop: Shop) -> None:
    await shop.backup()
    shop.deleted("id <= 100")
    assert "recover_max_rows = 7" in await refusal(shop, {"table": "portfolios"}, recover_max_rows=7)


async def test_a_table_without_any_key(shop: Shop) -> None:
    shop.run("create table heap (a int); insert into heap values (1)")
    await shop.backup()
    assert "it has no primary key" in await refusal(shop, {"table": "heap", "all_missing": True})


async def test_rows_that_did_not_come_out_of_the_backup(shop: Shop) -> None:
    """They are counted beside the picking, and nothing of it is used before the count adds up."""
    await shop.backup()
    shop.deleted("id <= 100")
    before = shop.one(STATE)
    async with shop.opened() as connection:
        action = connection.actions["recover.rows"]
        assert (await action.preview({"table": "portfolios"})).refused == ""
        [scratch] = shop.scratches()
        Shop(shop.postgres, scratch, shop.folder).run("delete from portfolios where id = 500")
        outcome = await action.apply({"table": "portfolios"})
    assert outcome.result == "failed", outcome
    assert "counted 900 rows of public.portfolios, and 899 were restored" in outcome.summary
    assert shop.one(STATE) == before
    assert shop.scratches() == []
