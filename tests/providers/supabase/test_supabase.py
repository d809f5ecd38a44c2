"""The Supabase provider: its REST address, its closed views on a real Postgres, what it changes, and bad times."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from click.testing import CliRunner
from psycopg.conninfo import make_conninfo

from hutch.cli.main import cli
from hutch.model.action import Result, Verified
from hutch.model.finding import Finding, Status
from hutch.ports import TargetConfig
from hutch.providers.supabase import provider
from hutch.providers.supabase.checks import NEEDS
from hutch.providers.supabase.config import config_from
from hutch.testing import check_provider
from rolerabbit.platform.supabase.api import PROJECT
from wire import wired

STATS = "needs pg_read_all_stats: grant pg_read_all_stats to watcher"


async def looked(target: Any, **settings: object) -> dict[str, Finding]:
    async with target(**settings) as web:
        return {name: await check() for name, check in web.checks.items()}


def settings(world: Any, **more: object) -> dict[str, object]:
    given = {"project": PROJECT, "key": "sb_publishable_0451", "url": world.address, "timeout": 2.0}
    return {**given, "database_url": world.url("watcher"), "change_url": world.url("app"), **more}


# ------------------------------------------------------------------ the contract


async def test_the_contract(world: Any) -> None:
    found = await check_provider(provider, settings(world))
    assert {f.check for f in found} == set(NEEDS)
    away = {"url": "http://127.0.0.1:9", "database_url": "postgresql://watcher:watcher-word-0451@127.0.0.1:9/x"}
    found = await check_provider(provider, settings(world, **away))
    assert {f.status for f in found} == {Status.UNKNOWN} and all(f.reason for f in found)


async def test_the_key_travels_in_one_header_and_nothing_is_changed(world: Any, target: Any) -> None:
    before = world.sql("select txid_current()")[0][0]
    async with target() as web:
        for check in web.checks.values():
            await check()
        for action in web.actions.values():
            await action.preview({})
            await action.verify({})
    assert {row["apikey"] for row in world.asked} == {"sb_publishable_0451"}
    assert not any("authorization" in row or "0451" in row["query"] for row in world.asked)
    assert world.sql("select txid_current()")[0][0] == before + 1  # that of this very question


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"project": "https://x.supabase.co"}, "supabase: project must be its reference"),
        ({"url": "http://api.example.com"}, "supabase: url must begin with https://"),
        ({"url": "https://user@api.example.com"}, "supabase: url must hold no user and no query"),
        ({"disk": -1}, "supabase: disk must be a number of GB, or 0"),
        ({"long_query": 0}, "supabase: long_query must be a number above 0"),
    ],
)
def test_bad_settings_are_named(given: Mapping[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        config_from({"project": PROJECT, "key": "x", **given})


def test_a_database_address_that_is_none_is_not_quoted() -> None:
    given = {"project": PROJECT, "key": "x", "database_url": "nothing 0451"}
    with pytest.raises(ValueError, match="supabase: the database address can't be read") as error:
        provider.open(TargetConfig("web", given, lambda: datetime.now(UTC)))
    assert "0451" not in str(error.value)


# ------------------------------------------------------------------ what it needs, and goes on without


async def test_closed_views_are_said_with_what_opens_them(target: Any) -> None:
    found = await looked(target)
    told = {name: (f.status, f.reason) for name, f in found.items() if f.status is not Status.OK}
    assert told == {
        "supabase.long_queries": (Status.UNKNOWN, f"{hidden(found)} sessions can't be looked into: {STATS}"),
        "supabase.statements": (Status.UNKNOWN, "needs USAGE: grant usage on schema extensions to watcher"),
    }
    assert "closed: needs pg_read_all_stats" in found["supabase.connections"].summary
    assert found["supabase.rest"].data == {"tables": 1}  # not the one that the login may not read
    assert {name for name, f in found.items() if f.matters} == {"supabase.rest", "supabase.connections"}


def hidden(found: Mapping[str, Finding]) -> str:
    return found["supabase.long_queries"].summary.partition(" ")[0]


async def test_each_right_opens_its_check(world: Any, target: Any) -> None:
    try:
        world.sql("grant usage on schema extensions to watcher")
        assert (await looked(target))["supabase.statements"].reason == STATS
        world.sql("grant pg_read_all_stats to watcher")
        found = await looked(target)
        assert {f.status for f in found.values()} == {Status.OK}
        assert found["supabase.statements"].evidence and "closed" not in found["supabase.connections"].summary
        with psycopg.connect(world.url("app"), autocommit=True) as app:
            pid = app.info.backend_pid
            app.execute("set application_name = 'worker'")
            done = app.pgconn
            done.send_query(b"select pg_sleep(30)")
            found = await looked(target, long_query=0.01)
            assert (found["supabase.long_queries"].status, found["supabase.long_queries"].data) == (
                Status.WARN, {"pids": [pid]},
            )  # fmt: skip
            app.cancel()
            while done.get_result():
                pass
    finally:
        world.sql("revoke pg_read_all_stats from watcher; revoke usage on schema extensions from watcher")


async def test_connections_that_are_used_up_and_a_project_made_read_only(world: Any, target: Any) -> None:
    found = await looked(target, used_bad=1.0)
    [cause] = provider.explain([found["supabase.connections"]])
    assert (cause.code, found["supabase.connections"].status) == ("postgres.connections_exhausted", Status.BAD)
    found = await looked(target, disk=0.001, disk_warn=10.0)
    assert (found["supabase.size"].status, "of 0.001 GB" in found["supabase.size"].summary) == (Status.WARN, True)
    try:
        world.sql("alter database postgres set default_transaction_read_only = on")
        found = await looked(target)
    finally:
        world.sql("alter database postgres reset default_transaction_read_only")
    assert (found["supabase.size"].status, found["supabase.size"].data["read_only"]) == (Status.BAD, True)
    [cause] = provider.explain([found["supabase.size"]])
    assert (cause.code, cause.object.id, cause.remedies[0].action) == (
        "postgres.disk_full",
        "postgres",
        "database.scale",
    )


async def test_a_slot_that_holds_back_wal_for_nobody(world: Any, target: Any) -> None:
    world.sql("select pg_create_physical_replication_slot('realtime', true)")
    try:
        world.sql("select pg_switch_wal()")
        found = (await looked(target, slot_wal=1e-9))["supabase.slots"]
    finally:
        world.sql("select pg_drop_replication_slot('realtime')")
    assert (found.status, found.data) == (Status.WARN, {"slots": ["realtime"]})


# ------------------------------------------------------------------ changing


async def test_the_schema_is_read_anew(world: Any, target: Any) -> None:
    try:
        async with target() as web:
            assert (await web.checks["supabase.rest"]()).data == {"tables": 1}
            world.sql("create table letters (id int); grant select on letters to rest")
            assert (await web.checks["supabase.rest"]()).data == {"tables": 1}  # it is not known yet
            reload = web.actions["supabase.reload_schema"]
            assert "tell the REST address" in (await reload.preview({})).summary
            outcome = await reload.apply({})
            assert (outcome.result, outcome.summary.endswith("; it serves 2 tables and views")) == (Result.DONE, True)
            assert (await reload.verify({})).verdict is Verified.PASSED
    finally:
        world.sql("drop table letters; notify pgrst, 'reload schema'")


async def test_what_a_person_must_do_is_refused_with_the_place(target: Any) -> None:
    async with target() as web:
        for name, place in (("database.scale", "settings/compute-and-disk"), ("service.restart", "settings/general")):
            action = web.actions[name]
            refused = (await action.preview({})).refused
            assert f"https://supabase.com/dashboard/project/{PROJECT}/{place}, " in refused
            assert (await action.apply({})).result is Result.FAILED
            assert (await action.verify({})).verdict is Verified.UNKNOWN
    async with target(change_url=None) as web:
        assert set(web.actions) == {"database.scale", "service.restart"}


# ------------------------------------------------------------------ bad times


@pytest.mark.parametrize(
    ("answers", "status", "said"),
    [
        (
            [(401, b'{"message": "of sb_publishable_0451"}')],
            Status.UNKNOWN,
            "the key is wrong, was revoked, or has not",
        ),
        ([(403, b"")], Status.UNKNOWN, "has not the right to /rest/v1/"),
        ([(429, b"")], Status.UNKNOWN, "Supabase asks to call again in 3600 s"),
        ([(404, b"")], Status.UNKNOWN, "Supabase answers 404: is there such a project?"),
        ([(540, b"")], Status.BAD, "the project is paused"),
        ([(503, b'{"code": "PGRST000"}')], Status.BAD, "it does not reach the database (PGRST000)"),
        ([(503, b'{"code": "PGRST002"}')], Status.BAD, "it has no current schema (PGRST002)"),
        ([(500, b"oops"), (502, b"")], Status.OK, "it serves 1 tables"),
        ([(500, b"oops")] * 3, Status.BAD, "Supabase answers 500"),
        ([(200, b"<html>")] * 3, Status.BAD, "not of the expected form"),
        ([(200, b'{"paths": []}')] * 3, Status.BAD, "not of the expected form"),
        ([(302, b"")], Status.UNKNOWN, "Supabase answers 302"),
    ],
)
async def test_an_answer_that_is_none_is_told_apart(
    world: Any,
    target: Any,
    answers: list[tuple[int, bytes]],
    status: Status,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hutch.remote.FIRST_WAIT", 0.01)
    world.answers += answers
    async with target(database_url=None) as web:
        found = await web.checks["supabase.rest"]()
    assert (found.status, said in found.summary, world.answers) == (status, True, [])
    assert "0451" not in repr(found)
    causes = provider.explain([found])
    assert [c.code for c in causes] == ["supabase.unavailable"] * (status is Status.BAD)
    assert [r.action for c in causes for r in c.remedies] == ["supabase.reload_schema"] * ("PGRST002" in said)


async def test_a_wrong_key_and_a_wrong_password_are_named_and_not_shown(target: Any, world: Any) -> None:
    found = await looked(target, key="sb_wrong_0451", database_url=world.url("watcher").replace("word", "wrong"))
    assert "the key is wrong" in found["supabase.rest"].reason
    assert 'password authentication failed for user "watcher"' in found["supabase.connections"].reason
    assert "0451" not in repr(found)


@pytest.mark.parametrize(
    ("word", "silent"),
    [
        (b"COMMIT", False),
        pytest.param(b"pg_notify", True, marks=pytest.mark.slow),  # the driver itself waits for 10 s
    ],
)
async def test_a_change_whose_answer_is_lost_is_unknown_and_looked_up(
    world: Any, target: Any, word: bytes, silent: bool
) -> None:
    with wired(world.postgres.port, word, forwarded=not silent, silent=silent) as (_, port):
        url = make_conninfo(world.url("app"), host="127.0.0.1", port=port)
        async with target(change_url=url, timeout=1.0) as web:
            outcome = await web.actions["supabase.reload_schema"].apply({})
            assert (outcome.result, outcome.recoverable, outcome.undo) == (Result.UNKNOWN, False, {})
            assert (await web.actions["supabase.reload_schema"].verify({})).verdict is Verified.PASSED


async def test_a_change_that_was_never_sent_may_be_tried_again(target: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        for port in (9, mute.getsockname()[1]):
            async with target(change_url=f"postgresql://app@127.0.0.1:{port}/x", timeout=1.0) as web:
                outcome = await web.actions["supabase.reload_schema"].apply({})
            assert (outcome.result, outcome.recoverable) == (Result.FAILED, True)


async def test_a_connection_that_was_ended_is_opened_anew(world: Any, target: Any) -> None:
    async with target() as web:
        await web.checks["supabase.slots"]()
        world.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'watcher'")
        assert (await web.checks["supabase.slots"]()).status is Status.OK


async def test_a_database_that_is_away_and_back(world: Any, target: Any) -> None:
    async with target() as web:
        assert (await web.checks["supabase.rest"]()).status is Status.OK
        world.postgres.stop("immediate")
        try:
            rest, taken = await web.checks["supabase.rest"](), await web.checks["supabase.connections"]()
        finally:
            world.postgres.start()
        assert (rest.status, rest.data["code"]) == (Status.BAD, "PGRST000")
        assert taken.status is Status.UNKNOWN and taken.reason
        assert (await web.checks["supabase.rest"]()).status is Status.OK
        assert (await web.checks["supabase.connections"]()).status is Status.OK


def test_doctor_names_what_the_closed_login_needs(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    login, key = {"env": "DATABASE"}, {"env": "KEY"}
    block = {"project": PROJECT, "key": key, "url": world.address, "database_url": login}
    services = {"web": {"supabase": block, "postgres": {"url": login}}}
    (tmp_path / "hutch.yaml").write_text(yaml.safe_dump({"services": services}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE", world.url("watcher"))
    monkeypatch.setenv("KEY", "sb_publishable_0451")
    done = CliRunner().invoke(cli, ["doctor", "--json"])
    assert "0451" not in done.output
    points = {row["what"]: row for row in json.loads(done.stdout) if row["area"] == "web"}
    assert points["supabase.rest"]["status"] == "ok"
    assert points["supabase.long_queries"]["said"].endswith(STATS)
    assert points["supabase.long_queries"]["todo"] == "see what it needs: docs/guide/supabase.md"
    assert "grant it pg_monitor" in points["postgres.long_queries"]["said"]
    assert points["postgres.long_queries"]["todo"] == "see what it needs: docs/guide/postgres-checks.md"
