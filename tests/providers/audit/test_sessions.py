"""``sessions.revoke`` and ``evidence.export`` on RoleRabbit's own tables."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
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


async def test_an_earlier_revocation_proves_nothing_of_a_later_one(service: Any, target: Any, people: Any) -> None:
    """As after a kill between intent and effect: what nobody did is not taken for done."""
    earlier, later = ({"scope": "all", "reason": reason} for reason in ("INC-2026-001", "INC-2026-002"))
    async with target() as connection:
        revoke = connection.actions["sessions.revoke"]
        assert (await revoke.apply(earlier)).hits == 4
        service.admin.execute(OPEN, [people[0], "-1 s", "1 day", None, "session"])
        assert (await revoke.verify(earlier)).verdict is Verified.PASSED
        assert (await revoke.verify(later)).verdict is Verified.FAILED


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


async def test_the_trails_are_copied_aside_with_their_hashes(
    service: Any, target: Any, people: Any, tmp_path: Path
) -> None:
    """As the library's chapter on a breach asks for it; a copy that was changed since, or is not known, is no proof."""
    service.did("data.exported", people[1], 2)
    args = {"since": "30 days", "tables": ["security_logs", "audit_logs", "user_sessions", "ip_blocklist"]}
    copies = tmp_path / "copies"
    async with target(copies=str(copies)) as connection:
        preserve = connection.actions["evidence.preserve"]
        preview = await preserve.preview(args)
        assert (preview.hits, preview.refused) == (4, "")
        assert "audit_logs, as audit.jsonl" in preview.items
        assert (await preserve.verify(args)).verdict is Verified.UNKNOWN
        assert not copies.exists()
        done = await preserve.apply(args)
        assert (done.result, done.hits) == (Result.DONE, 4), done.summary
        [folder] = copies.iterdir()
        assert {path.name for path in folder.iterdir()} == {
            "security.jsonl", "audit.jsonl", "sessions.jsonl", "blocks.jsonl", "SHA256SUMS",
        }  # fmt: skip
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
        kept = (folder / "audit.jsonl").read_bytes()
        assert f"{hashlib.sha256(kept).hexdigest()}  audit.jsonl" in done.output
        assert len(kept.splitlines()) == 2
        assert (await preserve.verify(args)).verdict is Verified.PASSED
        (folder / "audit.jsonl").write_bytes(kept[:-2])
        told = await preserve.verify(args)
        assert (told.verdict, "audit.jsonl is not what was copied" in told.summary) == (Verified.FAILED, True)
        for wrong, why in (({"since": "soon"}, "since must be"), ({"tables": ["users"]}, "tables must be among")):
            assert why in (await preserve.preview({**args, **wrong})).refused
    async with target() as connection:
        preserve = connection.actions["evidence.preserve"]
        assert "services.NAME.audit.copies" in (await preserve.preview(args)).refused
        assert (await preserve.apply(args)).result is Result.FAILED
