"""What repeated drills come to: rates and spreads, goals with their uncertainty, and the history of the calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hutch.commands.drills import history, report, spread
from hutch.commands.drills.result import FAILED, PASSED, REFUSED, Harm, Result, Scores, Seconds


def ran(fault: str = "lock", verdict: str = PASSED, named: float | None = 4.0, **more: Any) -> Result:
    right = verdict == PASSED
    given: dict[str, Any] = {
        "expected": {"cause": f"x.{fault}", "alert": ""}, "scores": Scores(right, right, right, right),
        "seconds": Seconds(1.0, 1.0, named, None),
    }  # fmt: skip
    return Result(fault, verdict, **{**given, **more})


QUIET = {"expected": {"cause": "", "alert": ""}, "scores": Scores(), "seconds": Seconds()}
RESULTS = [
    ran(named=3.0, seed=1),
    ran(named=9.0, seed=2),
    ran(verdict=FAILED, named=5.0, seed=3),
    ran("peak", seed=1, **QUIET),
    ran("peak", FAILED, seed=2, alarms=("false alarm",), harm=Harm(false_alarms=1), **QUIET),
    ran("disk", REFUSED, scores=Scores(), seconds=Seconds()),
    ran("dies", FAILED, scores=Scores(), seconds=Seconds(), harm=Harm(rows_lost=2)),
]


def test_each_drill_has_its_rate_and_the_spread_of_its_times() -> None:
    lock, peak, disk, dies = spread.by_fault(RESULTS)
    assert (lock["fault"], lock["runs"], lock["passed"], lock["exact"]) == ("lock", 3, 2, 2)
    assert lock["seconds"]["diagnose"] == {"least": 3.0, "median": 5.0, "p95": 9.0, "most": 9.0}
    assert (peak["no_fault"], peak["exact"], peak["passed"], peak["harm"]) == (True, None, 1, 0)
    assert (disk["runs"], disk["refused"]) == (0, 1)
    assert (dies["exact"], dies["harm"], dies["seconds"]["diagnose"]["median"]) == (0, 2, None)


def test_each_cause_has_its_share() -> None:
    assert [(c["cause"], c["exact"], c["runs"]) for c in spread.by_cause(RESULTS)] == [
        ("x.dies", 0, 1),
        ("x.lock", 2, 3),
    ]


def test_the_goals_count_what_broke_off_as_wrong_and_what_was_refused_not_at_all() -> None:
    exact, silent, harm = spread.goals(RESULTS)
    assert (exact["right"], exact["of"], exact["share"], exact["met"]) == (2, 4, 0.5, False)
    assert (silent["right"], silent["of"], silent["met"]) == (1, 2, False)
    assert (harm["found"], harm["of"], harm["met"]) == (2, 6, False)
    assert exact["interval"][0] < 0.5 < exact["interval"][1]


def test_goals_that_are_met_and_those_that_no_drill_asks_for() -> None:
    exact, silent, harm = spread.goals([ran()])
    assert (exact["met"], harm["met"], silent["met"], silent["interval"]) == (True, True, None, None)
    lines = spread.goal_lines([exact, silent, harm])
    assert lines == [
        "cause and object exact: 1 of 1 (100.0%; with 95 % certainty 21% to 100%; goal 95%: met)",
        "harm: 0 in 1 drills (goal 0: met)",
    ]
    assert [goal["met"] for goal in spread.goals([])] == [None, None, None]


@pytest.mark.parametrize(("right", "of"), [(0, 10), (5, 10), (10, 10), (190, 200)])
def test_the_interval_holds_the_share_and_stays_within_0_and_1(right: int, of: int) -> None:
    low, high = spread.interval(right, of) or [2.0, -1.0]
    assert 0.0 <= low <= right / of <= high <= 1.0


def document(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"seed": 1, "seeds": [1, 2, 3], "started_at": "2026-03-01T12:00:00Z", "stage": {}}
    return report.document(RESULTS, **{**given, **changes})


def test_the_report_of_several_seeds_has_a_line_for_each_drill_and_says_what_was_not_begun() -> None:
    text = report.markdown(json.loads(json.dumps(document(left=[{"fault": "peak", "seed": 3}]))))
    assert "seeds 1, 2, 3" in text
    assert "The time was over before 1 of the drills that were asked for." in text
    assert "| lock | x.lock | 3 | 2 of 3 | 2 of 3 | 5.0 (3.0–9.0) | – | 0 |" in text
    assert "| disk | x.disk | 0 (1 refused) | 0 of 0 |" in text
    assert "no-faults silent: 1 of 2" in text


def test_an_earlier_report_is_gone_on_with_and_none_is_no_error(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    assert report.earlier(file, "now") == ([], "now")
    file.write_text(json.dumps(document()))
    results, began = report.earlier(file, "now")
    assert (results, began) == (RESULTS, "2026-03-01T12:00:00Z")


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000])
def test_a_report_that_cannot_be_read_is_not_written_over(tmp_path: Path, text: str) -> None:
    file = tmp_path / "report.json"
    file.write_text(text)
    with pytest.raises(Exception, match="cannot be read as a drill report"):
        report.earlier(file, "now")


def test_the_history_holds_one_line_for_each_call(tmp_path: Path) -> None:
    file = tmp_path / history.FILE
    history.note(file, document())
    history.note(file, document(started_at="2026-03-02T12:00:00Z"))
    history.note(file, document(started_at="2026-03-02T12:00:00Z"))
    first, second = history.calls_of(file)
    assert (first.started_at, second.started_at) == ("2026-03-01T12:00:00Z", "2026-03-02T12:00:00Z")
    assert (first.drills, first.passed, first.exact, first.silent, first.harm, first.named) == (7, 3, 0.5, 0.5, 2, 5.0)


@pytest.mark.parametrize("line", ["{", "[]", "7", '{"started_at": 1}', '{"drills": "x"}', "[" * 100_000])
def test_a_line_that_is_none_of_ours_is_left_out(tmp_path: Path, line: str) -> None:
    file = tmp_path / history.FILE
    history.note(file, document())
    file.write_text(line + "\n" + file.read_text())
    assert [past.started_at for past in history.calls_of(file)] == ["2026-03-01T12:00:00Z"]
