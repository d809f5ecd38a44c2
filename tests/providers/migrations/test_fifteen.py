"""On Postgres 15, as Debian installs it: every kind of object is looked up, and the statements by hand finish it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from tests.providers.migrations.by_us import USERS, Shop

from hutch.model.action import Result, Verified
from rolerabbit.embedded.postgres import Postgres

FIFTEEN = Path("/usr/lib/postgresql/15")
pytestmark = pytest.mark.skipif(not (FIFTEEN / "bin/postgres").exists(), reason="no postgresql-15 is installed")

EVERY_KIND = """-- migrate:up transaction:false
ALTER TABLE users ADD COLUMN age int;
ALTER TABLE users ALTER COLUMN email SET NOT NULL;
ALTER TABLE users ADD CONSTRAINT grown CHECK (age > 17);
CREATE SCHEMA extra;
CREATE TYPE "Mood" AS ENUM ('ok');
ALTER TYPE "Mood" ADD VALUE 'so, so';
CREATE SEQUENCE extra.numbers;
CREATE VIEW extra.grown AS SELECT * FROM users;
CREATE FUNCTION extra.twice(n int) RETURNS int LANGUAGE sql AS $$ SELECT n * 2; $$;
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN RETURN new; END $body$;
CREATE TRIGGER note BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION noted();
CREATE POLICY own ON users USING (true);
CREATE EXTENSION IF NOT EXISTS plpgsql;
CREATE UNIQUE INDEX CONCURRENTLY users_email ON users (email);
-- migrate:down
DROP SCHEMA extra CASCADE;
"""


async def test_half_applied_there(tmp_path: Path) -> None:
    with Postgres.temporary(install=FIFTEEN, shared_preload_libraries="") as server:
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute("create role watcher login password 'w'; grant pg_monitor, pg_read_all_data to watcher")
        shop = Shop(server.url, server.url_for("postgres", "watcher", "w"), tmp_path)
        shop.write("001_users.sql", USERS)
        _, outcome, verified = await shop.does("migrate.up")
        assert (outcome.result, verified.verdict) == (Result.DONE, Verified.PASSED), outcome
        shop.write("002_every_kind.sql", EVERY_KIND)
        shop.sql("alter table users add column age int")
        _, [cause] = await shop.looked()
        lines = [line.removeprefix("by hand: ") for line in cause.evidence if line.startswith("by hand")]
        assert len(lines) == 13  # the column, NOT NULL and the extension are there; a check is two statements
        for line in lines:
            shop.sql(line)
        assert ((await shop.looked())[1], shop.versions()) == ([], ["001", "002"])
