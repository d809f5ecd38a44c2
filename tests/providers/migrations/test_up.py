from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from hutch.model.action import Result, Verified
from hutch.ports import Action, Connection
from hutch.providers.migrations import provider
from rolerabbit import database
from rolerabbit.migrate import MigrationError, known_to


def action(connection: Connection) -> Action:
    return connection.actions["migrate.up"]


def stop_half_way(server: Any) -> None:
    server.titles("same", "same")
    server.write()
    with pytest.raises(MigrationError, match="half-way"):
        database.up(server.url(), known_to({"RR_MIGRATIONS_EXTRA": str(server.extra)}))


async def test_a_half_applied_migration_is_finished_by_the_team_s_tool(server: Any, target: Any) -> None:
    stop_half_way(server)
    async with target() as connection:
        [cause] = provider.explain([await connection.checks["migrations.state"]()])
        args = cause.remedies[0].args
        preview, before = await action(connection).preview(args), await action(connection).verify(args)
        still_wrong = await action(connection).apply(args)
        after_failure = await action(connection).verify(args)
        with server.connect() as session:
            session.execute("delete from portfolios")
        outcome, verified = await action(connection).apply(args), await action(connection).verify(args)
        again = await action(connection).apply(args)
        healed = await connection.checks["migrations.state"]()
    assert (preview.hits, preview.refused) == (1, "")
    assert preview.items[0].startswith("half-applied 900 themes")
    assert "  CREATE UNIQUE INDEX CONCURRENTLY portfolio_titles ON portfolios (title);" in preview.items
    assert before.verdict is Verified.FAILED
    assert (still_wrong.result, still_wrong.hits, after_failure.verdict) == (Result.FAILED, 0, Verified.FAILED)
    assert "half-way" in still_wrong.output
    assert (outcome.result, outcome.hits, outcome.exit_code) == (Result.DONE, 1, 0)
    assert verified.verdict is Verified.PASSED
    assert (again.result, again.hits) == (Result.DONE, 0)
    assert provider.explain([healed]) == []


async def test_a_version_that_was_not_named_is_refused(server: Any, target: Any) -> None:
    stop_half_way(server)
    server.write("CREATE TABLE surprises (id int);", "901_surprise.sql")
    async with target() as connection:
        preview = await action(connection).preview({"versions": ["900"]})
        outcome = await action(connection).apply({"versions": ["900"]})
    assert "version 901 is due as well" in preview.refused
    assert (outcome.result, "901" in outcome.summary) == (Result.FAILED, True)


async def test_the_owner_s_address_goes_by_the_environment_and_never_shows(
    server: Any, target: Any, monkeypatch: Any
) -> None:
    server.write()
    monkeypatch.setenv("HUTCH_OWN_SECRET", "not-for-the-tool")
    monkeypatch.setenv("WANTED", "passed on")
    told = "import os,sys; print(sys.argv[1:], dict(os.environ)); sys.exit(3)"
    async with target(command=[sys.executable, "-c", told], command_env="OWNER", pass_env=["WANTED"]) as connection:
        outcome = await action(connection).apply({})
    assert (outcome.result, outcome.exit_code) == (Result.FAILED, 3)
    assert "[]" in outcome.output
    assert "'OWNER': '•••'" in outcome.output
    assert "'WANTED': 'passed on'" in outcome.output
    assert "not-for-the-tool" not in outcome.output
    assert server.url() not in repr(outcome)


async def test_a_password_cut_in_two_does_not_show(server: Any, target: Any) -> None:
    server.write()
    password = "cut-in-two-" * 20
    long = "import os; print('x' * 100 + os.environ['DATABASE_URL'] + 'y' * 16300); print('end')"
    with server.connect() as session:
        session.execute("drop role if exists owner")
        session.execute(f"create role owner login password '{password}'")
    owner = server.url("owner").replace("owner-word", password)
    async with target(command=[sys.executable, "-c", long], owner_url=owner) as connection:
        outcome = await action(connection).apply({})
    assert outcome.output == "end\n"


async def test_a_tool_that_says_all_is_well_and_does_nothing_does_not_pass(server: Any, target: Any) -> None:
    server.write()
    async with target(command=[sys.executable, "-c", "print('fine')"]) as connection:
        outcome, verified = await action(connection).apply({}), await action(connection).verify({})
    assert (outcome.result, outcome.hits) == (Result.DONE, 0)
    assert "the tool did nothing" in outcome.summary
    assert verified.verdict is Verified.FAILED


async def test_a_tool_that_hangs_is_ended_and_its_outcome_unknown(server: Any, target: Any) -> None:
    server.write()
    hangs = "import time; print('begun', flush=True); time.sleep(600)"
    async with target(command=[sys.executable, "-c", hangs], command_timeout=1.5) as connection:
        outcome = await action(connection).apply({})
    assert (outcome.result, outcome.hits) == (Result.UNKNOWN, 0)
    assert "begun" in outcome.output


async def test_a_tool_that_is_not_there_is_named(server: Any, target: Any) -> None:
    server.write()
    async with target(command=["/nowhere/dbmate", "up"]) as connection:
        outcome = await action(connection).apply({})
    assert (outcome.result, "/nowhere/dbmate cannot be started" in outcome.summary) == (Result.FAILED, True)


async def test_while_the_tool_is_at_it_verification_waits(server: Any, target: Any) -> None:
    """As after a crash of ours: the tool goes on, and verification decides what became of it."""
    with server.building():
        async with target() as connection:
            meanwhile = await action(connection).verify({"versions": ["900"]})
    async with target() as connection:
        verified = await action(connection).verify({"versions": ["900"]})
    assert (meanwhile.verdict, verified.verdict) == (Verified.PENDING, Verified.PASSED)


async def test_a_tool_killed_half_way_is_found_and_finished(server: Any, target: Any) -> None:
    server.write_index()
    async with target() as connection:
        with server.connect() as old:
            old.execute("begin isolation level repeatable read")
            old.execute("select count(*) from portfolios")
            kill_half_way(server)
            server.wait_for("select count(*) = 0 from pg_stat_activity where application_name = 'rolerabbit-db'")
            [cause] = provider.explain([await connection.checks["migrations.state"]()])
            args = cause.remedies[0].args
            unknown = await action(connection).verify(args)
            old.execute("rollback")
        outcome, verified = await action(connection).apply(args), await action(connection).verify(args)
    assert (cause.code, cause.object.id, unknown.verdict) == ("migration.failed", "900", Verified.FAILED)
    assert (outcome.hits, verified.verdict) == (1, Verified.PASSED)


def kill_half_way(server: Any) -> None:
    """RoleRabbit's tool, killed while its index waits."""
    env = {**os.environ, "DATABASE_URL": server.url(), "RR_MIGRATIONS_EXTRA": str(server.extra)}
    with subprocess.Popen([sys.executable, "-m", "rolerabbit", "db", "up"], env=env) as tool:
        try:
            server.wait_for("select exists (select from pg_index where not indisvalid)")
        finally:
            tool.kill()


async def test_without_an_owner_or_a_command_nothing_is_changed(server: Any, target: Any) -> None:
    server.write()
    async with target(owner_url=None) as connection, target(command=None) as bare:
        preview, outcome = await action(connection).preview({}), await action(connection).apply({})
        assert "migrate.up" in bare.actions  # it runs files of SQL itself
    assert "owner_url" in preview.refused
    assert (outcome.result, "owner_url" in outcome.summary) == (Result.FAILED, True)


@pytest.mark.parametrize("versions", ["900", [900], {"a": 1}])
async def test_arguments_that_name_no_versions_are_refused(target: Any, versions: object) -> None:
    async with target() as connection:
        preview = await action(connection).preview({"versions": versions})
        outcome = await action(connection).apply({"versions": versions})
        verified = await action(connection).verify({"versions": versions})
    assert "versions must be a list" in preview.refused
    assert (outcome.result, verified.verdict) == (Result.FAILED, Verified.UNKNOWN)
