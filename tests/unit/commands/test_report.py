"""The report over a time, from the log of real commands over the shipped fakes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutch.commands import incidents
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.report import made
from hutch.model.config import Config, ServiceConfig
from hutch.model.event import Draft, instant
from hutch.model.severity import Severity
from hutch.ports import Append
from hutch.review.report import Noise, Report, Use, spread
from hutch.testing import FakeClock, FakeSecrets, MemoryQueue, MemoryStore

LEAK = {"code": "postgres.connection_leak", "summary": "s", "object": {"kind": "role", "id": "r"}, "confidence": 0.9}


class Team:
    """A service, its clock and what happens to it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        store = MemoryStore(self.clock)
        shop = Service(ServiceConfig("shop"), {})
        config = Config(mode="act", services={"shop": shop.config})
        self.context = Context(
            config, Path(), store, MemoryQueue(store), self.clock, FakeSecrets({}), {"shop": shop}, {}
        )

    async def incident(self, severity: int, minutes: Mapping[str, float], rule: str = "Errors") -> str:
        """One incident in which each thing happens so many minutes after detection."""
        since = instant(self.clock.now() - timedelta(minutes=2))
        alert = Draft("alert.fired", {"key": f"{rule}@1", "rule": rule, "since": since})
        found = await incidents.declare(
            self.context, title="t", service="shop", severity=Severity(severity), also=[alert]
        )
        passed = 0.0
        for what, at in sorted(minutes.items(), key=lambda kv: kv[1]):
            self.clock.advance((at - passed) * 60)
            passed = at
            await self.happens(found.id, what)
        return found.id

    async def happens(self, incident_id: str, what: str) -> None:
        if what == "ack":
            await incidents.acknowledge(self.context, incident_id, "olivia")
        elif what == "cause":
            await incidents.change(self.context, incident_id, lambda _: [Draft("cause.named", LEAK)])
        elif what == "run":
            await self.run(incident_id)
        else:
            await incidents.resolve(self.context, incident_id, "well again", "olivia")

    async def run(self, incident_id: str) -> None:
        """A run that did one change, which was verified."""
        told = [
            Draft("run.started", {"document": "docs.md#leak", "title": "Leak", "incident": incident_id}),
            Draft("change.intended", {"item": "1", "option": "o1", "command": {"runner": "deploy.rollback"}}),
            Draft("change.done", {"item": "1", "option": "o1", "summary": "rolled back"}),
            Draft("verification.done", {"option": "o1", "verdict": "passed", "summary": "well"}),
            Draft("run.finished", {"outcome": "resolved", "summary": "well"}),
        ]
        linked = Append(f"incident:{incident_id}", (Draft("run.linked", {"run": f"R-{incident_id}", "title": "Leak"}),))
        await self.context.store.commit([Append(f"run:R-{incident_id}", tuple(told)), linked])

    async def report(self, days: float = 30) -> Report:
        now = self.clock.now()
        return await made(self.context, now - timedelta(days=days), now)


async def test_times_counts_and_promises_are_those_of_the_log() -> None:
    team = Team()
    await team.incident(2, {"ack": 10, "cause": 12, "run": 20, "resolve": 30})
    await team.incident(1, {"ack": 7, "resolve": 47}, rule="Slow")
    await team.incident(3, {"ack": 1})
    found = await team.report()
    assert [r.times for r in found.incidents] == [
        {"detect": 120, "acknowledge": 600, "diagnose": 720, "mitigate": 1200, "resolve": 1800},
        {"detect": 120, "acknowledge": 420, "mitigate": 2820, "resolve": 2820},
        {"detect": 120, "acknowledge": 60},
    ]
    assert found.times["resolve"] == spread([1800, 2820]) and found.times["diagnose"].count == 1
    assert found.by_severity == {"SEV-1": 1, "SEV-2": 1, "SEV-3": 1}
    assert found.by_cause == {"not found": 2, "postgres.connection_leak": 1}
    assert found.promises["response"] == {"kept": 2, "late": 1}, "SEV-1 was acknowledged after 7 of 5 minutes"
    assert found.promises["review"] == {"running": 2}
    assert found.noise == (Noise("Slow", 1, 1, 1, 0), Noise("Errors", 2, 2, 0, 0))
    assert found.runbooks == (Use("docs.md#leak", 1, {"resolved": 1}),)


async def test_what_is_owed_and_nobody_rang_for_is_overdue_all_the_same() -> None:
    team = Team()
    await team.incident(1, {})
    team.clock.advance(3600)
    found = await team.report()
    [name] = {r.id for r in found.incidents}
    assert found.overdue == (f"{name} response-1", f"{name} update-1")


async def test_only_what_was_detected_within_counts() -> None:
    team = Team()
    old = await team.incident(4, {"resolve": 1})
    team.clock.advance(86400 * 3)
    new = await team.incident(4, {"resolve": 1})
    assert [r.id for r in (await team.report(1)).incidents] == [new]
    assert [r.id for r in (await team.report(9)).incidents] == [old, new]
    now = team.clock.now()
    with pytest.raises(CommandError, match="before it begins"):
        await made(team.context, now, now)


async def test_without_an_incident_there_is_nothing_to_count() -> None:
    found = await Team().report()
    assert found.incidents == () and found.times["resolve"] == spread([])


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_a_spread_lies_within_its_values(values: list[float]) -> None:
    found = spread(values)
    assert found.mean is not None and found.median is not None and found.p90 is not None
    assert min(values) <= found.median <= found.p90 <= max(values)
    assert abs(found.median - median(values)) <= max(values) - min(values)
    assert min(values) - 1e-3 <= found.mean <= max(values) + 1e-3
