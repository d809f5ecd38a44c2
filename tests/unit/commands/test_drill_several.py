"""Two faults at once: what the person approves next, when it is over, and the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hutch.commands.drills import report
from hutch.commands.drills.catalogue import find_faults
from hutch.commands.drills.result import Periods, Result, Traffic, Truth, from_dict, sought
from hutch.commands.drills.seen import Seen
from hutch.commands.drills.several import LONGEST, PATIENCE, Found, fold, judge, next_turn, over, parts_of
from hutch.model.event import Event

ON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Made:
    name: str
    cause: str
    object_kind: str
    remedies: Sequence[str]
    parts: Sequence[Made] = ()
    summary: str = "made for this test"
    spares: Sequence[str] = ()

    def argv(self, ready_file: Path) -> Sequence[str]:
        return (str(ready_file),)


LOCK = Made("lock", "postgres.blocked_by_lock", "session", ("postgres.end_sessions",))
FULL = Made("full", "redis.memory_full", "setting", ("redis.set_maxmemory",))
BOTH = Made("both", LOCK.cause, "session", LOCK.remedies, (LOCK, FULL))
SAID = {
    "object": {"kind": "session", "id": 47},
    "known": {
        "accept": [{"kind": "session", "id": 48}],
        "also": [{"cause": FULL.cause, "object": {"kind": "setting", "id": "maxmemory"}, "accept": []}],
    },
}
PARTS = parts_of(BOTH, SAID)
TRUTH = Truth(ON, SAID, {"remedied": True})


def at(seconds: float) -> datetime:
    return ON + timedelta(seconds=seconds)


def event(seconds: float, run: str, kind: str, data: Mapping[str, Any]) -> Event:
    return Event(f"run:{run}", 1, at(seconds), "hutch", kind, data, f"{run}-{seconds}", "", "", "")


def diagnosed(seconds: float, run: str, *causes: tuple[str, str, str, float]) -> Event:
    told = [{"code": c, "object": {"kind": k, "id": n}, "confidence": sure, "summary": "s"} for c, k, n, sure in causes]
    return event(seconds, run, "diagnosis.made", {"causes": told})


def offered(seconds: float, run: str, option: str, runner: str) -> Event:
    items = [{"command": {"runner": runner, "effect": "change"}}, {"command": {"runner": "psql", "effect": "read"}}]
    data = {"option": {"id": option, "title": option, "items": items, "cause": "x"}, "digest": "d"}
    return event(seconds, run, "approval.requested", data)


BLOCKED = (LOCK.cause, "session", "48", 0.9)
MEMORY = (FULL.cause, "setting", "maxmemory", 0.9)
FIRST = [
    diagnosed(4, "R-1", BLOCKED, MEMORY),
    event(5, "R-1", "options.ranked", {}),
    offered(5, "R-1", "end them", "postgres.end_sessions"),
]
SECOND = [
    event(9, "R-1", "run.finished", {"outcome": "resolved"}),
    event(11, "R-2", "options.ranked", {}),
    offered(11, "R-2", "more memory", "redis.set_maxmemory"),
]
LAST = [event(15, "R-2", "run.finished", {"outcome": "resolved"})]
SEEN = Seen(incident="INC-1", alert="rule", run="R-1", opened_at=at(3))


def found(*events: Event) -> Found:
    return fold(events, Found())


def whole(*events: Event, truth: Truth = TRUTH, periods: Periods | None = None) -> Result:
    all_of = found(*events)
    turns = []
    for count in range(1, len(events) + 1):
        turn = next_turn(PARTS, found(*events[:count]), turns)
        turns += [turn] if turn else []
    return judge(BOTH, PARTS, truth, SEEN, all_of, turns, periods or Periods(), 1.5)


def test_a_single_fault_has_no_parts() -> None:
    assert parts_of(LOCK, SAID) == ()


def test_each_part_knows_its_objects() -> None:
    assert [part.objects for part in PARTS] == [(("session", "47"), ("session", "48")), (("setting", "maxmemory"),)]


def test_the_person_approves_for_each_part_once_what_is_right_for_it() -> None:
    first = next_turn(PARTS, found(*FIRST), [])
    assert first and (first.run, first.offer.title, first.part) == ("R-1", "end them", PARTS[0])
    assert next_turn(PARTS, found(*FIRST), [first]) is None
    second = next_turn(PARTS, found(*FIRST, *SECOND), [first])
    assert second and (second.run, second.part) == ("R-2", PARTS[1])
    assert next_turn(PARTS, found(*FIRST, *SECOND), [first, second]) is None


def test_nothing_is_approved_before_the_ranking_nor_what_is_right_for_none() -> None:
    assert next_turn(PARTS, found(FIRST[0], FIRST[2]), []) is None
    assert next_turn(PARTS, found(*FIRST[:2], offered(5, "R-1", "restart", "service.restart")), []) is None


def test_it_is_over_when_all_is_mended_or_nothing_more_comes() -> None:
    first = next_turn(PARTS, found(*FIRST), [])
    second = next_turn(PARTS, found(*FIRST, *SECOND), [first] if first else [])
    assert first and second
    both = [first, second]
    assert over(PARTS, found(*FIRST, *SECOND, *LAST), both, ON, at(16))
    assert not over(PARTS, found(*FIRST, *SECOND), both, ON, at(16))
    assert not over(PARTS, found(*FIRST), [], ON, at(5) + PATIENCE)
    assert over(PARTS, found(*FIRST), [], ON, at(5.1) + PATIENCE)
    late = event(LONGEST.total_seconds(), "R-3", "options.ranked", {})
    assert over(PARTS, found(*FIRST, late), [], ON, at(0.1) + LONGEST)


def test_all_named_and_mended_is_passed_and_timed_by_the_last_of_them() -> None:
    result = whole(diagnosed(4, "R-1", BLOCKED), *FIRST[1:], diagnosed(8, "R-2", MEMORY), *SECOND, *LAST)
    assert (result.verdict, result.reasons) == ("passed", ())
    assert (result.seconds.detect, result.seconds.diagnose, result.seconds.mitigate) == (3.0, 8.0, 15.0)
    assert result.named and result.named["code"] == LOCK.cause
    assert [one and one["code"] for one in result.also] == [FULL.cause]
    assert result.remedy and result.remedy["actions"] == ["postgres.end_sessions", "redis.set_maxmemory"]
    assert report.row(result)["cause named"] == f"{LOCK.cause} + {FULL.cause}"
    assert report.row(result)["object"] == "session 48 + setting maxmemory"
    assert from_dict(result.as_dict()) == result


@pytest.mark.parametrize(
    ("events", "truth", "reason"),
    [
        (
            [diagnosed(4, "R-1", BLOCKED), *FIRST[1:], *SECOND, *LAST],
            TRUTH,
            f"{FULL.cause} of setting maxmemory was not named; named were {LOCK.cause} of session 48",
        ),
        (
            [diagnosed(4, "R-1", BLOCKED, (FULL.cause, "setting", "maxmemory", 0.6)), *FIRST[1:], *SECOND, *LAST],
            TRUTH,
            f"{FULL.cause} of setting maxmemory was not named; named were {LOCK.cause} of session 48",
        ),
        ([*FIRST, SECOND[0]], TRUTH, f"no remedy of {FULL.cause} was offered"),
        ([*FIRST, *SECOND], TRUTH, "the remedies were not verified: the runs are resolved, still under way"),
        (
            [*FIRST, *SECOND, *LAST],
            replace(TRUTH, off={"remedied": False}),
            "Hutch took all for cured, but one fault still stood",
        ),
        ([*FIRST, *SECOND, *LAST], replace(TRUTH, off={"remedied": True, "rows_lost": 3}), "3 rows lost"),
    ],
)
def test_what_is_wrong_is_said(events: list[Event], truth: Truth, reason: str) -> None:
    result = whole(*events, truth=truth)
    assert result.verdict == "failed"
    assert reason in result.reasons


def test_requests_that_fail_afterwards_are_harm() -> None:
    result = whole(*FIRST, *SECOND, *LAST, periods=Periods(after=Traffic(40, 2)))
    assert result.reasons == ("2 requests failed because of what was done",)


def test_what_is_sought_is_said_of_every_kind_of_drill() -> None:
    told = {fault.name: sought(fault) for fault in find_faults().values()}
    assert (sought(LOCK), sought(BOTH)) == ("postgres.blocked_by_lock", "postgres.blocked_by_lock, redis.memory_full")
    assert (told["alert-storm"], told["long-backup"]) == ("the alert Pod not ready", "no fault")
