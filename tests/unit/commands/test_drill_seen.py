"""What Hutch did about a fault, from its event log; and what the person of a drill does about that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hutch.commands.drills import oncall
from hutch.commands.drills.drill import EARLIEST, LATEST, moment
from hutch.commands.drills.seen import Offer, Seen, fold
from hutch.commands.drills.traffic import count
from hutch.model.action import Sample
from hutch.model.event import Event

ON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return ON + timedelta(seconds=seconds)


def event(seconds: float, stream: str, kind: str, **data: Any) -> Event:
    return Event(stream, int(seconds * 10), at(seconds), "hutch", kind, data, "", "", "", "")


def asked(seconds: float, run: str, option: str, *commands: tuple[str, str], cause: str = "c") -> Event:
    items = [{"command": {"runner": runner, "effect": effect}} for runner, effect in commands]
    data = {"option": {"id": option, "title": option, "cause": cause, "items": items}, "digest": "d"}
    return event(seconds, f"run:{run}", "approval.requested", **data)


CAUSE = {"code": "x.y", "object": {"kind": "session", "id": "1"}}
STORY = [
    event(1, "incident:INC-1", "incident.declared"),
    event(1.1, "incident:INC-1", "alert.fired", rule="x.y"),
    event(2, "run:R-0", "diagnosis.made", causes=[]),
    event(2.5, "run:R-0", "run.finished", outcome="healthy"),
    event(3, "run:R-1", "diagnosis.made", causes=[CAUSE, {"code": "other"}]),
    asked(3.1, "R-1", "first", ("sql", "read"), ("postgres.end_sessions", "change")),
    asked(3.2, "R-1", "second", ("service.restart", "change")),
    event(3.3, "run:R-1", "options.ranked"),
    event(4, "run:R-1", "approval.granted", option="first"),
    event(9, "run:R-1", "run.finished", outcome="resolved"),
]


def test_the_first_of_everything_counts() -> None:
    state = fold(STORY)
    assert (state.incident, state.alert, state.run) == ("INC-1", "x.y", "R-1")
    assert state.cause == CAUSE
    assert state.offer == Offer("first", "first", "d", ("postgres.end_sessions",), True)
    times = (state.opened_at, state.named_at, state.ranked_at, state.approved_at, state.resolved_at)
    assert times == (at(1), at(3), at(3.3), at(4), at(9))
    assert state.outcome == "resolved"


def test_folding_in_parts_is_folding_at_once() -> None:
    for cut in range(len(STORY)):
        assert fold(STORY[cut:], fold(STORY[:cut])) == fold(STORY)


def test_a_relapse_counts_as_detection() -> None:
    assert fold([event(2, "incident:INC-7", "incident.reopened")]).incident == "INC-7"


def test_a_run_that_ends_otherwise_is_not_resolved() -> None:
    story = [*STORY[:-1], event(9, "run:R-1", "run.finished", outcome="unresolved")]
    state = fold(story)
    assert (state.outcome, state.resolved_at) == ("unresolved", None)


# ------------------------------------------------------------------ the person


@dataclass(frozen=True)
class Made:
    name: str = "lock"
    summary: str = "a lock is held"
    cause: str = "x.y"
    object_kind: str = "session"
    remedies: Sequence[str] = ("postgres.end_sessions",)
    spares: Sequence[str] = ()
    alert: str = ""

    def argv(self, ready_file: Path) -> Sequence[str]:
        return ("false", str(ready_file))


RANKED = fold(STORY[:8])


def test_the_person_approves_the_first_offer_if_it_is_right() -> None:
    assert oncall.wants(Made(), RANKED)
    assert not oncall.wants(Made(remedies=("service.restart",)), RANKED)
    assert not oncall.wants(Made(remedies=()), RANKED)
    assert not oncall.wants(Made(), fold(STORY[:7])), "not before all are ranked"
    assert not oncall.wants(Made(), fold(STORY[:9])), "not twice"


@pytest.mark.parametrize(
    ("state", "remedies", "over"),
    [
        (Seen(), ("postgres.end_sessions",), False),
        (RANKED, ("postgres.end_sessions",), False),
        (RANKED, ("service.restart",), True),
        (RANKED, (), True),
        (replace(RANKED, offer=None), ("postgres.end_sessions",), True),
        (fold(STORY[:9]), ("postgres.end_sessions",), False),
        (fold(STORY), ("postgres.end_sessions",), True),
    ],
)
def test_when_a_drill_is_over(state: Seen, remedies: Sequence[str], over: bool) -> None:
    assert oncall.over(Made(remedies=remedies), state, ON, at(10)) is over


def test_every_part_has_its_bound() -> None:
    assert oncall.deadline(Seen(), ON) == ON + oncall.DETECT_WITHIN
    assert oncall.deadline(Seen(opened_at=at(5)), ON) == at(5) + oncall.DIAGNOSE_WITHIN
    assert oncall.deadline(Seen(opened_at=at(-5)), ON) == ON + oncall.DIAGNOSE_WITHIN
    assert oncall.deadline(fold(STORY[:9]), ON) == at(4) + oncall.MITIGATE_WITHIN
    assert oncall.over(Made(), Seen(), ON, ON + oncall.DETECT_WITHIN + timedelta(seconds=1))


def test_where_no_cause_is_to_be_named_the_alert_that_must_fire_is_waited_for() -> None:
    slow, any_one = Made(cause="", remedies=(), alert="Slow"), Made(cause="", remedies=())
    other = fold([*STORY[:2], event(1.2, "incident:INC-1", "alert.fired", rule="x.y")])
    fired = fold([event(9, "incident:INC-1", "alert.fired", rule="Slow")], other)
    assert (other.told_at, fired.told_at, fired.alerts) == (at(1.1), at(9), ("x.y", "Slow"))
    assert oncall.over(any_one, other, ON, at(1.2) + oncall.ONE_INCIDENT)
    assert not oncall.over(slow, other, ON, at(30)), "another alert is not the one"
    assert oncall.over(slow, other, ON, ON + oncall.DETECT_WITHIN + timedelta(seconds=1))
    assert not oncall.over(slow, fired, ON, at(8.9) + oncall.ONE_INCIDENT)
    assert oncall.over(slow, fired, ON, at(9.1) + oncall.ONE_INCIDENT)
    assert not oncall.over(slow, Seen(), ON, at(30))


# ------------------------------------------------------------------ dice and counters


def test_the_moment_follows_from_the_seed_and_the_name() -> None:
    assert moment(1, "a") == moment(1, "a")
    assert len({moment(seed, name) for seed in (1, 2) for name in "abc"}) == 6
    assert all(EARLIEST <= moment(seed, "a") <= LATEST for seed in range(200))


def test_requests_and_those_that_failed() -> None:
    def sample(status: str, value: float, name: str = "http_requests_total") -> Sample:
        return Sample(name, {"status": status}, value, ON, "counter")

    found = count([sample("200", 7), sample("500", 2), sample("503", 1), sample("404", 4), sample("500", 9, "other")])
    assert (found.requests, found.failed) == (14, 3)
