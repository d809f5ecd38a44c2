"""From alert to incident, over the shipped fakes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import pytest

from hutch.commands import alerts, incidents, maintenance, silences
from hutch.commands.board import Board
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.worker import Worker
from hutch.model.alert import UNKNOWN_START, Alert, Condition, Rule
from hutch.model.config import AlertPolicy, Config, ServiceConfig
from hutch.model.firing import stream_of
from hutch.model.incident import Incident
from hutch.model.quiet import Maintenance
from hutch.model.severity import Severity
from hutch.testing import FakeClock, FakeSecrets, MemoryQueue, MemoryStore

RULE = Rule("Errors", Condition("error_rate", ">", 5.0, "%"), timedelta(minutes=5), Severity.SEV2)
DOWN = Rule("Down", Condition("uptime", "<", 100.0, "%"), timedelta(minutes=1), Severity.SEV1)


@pytest.fixture
def context() -> Context:
    return made(Config(mode="act", rules=(RULE, DOWN)))


def made(config: Config, *names: str) -> Context:
    clock = FakeClock()
    store = MemoryStore(clock)
    services = {name: Service(ServiceConfig(name), {}) for name in names or ("shop", "api")}
    whole = replace(config, services={n: s.config for n, s in services.items()})
    secrets = FakeSecrets({"env:T": "hunter2-secret"})
    return Context(whole, Path(), store, MemoryQueue(store), clock, secrets, services, {})


def advance(context: Context, **length: float) -> None:
    assert isinstance(context.clock, FakeClock)
    context.clock.advance(timedelta(**length).total_seconds())


def fires(context: Context, rule: str = "Errors", **more: object) -> Alert:
    alert = Alert(rule, "shop", None, context.clock.now(), f"{rule}!", 5.0)
    return replace(alert, **more)  # type: ignore[arg-type]


def ends(alert: Alert, context: Context) -> Alert:
    return replace(alert, ends_at=context.clock.now())


async def outcomes(context: Context, *found: Alert) -> list[str]:
    return [receipt.outcome for receipt in await alerts.receive(context, found)]


async def states(context: Context) -> list[Incident]:
    return await incidents.listing(context)


async def kinds(context: Context, stream: str) -> Counter[str]:
    return Counter(event.kind for event in await context.store.read(stream))


async def work(context: Context) -> None:
    """Do the jobs that look at alerts again, as far as they are due."""
    worker = Worker(context)
    while taken := await context.queue.take(["alert"]):
        await worker.handlers["alert"](taken)


# ------------------------------------------------------------------ once, and never lost


async def test_an_alert_opens_an_incident_and_delivered_twice_is_one(context: Context) -> None:
    one = fires(context)
    assert await outcomes(context, one, one) == ["opened", "known"]
    assert await outcomes(context, one) == ["known"]
    (state,) = await states(context)
    assert (state.title, state.severity, state.alerted) == ("Errors on shop", Severity.SEV2, 1)
    assert await outcomes(context, ends(one, context), ends(one, context)) == ["ended", "known"]
    (state,) = await states(context)
    assert not state.firing


async def test_a_batch_is_one_transaction_and_a_known_one_none(context: Context) -> None:
    assert isinstance(context.store, MemoryStore)
    batch = [fires(context, labels={"disk": str(n)}) for n in range(alerts.BATCH)]
    store, commits = context.store, []
    commit = store.commit
    store.commit = lambda *a, **k: (commits.append(a), commit(*a, **k))[1]  # type: ignore[method-assign,func-returns-value]
    await alerts.receive(context, batch)
    await alerts.receive(context, batch)
    assert len(commits) == 1
    await alerts.receive(context, [replace(a, service="api") for a in [*batch, fires(context)]])
    assert len(commits) == 3


async def test_a_resolution_before_its_firing(context: Context) -> None:
    one = fires(context)
    assert await outcomes(context, ends(one, context), one, one) == ["early", "late", "known"]
    assert await states(context) == []
    later = fires(context, starts_at=context.clock.now() + timedelta(seconds=1))
    assert await outcomes(context, later) == ["opened"]


async def test_an_end_without_a_start_ends_what_fires(context: Context) -> None:
    by_key = fires(context, source="pagerduty", given="routing:disk")
    await alerts.receive(context, [by_key])
    assert await outcomes(context, ends(replace(by_key, starts_at=UNKNOWN_START), context)) == ["ended"]
    dump = repr(await context.store.tail())
    assert "routing:disk" not in dump


async def test_two_processes_that_hear_of_it_at_once_open_one_incident(context: Context) -> None:
    other = replace(context, board=Board())
    one, two = fires(context), fires(context, "Other")
    await asyncio.gather(*(alerts.receive(c, [a]) for c in (context, other) for a in (one, two)))
    (state,) = await states(context)
    assert state.alerted == 2
    assert (await kinds(context, stream_of(one.fingerprint)))["firing.started"] == 1


async def test_secrets_and_hostile_text_are_not_stored(context: Context) -> None:
    odd = fires(context, summary="token hunter2-secret\x00", labels={"password": "hunter2-secret"}, source="grafana")
    await alerts.receive(context, [odd])
    dump = repr(await context.store.tail())
    assert "hunter2" not in dump and "\\x00" not in dump


async def test_an_alert_of_a_service_that_nobody_configured_is_not_lost(context: Context) -> None:
    assert await outcomes(context, fires(context, service="billing")) == ["opened"]
    (state,) = await states(context)
    assert state.service == "billing"


async def test_an_old_start_is_detected_now_and_a_future_one_too(context: Context) -> None:
    now = context.clock.now()
    await alerts.receive(context, [fires(context, starts_at=now - timedelta(days=3))])
    await alerts.receive(context, [fires(context, service="api", starts_at=now + timedelta(days=3))])
    await alerts.receive(context, [fires(context, service="x", starts_at=now - timedelta(minutes=4))])
    assert [i.detected_at for i in await states(context)] == [now, now, now - timedelta(minutes=4)]


# ------------------------------------------------------------------ grouping


async def test_a_second_alert_of_the_service_joins_and_raises(context: Context) -> None:
    assert await outcomes(context, fires(context)) == ["opened"]
    assert await outcomes(context, fires(context, "Down")) == ["joined"]
    (state,) = await states(context)
    assert state.severity is Severity.SEV1


async def test_the_same_alert_within_the_watch_reopens(context: Context) -> None:
    one = fires(context)
    await alerts.receive(context, [one])
    await alerts.receive(context, [ends(one, context)])
    (state,) = await states(context)
    await incidents.resolve(context, state.id, "rolled back", "olivia")
    advance(context, minutes=10)
    again = fires(context)
    assert await outcomes(context, again) == ["reopened"]
    (state,) = await states(context)
    assert (state.reopened, state.open, state.firing) == (1, True, True)
    await alerts.receive(context, [ends(again, context)])
    await incidents.resolve(context, state.id, "again", "olivia")
    advance(context, minutes=40)
    assert await outcomes(context, fires(context)) == ["opened"]


async def test_a_storm_is_one_incident_with_a_count(context: Context) -> None:
    listed, count = context.config.alerting.listed, 500
    storm = [fires(context, "Disk", labels={"disk": str(n)}) for n in range(count)]
    found = await alerts.receive(context, storm)
    assert Counter(r.outcome for r in found) == {"opened": 1, "joined": count - 1}
    (state,) = await states(context)
    assert (state.alerted, len(state.alerts), state.counted_open) == (count, listed, count - listed)
    events = await kinds(context, state.stream)
    assert events["alert.fired"] == listed and events["alerts.counted"] == 8
    assert sum(events.values()) < listed + 30
    assert set(await outcomes(context, *storm)) == {"known"}
    await alerts.receive(context, [ends(a, context) for a in storm[: count - 1]])
    (state,) = await states(context)
    assert state.firing and state.proposed_at is None
    await alerts.receive(context, [ends(storm[-1], context)])
    (state,) = await states(context)
    assert not state.firing and state.proposed_at


# ------------------------------------------------------------------ resolution is proposed


async def test_when_every_alert_has_ended_resolution_is_proposed_until_one_fires(context: Context) -> None:
    one, two = fires(context), fires(context, "Down")
    await alerts.receive(context, [one, two])
    await alerts.receive(context, [ends(one, context)])
    (state,) = await states(context)
    assert state.proposed_at is None
    await alerts.receive(context, [ends(two, context)])
    (state,) = await states(context)
    assert state.proposed_at == context.clock.now() and state.open
    advance(context, minutes=1)
    await alerts.receive(context, [fires(context)])
    (state,) = await states(context)
    assert state.proposed_at is None
    events = await kinds(context, state.stream)
    assert (events["resolution.proposed"], events["resolution.withdrawn"]) == (1, 1)


# ------------------------------------------------------------------ held back


async def silenced(context: Context, *matchers: str, minutes: float = 30) -> str:
    return (await silences.begin(context, matchers, timedelta(minutes=minutes), "known", "olivia")).id


async def test_a_silence_holds_back_until_it_ends(context: Context) -> None:
    await silenced(context, "rule=CP*")
    one = fires(context, "CPU")
    assert await outcomes(context, one, one, fires(context, "Down")) == ["held", "known", "opened"]
    advance(context, minutes=29)
    await work(context)
    assert [i.alerted for i in await states(context)] == [1]
    advance(context, minutes=2)
    await work(context)
    (state,) = await states(context)
    assert set(state.open_alerts.values()) == {"CPU", "Down"}
    assert await outcomes(context, ends(one, context)) == ["ended"]


async def test_what_ends_while_it_is_silenced_wakes_nobody(context: Context) -> None:
    await silenced(context, "service=shop")
    one = fires(context)
    assert await outcomes(context, one, ends(one, context)) == ["held", "ended"]
    advance(context, hours=1)
    await work(context)
    assert await states(context) == []


async def test_a_silence_that_is_expired_lets_go_at_once(context: Context) -> None:
    name = await silenced(context, "service=shop", minutes=600)
    await alerts.receive(context, [fires(context)])
    await silences.expire(context, name, "olivia")
    await work(context)
    assert [i.alerted for i in await states(context)] == [1]
    assert await silences.listing(context) == []
    with pytest.raises(CommandError, match="no silence S-001 is in force"):
        await silences.expire(context, name, "olivia")


@pytest.mark.parametrize(
    ("matchers", "minutes", "said"),
    [((), 5, "at least one matcher"), (("rule",), 5, "cannot read the matcher"), (("rule=*",), 0, "must have an end")],
)
async def test_silences_that_make_no_sense(
    context: Context, matchers: Sequence[str], minutes: float, said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        await silenced(context, *matchers, minutes=minutes)


async def test_maintenance_holds_back_what_its_service_says() -> None:
    begin = FakeClock().now()
    planned = (Maintenance("upgrade", "shop", begin, begin + timedelta(hours=1)),)
    context = made(Config(maintenance=planned))
    assert await outcomes(context, fires(context), fires(context, service="api")) == ["held", "opened"]
    advance(context, minutes=61)
    await work(context)
    assert [i.service for i in await states(context)] == ["api", "shop"]


async def test_daily_maintenance_is_looked_at_again_when_its_window_ends() -> None:
    daily = Maintenance("nightly", at=time(9, 30), length=timedelta(hours=1), zone=FakeClock().now().tzinfo)
    context = made(Config(maintenance=(daily,)))
    assert await outcomes(context, fires(context)) == ["held"]
    assert isinstance(context.queue, MemoryQueue)
    advance(context, minutes=31)
    await work(context)
    assert len(await states(context)) == 1


async def test_who_is_down_is_not_said_to_be_slow_too(context: Context) -> None:
    down, slow = fires(context, "Down"), fires(context)
    assert await outcomes(context, down, slow, fires(context, service="api")) == ["opened", "held", "opened"]
    await alerts.receive(context, [ends(down, context)])
    shop = (await states(context))[0]
    assert set(shop.open_alerts.values()) == {"Errors"}, "it is let go as soon as the other ended"
    assert shop.proposed_at is None


async def test_what_is_held_back_is_let_go_by_another_process_too(context: Context) -> None:
    down = fires(context, "Down")
    await alerts.receive(context, [down, fires(context)])
    other = replace(context, board=Board())
    await alerts.receive(other, [ends(down, context)])
    advance(context, minutes=2)
    await work(other)
    (shop,) = await states(context)
    assert set(shop.open_alerts.values()) == {"Errors"}


# ------------------------------------------------------------------ flapping


async def flap(context: Context, times: int) -> list[str]:
    said: list[str] = []
    for _ in range(times):
        one = fires(context)
        said += await outcomes(context, one)
        advance(context, minutes=1)
        said += await outcomes(context, ends(one, context))
        advance(context, minutes=1)
    return said


async def test_what_comes_and_goes_is_told_once(context: Context) -> None:
    said = await flap(context, 8)
    assert said.count("held") == 4 and said[0] == "opened"
    (state,) = await states(context)
    events = await kinds(context, state.stream)
    assert (events["alert.fired"], events["alert.resolved"], events["alert.flapping"]) == (4, 3, 1)
    assert state.firing and state.proposed_at is None


async def test_it_is_over_when_it_was_still_for_long_enough(context: Context) -> None:
    await flap(context, 6)
    advance(context, minutes=11)
    await work(context)
    (state,) = await states(context)
    assert not state.firing and state.proposed_at
    assert (await outcomes(context, fires(context)))[0] == "joined"


async def test_it_goes_on_as_one_alert_when_it_stays(context: Context) -> None:
    await flap(context, 6)
    last = fires(context)
    assert await outcomes(context, last) == ["held"]
    advance(context, minutes=11)
    await work(context)
    (state,) = await states(context)
    assert len(state.open_alerts) == 1
    advance(context, hours=1)
    assert await outcomes(context, ends(last, context)) == ["ended"]
    (state,) = await states(context)
    assert not state.firing


async def test_what_comes_back_after_its_incident_was_resolved_is_heard(context: Context) -> None:
    await flap(context, 6)
    (state,) = await states(context)
    await incidents.resolve(context, state.id, "restarted", "olivia")
    assert await outcomes(context, fires(context)) == ["reopened"]


# ------------------------------------------------------------------ which runbook, and memory


@pytest.mark.parametrize(
    ("more", "runbook"),
    [
        ({}, ""),
        ({"annotations": {"runbook_url": "https://wiki.example/ops/redis.md#redis"}}, "redis.md#redis"),
        ({"annotations": {"runbook": "../../etc/passwd"}}, "passwd"),
        ({"annotations": {"runbook_url": "https://wiki.example/ops"}, "labels": {"runbook": "redis"}}, "redis"),
        ({"rule": "Mapped"}, "slow-responses"),
        ({"rule": "Named", "labels": {"runbook": "db"}}, "own.md#named"),
    ],
)
async def test_the_runbook_that_is_known_at_once(more: dict[str, object], runbook: str) -> None:
    named = replace(RULE, name="Named", runbook="own.md#named")
    context = made(Config(rules=(named,), alerting=AlertPolicy(runbooks={"Mapped": "slow-responses"})))
    await alerts.receive(context, [fires(context, **more)])  # type: ignore[arg-type]
    (state,) = await states(context)
    assert state.runbook == runbook


async def test_the_memory_is_bounded_and_what_it_forgot_is_in_the_log(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hutch.commands.board.FIRINGS", 10)
    many = [fires(context, labels={"n": str(n)}) for n in range(100)]
    await alerts.receive(context, many)
    assert len(context.board._firings) <= 10
    assert set(await outcomes(context, *many)) == {"known"}
    (state,) = await states(context)
    await alerts.receive(context, [ends(a, context) for a in many])
    await incidents.resolve(context, state.id, "done", "olivia")
    advance(context, hours=1)
    await alerts.receive(context, [fires(context, service="api")])
    await context.board.catch_up(context.store, context.clock.now())
    assert [i.service for i in context.board.incidents.values()] == ["api"]
    assert set(context.board.services) == {"api"}


async def test_what_ends_long_after_its_incident_was_closed_is_told_there(context: Context) -> None:
    alert = fires(context)
    (receipt,) = await alerts.receive(context, [alert])
    await incidents.resolve(context, receipt.incident, "enough", "ann")
    advance(context, hours=2)
    await work(context)
    assert await outcomes(context, fires(context, "Down")) == ["opened"]
    assert receipt.incident not in context.board.incidents  # it is over, and no longer watched
    assert await outcomes(context, ends(alert, context)) == ["ended"]
    closed = await incidents.load(context, receipt.incident)
    assert not closed.open_alerts and not closed.open
    assert (await kinds(context, closed.stream))["alert.resolved"] == 1


async def test_planned_work_of_the_log_holds_back_until_it_ends_or_is_ended(context: Context) -> None:
    now = context.clock.now()
    hour = timedelta(hours=1)
    first = await maintenance.add(context, "Move with hunter2-secret", "shop", now, now + hour, "ann")
    later = await maintenance.add(context, "Disks", "", now + 5 * hour, now + 6 * hour, "ann")
    assert (first.id, later.id, first.name) == ("M-001", "M-002", "Move with •••")
    assert [m.id for m in await maintenance.listing(context)] == ["M-001", "M-002"]
    assert await outcomes(context, fires(context), fires(context, service="api")) == ["held", "opened"]
    other = replace(context, board=Board())  # another process builds it from the log
    assert await outcomes(other, fires(context, "Down")) == ["held"]
    await maintenance.end(context, "M-001", "bob")
    advance(context, seconds=1)
    await work(context)
    assert sorted(i.service for i in await states(context)) == ["api", "shop"]
    assert [m.id for m in await maintenance.listing(context)] == ["M-002"]
    ended = (await context.store.read("maintenance:M-001"))[-1]
    assert (ended.kind, ended.actor) == ("maintenance.ended", "bob")
    await maintenance.end(context, "M-002", "bob")  # called off before it begins
    advance(context, hours=5.5)
    assert await maintenance.listing(context) == []
    assert await outcomes(context, fires(context, "Full", service="api")) != ["held"]


async def test_planned_work_that_makes_no_sense_is_refused(context: Context) -> None:
    now = context.clock.now()

    async def said(name: str, service: str, begin: float, end: float) -> str:
        starts, ends_ = now + timedelta(hours=begin), now + timedelta(hours=end)
        with pytest.raises(CommandError) as caught:
            await maintenance.add(context, name, service, starts, ends_, "ann")
        return str(caught.value)

    assert "say what is done" in await said(" ", "shop", 0, 1)
    assert "unknown service 'shp'" in await said("x", "shp", 0, 1)
    assert "must end after it begins" in await said("x", "shop", 2, 1)
    assert "must end after it begins" in await said("x", "shop", -2, -1)
    assert "30 days long at most" in await said("x", "shop", 0, 24 * 31)
    with pytest.raises(CommandError, match="no window M-001 is planned"):
        await maintenance.end(context, "M-001", "ann")
    with pytest.raises(CommandError, match="no window  is planned"):
        await maintenance.end(context, "", "ann")
