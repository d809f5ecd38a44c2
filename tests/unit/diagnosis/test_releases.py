"""The runbooks' reasons to roll back, and the change that fits a trouble."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hutch.diagnosis.changes import suspect
from hutch.diagnosis.releases import Bounds, Level, Sides, reasons
from hutch.diagnosis.verdict import Reason, Verdict
from hutch.model.finding import Cause, Change, Object

NOW = datetime(2026, 1, 15, 10, tzinfo=UTC)
USUAL = Bounds()
CHECKS = ("audit.logins", "migrations.state")


def sides(before: float, after: float, count: int = 10) -> Sides:
    return Sides(Level(before, count), Level(after, count))


def cause(code: str) -> Cause:
    return Cause(code, Object("service", "x"), 0.9, "it is so", "t")


def verdicts(*causes: Cause, checks: tuple[str, ...] = CHECKS, bounds: Bounds = USUAL, **signals: Sides) -> list[str]:
    return [r.verdict.value for r in reasons(signals, causes, checks, bounds)]


def test_a_quiet_release_gives_no_reason() -> None:
    assert verdicts(error_rate=sides(0.1, 0.2), p95_response_time=sides(100, 149)) == ["no", "no", "no", "no"]


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [(100, 151, "yes"), (100, 150, "no"), (200, 100, "no")],
)
def test_over_half_slower(before: float, after: float, verdict: str) -> None:
    found = reasons({"p95_response_time": sides(before, after)}, (), CHECKS, Bounds())[1]
    assert found.verdict.value == verdict
    assert found.said.startswith(f"p95_response_time {before:.0f} ms before, {after:.0f} ms since: ")


def test_another_bound_counts() -> None:
    assert verdicts(p95_response_time=sides(100, 120), bounds=Bounds(slower=10))[1] == "yes"


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [(0.0, 7.0, "yes"), (0.1, 1.0, "no"), (10.0, 12.0, "no"), (10.0, 20.0, "yes")],
)
def test_more_errors_are_a_bug_only_if_they_are_many_and_doubled(before: float, after: float, verdict: str) -> None:
    assert verdicts(error_rate=sides(before, after))[0] == verdict


def test_a_release_that_crashes_is_a_bug_whatever_the_rate() -> None:
    assert verdicts(cause("app.crashed"), error_rate=sides(0.1, 0.1))[0] == "yes"


def test_causes_tell_of_vulnerabilities_and_migrations() -> None:
    found = verdicts(cause("security.mass_export"), cause("migration.failed"))
    assert found == ["untold", "untold", "yes", "yes"]


@pytest.mark.parametrize(
    ("reports", "codes", "verdict"),
    [
        ("yes", (), "yes"),
        ("no", (), "no"),
        ("untold", (), "untold"),  # and no all-clear because the log-ins are quiet
        ("no", ("security.mass_export",), "yes"),
    ],
)
def test_reports_on_both_releases_tell_of_vulnerabilities(reports: str, codes: tuple[str, ...], verdict: str) -> None:
    told = Reason("vulnerability", Verdict(reports), "as reported")
    found = reasons({}, [cause(code) for code in codes], CHECKS, USUAL, told)[2]
    assert (found.verdict, found.said == "as reported") == (Verdict(verdict), not codes)


def test_what_nothing_tells_of_is_untold_and_never_no() -> None:
    few = Sides(Level(1, 2), Level(9, 50))
    found = reasons({"error_rate": few, "p95_response_time": Sides(Level(1, 9))}, (), (), Bounds())
    assert {r.verdict for r in found} == {Verdict.UNTOLD}
    assert [r.said for r in found][2:] == ["no check of security could look", "no check of migrations could look"]


def change(kind: str, minutes: float) -> Change:
    return Change(kind, f"{kind}-{minutes:g}", NOW - timedelta(minutes=minutes), "made")


def test_the_last_change_before_the_trouble_is_the_suspect() -> None:
    changes = [change("deployment", 20), change("migration", 4), change("commit", 1), change("deployment", -5)]
    found = suspect(changes, NOW)
    assert found is not None
    assert found.as_dict() == {
        "kind": "migration", "id": "migration-4", "seconds_before": 240.0,
        "said": "migration migration-4, 4 min before: made",
    }  # fmt: skip
    assert suspect([change("deployment", 31)], NOW) is None
    assert suspect([], NOW) is None
