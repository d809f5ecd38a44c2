"""What a backup needs is looked at before one is due; and Postgres 15, as Debian installs it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from backup_world import KEY, SHOP, Shop
from hutch.model.action import Result
from hutch.model.finding import Status
from rolerabbit.embedded.postgres import Postgres

FIFTEEN = Path("/usr/lib/postgresql/15")
ROLES = """
do $$ begin create role narrow login password 'narrow-word'; exception when duplicate_object then null; end $$;
do $$ begin create role dumper login password 'dumper-word' in role pg_read_all_data;
exception when duplicate_object then null; end $$;
"""


async def test_what_is_lacking_is_named_before_a_backup_is_due(shop: Shop) -> None:
    with psycopg.connect(shop.url, autocommit=True) as session:
        session.execute(ROLES)
    database = shop.url.rpartition("/")[2]
    narrow = shop.postgres.url_for(database, "narrow", "narrow-word")
    found = await shop.opened(url=narrow).checks["backup.ready"]()
    assert (found.status, found.matters) == (Status.WARN, False)
    assert "may not read" in found.summary and "GRANT pg_read_all_data" in found.summary
    assert "give it CREATEDB" in found.evidence[-1]
    made = await shop.opened(url=narrow).actions["backup.create"].apply({})
    assert made.result is Result.FAILED
    assert "permission denied" in made.summary

    dumper = shop.postgres.url_for(database, "dumper", "dumper-word")
    able = shop.opened(url=dumper, scratch_url=shop.url)
    seen = await able.checks["backup.ready"]()
    assert (seen.status, seen.summary) == (Status.OK, "a backup can be made and proved")
    done = await able.actions["backup.create"].apply({"verify": True})
    assert done.result is Result.DONE, done.summary
    refused = await shop.opened(url=dumper).actions["backup.verify"].apply({})
    assert "may not create a database: give it CREATEDB" in refused.summary


async def test_a_leftover_is_noticed_and_dropped_by_the_next(shop: Shop) -> None:
    with psycopg.connect(shop.url, autocommit=True) as session:
        session.execute("create database hutch_scratch_20260101t000000_abcdef")
    found = await shop.opened().checks["backup.ready"]()
    assert "hutch_scratch_20260101t000000_abcdef" in found.evidence[-1]
    assert (await shop.opened().actions["backup.create"].apply({"verify": True})).result is Result.DONE
    assert shop.scratches() == []


@pytest.mark.skipif(not (FIFTEEN / "bin/postgres").exists(), reason="no postgresql-15 is installed")
async def test_an_older_server_with_its_own_and_with_newer_programs(server: Postgres, tmp_path: Path) -> None:
    with Postgres.temporary(install=FIFTEEN, shared_preload_libraries="") as old:
        url = old.createdb("shop")
        with psycopg.connect(url, autocommit=True) as session:
            session.execute(SHOP)
        shop = Shop(old, url, {"url": url, "to": str(tmp_path / "store"), "key": KEY, "tools": str(FIFTEEN / "bin")})
        made = await shop.opened().actions["backup.create"].apply({"verify": True})
        assert made.result is Result.DONE, made.summary
        newer = await shop.opened(scratch_url=server.url).actions["backup.verify"].apply({})
        assert newer.result is Result.DONE, newer.summary

        by_18 = shop.opened(tools=str(server.bin_dir), to=str(tmp_path / "by-18"))
        made = await by_18.actions["backup.create"].apply({"verify": True})
        assert made.result is Result.DONE, made.summary

        young = server.createdb("young")
        back = {"url": young, "to": str(tmp_path / "back"), "tools": str(server.bin_dir), "scratch_url": url}
        made = await shop.opened(**back).actions["backup.create"].apply({"verify": True})
        assert made.result is Result.FAILED
        assert "the scratch server is 15: name a newer one by scratch_url" in made.summary
        assert shop.scratches() == []
