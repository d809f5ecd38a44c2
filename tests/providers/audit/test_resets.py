"""New passwords for everybody: once each, in batches, with a letter in the language of who gets it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from hutch.model.action import Result, Verified
from hutch.providers.audit import resets

READ = ("de", "de-AT", "pt-BR", "it", "", "en")
LETTER = {"subject": "A new password", "body": "Choose one.\n", "language": "en"}
OTHERS = {"translations": {"de": {"subject": "Ein neues Passwort", "body": "Bitte.\n"}}}


@pytest.fixture
def accounts(service: Any) -> Iterator[Any]:
    service.admin.execute("grant select, insert on outbox to operator; grant insert on audit_logs to operator")
    service.admin.execute("grant update on users, user_sessions to operator")
    for person, tag in zip(service.users(len(READ)), READ, strict=True):
        service.admin.execute("update users set language = %s, created_at = now() where id = %s", [tag, person])
    yield service
    service.admin.execute("truncate outbox")


def everybody(**more: object) -> dict[str, object]:
    return {"scope": "all", "reason": "INC-1", "since": datetime.now(UTC).isoformat(), **more}


def sent(service: Any) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = service.admin.execute(
        "select u.language, o.subject from outbox o join users u on u.id = o.user_id order by 1"
    ).fetchall()
    return found


async def test_everybody_is_told_once_in_their_language(
    accounts: Any, target: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resets, "BATCH", 2)
    asked = everybody(**LETTER, **OTHERS)
    async with target() as connection:
        reset = connection.actions["accounts.force_reset"]
        preview, outcome, again = await reset.preview(asked), await reset.apply(asked), await reset.apply(asked)
        verified = await reset.verify(asked)
    assert "by language: 2 de, 4 en; 3 of them fell back to en" in preview.items[1]
    assert {"subject (de): Ein neues Passwort", "subject (en): A new password"} <= set(preview.items)
    assert (outcome.result, outcome.hits, again.hits, verified.verdict) == (Result.DONE, 6, 0, Verified.PASSED)
    assert {tag for tag, subject in sent(accounts) if subject == "Ein neues Passwort"} == {"de", "de-AT"}
    assert len(sent(accounts)) == len(READ)


async def test_whoever_gives_no_letter_sends_a_plain_one(accounts: Any, target: Any) -> None:
    async with target() as connection:
        await connection.actions["accounts.force_reset"].apply(everybody())
    assert {subject for _, subject in sent(accounts)} == {"Choose a new password"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"subject": "A new password\r\nBcc: all@example.com"}, "subject must be one line"),
        ({"since": "2099-01-01T00:00:00Z"}, "since must not lie in the future"),
    ],
)
async def test_a_header_in_a_letter_or_a_time_to_come_is_refused(
    accounts: Any, target: Any, more: dict[str, object], said: str
) -> None:
    async with target() as connection:
        outcome = await connection.actions["accounts.force_reset"].apply(everybody(**{**LETTER, **more}))
    assert (outcome.result, said in outcome.summary) == (Result.FAILED, True)
    assert sent(accounts) == []
