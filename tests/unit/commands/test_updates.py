"""Updates are drafted for each audience, looked through, and sent only on a person's word."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from hutch.bootstrap.secrets import EnvironmentSecrets
from hutch.commands import incidents, messages, updates
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.reviews import draft_update
from hutch.commands.worker import Worker
from hutch.model.action import Outcome, Result
from hutch.model.clock import ClockState
from hutch.model.config import Config, ServiceConfig
from hutch.model.event import Draft
from hutch.model.incident import Incident
from hutch.model.message import Audience, Channel, Message, NotifyConfig
from hutch.model.severity import Severity
from hutch.testing import FakeClock, MemoryQueue, MemoryStore

SEED = Path(__file__).resolve().parents[2] / "data"
FILLED = {"affected": "All users", "cause": "A new version did not work", "resolution": "We went back"}
CAUSE = {
    "code": "postgres.blocked_by_lock", "summary": "portfolios is locked by pid 17",
    "object": {"kind": "table", "id": "portfolios"},
}  # fmt: skip


class Ear:
    def __init__(self) -> None:
        self.heard: list[Message] = []

    async def notify(self, message: Message) -> Outcome:
        self.heard.append(message)
        return Outcome(Result.DONE, "heard")

    async def look(self) -> Outcome:
        return Outcome(Result.DONE, "there")


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def context(ear: Ear, tmp_path: Path) -> Context:
    clock = FakeClock()
    store, shop = MemoryStore(clock), Service(ServiceConfig("shop"), {})
    channels = [Channel(a.value, "webhook", a) for a in Audience]
    channels.append(Channel("practice", "webhook", Audience.CUSTOMERS, exercise=True))
    notify = NotifyConfig({c.name: c for c in channels}, words=("rolerabbit-db",), reminders=False)
    config = Config(services={"shop": shop.config}, notify=notify)
    return Context(
        config, tmp_path, store, MemoryQueue(store), clock, EnvironmentSecrets(tmp_path), {"shop": shop}, {},
        open_notifier=lambda _: ear,
    )  # fmt: skip


async def resolved(context: Context) -> Incident:
    state = await incidents.declare(context, title="db-7 is slow", service="shop", severity=Severity.SEV1)
    await incidents.change(context, state.id, lambda _: [Draft("cause.named", CAUSE)])
    assert isinstance(context.clock, FakeClock)
    context.clock.advance(45 * 60)
    return await incidents.resolve(context, state.id, "rolled back", "anna")


async def work(context: Context) -> None:
    worker = Worker(context)
    while await worker.step():
        pass


async def test_the_resolved_template_is_the_runbooks(context: Context) -> None:
    state = await resolved(context)
    seen = await updates.preview(context, state.id, Audience.CUSTOMERS, template="resolved")
    assert seen.text == await draft_update(context, state.id)
    assert seen.text.startswith(
        "[RESOLVED] Service Outage - January 15, 2026\n\nImpact: Our service was not available from"
    )
    labels = re.findall(r"^(\w[\w ]*):", seen.text, re.MULTILINE)
    assert labels[:5] == ["Impact", "Affected", "Root Cause", "Resolution", "Timeline"]
    assert "A detailed post-mortem will be shared within 48 hours." in seen.text


async def test_what_is_inside_stands_in_no_draft_for_others(context: Context) -> None:
    state = await resolved(context)
    texts = {a: (await updates.preview(context, state.id, a)).text for a in Audience}
    assert "portfolios is locked by pid 17" in texts[Audience.RESPONDERS]
    for audience in (Audience.CUSTOMERS, Audience.STAKEHOLDERS):
        assert not re.search(r"portfolios|pid|db-7|postgres", texts[audience])
    assert state.id in texts[Audience.STAKEHOLDERS]
    assert state.id not in texts[Audience.CUSTOMERS]


async def test_a_template_cannot_reach_what_its_audience_may_not_know(context: Context, tmp_path: Path) -> None:
    (tmp_path / "leak.txt").write_text("{{ cause_summary }}")
    own = replace(context.config.notify, templates=str(tmp_path))
    mine = replace(context, config=replace(context.config, notify=own))
    state = await resolved(mine)
    assert (await updates.preview(mine, state.id, Audience.RESPONDERS, template="leak")).text.startswith("portfolios")
    with pytest.raises(CommandError, match="template leak: line 1: 'cause_summary' is not a fact"):
        await updates.preview(mine, state.id, Audience.CUSTOMERS, template="leak")
    with pytest.raises(CommandError, match=r"no template '\.\./leak'"):
        await updates.preview(mine, state.id, Audience.CUSTOMERS, template="../leak")


async def test_nothing_is_sent_while_something_is_left_to_be_filled_in(context: Context, ear: Ear) -> None:
    state = await resolved(context)
    seen = await updates.preview(context, state.id, Audience.CUSTOMERS)
    with pytest.raises(CommandError, match=r"left to be filled in: line 4: \[Which users, and what they noticed\]"):
        await updates.send(context, seen, "anna")
    await work(context)
    assert ear.heard == []


async def test_a_person_sends_it_and_the_promise_is_kept(context: Context, ear: Ear) -> None:
    state = await incidents.declare(context, title="t", service="shop", severity=Severity.SEV1)
    seen = await updates.preview(
        context, state.id, Audience.CUSTOMERS, given=FILLED, text="[INVESTIGATING] Slow\n\nWe look."
    )
    after = await updates.send(context, seen, "anna", digest=seen.digest)
    await work(context)
    (message,) = ear.heard
    assert (message.channel, message.title, message.body) == ("customers", "[INVESTIGATING] Slow", "We look.")
    assert [(c.id, c.state) for c in after.clocks if c.name == "update"] == [
        ("update-1", ClockState.MET), ("update-2", ClockState.RUNNING),
    ]  # fmt: skip
    kinds = [e.kind for e in await context.store.read(state.stream)]
    assert kinds.index("update.posted") < kinds.index("message.queued") < kinds.index("message.delivered")


async def test_what_must_not_leave_is_refused_with_what_and_where(context: Context, ear: Ear) -> None:
    state = await resolved(context)
    text = "[RESOLVED] Done\n\nanna fixed Portfolios on rolerabbit-db (10.0.0.7)"
    seen = await updates.preview(context, state.id, Audience.CUSTOMERS, text=text)
    with pytest.raises(CommandError) as caught:
        await updates.send(context, seen, "anna")
    said = str(caught.value)
    for what in ("line 3, column 12: a word that stays inside (Portfolios)", "(rolerabbit-db)", "an IP address (10…)"):
        assert what in said
    assert (await messages.sent_of(context, state.stream)) == []
    await updates.send(context, seen, "anna", override="the address is public")
    posted = [e for e in await context.store.read(state.stream) if e.kind == "update.posted"][-1]
    assert posted.data["reason"] == "the address is public"
    assert len(posted.data["overridden"]) == 3  # type: ignore[arg-type]
    await work(context)
    assert len(ear.heard) == 1


async def test_what_was_looked_at_is_what_is_sent(context: Context) -> None:
    state = await resolved(context)
    seen = await updates.preview(context, state.id, Audience.STAKEHOLDERS, text="One")
    other = await updates.preview(context, state.id, Audience.STAKEHOLDERS, text="Two")
    with pytest.raises(CommandError, match="not what you looked at"):
        await updates.send(context, other, "anna", digest=seen.digest)


async def test_hutch_by_itself_speaks_to_nobody_outside(context: Context) -> None:
    state = await resolved(context)
    seen = await updates.preview(context, state.id, Audience.CUSTOMERS, text="Words")
    with pytest.raises(CommandError, match="sent by a person"):
        await updates.send(context, seen, "hutch")
    message = messages.to_channel(context.config.notify.channels["customers"], state.id, "t", "b", "x")
    with pytest.raises(CommandError, match="nothing goes to customers unless a person sends it"):
        messages.queued(state.stream, [message], context)


async def test_a_promise_for_another_day_names_the_day(context: Context) -> None:
    state = await incidents.declare(context, title="t", service="shop", severity=Severity.SEV3)
    seen = await updates.preview(context, state.id, Audience.CUSTOMERS, template="investigating")
    assert seen.text.rstrip().endswith("The next update follows by 2026-01-16 10:00 UTC.")
    inside = await updates.preview(context, state.id, Audience.STAKEHOLDERS, template="update")
    assert "Next update: by 2026-01-16 10:00 UTC" in inside.text


async def test_an_update_for_responders_keeps_no_promise_to_others(context: Context) -> None:
    state = await incidents.declare(context, title="t", service="shop", severity=Severity.SEV1)
    seen = await updates.preview(context, state.id, Audience.RESPONDERS, text="Only us")
    after = await updates.send(context, seen, "anna")
    assert [c.id for c in after.clocks if c.name == "update"] == ["update-1"]


@pytest.mark.parametrize("name", ["investigating", "identified", "monitoring", "resolved", "update"])
@pytest.mark.parametrize("audience", list(Audience))
async def test_every_template_can_be_filled_for_every_audience(context: Context, name: str, audience: Audience) -> None:
    state = await resolved(context)
    seen = await updates.preview(context, state.id, audience, template=name, given=FILLED)
    assert seen.text.startswith("[")
    assert seen.found == () and not [s for s in seen.slots if s[1] != "Nobody yet" and "follows" not in s[1]], seen


async def test_an_update_of_an_open_incident_says_when_the_next_one_follows(context: Context) -> None:
    state = await incidents.declare(context, title="t", service="shop", severity=Severity.SEV1)
    seen = await updates.preview(context, state.id, Audience.CUSTOMERS, template="investigating")
    assert seen.text.rstrip().endswith("The next update follows by 10:30 UTC.")
    assert [words for _, words in seen.slots] == ["Which users, and what they noticed"]
    after = await updates.send(
        context,
        await updates.preview(context, state.id, Audience.CUSTOMERS, template="investigating", given=FILLED),
        "anna",
    )
    assert [f"{c.due:%H:%M}" for c in after.clocks if c.id == "update-2"] == ["10:30"]
