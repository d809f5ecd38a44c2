"""What users report: a text, or a mail as a mail server hands it over; told again it is the same report."""

from __future__ import annotations

from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hutch.commands import incidents, reports
from hutch.commands.context import CommandError, Context, Service
from hutch.model.config import Config, ServiceConfig
from hutch.testing import FakeClock, FakeSecrets, MemoryQueue, MemoryStore


def context_at(folder: Path) -> Context:
    clock = FakeClock()
    store = MemoryStore(clock)
    shop = Service(ServiceConfig("shop"), {})
    config = Config(str(folder / "hutch.yaml"), services={"shop": shop.config})
    return Context(config, folder, store, MemoryQueue(store), clock, FakeSecrets({}), {"shop": shop}, {})


def message(**headers: str) -> EmailMessage:
    made = EmailMessage()
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    return made


async def test_a_report_opens_an_incident(tmp_path: Path) -> None:
    context = context_at(tmp_path)
    receipt = await reports.report(context, "The page is\n  white since ten", who="olivia")
    (incident,) = await incidents.listing(context)
    assert (receipt.outcome, receipt.incident, incident.severity.label) == ("opened", incident.id, "SEV-3")
    assert "The page is white since ten" in incident.title or "User report" in incident.title
    with pytest.raises(CommandError, match="the report says nothing"):
        await reports.report(context, " \n ")


async def test_a_mail_told_twice_is_one_report(tmp_path: Path) -> None:
    context = context_at(tmp_path)
    mail = message(From="a@example.com", Subject="It is down", Message_ID="<1@example.com>")
    mail.set_content("Since ten o'clock.")
    mail.add_alternative("<style>x</style><p>Since <b>ten</b></p><script>alert(1)</script>", subtype="html")
    first = await reports.report_mail(context, mail.as_bytes())
    again = await reports.report_mail(context, mail.as_bytes())
    assert (first.outcome, again.outcome) == ("opened", "known")


async def test_html_alone_gives_its_words(tmp_path: Path) -> None:
    context = context_at(tmp_path)
    mail = message(Subject="Down", Message_ID="<2@example.com>")
    mail.set_content("<head><title>t</title></head><p>Since <b>ten</b></p><script>alert(1)</script>", subtype="html")
    receipt = await reports.report_mail(context, mail.as_bytes())
    (incident,) = await incidents.listing(context)
    told = [e for e in await context.store.read(f"incident:{receipt.incident}") if e.kind == "alert.fired"]
    assert told[0].data["summary"] == "Down: Since ten"
    assert incident.open


async def test_what_is_no_mail_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="this is no mail message"):
        await reports.report_mail(context_at(tmp_path), b"\x00\x01binary junk")
    with pytest.raises(CommandError, match="longer than 1024 kB"):
        await reports.report_mail(context_at(tmp_path), b"Subject: x\n\n" + b"y" * reports.LONGEST_MAIL)


HEADS = [b"Subject: x\n", b"From: =?utf-8?q?=zz?=\n", b"Content-Type: ;;;\n", b""]


@settings(max_examples=60)
@given(st.binary(max_size=300), st.sampled_from(HEADS))
async def test_no_message_breaks_it(body: bytes, head: bytes) -> None:
    context = context_at(Path("/nonexistent"))
    with suppress(CommandError):
        await reports.report_mail(context, b"Message-ID: <3@x>\n" + head + b"\n" + body)
