"""Which runbook an alert is about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutch.detection.symptoms import Candidate, choices, decided, mapped, ranked, said, words

POOL = Candidate(
    "d#pool", "Connection Pool Exhausted", "Database Issues", "Too many clients already; connection timeouts"
)
CPU = Candidate("d#cpu", "High CPU Usage", "Database Issues", "Slow queries; API timeouts; database CPU >80%")
OUTAGE = Candidate("d#outage", "Service Outage", "", "Site returns 500/503 errors; completely unresponsive")
BREAK = Candidate("d#force", "Brute Force Attack", "Security Incidents", "")
ALL = (POOL, CPU, OUTAGE, BREAK)


def best(rule: str, signal: str = "", summary: str = "", cause: str = "") -> str:
    fit = decided(ranked(said(rule, signal, summary, cause), ALL))
    return fit.reference if fit else ""


@pytest.mark.parametrize(
    ("rule", "signal", "summary", "cause", "reference"),
    [
        ("Database CPU High", "db_cpu", "", "", "d#cpu"),
        ("High Error Rate", "error_rate", "12 %", "", "d#outage"),
        ("Service Down", "uptime", "", "", "d#outage"),
        ("TooManyClients", "", "FATAL: sorry, too many clients already", "", "d#pool"),
        ("security.brute_force", "", "200 failed log-ins", "security.brute_force", "d#force"),
        ("KubePodCrashLooping", "", "Pod api-7 waits: CrashLoopBackOff", "", ""),
        ("Disk full", "disk_used", "", "", ""),
        ("x", "", "the api", "", ""),
        ("", "", "", "", ""),
    ],
)
def test_the_runbook_that_is_clearly_meant(rule: str, signal: str, summary: str, cause: str, reference: str) -> None:
    assert best(rule, signal, summary, cause) == reference


def test_where_several_fit_a_person_chooses_between_those_that_are_close() -> None:
    fits = ranked(said("Timeouts", "", "", ""), ALL)
    assert decided(fits) is None
    assert {f.reference for f in choices(fits)} == {"d#pool", "d#cpu"}
    assert fits[0].words == ("slow",)


def test_rules_that_are_known_by_name() -> None:
    assert (
        mapped("Database CPU High", ["rr#service-outage", "rr#high-cpu-usage", "postgres-high-cpu"])
        == "rr#high-cpu-usage"
    )
    assert mapped("Database CPU High", ["other", "postgres-high-cpu"]) == "postgres-high-cpu"
    assert mapped("Service Down", ["service-outage.md"]) == "service-outage.md"
    assert mapped("Service Down", ["other"]) == mapped("Mine", ["service-outage"]) == ""


def test_words_have_one_form() -> None:
    assert words("FailedLogins: the DB's connections time out (503)") == [
        "error", "login", "database", "connection", "time", "out", "error"
    ]  # fmt: skip


@given(st.text(max_size=200), st.text(max_size=2000))
def test_any_text_gives_a_share_between_none_and_all(rule: str, summary: str) -> None:
    fits = ranked(said(rule, "", summary), ALL)
    assert all(0 < f.score <= 1 for f in fits)
    assert fits == ranked(said(rule, "", summary), ALL)
