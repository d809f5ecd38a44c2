"""The seed's severity table as criteria: every row that can be measured, and what is said of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hutch.model.impact import DEFAULT_CRITERIA, DOWN, judge
from hutch.model.severity import DEFAULT_POLICY, Severity

TABLE = Path(__file__).resolve().parents[2] / "data" / "severity-levels.md"
BLOCKS = re.split(r"\*\*SEV-", TABLE.read_text(encoding="utf-8"))[1:]


@pytest.mark.parametrize(
    ("figures", "cause", "severity", "words"),
    [
        ({DOWN: 100.0, "uptime": 20.0}, "", 1, "Complete service outage"),
        ({"uptime": 0.0}, "", 1, "Complete service outage"),
        ({"error_rate": 99.0}, "", 1, "Complete service outage"),
        ({"error_rate": 2.0}, "http.unreachable", 1, "Complete service outage"),
        ({}, "security.mass_export", 1, "Data breach"),
        ({}, "security.unauthorized_access", 1, "Severe security vulnerability"),
        ({"users_affected": 50.1}, "", 2, "Performance issues affecting >50% users"),
        ({"error_rate": 51.0}, "", 2, "Performance issues affecting >50% users"),
        ({"p50_response_time": 2400.0, "p95_response_time": 9000.0}, "", 2, "Performance issues affecting >50% users"),
        ({"uptime": 75.0}, "", 2, "Partial service degradation"),
        ({}, "security.brute_force", 2, "Non-critical security issue"),
        ({"users_affected": 49.0}, "", 3, "Performance issues affecting <50% users"),
        ({"error_rate": 50.0}, "", 3, "Performance issues affecting <50% users"),
        ({"p50_response_time": 90.0, "p95_response_time": 2400.0}, "", 3, "Performance issues affecting <50% users"),
        ({"uptime": 100.0, "error_rate": 0.0}, "", 4, "Cosmetic issues"),
    ],
)
def test_each_row_of_the_table(figures: dict[str, float], cause: str, severity: int, words: str) -> None:
    found = judge(DEFAULT_CRITERIA, figures, cause)
    assert found is not None
    assert (found.severity, found.criterion.words) == (Severity(severity), words)
    assert found.evidence


def test_the_words_are_those_of_the_document() -> None:
    rows = {(int(block[0]), line) for block in BLOCKS for line in re.findall(r"^- ([^*\n]+)$", block, re.MULTILINE)}
    measured = {(int(c.severity), c.words) for c in DEFAULT_CRITERIA}
    assert measured <= rows
    assert rows - measured == {(3, "Minor feature broken"), (4, "Feature requests")}, "what only a person can tell"


LENGTHS = {
    "Immediate (24/7)": timedelta(minutes=5),
    "Within 1 hour": timedelta(hours=1),
    "Within 4 hours": timedelta(hours=4),
    "Every 30 minutes": timedelta(minutes=30),
    "Every 2 hours": timedelta(hours=2),
    "Daily updates": timedelta(days=1),
    "As needed": None,
}
"""What the document's words promise; *immediate* is acknowledged within 5 minutes."""


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"SEV-{block[0]}")
def test_the_policy_is_the_documents_row_by_row(block: str) -> None:
    promise = DEFAULT_POLICY[Severity(int(block[0]))]
    told = dict(re.findall(r"\*\*(Response Time|Communication):\*\* (.+)", block))
    assert promise.update == LENGTHS[told["Communication"]]
    if told["Response Time"] == "Next business day":
        assert promise.next_business_day
        friday = datetime(2026, 1, 16, 15, 0, tzinfo=UTC)
        assert promise.response_due(friday) == datetime(2026, 1, 19, 17, 0, tzinfo=UTC)
    else:
        assert not promise.next_business_day and promise.response == LENGTHS[told["Response Time"]]


def test_nothing_known_proposes_nothing() -> None:
    assert judge(DEFAULT_CRITERIA, {}) is None
    assert judge(DEFAULT_CRITERIA, {}, "postgres.long_query") is None
