"""Pages, links and reminders over the fakes: each is said once, whatever happens in between."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hutch.bootstrap.secrets import EnvironmentSecrets
from hutch.commands import doctor, incidents, links, messages, oncall, pagerduty, paging
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.worker import Worker
from hutch.model.action import Outcome, Result
from hutch.model.config import Config, ServiceConfig
from hutch.model.incident import Incident
from hutch.model.message import Audience, Channel, Message, NotifyConfig
from hutch.model.oncall import Escalation, PeopleConfig, Person, Rotation, Schedule, Step
from hutch.model.roles import Role
from hutch.model.severity import Severity
from hutch.testing import FakeClock, MemoryQueue, MemoryStore
from passing import Passing

MINUTES = timedelta(minutes=1)


class Ear:
    """A channel that hears: it stands for the outside, and takes everything."""

    def __init__(self, passing: Passing) -> None:
        self.passing, self.heard = passing, list[tuple[float, Message]]()
        self.began = passing.clock.now()

    async def notify(self, message: Message) -> Outcome:
        self.heard.append(((self.passing.clock.now() - self.began) / self.passing.length(minutes=1), message))
        return Outcome(Result.DONE, "heard")

    async def look(self) -> Outcome:
        return Outcome(Result.DONE, "there")


def channel(name: str, **more: object) -> Channel:
    return replace(Channel(name, "webhook", Audience.RESPONDERS), **more)  # type: ignore[arg-type]


PEOPLE = PeopleConfig(
    people={n: Person(n, (f"{n}-phone",)) for n in ("anna", "ben")},
    schedules={
        "primary": Schedule("primary", (Rotation(("anna", "ben"), datetime(2026, 1, 12, 9), timedelta(days=7)),))
    },
    escalation={
        Severity.SEV1: Escalation(
            (Step(timedelta(0), ("primary", "pager")), Step(5 * MINUTES, ("ben",))), 1, 10 * MINUTES
        ),
        Severity.SEV2: Escalation((Step(timedelta(0), ("primary",)), Step(30 * MINUTES, ("ben",)))),
    },
)
CHANNELS = (
    channel("anna-phone"), channel("ben-phone"), channel("pager", follows=True), channel("ops"),
    channel("managers", audience=Audience.STAKEHOLDERS), channel("practice", exercise=True),
)  # fmt: skip


def escalated(passing: Passing) -> PeopleConfig:
    """The same by that clock; anna is on call now."""
    began = passing.clock.now().replace(hour=9, minute=0, second=0, microsecond=0, tzinfo=None) - timedelta(days=3)
    primary = Schedule("primary", (Rotation(("anna", "ben"), began, timedelta(days=7)),))
    found = {
        severity: replace(
            one, steps=tuple(replace(s, after=s.after * passing.scale) for s in one.steps),
            pause=one.pause * passing.scale,
        )
        for severity, one in PEOPLE.escalation.items()
    }  # fmt: skip
    return replace(PEOPLE, schedules={"primary": primary}, escalation=found)


@pytest.fixture
def ear() -> Ear:
    return Ear(Passing(FakeClock()))


@pytest.fixture
def context(ear: Ear, tmp_path: Path) -> Context:
    return over(ear, tmp_path)


def over(ear: Ear, folder: Path) -> Context:
    passing = ear.passing
    store = MemoryStore(passing.clock)
    shop = Service(ServiceConfig("shop"), {})
    notify = NotifyConfig(
        {c.name: c for c in CHANNELS}, address="https://hutch.example", pagerduty_secret="plain:pd-secret"
    )
    config = passing.config(Config(services={"shop": shop.config}, notify=notify, people=escalated(passing)))
    return Context(
        config, folder, store, MemoryQueue(store), passing.clock, EnvironmentSecrets(folder), {"shop": shop}, {},
        open_notifier=lambda _: ear,
    )  # fmt: skip


async def declared(context: Context, severity: int = 1) -> Incident:
    return await incidents.declare(
        context, title="Down", service="shop", severity=Severity(severity), summary="all of it"
    )


async def pass_minutes(context: Context, count: int, every: int = 1, passing: Passing | None = None) -> None:
    worker = Worker(context)
    if passing is None:
        assert isinstance(context.clock, FakeClock)
        passing = Passing(context.clock)
    for _ in range(0, count + 1, every):
        while await worker.step():
            pass
        await passing.on(minutes=every)


def pages(ear: Ear) -> list[tuple[float, str]]:
    return [(at, m.channel) for at, m in ear.heard if m.about.startswith("page:")]


async def test_nobody_acknowledges_and_everybody_is_paged_in_turn(passing: Passing, tmp_path: Path) -> None:
    ear = Ear(passing)
    context = over(ear, tmp_path)
    await declared(context)
    await pass_minutes(context, 40, passing=passing)
    wanted = [
        (0, "anna-phone"), (0, "pager"), (5, "ben-phone"), (15, "anna-phone"), (15, "pager"), (20, "ben-phone"),
    ]  # fmt: skip
    assert [channel for _, channel in pages(ear)] == [channel for _, channel in wanted]
    for (at, _), (minutes, _) in zip(pages(ear), wanted, strict=True):
        assert passing.lasted(at * passing.length(minutes=1), minutes=minutes)


async def test_an_acknowledgement_ends_it_and_pagerduty_hears_both(passing: Passing, tmp_path: Path) -> None:
    ear = Ear(passing)
    context = over(ear, tmp_path)
    state = await declared(context)
    await pass_minutes(context, 2, passing=passing)
    await incidents.acknowledge(context, state.id, "anna")
    told = pages(ear)
    await pass_minutes(context, 30, passing=passing)
    assert pages(ear) == told and [channel for _, channel in told][:2] == ["anna-phone", "pager"]
    await incidents.resolve(context, state.id, "fixed", "anna")
    await pass_minutes(context, 2, passing=passing)
    assert [m.act for _, m in ear.heard if m.channel == "pager"] == ["trigger", "acknowledge", "resolve"]


async def test_after_a_day_asleep_each_overdue_step_is_done_once(passing: Passing, tmp_path: Path) -> None:
    ear = Ear(passing)
    context = over(ear, tmp_path)
    state = await declared(context)
    await passing.on(days=1)
    await pass_minutes(context, 5, passing=passing)
    assert len(pages(ear)) == 6
    assert all(passing.lasted(at * passing.length(minutes=1), days=1) for at, _ in pages(ear))
    reminders = [m.about for _, m in ear.heard if m.about.startswith("clock:")]
    assert sorted(reminders) == ["clock:response-1:overdue", "clock:update-1:overdue"]
    assert state.id in ear.heard[0][1].title


async def test_two_at_once_queue_each_page_once(context: Context, ear: Ear) -> None:
    state = await declared(context)
    for _ in range(3):
        await paging.attend(context, state.id)
    await pass_minutes(context, 1)
    assert pages(ear) == [(0, "anna-phone"), (0, "pager")]


async def test_a_worse_severity_pages_anew_and_a_milder_one_does_not(context: Context, ear: Ear) -> None:
    state = await declared(context, 2)
    await pass_minutes(context, 3)
    await incidents.set_severity(context, state.id, Severity.SEV1, "all are hit", "ben")
    await pass_minutes(context, 0)
    assert [c for _, c in pages(ear)] == ["anna-phone", "anna-phone", "pager"]
    await incidents.set_severity(context, state.id, Severity.SEV2, "not so bad", "ben")
    await pass_minutes(context, 3)
    assert len(pages(ear)) == 3


async def test_a_reopened_incident_pages_again_until_somebody_has_it_again(context: Context, ear: Ear) -> None:
    state = await declared(context)
    await incidents.acknowledge(context, state.id, "anna")
    await incidents.resolve(context, state.id, "fixed", "anna")
    await pass_minutes(context, 1)
    assert pages(ear) == []
    await incidents.reopen(context, state.id, "it is back", "ben")
    await pass_minutes(context, 0)
    assert [c for _, c in pages(ear)] == ["anna-phone", "pager"]
    await incidents.acknowledge(context, state.id, "ben")
    await pass_minutes(context, 10)
    assert len(pages(ear)) == 2


async def test_an_exercise_reaches_exercise_channels_only(context: Context, ear: Ear) -> None:
    state = await declared(context)
    first = (await context.store.read(state.stream))[0]
    room = paging.Room(context, state, [replace(first, data={**first.data, "exercise": True})], frozenset(), True)
    assert [c.name for c in room.everyone] == ["practice"]
    assert room.title.startswith("EXERCISE ")
    assert paging._channels(room, "anna", "primary") == ()


async def test_reminders_and_announcements_go_to_the_shared_channel_alone(context: Context, ear: Ear) -> None:
    state = await declared(context, 2)
    await pass_minutes(context, 95, every=5)
    heard = [(at, m.channel, m.about) for at, m in ear.heard if not m.about.startswith("page:")]
    assert (0, "ops", "declared") in heard
    assert (90, "ops", "clock:update-1:warning") in heard
    assert {c for _, c, _ in heard} == {"ops"}
    assert state.open


async def test_an_override_and_a_removed_person(context: Context, ear: Ear) -> None:
    now = context.clock.now()
    await oncall.override(context, "primary", "ben", now, now + timedelta(hours=1), "anna is ill", "cleo")
    await declared(context, 2)
    await pass_minutes(context, 0)
    assert [c for _, c in pages(ear)] == ["ben-phone"]
    (row,) = await oncall.show(context, "primary")
    assert (row["who"], row["by"], row["overrides"][0]["reason"]) == ("ben", "override", "anna is ill")
    left = replace(PEOPLE, people={"ben": PEOPLE.people["ben"]})
    gone = replace(context, config=replace(context.config, people=left))
    await oncall.take_back(gone, "primary", row["overrides"][0]["id"], "", "cleo")
    await declared(gone, 2)
    await pass_minutes(gone, 0)
    last = [m for _, m in ear.heard if m.about.startswith("page:")][-1]
    assert last.channel == "ops"
    assert "anna, on call for primary, is not in people any more" in last.body.lower()
    with pytest.raises(CommandError, match="unknown person 'anna'"):
        await oncall.override(gone, "primary", "anna", now, now + timedelta(hours=1), "x", "cleo")


# ------------------------------------------------------------------ links


def token_of(ear: Ear, channel: str = "anna-phone") -> str:
    body = next(m.body for _, m in ear.heard if m.channel == channel)
    return body.partition("https://hutch.example/a/")[2].split()[0]


async def test_a_link_acknowledges_once_as_the_person_who_was_paged(context: Context, ear: Ear) -> None:
    state = await declared(context)
    await pass_minutes(context, 0)
    link = links.read(context, token_of(ear))
    assert (await links.look(context, link))[1] == ""
    assert (await incidents.load(context, state.id)).acknowledged_by == ""
    assert (await links.use(context, link)).acknowledged_by == "anna"
    with pytest.raises(CommandError, match="this link was used by anna"):
        await links.use(context, link)
    kinds = {e.kind for e in await context.store.read(state.stream)}
    assert not {k for k in kinds if k.startswith("approval.")}


async def test_a_link_that_was_changed_is_old_or_comes_too_late(context: Context, ear: Ear) -> None:
    state = await declared(context)
    await pass_minutes(context, 6)
    token = token_of(ear)
    with pytest.raises(CommandError, match="not one of ours"):
        links.read(context, token[:-2] + ("AA" if token[-2:] != "AA" else "BB"))
    await links.use(context, links.read(context, token_of(ear, "ben-phone")))
    with pytest.raises(CommandError, match="ben has it already"):
        await links.use(context, links.read(context, token))
    assert isinstance(context.clock, FakeClock)
    context.clock.advance(25 * 3600)
    with pytest.raises(CommandError, match="time is over"):
        links.read(context, token)
    assert (context.home / "links.key").stat().st_mode & 0o077 == 0
    assert state.id


# ------------------------------------------------------------------ PagerDuty's webhooks


def event(state: Incident, kind: str, event_id: str = "E1") -> bytes:
    data = {"id": "PD1", "type": "incident", "incident_key": state.id, "status": "acknowledged"}
    agent = {"summary": "Anna A."}
    return json.dumps({"event": {"id": event_id, "event_type": kind, "agent": agent, "data": data}}).encode()


def signed(body: bytes, secret: str = "pd-secret") -> str:
    return "v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


async def test_pagerduty_acknowledges_and_resolves_nothing(context: Context) -> None:
    state = await declared(context)
    body = event(state, "incident.acknowledged")
    pagerduty.prove(context, f"{signed(body, 'old')},{signed(body)}", body)
    assert await pagerduty.hear(context, body) == "told"
    assert await pagerduty.hear(context, body) == "heard before"
    assert (await incidents.load(context, state.id)).acknowledged_by == "pagerduty: Anna A."
    assert await pagerduty.hear(context, event(state, "incident.resolved", "E2")) == "told"
    assert (await incidents.load(context, state.id)).open


async def test_pagerduty_must_sign_what_it_says(context: Context) -> None:
    body = event(await declared(context), "incident.acknowledged")
    for signature in ("", "v1=", signed(body + b" "), signed(body, "guess")):
        with pytest.raises(pagerduty.Unproved):
            pagerduty.prove(context, signature, body)
    with pytest.raises(ValueError, match="no JSON"):
        await pagerduty.hear(context, b"[" * 100_000)
    assert (
        await pagerduty.hear(context, event(replace(await declared(context), id="INC-1999-001"), "incident.resolved"))
        == "not ours"
    )


async def test_messages_of_a_page_are_told(context: Context, ear: Ear) -> None:
    state = await declared(context)
    await pass_minutes(context, 0)
    sent = await messages.sent_of(context, state.stream)
    assert {(s.message.person, s.message.channel) for s in sent} >= {("anna", "anna-phone"), ("", "pager")}


async def test_who_is_given_a_role_by_somebody_else_hears_of_it_once(context: Context, ear: Ear) -> None:
    state = await declared(context, 4)
    await incidents.assign(context, state.id, "ben", "anna")
    await incidents.assign(context, state.id, "anna", "anna", Role.SCRIBE)
    await pass_minutes(context, 3)
    assert [(m.channel, m.person) for _, m in ear.heard if m.about.startswith("role:")] == [("ben-phone", "ben")]


async def test_a_declared_exercise_reaches_exercise_channels_only(context: Context, ear: Ear) -> None:
    await incidents.declare(context, title="t", service="shop", severity=Severity.SEV1, exercise=True)
    await pass_minutes(context, 60, every=5)
    assert {m.channel for _, m in ear.heard} == {"practice"}
    assert all(m.title.startswith("EXERCISE ") for _, m in ear.heard)


async def test_the_log_holds_no_link_and_a_shared_channel_gets_none(context: Context, ear: Ear) -> None:
    people = replace(PEOPLE, escalation={Severity.SEV1: Escalation((Step(timedelta(0), ("anna", "ops")),))})
    context = replace(context, config=replace(context.config, people=people))
    state = await declared(context)
    await pass_minutes(context, 0)
    assert "/a/" in next(m.body for _, m in ear.heard if m.channel == "anna-phone")
    shared = next(m.body for _, m in ear.heard if m.channel == "ops" and m.about.startswith("page:"))
    assert f"Acknowledge: hutch incident ack {state.id}" in shared and "/a/" not in shared
    assert "hutch.example/a/" not in repr(await context.store.read(state.stream))


async def test_doctor_says_who_is_on_call_and_what_pages_nobody(context: Context) -> None:
    points = {p.what: p for p in await doctor._on_call(context)}
    assert points["primary"].said.startswith("anna until 2026-01-19T09:00")
    assert "escalation" not in points
    silent = replace(context, config=replace(context.config, people=replace(PEOPLE, escalation={})))
    assert "SEV-1, SEV-2 pages nobody" in {p.what: p for p in await doctor._on_call(silent)}["escalation"].said
    later = replace(
        PEOPLE,
        schedules={"primary": Schedule("primary", (Rotation(("anna",), datetime(2030, 1, 1), timedelta(days=1)),))},
    )
    nobody = replace(context, config=replace(context.config, people=later))
    assert (await doctor._on_call(nobody))[0].said == "nobody is on call now"
