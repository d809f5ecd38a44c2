"""What goes wrong with people, clocks and messages: exercises that must stay inside, owners who left, odd times."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hutch.bootstrap.wire import open_context
from hutch.commands import incidents, messages, paging, todo, updates
from hutch.commands.context import Context
from hutch.commands.worker import Worker
from hutch.model.calendar import Calendar
from hutch.model.message import Audience, State
from hutch.model.severity import DEFAULT_POLICY, Severity
from hutch.testing import FakeClock
from sinks import hook, mailbox

CONFIG = """
services: {{shop: {{}}}}
notify:
  channels:
    real-mail: {{kind: mail, audience: stakeholders, server: '127.0.0.1:{mail}', security: none, sender: h@example.com,
                to: [all@example.com]}}
    real-room: {{kind: webhook, url: 'http://127.0.0.1:{hook}/real', networks: [127.0.0.0/8]}}
    practice-mail: {{kind: mail, audience: stakeholders, exercise: true, server: '127.0.0.1:{mail}', security: none,
                    sender: h@example.com, to: [practice@example.com]}}
    practice-room: {{kind: webhook, url: 'http://127.0.0.1:{hook}/practice', networks: [127.0.0.0/8], exercise: true}}
people:
  anna: {{channels: [real-room]}}
"""


def opened(folder: Path, mail: int, web: int) -> Context:
    path = folder / "hutch.yaml"
    path.write_text(CONFIG.format(mail=mail, hook=web), encoding="utf-8")
    return open_context(path)


async def work(context: Context) -> None:
    worker = Worker(context)
    while await worker.step():
        pass


async def test_an_exercise_reaches_exercise_channels_alone(tmp_path: Path) -> None:
    async with mailbox() as box, hook() as web:
        context = opened(tmp_path, box.port, web.port)
        try:
            state = await incidents.declare(
                context, title="practice", service="shop", severity=Severity.SEV2, actor="olivia", exercise=True
            )
            seen = await updates.preview(context, state.id, Audience.STAKEHOLDERS, text="We practise.")
            await updates.send(context, seen, "olivia")
            await work(context)
            sent = await messages.sent_of(context, state.stream)
        finally:
            await context.close()
        assert {s.message.channel for s in sent} == {"practice-room", "practice-mail"}
        assert all(s.state is State.DELIVERED for s in sent)
        assert [m["To"] for m in box.mails] == ["practice@example.com"]
        assert {r.path for r in web.got} == {"/practice"}


async def test_an_unreachable_mail_server_loses_nothing_and_the_timeline_says_so(tmp_path: Path) -> None:
    async with mailbox() as box:
        port = box.port
    context = opened(tmp_path, port, 9)  # the server has gone by now
    try:
        state = await incidents.declare(context, title="t", service="shop", severity=Severity.SEV2, actor="olivia")
        seen = await updates.preview(context, state.id, Audience.STAKEHOLDERS, text="We look into it.")
        await updates.send(context, seen, "olivia")
        await work(context)
        sent = [s for s in await messages.sent_of(context, state.stream) if s.message.channel == "real-mail"]
        kinds = [e.kind for e in await context.store.read(state.stream)]
        assert [s.state for s in sent] == [State.WAITING] and sent[0].tries == 1, "it is tried again later"
        assert "message.failed" in kinds and "refused" in sent[0].said.lower()
    finally:
        await context.close()


async def test_what_somebody_owns_who_left_is_still_reminded_of(tmp_path: Path) -> None:
    async with mailbox() as box, hook() as web:
        context = opened(tmp_path, box.port, web.port)
        people = replace(context.config.people, people={})  # anna was removed from the configuration
        clock = FakeClock(datetime.now(UTC))
        context = replace(context, clock=clock, config=replace(context.config, people=people))
        try:
            state = await incidents.declare(context, title="t", service="shop", severity=Severity.SEV4, actor="olivia")
            await incidents.assign(context, state.id, "anna", "olivia")
            due = clock.now() + timedelta(days=1)
            await todo.add(context, state.id, todo.Wanted("bound the pool", "anna", due, ""), "olivia")
            clock.advance(timedelta(days=2).total_seconds())
            await paging.attend(context, state.id)
            await Worker(context).step()
            owed = await todo.listing(context, owner="anna")
            kinds = [e.kind for e in await context.store.read(state.stream)]
        finally:
            await context.close()
        assert [one.item.owner for one in owed] == ["anna"] and "clock.overdue" in kinds


async def test_a_clock_that_is_set_back_repeats_no_word_and_makes_nothing_early(tmp_path: Path) -> None:
    context = opened(tmp_path, 9, 9)
    clock = FakeClock()
    context = replace(context, clock=clock)
    try:
        state = await incidents.declare(context, title="t", service="shop", severity=Severity.SEV1, actor="olivia")
        clock.advance(600)
        await paging.attend(context, state.id)
        clock.advance(-3600)
        await paging.attend(context, state.id)
        state = await incidents.acknowledge(context, state.id, "olivia")
        clock.advance(3600)
        await paging.attend(context, state.id)
        kinds = [(e.kind, e.data.get("clock")) for e in await context.store.read(state.stream)]
        assert kinds.count(("clock.overdue", "response-1")) == 1
        assert all(c.late_by >= timedelta(0) for c in state.clocks)
    finally:
        await context.close()


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("night", [datetime(2026, 3, 29, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)])
def test_hours_are_hours_also_in_the_night_when_clocks_change(night: datetime) -> None:
    hours = Calendar(BERLIN, time(8), time(16, 30))
    for severity in (Severity.SEV1, Severity.SEV2, Severity.SEV3):
        promise = replace(DEFAULT_POLICY[severity], calendar=hours)
        assert promise.response_due(night) - night == promise.response, "an hour is 60 minutes, whatever the wall says"
    due = replace(DEFAULT_POLICY[Severity.SEV4], calendar=hours).response_due(night)
    assert due.astimezone(BERLIN).time() == time(16, 30), "the close of a day is on the wall's clock"
    assert due.astimezone(BERLIN).date() == (night + timedelta(days=1)).date()
