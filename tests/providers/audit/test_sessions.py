"""``sessions.revoke`` and ``evidence.export`` on RoleRabbit's own tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from hutch.model.action import Command, Result, Verified
from hutch.model.effect import Effect

OPEN = (
    "insert into user_sessions (token_hash, user_id, created_at, expires_at, revoked_at, kind)"
    " select sha256(gen_random_uuid()::text::bytea), %s, now() - %s::interval, now() + %s::interval, %s, %s"
)


@pytest.fixture
def people(service: Any) -> list[UUID]:
    service.admin.execute("truncate user_sessions")
    service.admin.execute("grant update on user_sessions to operator; grant insert on audit_logs to operator")
    ann, bob = service.users(2)
    for who, ago, left, ended, kind in (
        (ann, "2 hours", "1 day", None, "session"),
        (ann, "1 minute", "1 day", None, "session"),
        (ann, "3 days", "1 year", None, "api"),
        (bob, "2 hours", "1 day", None, "session"),
        (bob, "9 days", "-1 day", None, "session"),
        (bob, "9 days", "1 day", "2026-01-01", "session"),
    ):
        service.admin.execute(OPEN, [who, ago, left, ended, kind])
    return [ann, bob]


async def test_all_sessions_and_tokens_are_marked_and_none_is_deleted(service: Any, target: Any, people: Any) -> None:
    args = {"scope": "all", "reason": "suspected breach"}
    async with target() as connection:
        revoke = connection.actions["sessions.revoke"]
        preview = await revoke.preview(args)
        assert (preview.summary, preview.hits) == ("end 4 sessions of 2 accounts; their rows stay", 1)
        assert (await revoke.verify(args)).verdict is Verified.FAILED
        outcome = await revoke.apply(args)
        assert (outcome.result, outcome.hits) == (Result.DONE, 4)
        assert (await revoke.apply(args)).hits == 0
        service.admin.execute(OPEN, [people[0], "0 s", "1 day", None, "session"])
        told = await revoke.verify(args)
    assert told.verdict is Verified.PASSED, told.summary
    assert service.count("user_sessions") == 7
    noted = service.admin.execute(
        "select user_id, details ->> 'sessions', details ->> 'reason' from audit_logs where action = 'session.revoked'"
    ).fetchall()
    assert sorted(noted) == sorted((who, n, "suspected breach") for who, n in zip(people, ("3", "1"), strict=True))


async def test_only_what_was_approved_ends(service: Any, target: Any, people: Any) -> None:
    before = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    async with target() as connection:
        revoke = connection.actions["sessions.revoke"]
        args = {"scope": str(people[0]), "before": before}
        assert (await revoke.preview(args)).hits == 2
        assert (await revoke.apply(args)).hits == 2
        assert (await revoke.verify(args)).verdict is Verified.PASSED
        assert (await revoke.preview({"scope": "all"})).hits == 1
        for bad in ({"before": "yesterday"}, {"scope": ""}):
            assert (await revoke.preview(bad)).refused
            assert (await revoke.apply(bad)).result is Result.FAILED
    async with target(operator_url=None) as connection:
        assert "operator_url" in (await connection.actions["sessions.revoke"].preview({})).refused


def export(**args: object) -> Command:
    return Command("evidence.export", "evidence.export", "", Effect.READ, args=args)


async def test_evidence_is_every_row_as_it_is(service: Any, target: Any, people: Any) -> None:
    service.login("198.18.0.7", people[0])
    service.failures("198.18.0.7", people[0], 3)
    service.did("data.exported", people[1], 1, ago=40 * 86400)
    async with target() as connection:
        run = connection.runs["evidence.export"]
        found = {name: await run(export(table=name)) for name in ("security", "audit", "sessions", "blocks")}
        wrong = await run(export(table="users"))
        whole = await run(export(table="audit", days=90))
    rows = {name: [json.loads(line) for line in outcome.output.splitlines()] for name, outcome in found.items()}
    assert {name: len(of) for name, of in rows.items()} == {"security": 3, "audit": 1, "sessions": 6, "blocks": 0}
    assert rows["security"][0]["ip_address"] == "198.18.0.7"
    assert whole.summary == "2 rows of audit_logs"
    assert (wrong.result, "table must be one of security, audit" in wrong.summary) == (Result.FAILED, True)
