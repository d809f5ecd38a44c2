"""What a message from outside is completed to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hutch.detection.facts import LABELS, completed, facts, severity_word
from hutch.model.alert import Alert, Condition, Rule
from hutch.model.severity import Severity

T0 = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
RULE = Rule("High Error Rate", Condition("error_rate", ">", 5.0, "%"), timedelta(minutes=5), Severity.SEV2)
ALERT = Alert("Disk full", "", None, T0, "97 %", labels={"severity": "critical", "job": "shop"}, source="alertmanager")


def done(alert: Alert, *services: str) -> Alert:
    return completed(alert, services or ("shop", "api"), (RULE,))


def test_the_service_is_the_hint_a_label_or_the_only_one() -> None:
    assert done(ALERT).service == "shop"
    assert done(replace(ALERT, service="api")).service == "api"
    assert done(replace(ALERT, labels={}), "only").service == "only"


def test_a_service_that_nobody_configured_is_kept_as_it_is_named() -> None:
    assert done(replace(ALERT, service="billing", labels={})).service == "billing"
    assert done(replace(ALERT, labels={"namespace": "prod"})).service == "prod"
    assert done(replace(ALERT, labels={})).service == "unknown"


def test_the_severity_is_the_rules_then_the_hint_then_the_label() -> None:
    assert done(ALERT).severity is Severity.SEV1
    assert done(replace(ALERT, severity=Severity.SEV4)).severity is Severity.SEV4
    assert done(replace(ALERT, rule="High Error Rate", severity=Severity.SEV4)).severity is Severity.SEV2
    unknown = done(replace(ALERT, labels={}))
    assert (unknown.severity, unknown.level) == (None, Severity.SEV3)


@pytest.mark.parametrize(("word", "severity"), [("SEV-2", 2), ("sev1", 1), ("P3", 3), ("Warning", 3), ("x", None)])
def test_words_for_severity(word: str, severity: int | None) -> None:
    assert severity_word(word) == (Severity(severity) if severity else None)


def test_texts_are_bounded_and_fit_every_store() -> None:
    labels = {f"l{n}": "v" * 5000 for n in range(500)}
    found = done(replace(ALERT, rule="a\x00b\ud800", summary="s" * 9999, labels=labels))
    assert found.rule == "a\N{REPLACEMENT CHARACTER}b?"
    assert len(found.summary) == 2000
    assert len(found.labels) == LABELS
    assert all(len(v) == 1000 for v in found.labels.values())
    assert done(replace(ALERT, rule="")).rule == "unnamed alert"


def test_a_time_without_a_zone_is_utc() -> None:
    naive = datetime(2026, 1, 15, 10, 0)
    assert done(replace(ALERT, starts_at=naive)).starts_at == T0


def test_matchers_can_ask_for_the_signal_and_the_cause() -> None:
    found = facts(done(replace(ALERT, rule="High Error Rate")), (RULE,))
    assert (found["signal"], found["cause"], found["job"], found["severity"]) == ("error_rate", "", "shop", "SEV-2")
    assert facts(done(replace(ALERT, rule="postgres.bloat")), (RULE,))["cause"] == "postgres.bloat"
    assert facts(done(replace(ALERT, labels={"cause": "redis.slow_command"})), ())["cause"] == "redis.slow_command"
