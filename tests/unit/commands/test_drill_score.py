"""What a drill's facts are worth: pure scoring, totals and the report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hutch.commands.drills import report
from hutch.commands.drills.result import (
    Periods,
    Result,
    Traffic,
    Truth,
    broken_off,
    from_dict,
    judge,
    refused,
)
from hutch.commands.drills.seen import Offer, Seen
from hutch.commands.drills.totals import totals

ON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Made:
    name: str = "lock"
    summary: str = "a lock is held"
    cause: str = "postgres.blocked_by_lock"
    object_kind: str = "session"
    remedies: Sequence[str] = ("postgres.end_sessions",)
    spares: Sequence[str] = ()

    def argv(self, ready_file: Path) -> Sequence[str]:
        return ("false", str(ready_file))


FAULT = Made()
NO_FAULT = Made("peak", "a peak", "", "", ())
TRUTH = Truth(
    ON,
    {
        "state": "on",
        "object": {"kind": "session", "id": 4711},
        "known": {"accept": [{"kind": "session", "id": "4712"}]},
    },
    {"state": "off", "remedied": True, "protected_lost": [], "rows_lost": {}},
)
OFFER = Offer("o2", "End them", "d", ("postgres.end_sessions",), True)


def cause(code: str = "postgres.blocked_by_lock", name: str = "4711") -> dict[str, Any]:
    return {"code": code, "object": {"kind": "session", "id": name}, "confidence": 0.9, "summary": "held", "more": 1}


def at(seconds: float) -> datetime:
    return ON + timedelta(seconds=seconds)


def seen(**changes: Any) -> Seen:
    whole = Seen("INC-1", "rule", "R-1", at(4), at(5.5), at(6), at(7), at(9.25), cause(), OFFER, "resolved")
    return replace(whole, **changes)


def judged(found: Seen, fault: Made = FAULT, truth: Truth = TRUTH, periods: Periods | None = None) -> Result:
    return judge(fault, truth, found, periods or Periods(), start=1.25)


def off(**said: Any) -> Truth:
    return replace(TRUTH, off={**TRUTH.off, **said})


def test_all_right() -> None:
    result = judged(seen())
    assert (result.verdict, result.reasons) == ("passed", ())
    assert result.scores.cause is result.scores.object is result.scores.remedy is result.scores.verified is True
    seconds = result.seconds
    assert (seconds.start, seconds.detect, seconds.diagnose, seconds.mitigate) == (1.25, 4.0, 5.5, 9.25)
    assert result.harm.total == 0
    assert result.named == {k: v for k, v in cause().items() if k != "more"}


def test_an_accepted_object_is_exact_and_ids_are_compared_as_text() -> None:
    assert judged(seen(cause=cause(name="4712"))).scores.object is True
    assert judged(seen(cause=cause(name="4713"))).scores.object is False


@pytest.mark.parametrize(
    ("changes", "mark", "reason"),
    [
        ({"cause": cause("http.slow")}, "cause", "cause http.slow instead of postgres.blocked_by_lock"),
        ({"cause": cause(name="9")}, "object", "object session 9 instead of session 4711 or session 4712"),
        (
            {"offer": replace(OFFER, actions=("service.restart",)), "approved_at": None, "outcome": ""},
            "remedy",
            "remedy wrong: service.restart was offered first, right is postgres.end_sessions",
        ),
        ({"outcome": "unresolved"}, "verified", "the remedy was not verified: the run is unresolved"),
        ({"outcome": "", "approved_at": None}, "verified", "nothing was applied"),
    ],
)
def test_what_is_wrong_is_said(changes: Mapping[str, Any], mark: str, reason: str) -> None:
    result = judged(seen(**changes))
    assert result.verdict == "failed"
    assert getattr(result.scores, mark) is False
    assert reason in result.reasons


def test_one_wrong_statement_makes_a_remedy_wrong() -> None:
    both = replace(OFFER, actions=("postgres.end_sessions", "service.restart"))
    assert judged(seen(offer=both)).scores.remedy is False
    assert judged(seen(offer=replace(OFFER, actions=()))).scores.remedy is False


def test_what_hutch_takes_for_cured_is_not_when_the_fault_says_otherwise() -> None:
    result = judged(seen(), truth=off(remedied=False))
    assert result.scores.verified is False
    assert "Hutch took it for cured, but the fault still stood" in result.reasons
    assert judged(seen(), truth=off(remedied=None)).verdict == "passed"


def test_nothing_named() -> None:
    result = judged(Seen())
    assert result.reasons == ("no cause was named; no incident was opened",)
    assert (result.scores.cause, result.named, result.seconds.detect) == (False, None, None)


@pytest.mark.parametrize(
    ("truth", "field", "count"),
    [
        (off(protected_lost=[{"kind": "session", "id": 1}]), "sessions_ended", 1),
        (off(rows_lost={"users": 2, "portfolios": 3}), "rows_lost", 5),
        (off(rows_lost=4), "rows_lost", 4),
    ],
)
def test_harm_fails_a_drill(truth: Truth, field: str, count: int) -> None:
    result = judged(seen(), truth=truth)
    assert getattr(result.harm, field) == count
    assert result.verdict == "failed"


@pytest.mark.parametrize(
    ("broken", "mitigating", "after", "harmed"),
    [(0, 0, 0, 0), (7, 5, 0, 0), (0, 5, 0, 5), (7, 5, 2, 2), (0, 1, 2, 3)],
)
def test_requests_that_fail_are_the_faults_until_it_is_gone(
    broken: int, mitigating: int, after: int, harmed: int
) -> None:
    periods = Periods(Traffic(40, broken), Traffic(40, mitigating), Traffic(40, after))
    result = judged(seen(), periods=periods)
    assert result.harm.requests_failed == harmed
    assert result.verdict == ("failed" if harmed else "passed")


def test_a_fault_that_nothing_cures_is_right_when_nothing_is_proposed() -> None:
    fault = Made(remedies=())
    other = replace(OFFER, indicated=False, actions=("service.restart",))
    result = judged(seen(offer=other, approved_at=None, resolved_at=None, outcome=""), fault)
    assert (result.verdict, result.scores.remedy, result.scores.verified) == ("passed", True, None)
    assert judged(seen(), fault).scores.remedy is False


def test_no_fault_is_passed_in_silence_and_failed_by_an_alarm() -> None:
    truth = replace(TRUTH, on={"state": "on", "object": None})
    quiet = judge(NO_FAULT, truth, Seen(), Periods(), start=1.0)
    assert (quiet.verdict, quiet.scores.cause, quiet.no_fault) == ("passed", None, True)
    loud = judge(NO_FAULT, truth, seen(), Periods(), start=1.0, alarms=["false alarm: INC-1"])
    assert (loud.verdict, loud.harm.false_alarms, loud.reasons) == ("failed", 1, ("false alarm: INC-1",))


def test_a_time_before_the_fault_said_on_is_zero() -> None:
    assert judged(seen(opened_at=at(-0.2))).seconds.detect == 0.0


# ------------------------------------------------------------------ totals and report

RESULTS = [
    judged(seen()),
    judged(seen(cause=cause("http.slow"), opened_at=at(8), resolved_at=at(30))),
    judge(NO_FAULT, replace(TRUTH, on={}), seen(), Periods(), start=2, alarms=["false alarm"]),
    refused(FAULT, "the service is ill"),
    broken_off(FAULT, "its process died"),
]


def test_totals() -> None:
    found = totals(RESULTS)
    assert [found[k] for k in ("drills", "passed", "failed", "refused")] == [5, 1, 3, 1]
    assert (found["faults"], found["no_faults"]) == (3, 1)
    assert found["right"]["cause"] == {"right": 1, "of": 2, "share": 0.5}
    assert found["right"]["object"] == {"right": 2, "of": 2, "share": 1.0}
    assert found["seconds"]["mitigate"] == {"median": 9.25, "p95": 30.0}
    assert found["harm"]["false_alarms"] == 1


def test_totals_of_nothing() -> None:
    found = totals([])
    assert found["right"]["cause"] == {"right": 0, "of": 0, "share": None}
    assert found["seconds"]["detect"] == {"median": None, "p95": None}
    assert "causes exact: none" in report.totals_lines(found)


def test_the_report_file_gives_the_results_back() -> None:
    data = report.document(RESULTS, seed=3, started_at="2026-03-01T12:00:00Z", stage={"platform": "own"})
    again = report.results_of(json.loads(json.dumps(data)))
    assert [r.as_dict() for r in again] == [r.as_dict() for r in RESULTS]
    assert from_dict(RESULTS[0].as_dict()) == RESULTS[0]


def test_the_keys_of_a_result_are_those_of_the_guide() -> None:
    guide = (Path(__file__).parents[3] / "docs/guide/drills.md").read_text(encoding="utf-8")
    data = report.document(RESULTS[:1], seed=3, started_at="x", stage={})
    keys = {*data, *data["results"][0], *data["totals"]}
    for part in ("scores", "seconds", "harm", "traffic"):
        keys |= set(data["results"][0][part])
    assert [key for key in sorted(keys) if f"`{key}`" not in guide] == []


def test_the_table_marks_what_is_wrong() -> None:
    rows = [report.row(r) for r in RESULTS]
    assert rows[0]["cause named"] == "postgres.blocked_by_lock"
    assert rows[1]["cause named"] == "http.slow ✗"
    assert rows[1]["detect s"] == "8.0"
    assert rows[3]["verdict"] == "refused"
    assert rows[2]["harm"] == "1 false alarms"


def test_markdown_escapes_and_says_why() -> None:
    odd = replace(RESULTS[1], fault="a|b")
    text = report.markdown(report.document([odd], seed=1, started_at="x", stage={"time_scale": 60}))
    assert "| a\\|b |" in text
    assert "- **a|b** (seed 0) failed: cause http.slow instead of postgres.blocked_by_lock" in text


@pytest.mark.parametrize("data", [[], {}, {"version": 2, "results": []}, {"version": 1, "results": [{}]}])
def test_what_is_no_report_is_refused(data: object) -> None:
    with pytest.raises(report.NotAReport):
        report.results_of(data)


@dataclass(frozen=True)
class Told(Made):
    alert: str = "Service Down"


def test_a_fault_that_names_its_alert_is_passed_only_where_that_fired_in_one_incident() -> None:
    only = Told("silent", "nobody can tell", "", "", ())
    right = Seen(incident="INC-1", opened_at=ON, alert="Slow", alerts=("Slow", "Service Down"), incidents=1)
    found = judge(only, TRUTH, right, Periods(), start=1)
    assert (found.verdict, found.scores.alert, found.no_fault) == ("passed", True, False)
    assert from_dict(json.loads(json.dumps(found.as_dict()))) == found
    twice = judge(only, TRUTH, replace(right, incidents=2), Periods(), start=1)
    assert twice.reasons == ("2 incidents instead of one",)
    other = judge(only, TRUTH, replace(right, alerts=("Slow",)), Periods(), start=1)
    assert other.reasons == ("alert Service Down did not fire; Slow did",)
    none = judge(only, TRUTH, Seen(), Periods(), start=1)
    assert none.reasons == ("alert Service Down did not fire; nothing did",)
