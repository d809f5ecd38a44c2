"""A severity proposed from what is measured: raised by worse figures, never lowered, and never applied by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from hutch.commands import assess, incidents, transitions
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.views import incident_json
from hutch.commands.watched import SignalView, Watched
from hutch.model.config import Config, ServiceConfig
from hutch.model.incident import Incident
from hutch.model.severity import Severity
from hutch.review.postincident import draft_review
from hutch.review.timeline import timeline
from hutch.testing import FakeClock, FakeSecrets, MemoryQueue, MemoryStore


@pytest.fixture
def context() -> Context:
    clock = FakeClock()
    store = MemoryStore(clock)
    shop = Service(ServiceConfig("shop"), {})
    config = Config(services={"shop": shop.config})
    return Context(config, Path(), store, MemoryQueue(store), clock, FakeSecrets({}), {"shop": shop}, {})


async def declared(context: Context) -> Incident:
    return await incidents.declare(context, title="t", service="shop", severity=Severity.SEV3)


async def proposals(context: Context, state: Incident) -> list[str]:
    return [str(e.data["severity"]) for e in await context.store.read(state.stream) if e.kind == "severity.proposed"]


async def test_worse_figures_raise_the_proposal_and_better_ones_leave_it(context: Context) -> None:
    state = await declared(context)
    for rate in (8.0, 8.0, 60.0, 99.0, 3.0, 0.0):
        await assess.watch(context, "shop", {"error_rate": rate})
    assert await proposals(context, state) == ["SEV-3", "SEV-2", "SEV-1"]
    after = await incidents.load(context, state.id)
    assert after.severity is Severity.SEV3, "a person changes it"
    shown = incident_json(after)["proposed_severity"]
    assert (shown["severity"], shown["criterion"]) == ("SEV-1", "Complete service outage")
    assert shown["evidence"] == "error_rate is 99 %" and shown["condition"] == "error_rate >= 95 %"
    assert "error_rate is 99 %" in timeline(await context.store.read(state.stream))[-1].text


async def test_more_users_within_one_severity_are_told_in_steps_and_stand_in_the_review(context: Context) -> None:
    state = await declared(context)
    for share in (4.0, 9.0, 14.0, 20.0, 24.5, 3.0, 62.0, 70.0, 73.0, 99.0, 100.0, 100.0):
        await assess.watch(context, "shop", {"users_affected": share})
    events = await context.store.read(state.stream)
    told = [(e.kind, e.data["figures"]) for e in events if e.kind in ("severity.proposed", "impact.measured")]
    shares = [(kind.partition(".")[0], dict(figures)["users_affected"]) for kind, figures in told]  # type: ignore[call-overload]
    assert shares == [
        ("severity", 4.0), ("impact", 14.0), ("impact", 24.5), ("severity", 62.0), ("impact", 73.0), ("impact", 99.0),
        ("impact", 100.0),
    ]  # fmt: skip
    after = await incidents.load(context, state.id)
    assert after.record.measured == 100.0 and after.record.proposal and after.record.proposal.severity is Severity.SEV2
    assert incident_json(after)["affected"]["measured"] == 100.0
    assert timeline(events)[-1].text == "Users affected rose to 100 %, as measured"
    assert f"100 % measured at 10:00:00 UTC ({state.stream}#{after.seq})" in draft_review(events)


async def test_a_person_takes_it_over_with_a_reason_and_the_clocks_follow(context: Context) -> None:
    state = await declared(context)
    await assess.watch(context, "shop", {"uptime": 0.0})
    with pytest.raises(CommandError, match="say why"):
        await transitions.set_severity(context, state.id, Severity.SEV1, "  ", "olivia")
    state = await transitions.set_severity(context, state.id, Severity.SEV1, "all probes fail", "olivia")
    response = state.clock("response")
    assert response and (response.due - state.detected_at).total_seconds() == 300


async def test_asked_for_by_a_person_it_says_what_is_now_milder_too(context: Context) -> None:
    state = await declared(context)
    with pytest.raises(CommandError, match="nothing is measured of shop"):
        await assess.assess(context, state.id, "olivia")
    view = SignalView("error_rate", "%", "", 0.0)
    context.board.watched["shop"] = Watched("shop", context.clock.now(), (view,))
    after, found = await assess.assess(context, state.id, "olivia")
    assert found.severity is Severity.SEV4 and after.record.proposal and after.record.proposal.by == "olivia"


async def test_resolved_incidents_get_no_proposal(context: Context) -> None:
    state = await declared(context)
    await incidents.resolve(context, state.id, "done", "olivia")
    await assess.watch(context, "shop", {"uptime": 0.0})
    assert await proposals(context, state) == []
