"""Which incident an alert joins."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hutch.detection.grouping import Declare, Join, Known, OpenIncident, place
from hutch.model.alert import Alert
from hutch.model.severity import Severity

T0 = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
ALERT = Alert("High Error Rate", "web", Severity.SEV2, T0, "5xx")
OLD = OpenIncident("INC-2026-001", "web", Severity.SEV3, T0 - timedelta(hours=2))
NEW = OpenIncident("INC-2026-002", "web", Severity.SEV1, T0 - timedelta(hours=1))
OTHER = OpenIncident("INC-2026-003", "billing", Severity.SEV1, T0)


def test_an_alert_of_a_quiet_service_declares_an_incident() -> None:
    assert place(ALERT, []) == Declare(Severity.SEV2)
    assert place(ALERT, [OTHER]) == Declare(Severity.SEV2)


def test_an_alert_joins_the_oldest_incident_of_its_service_and_raises_it() -> None:
    assert place(ALERT, [OTHER, NEW, OLD]) == Join("INC-2026-001", Severity.SEV2)


def test_severity_is_never_lowered() -> None:
    assert place(ALERT, [NEW]) == Join("INC-2026-002", None)
    assert place(replace(ALERT, severity=Severity.SEV1), [NEW]) == Join("INC-2026-002", None)


def test_the_same_firing_delivered_twice_is_known_wherever_it_went() -> None:
    assert place(ALERT, [OLD, replace(NEW, alerts=frozenset({ALERT.key}))]) == Known("INC-2026-002")


def test_a_later_firing_of_the_same_rule_joins() -> None:
    again = replace(ALERT, starts_at=T0 + timedelta(minutes=9))
    assert place(again, [replace(OLD, alerts=frozenset({ALERT.key}))]) == Join("INC-2026-001", Severity.SEV2)
