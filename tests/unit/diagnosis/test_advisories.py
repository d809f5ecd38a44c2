"""Did this release bring a vulnerability? Tables of two reports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from hutch.diagnosis.advisories import Told, introduced, vulnerability
from hutch.diagnosis.verdict import Verdict
from hutch.model.advisory import Advisory, Audit, Care, Rating

NOW = datetime(2026, 1, 15, 10, tzinfo=UTC)
BAD = Advisory(("GHSA-a", "CVE-1"), "requests", "2.30.0", Rating.HIGH)


def audit(*found: Advisory, days: float = 1, installed: Mapping[str, str] | None = None) -> Audit:
    return Audit(NOW - timedelta(days=days), found, {n: frozenset({v}) for n, v in (installed or {}).items()})


@pytest.mark.parametrize(
    ("found", "before", "care", "new"),
    [
        (BAD, audit(), Care(), True),
        (BAD, audit(BAD), Care(), False),  # in both
        (BAD, audit(Advisory(("CVE-1",), "requests", "2.1.0", Rating.HIGH)), Care(), False),  # by an alias, older
        (BAD, audit(Advisory(("CVE-1",), "urllib3", "2.1.0", Rating.HIGH)), Care(), True),  # of another package
        (BAD, audit(installed={"requests": "2.30.0"}), Care(), False),  # it was there, and became known since
        (BAD, audit(installed={"requests": "2.31.0"}), Care(), True),
        (BAD, audit(), Care(Rating.CRITICAL), False),
        (Advisory(("X",), "a", "1", Rating.MODERATE), audit(), Care(), False),
        (Advisory(("X",), "a", "1", Rating.MODERATE), audit(), Care(Rating.MODERATE), True),
        (Advisory(("X",), "a", "1"), audit(), Care(Rating.CRITICAL), True),  # nothing says that it is below
        (Advisory(("X",), "a", "1"), audit(), Care(unrated=False), False),
    ],
)
def test_what_a_release_brought(found: Advisory, before: Audit, care: Care, new: bool) -> None:
    assert introduced(audit(found), before, care) == ((found,) if new else ())
    verdict = vulnerability(Told("43", audit(found)), Told("42", before), care, NOW).verdict
    assert verdict is (Verdict.YES if new else Verdict.NO)


def test_the_advisory_the_package_and_the_versions_are_named_the_worst_first() -> None:
    others = [Advisory((f"GHSA-{n}",), f"p{n}", "1") for n in range(3)]
    found = vulnerability(
        Told("43", audit(*others, BAD)), Told("42", audit(installed={"requests": "2.31.0"})), Care(), NOW
    )
    assert found.said == (
        "new in 43: GHSA-a (CVE-1), high, in requests 2.30.0, 42 has 2.31.0; GHSA-0, unrated, in p0 1; "
        "GHSA-1, unrated, in p1 1, and 1 more"
    )


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (Told("43", audit(BAD, days=8)), Told("42", audit()), "on release 43 is 8.0 days old, more than 7"),
        (Told("43", audit(BAD)), Told("42", audit(days=7.5)), "on release 42 is 7.5 days old, more than 7"),
        (Told("43", why="it holds no JSON"), Told("42", audit()), "it holds no JSON"),
        (Told("43", audit(BAD)), Told("42"), "there is no report on release 42"),
    ],
)
def test_without_two_reports_that_are_new_enough_there_is_no_verdict(now: Told, before: Told, said: str) -> None:
    found = vulnerability(now, before, Care(), NOW)
    assert (found.verdict, said in found.said) == (Verdict.UNTOLD, True)
