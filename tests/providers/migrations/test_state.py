from __future__ import annotations

from typing import Any

import pytest

from hutch.model.action import Command, Result
from hutch.model.effect import Effect
from hutch.model.finding import Cause, Finding, Status
from hutch.providers.migrations import provider
from hutch.testing import check_provider
from rolerabbit import database
from rolerabbit.migrate import MigrationError, known_to


async def looked(target: Any, **settings: object) -> tuple[Finding, list[Cause]]:
    async with target(**settings) as connection:
        finding = await connection.checks["migrations.state"]()
    return finding, list(provider.explain([finding]))


def stop_half_way(server: Any) -> None:
    """RoleRabbit's own tool fails at the unique index, as it does for any team."""
    server.titles("same", "same")
    server.write()
    with pytest.raises(MigrationError, match="half-way"):
        database.up(server.url(), known_to({"RR_MIGRATIONS_EXTRA": str(server.extra)}))


async def test_everything_applied_is_healthy(target: Any) -> None:
    finding, causes = await looked(target)
    assert (finding.status, causes) == (Status.OK, [])
    assert finding.data["applied"] >= 7  # type: ignore[operator]
    assert "migrations applied" in finding.summary


async def test_what_is_due_is_told_and_a_cause_only_if_asked_for(server: Any, target: Any) -> None:
    server.write()
    finding, causes = await looked(target)
    assert (finding.status, causes) == (Status.WARN, [])
    assert "1 pending: 900" in finding.summary
    _, [cause] = await looked(target, pending_is_cause=True)
    assert (cause.code, cause.object.id, cause.confidence) == ("migration.pending", "900", 0.7)
    assert [(r.action, r.args) for r in cause.remedies] == [("migrate.up", {"versions": ["900"]})]


async def test_a_migration_that_stopped_half_way_is_named_with_what_is_there_and_missing(
    server: Any, target: Any
) -> None:
    stop_half_way(server)
    finding, [cause] = await looked(target)
    assert finding.status is Status.BAD
    assert (cause.code, cause.object.kind, cause.object.id) == ("migration.failed", "migration", "900")
    assert cause.confidence == 0.95
    assert cause.since is not None
    evidence = "\n".join(cause.evidence)
    assert "2 of its statements ran" in evidence
    assert "there: table themes, column portfolios.theme" in evidence
    assert "invalid: index portfolio_titles" in evidence
    assert [line for line in cause.evidence if line.startswith("by hand")] == [
        "by hand: DROP INDEX CONCURRENTLY portfolio_titles;",
        "by hand: CREATE UNIQUE INDEX CONCURRENTLY portfolio_titles ON portfolios (title);",
        "by hand: UPDATE schema_migrations SET finished_at = now() WHERE version = '900';",
    ]
    assert [(r.action, r.args) for r in cause.remedies] == [("migrate.up", {"versions": ["900"]})]


async def test_without_any_note_the_schema_tells(server: Any, target: Any) -> None:
    """As after dbmate or Rails: the version is noted only at the end, so nothing is noted at all."""
    stop_half_way(server)
    with server.connect() as session:
        session.execute("delete from schema_migrations where version = '900'")
    _, [cause] = await looked(target)
    assert (cause.code, cause.object.id, cause.confidence) == ("migration.failed", "900", 0.9)
    assert "by hand: INSERT INTO schema_migrations (version) VALUES ('900');" in cause.evidence


async def test_half_of_the_columns_without_any_note(server: Any, target: Any) -> None:
    server.write("ALTER TABLE users ADD COLUMN nick text, ADD COLUMN age int;", "020_nick.sql")
    with server.connect() as session:
        session.execute("alter table users add column nick text")
    _, [cause] = await looked(target)
    assert (cause.object.id, cause.confidence) == ("020", 0.6)
    assert "there: column users.nick" in cause.evidence
    assert "missing: column users.age" in cause.evidence


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE IF NOT EXISTS users (id int);",
        "DROP INDEX users_email_key; CREATE UNIQUE INDEX users_email_key ON users (email);",
        "-- CREATE TABLE users (id int);\nINSERT INTO portfolios DEFAULT VALUES;",
        "SELECT 'x; CREATE TABLE users (id int);';",
        "DO $$ BEGIN CREATE TABLE users (id int); END $$;",
        "ALTER TABLE users DROP COLUMN name; ALTER TABLE users ADD COLUMN name text;",
    ],
)
async def test_what_may_have_been_there_before_makes_nothing_half_applied(server: Any, target: Any, text: str) -> None:
    server.write(text, "021_again.sql")
    finding, causes = await looked(target)
    assert (finding.status, causes) == (Status.WARN, [])


async def test_being_at_it_is_healthy_and_a_second_runner_is_refused(server: Any, target: Any) -> None:
    with server.building():
        finding, causes = await looked(target)
        by_lock, _ = await looked(target, runners=["nothing"], lock_key=database.ADVISORY_LOCK)
        async with target() as connection:
            preview = await connection.actions["migrate.up"].preview({})
            outcome = await connection.actions["migrate.up"].apply({})
    assert (finding.status, causes) == (Status.OK, [])
    assert "a migration is running" in finding.summary
    assert any("builds an index" in line for line in finding.evidence)
    assert any("holds the lock of the migration tool" in line for line in by_lock.evidence)
    assert "a migration is running" in preview.refused
    assert (outcome.result, outcome.recoverable) == (Result.FAILED, True)
    assert (await looked(target))[0].status is Status.OK


async def test_an_invalid_index_of_an_applied_migration_is_told(server: Any, target: Any) -> None:
    stop_half_way(server)
    with server.connect() as session:
        session.execute("update schema_migrations set finished_at = now() where version = '900'")
    finding, causes = await looked(target)
    assert (finding.status, causes) == (Status.WARN, [])
    assert finding.evidence == ("index portfolio_titles of an applied migration is invalid",)


@pytest.mark.parametrize(
    ("table", "half"),
    [
        ("create table t (version bigint, dirty boolean); insert into t values (3, true)", ["003"]),
        ("create table t (version bigint, dirty boolean); insert into t values (3, false)", []),
        ("create table t (version text); insert into t values ('001'), ('002'), ('003')", []),
        (
            "create table t (installed_rank int, version text, success boolean);"
            " insert into t values (1, '001', true), (2, '002', true), (3, '003', false)",
            ["003"],
        ),
        (
            "create table t (migration_name text, started_at timestamptz, finished_at timestamptz,"
            " rolled_back_at timestamptz); insert into t values ('001', now(), now(), null),"
            " ('002', now(), now(), null), ('003', now(), null, null)",
            ["003"],
        ),
    ],
    ids=["golang-migrate dirty", "golang-migrate", "versions alone", "flyway", "prisma"],
)
async def test_tables_of_other_tools(server: Any, target: Any, tmp_path: Any, table: str, half: list[str]) -> None:
    folder = tmp_path / "others"
    folder.mkdir()
    for number in range(1, 6):
        (folder / f"{number:03d}_step.up.sql").write_text(f"select {number};")
        (folder / f"{number:03d}_step.down.sql").write_text("select 0;")
    with server.connect() as session:
        session.execute(table)
    finding, causes = await looked(target, table="t", folder=[str(folder)])
    assert [c.object.id for c in causes] == half
    pending: Any = finding.data["pending"]
    assert [row["version"] for row in pending] == ["004", "005"]


async def test_a_database_without_the_table_has_everything_due(server: Any, target: Any) -> None:
    finding, _ = await looked(target, table="elsewhere.versions", folder=[])
    assert (finding.status, finding.data["applied"]) == (Status.OK, 0)


async def test_versions_without_a_file_are_told(server: Any, target: Any) -> None:
    with server.connect() as session:
        session.execute("insert into schema_migrations (version) values ('917')")
    finding, causes = await looked(target)
    assert (finding.status, causes) == (Status.OK, [])
    assert finding.evidence == ("version 917 is marked as applied and has no file",)


async def test_the_status_is_a_statement_of_a_runbook(server: Any, target: Any) -> None:
    stop_half_way(server)
    async with target() as connection:
        outcome = await connection.runs["migrate.status"](Command("migrate.status", "", "shop", Effect.READ))
        assert connection.changes
        changes = await connection.changes()
    assert (outcome.result, outcome.exit_code) == (Result.DONE, 1)
    assert outcome.output.splitlines()[0] == "applied      001 users"
    assert outcome.output.splitlines()[-1] == "half-applied 900 themes"
    assert {change.kind for change in changes} == {"migration"}
    assert changes[-1].summary.startswith("migrations 001 to")
    assert "900" not in {change.id for change in changes}


async def test_what_can_not_be_looked_at_is_said(server: Any, target: Any) -> None:
    gone, _ = await looked(target, folder=["/nowhere/at-all"])
    nowhere, _ = await looked(target, url="postgresql://x:hidden-word@127.0.0.1:1/shop")
    closed, _ = await looked(target, url=server.url("stranger"))
    assert {f.status for f in (gone, nowhere, closed)} == {Status.UNKNOWN}
    assert gone.reason == "services.*.migrations.folder: /nowhere/at-all: No such file or directory"
    assert "hidden-word" not in nowhere.reason
    assert closed.reason == "permission denied for table schema_migrations"


async def test_the_contract_of_a_provider(server: Any) -> None:
    [finding] = await check_provider(provider, {"url": server.url("watcher"), "owner_url": server.url()})
    assert finding.status is Status.OK


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": ""}, "url must be a database address"),
        ({"owner_url": "host=x ;;"}, "the database address can't be read"),
        ({"table": ""}, "table must be text"),
        ({"command": "make migrate"}, "command must be a list of texts"),
        ({"command_env": "A=B"}, "command_env must be the name of an environment variable"),
        ({"command_timeout": 0}, "command_timeout must be a number above 0"),
        ({"lock_key": "x"}, "lock_key must be a whole number"),
        ({"env": {"A": []}}, "env must map names"),
    ],
)
async def test_bad_settings_are_named(target: Any, settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=r"^migrations: ") as error:
        async with target(**settings):
            pass
    assert said in str(error.value)
