"""Prisma, Rails, Alembic and any tool by its commands; Alembic is the real one."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.providers.migrations.by_us import Shop

from hutch.model.action import Result, Verified
from hutch.model.finding import Status

# ------------------------------------------------------------------ Prisma

PRISMA_TABLE = """create table _prisma_migrations (
    id varchar(36) primary key not null, checksum varchar(64) not null, finished_at timestamptz,
    migration_name varchar(255) not null, logs text, rolled_back_at timestamptz,
    started_at timestamptz not null default now(), applied_steps_count integer not null default 0)"""
INIT, ADD = "20260101000000_init", "20260201000000_add_pets"
PETS = """-- CreateTable
CREATE TABLE "Pet" (
    "id" SERIAL NOT NULL,
    "name" TEXT NOT NULL,

    CONSTRAINT "Pet_pkey" PRIMARY KEY ("id")
);

-- AlterTable
ALTER TABLE "User" ADD COLUMN     "age" INTEGER,
ADD COLUMN     "town" TEXT;

-- CreateIndex
CREATE UNIQUE INDEX "Pet_name_key" ON "Pet"("name");
"""


@pytest.fixture
def prisma(shop: Shop) -> Shop:
    """The first migration is applied, the second failed after its first statement, as `migrate deploy` leaves it."""
    init = 'CREATE TABLE "User" ("id" SERIAL NOT NULL);\n'
    shop.write(f"{INIT}/migration.sql", init)
    shop.write(f"{ADD}/migration.sql", PETS)
    shop.write("migration_lock.toml", 'provider = "postgresql"\n')
    shop.sql(PRISMA_TABLE)
    shop.sql(init)
    noted(shop, INIT, init, "finished_at", "now()")
    shop.sql(PETS.split("\n\n-- AlterTable")[0])
    noted(shop, ADD, PETS, "logs", "'A migration failed to apply. Database error code: 23505'")
    return shop


def noted(shop: Shop, name: str, text: str, column: str, value: str) -> None:
    digest = hashlib.sha256(text.encode()).hexdigest()
    shop.sql(
        f"insert into _prisma_migrations (id, checksum, migration_name, {column})"
        f" values (gen_random_uuid(), '{digest}', '{name}', {value})"
    )


async def test_prisma_s_failed_migration_is_named_with_what_is_left(prisma: Shop) -> None:
    finding, [cause] = await prisma.looked(tool="prisma")
    assert (finding.status, cause.object.id, cause.confidence) == (Status.BAD, ADD, 0.95)
    evidence = "\n".join(cause.evidence)
    assert "the tool noted: A migration failed to apply" in evidence
    assert 'there: table "Pet"' in evidence
    assert 'missing: column "User".age, column "User".town, index "Pet_name_key"' in evidence
    lines = [line.removeprefix("by hand: ") for line in cause.evidence if line.startswith("by hand")]
    assert 'CREATE UNIQUE INDEX CONCURRENTLY "Pet_name_key" ON "Pet"("name");' in lines
    for line in lines:
        prisma.sql(line)
    assert (await prisma.looked(tool="prisma"))[1] == []
    rows = prisma.sql("select rolled_back_at is null, finished_at is null from _prisma_migrations order by started_at")
    assert rows == [(True, False), (False, True), (True, False)]


async def test_prisma_s_mark_is_refused_until_all_is_there(prisma: Shop) -> None:
    preview, outcome, verified = await prisma.does("migrate.mark", {"version": ADD}, tool="prisma")
    assert preview.refused.startswith('not everything is there: column "User".age')
    assert (outcome.result, verified.verdict) == (Result.FAILED, Verified.FAILED)
    prisma.sql(
        'alter table "User" add column age int, add column town text; create index "Pet_name_key" on "Pet" (name)'
    )
    _, outcome, verified = await prisma.does("migrate.mark", {"version": ADD}, tool="prisma")
    assert (outcome.result, verified.verdict) == (Result.DONE, Verified.PASSED)
    [(checksum, steps)] = prisma.sql(
        f"select checksum, applied_steps_count from _prisma_migrations where migration_name = '{ADD}'"
        " and finished_at is not null and rolled_back_at is null"
    )
    assert (checksum, steps) == (hashlib.sha256(PETS.encode()).hexdigest(), 0)


async def test_prisma_s_try_is_closed_once_nothing_of_it_is_there(prisma: Shop) -> None:
    back = {"version": ADD, "back": True}
    preview, outcome, _ = await prisma.does("migrate.mark", back, tool="prisma")
    assert (preview.refused, outcome.result) == (
        'some of it is there: table "Pet", column "Pet".id, column "Pet".name, constraint "Pet"."Pet_pkey"; '
        "take it back first",
        Result.FAILED,
    )
    prisma.sql('drop table "Pet"')
    _, [cause] = await prisma.looked(tool="prisma", command=["prisma"])
    assert [(r.action, r.args) for r in cause.remedies] == [("migrate.mark", back)]
    _, outcome, verified = await prisma.does("migrate.mark", back, tool="prisma")
    finding, causes = await prisma.looked(tool="prisma")
    assert (outcome.result, verified.verdict, causes) == (Result.DONE, Verified.PASSED, [])
    assert f"1 pending: {ADD}" in finding.summary


async def test_prisma_s_edited_file_is_told(prisma: Shop) -> None:
    prisma.write(f"{INIT}/migration.sql", 'CREATE TABLE "User" ("id" BIGSERIAL NOT NULL);\n')
    finding, _ = await prisma.looked(tool="prisma")
    assert f"the file of {INIT} is not the one that was applied" in finding.evidence


# ------------------------------------------------------------------ Alembic

ENV = """import os
from alembic import context
from sqlalchemy import create_engine, pool
url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")
if context.is_offline_mode():
    context.configure(url=url, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
"""
FIRST = '''"""users"""
from alembic import op
import sqlalchemy as sa

revision = "1a"
down_revision = None


def upgrade() -> None:
    op.create_table("users", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("email", sa.Text()))


def downgrade() -> None:
    op.drop_table("users")
'''
SECOND = '''"""more"""
from alembic import op
import sqlalchemy as sa

revision: str = "2b"
down_revision: str | None = "1a"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.add_column("users", sa.Column("nick", sa.Text(), nullable=True))
        op.create_index("users_email", "users", ["email"], unique=True, postgresql_concurrently=True)
        op.execute("ALTER TABLE users ADD COLUMN town text")


def downgrade() -> None:
    op.drop_column("users", "town")
    op.drop_index("users_email", table_name="users")
    op.drop_column("users", "nick")
'''


@pytest.fixture
def alembic(shop: Shop) -> dict[str, object]:
    """A project of Alembic's own layout; the settings for it."""
    root = shop.folder
    shop.write("alembic.ini", f"[alembic]\nscript_location = {root}\n")
    shop.write("env.py", ENV)
    shop.write("versions/1a_users.py", FIRST)
    shop.write("versions/2b_more.py", SECOND)
    tool = str(Path(sys.executable).with_name("alembic"))
    return {
        "tool": "alembic",
        "folder": [str(root / "versions")],
        "directory": str(root),
        "command": [tool, "upgrade", "head"],
        "down_command": [tool, "downgrade", "{to}"],
        "down_sql_command": [tool, "downgrade", "{from}:{to}", "--sql"],
        "sql_command": [tool, "upgrade", "{from}:{to}", "--sql"],
    }


async def test_alembic_goes_up_and_down_by_its_own_command(shop: Shop, alembic: Any) -> None:
    finding, _ = await shop.looked(**alembic)
    assert "2 pending: 1a, 2b" in finding.summary
    preview, outcome, verified = await shop.does("migrate.up", **alembic)
    assert (preview.hits, outcome.result, outcome.hits) == (2, Result.DONE, 2), outcome
    assert verified.verdict is Verified.PASSED
    assert shop.sql("select version_num from alembic_version") == [("2b",)]
    plan = json.loads((await shop.reads("migrate.plan", {"way": "down"}, **alembic)).output)
    assert plan["loses"] == ["2b: drops a column", "2b: drops a column"]
    assert "ALTER TABLE users DROP COLUMN town;" in plan["migrations"][0]["sql"]
    _, outcome, verified = await shop.does("migrate.down", {"versions": ["2b"]}, **alembic)
    assert (outcome.result, verified.verdict) == (Result.DONE, Verified.PASSED), outcome
    assert shop.sql("select version_num from alembic_version") == [("1a",)]


async def test_alembic_s_half_applied_revision_is_found_and_finished_by_printed_sql(shop: Shop, alembic: Any) -> None:
    """The real tool stops at the unique index; what is left comes as the SQL that it prints."""
    shop.write("versions/2b_more.py", SECOND.replace('revision: str = "2b"', 'revision: str = "2b"  # broken'))
    one = {**alembic, "command": [alembic["command"][0], "upgrade", "1a"]}
    await shop.does("migrate.up", **one)
    shop.sql("insert into users values (1, 'a'), (2, 'a')")
    _, outcome, verified = await shop.does("migrate.up", **alembic)
    assert (outcome.result, verified.verdict) == (Result.FAILED, Verified.FAILED)
    _, [cause] = await shop.looked(**alembic)
    assert (cause.code, cause.object.id) == ("migration.failed", "2b")
    lines = [line.removeprefix("by hand: ") for line in cause.evidence if line.startswith("by hand")]
    assert lines == [
        "DROP INDEX CONCURRENTLY users_email;",
        "CREATE UNIQUE INDEX CONCURRENTLY users_email ON users (email);",
        "ALTER TABLE users ADD COLUMN IF NOT EXISTS town text;",
        "-- alembic stamp 2b",
    ]
    refused, _, _ = await shop.does("migrate.mark", {"version": "2b"}, **alembic)
    assert refused.refused.startswith("not everything is there: index users_email, column users.town")
    shop.sql("delete from users")
    for line in lines[:-1]:
        shop.sql(line)
    _, [cause] = await shop.looked(**alembic)
    assert cause.remedies[0].action == "migrate.mark"
    _, outcome, verified = await shop.does("migrate.mark", cause.remedies[0].args, **alembic)
    assert (outcome.result, verified.verdict) == (Result.DONE, Verified.PASSED)
    assert (await shop.looked(**alembic))[1] == []
    assert shop.sql("select version_num from alembic_version") == [("2b",)]


async def test_a_script_is_read_and_never_run(shop: Shop, alembic: Any) -> None:
    ran = shop.folder / "ran"
    shop.write("versions/3c_evil.py", f"open({str(ran)!r}, 'w')\nrevision = '3c'\ndown_revision = '2b'\n")
    shop.write("versions/4d_cut.py", 'revision = "4d"\ndef upgrade():\n    op.create_table("x", sa.Colu')
    shop.write("versions/5e_flags.py", 'revision = "--help"\n')
    finding, _ = await shop.looked(**{**alembic, "sql_command": []})
    assert not ran.exists()
    assert any("4d_cut: it is no Python that can be read" in line for line in finding.evidence)
    assert "--help" not in str(finding.data)


# ------------------------------------------------------------------ Rails, and any tool

RAILS_UP = """
import os, sys, psycopg
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as c:
    c.execute("create table if not exists schema_migrations (version varchar primary key)")
    if "down" in sys.argv:
        c.execute("delete from schema_migrations where version = (select max(version) from schema_migrations)")
        c.execute("drop table pets")
    else:
        c.execute("create table if not exists pets (id int)")
        c.execute("insert into schema_migrations values ('20260102030405') on conflict do nothing")
"""


async def test_rails_goes_by_its_command(shop: Shop) -> None:
    shop.write("20260102030405_create_pets.rb", "class CreatePets < ActiveRecord::Migration[8.0]\nend\n")
    shop.write("20260102030406_more.rb", "class More < ActiveRecord::Migration[8.0]\nend\n")
    script = [sys.executable, str(shop.write("rails.py", RAILS_UP))]
    rails: Any = {"tool": "rails", "command": script, "down_command": [*script, "down"]}
    _, outcome, verified = await shop.does("migrate.up", **rails)
    assert (outcome.result, outcome.hits, verified.verdict) == (Result.DONE, 1, Verified.FAILED)
    preview, outcome, _ = await shop.does("migrate.mark", {"version": "20260102030406"}, **rails)
    assert "of its file this can't be told: it declares nothing" in preview.refused
    assert outcome.result is Result.FAILED
    _, outcome, _ = await shop.does("migrate.mark", {"version": "20260102030406", "compared": True}, **rails)
    assert (outcome.result, shop.versions()) == (Result.DONE, ["20260102030405", "20260102030406"])
    preview, _, _ = await shop.does("migrate.mark", {"version": "20260102030406", "back": True}, **rails)
    assert "its file can't be compared" in preview.refused
    back: Any = {"version": "20260102030406", "back": True, "compared": True}
    assert (await shop.does("migrate.mark", back, **rails))[1].result is Result.DONE
    preview, outcome, verified = await shop.does("migrate.down", **rails)
    assert "its way down can't be read here, and may lose data" in preview.summary
    assert (outcome.result, verified.verdict) == (Result.DONE, Verified.PASSED)


RAILS_HALF = """class AddTowns < ActiveRecord::Migration[8.0]
  disable_ddl_transaction!

  def change
    create_table :towns do |t|
      t.string :name
      t.references :owner, foreign_key: { to_table: :users }
    end
    add_column :users, :town, :string
    add_index :users, :town, algorithm: :concurrently
  end
end
"""


async def test_rails_half_applied_is_found_by_what_its_ruby_declares(shop: Shop) -> None:
    version = "20260102030405"
    shop.write(f"{version}_add_towns.rb", RAILS_HALF)
    shop.sql("create table schema_migrations (version varchar primary key); create table users (id bigint primary key)")
    assert (await shop.looked(tool="rails"))[1] == []
    shop.sql(
        "create table towns (id bigserial primary key, name varchar, owner_id bigint"
        " constraint fk_rails_a74b846b9d references users); create index index_towns_on_owner_id on towns (owner_id);"
        " alter table users add town varchar"
    )
    _, [cause] = await shop.looked(tool="rails")
    evidence = "\n".join(cause.evidence)
    assert cause.object.id == version
    assert "there: table towns" in evidence
    assert "missing: index index_users_on_town" in evidence
    assert "by hand: -- add_index :users, :town, algorithm: :concurrently" in evidence
    preview, _, _ = await shop.does("migrate.mark", {"version": version}, tool="rails")
    assert "not everything is there: index index_users_on_town" in preview.refused
    shop.sql("create index index_users_on_town on users (town)")
    _, outcome, verified = await shop.does("migrate.mark", {"version": version}, tool="rails")
    assert (outcome.result, verified.verdict, shop.versions()) == (Result.DONE, Verified.PASSED, [version])


@pytest.mark.parametrize(
    ("says", "applied", "half", "pending"),
    [
        ("applied 001 users\nhalf-applied 002 nick\npending 003 pets", 1, ["002"], ["003"]),
        ("[X] 001_users.sql\n[ ] 002_nick.sql\n\nApplied: 1\nPending: 1", 1, [], ["002"]),
        (
            "database: shop\n\n Status   Migration ID    Name\n---\n   up     001  Users\n  down    002  Nick",
            1,
            [],
            ["002"],
        ),
        ('{"applied": ["001"], "half_applied": ["002"], "pending": ["003"]}', 1, ["002"], ["003"]),
        ('[{"version": "001", "state": "applied"}, {"version": "002", "state": "failed"}]', 1, ["002"], []),
    ],
    ids=["lines", "dbmate", "rails", "json", "json list"],
)
async def test_any_tool_tells_by_its_command(
    shop: Shop, says: str, applied: int, half: list[str], pending: list[str]
) -> None:
    settings: Any = {"tool": "command", "folder": [], "status_command": [sys.executable, "-c", f"print({says!r})"]}
    finding, causes = await shop.looked(**settings)
    assert finding.data["applied"] == applied
    assert [c.object.id for c in causes] == half
    told: Any = finding.data["pending"]
    assert [row["version"] for row in told] == pending
    assert all(not c.remedies for c in causes)


@pytest.mark.parametrize("says", ["all is well", "{", "\x1b[31m", "[]x"])
async def test_a_tool_that_tells_nothing_is_no_health(shop: Shop, says: str) -> None:
    settings: Any = {"tool": "command", "folder": [], "status_command": [sys.executable, "-c", f"print({says!r})"]}
    finding, causes = await shop.looked(**settings)
    assert (finding.status, causes) == (Status.UNKNOWN, [])
    assert "status_command" in finding.reason


async def test_reset_and_seed_are_refused_outside_development(shop: Shop) -> None:
    drop = "import os, psycopg; psycopg.connect(os.environ['DATABASE_URL'], autocommit=True).execute('drop table t')"
    shop.sql("create table t (id int)")
    commands: Any = {"reset_command": [sys.executable, "-c", drop], "seed_command": [sys.executable, "-c", "print(1)"]}
    for action in ("migrate.reset", "migrate.seed"):
        for environment in ("production", "staging", "dev", "Development"):
            preview, outcome, _ = await shop.does(action, environment=environment, **commands)
            assert "is for development alone" in preview.refused
            assert outcome.result is Result.FAILED
    assert shop.sql("select to_regclass('t')::text") == [("t",)]
    _, outcome, verified = await shop.does("migrate.reset", environment="development", **commands)
    assert (outcome.result, verified.verdict) == (Result.DONE, Verified.PASSED)
    assert shop.sql("select to_regclass('t')::text") == [(None,)]
    _, _, verified = await shop.does("migrate.seed", environment="development", **commands)
    assert verified.verdict is Verified.FAILED  # it ends well and fills nothing
