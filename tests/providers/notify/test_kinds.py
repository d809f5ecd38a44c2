"""Each kind of channel against a real receiver: what arrives, and how an error is judged."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import Any

import pytest

from hutch.bootstrap.notify import find_kinds
from hutch.model.action import Outcome, Result
from hutch.model.message import Message
from hutch.ports import Notifier
from sinks import hook, mailbox

MESSAGE = Message(
    "hutch-0123456789",
    "c",
    "[SEV-1] Down\r\nBcc: evil@example.com",
    "Line one\n.\nümlaut",
    "INC-2026-001",
    severity="SEV-1",
)


def opened(kind: str, **settings: Any) -> Notifier:
    found = find_kinds()[kind]
    given = {s.name: s.default for s in found.settings} | {"timeout": timedelta(seconds=3)} | settings
    if kind in ("webhook", "pagerduty"):
        given.setdefault("networks", ())
        given["networks"] = given["networks"] or ("127.0.0.0/8",)
    found.check({**given, "url": "plain:" + str(given.get("url", ""))} if kind in ("webhook", "pagerduty") else given)
    return found.open(given)


def mail(port: int, **more: Any) -> Notifier:
    given = {"server": f"127.0.0.1:{port}", "security": "none", "sender": "Hutch <hutch@example.com>"}
    return opened("mail", **given | {"to": ["a@example.com", "b@example.com"]} | more)


async def test_a_mail_arrives_whole_under_its_id_and_no_header_is_injected() -> None:
    async with mailbox() as box:
        outcome = await mail(box.port).notify(MESSAGE)
    assert outcome.result is Result.DONE, outcome
    (got,) = box.mails
    assert got["Message-ID"] == "<hutch-0123456789@example.com>"
    assert got["X-Hutch-Incident"] == "INC-2026-001"
    assert got["Bcc"] is None
    assert got["Subject"] == "[SEV-1] Down Bcc: evil@example.com"
    assert got.get_content().replace("\r\n", "\n") == "Line one\n.\nümlaut\n"


@pytest.mark.parametrize(
    ("answer", "recoverable"), [("451 come again", True), ("554 no", False), ("421 closing", True)]
)
async def test_what_a_mail_server_says_decides_whether_it_is_tried_again(answer: str, recoverable: bool) -> None:
    async with mailbox(answers=[answer]) as box:
        outcome = await mail(box.port).notify(MESSAGE)
    assert (outcome.result, outcome.recoverable) == (Result.FAILED, recoverable), outcome
    assert answer[:3] in outcome.summary


async def test_a_server_without_starttls_gets_nothing_where_it_is_asked_for() -> None:
    async with mailbox() as box:
        outcome = await mail(box.port, security="starttls").notify(MESSAGE)
    assert (outcome.result, outcome.recoverable) == (Result.FAILED, False)
    assert box.mails == []


async def test_nobody_there_is_tried_again() -> None:
    async with hook() as gone:
        pass
    for notifier in (
        mail(gone.port),
        opened("webhook", url=gone.url),
        opened("pagerduty", url=gone.url, routing_key="k"),
    ):
        for outcome in (await notifier.notify(MESSAGE), await notifier.look()):
            assert (outcome.result, outcome.recoverable) == (Result.FAILED, True), outcome
            assert "refused" in outcome.summary


async def test_a_webhook_gets_the_message_signed() -> None:
    async with hook() as one:
        outcome = await opened("webhook", url=one.url, secret="shared-secret").notify(MESSAGE)
    assert outcome.result is Result.DONE
    (got,) = one.got
    assert got.body["id"] == got.headers["x-hutch-message"] == MESSAGE.id
    signed = hmac.new(b"shared-secret", got.raw, hashlib.sha256).hexdigest()
    assert got.headers["x-hutch-signature"] == f"sha256={signed}"


@pytest.mark.parametrize(("status", "recoverable"), [(503, True), (429, True), (404, False), (302, False)])
async def test_the_status_decides_whether_it_is_tried_again(status: int, recoverable: bool) -> None:
    async with hook(answers=[status]) as one:
        outcome = await opened("webhook", url=one.url).notify(MESSAGE)
    assert (outcome.result, outcome.recoverable) == (Result.FAILED, recoverable)


async def test_pagerduty_hears_events_of_one_incident_under_one_key() -> None:
    async with hook() as one:
        pager = opened("pagerduty", url=one.url, routing_key="the-routing-key")
        for act in ("trigger", "acknowledge", "resolve"):
            outcome = await pager.notify(
                Message(f"hutch-{act}", "c", "Down", "b", "INC-2026-001", act=act, severity="SEV-1")
            )
            assert outcome.result is Result.DONE
    trigger, acknowledge, resolve = (g.body for g in one.got)
    assert {g["dedup_key"] for g in (trigger, acknowledge, resolve)} == {"INC-2026-001"}
    assert [g["event_action"] for g in (trigger, acknowledge, resolve)] == ["trigger", "acknowledge", "resolve"]
    assert trigger["payload"]["severity"] == "critical"
    assert trigger["payload"]["summary"] and trigger["payload"]["source"]
    assert "payload" not in resolve


async def test_apprise_sends_by_its_url_and_says_the_status() -> None:
    async with hook(answers=[200, 403, 500]) as one:
        service = opened("apprise", url=f"json://127.0.0.1:{one.port}/token-in-the-path")
        good, final, again = [await service.notify(MESSAGE) for _ in range(3)]
    assert good.result is Result.DONE
    assert MESSAGE.id in one.got[0].body["message"]
    assert (final.recoverable, again.recoverable) == (False, True)
    assert "403" in final.summary


async def test_apprise_says_what_it_does_not_know() -> None:
    outcome = await opened("apprise", url="nosuch://secret-token").look()
    assert outcome.result is Result.FAILED
    assert "secret-token" not in outcome.summary


async def test_no_kind_shows_its_secrets() -> None:
    async with hook() as gone:
        pass
    secret = "very-secret-token-17"
    where = f"127.0.0.1:{gone.port}"
    kinds = [
        opened("apprise", url=f"json://user:{secret}@{where}/{secret}"),
        opened("webhook", url=f"http://{where}/{secret}", secret=secret),
        opened("pagerduty", url=f"http://{where}/{secret}", routing_key=secret),
        mail(gone.port, user="u", password=secret),
    ]
    for notifier in kinds:
        seen: list[Outcome] = [await notifier.notify(MESSAGE), await notifier.look()]
        assert secret not in repr((notifier, seen))
