"""Which incident an alert joins."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hutch.detection.grouping import Declare, Join, Place, Reopen, family, place
from hutch.model.alert import Alert
from hutch.model.incident import Incident, Phase
from hutch.model.severity import Severity

T0 = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
WINDOW = timedelta(minutes=30)
ALERT = Alert("High Error Rate", "web", Severity.SEV2, T0, "5xx")


def incident(number: int, severity: Severity, hours: float, service: str = "web", **more: object) -> Incident:
    at = T0 - timedelta(hours=hours)
    state = Incident(f"INC-2026-00{number}", 1, "t", service, severity, Phase.RESPONSE, at, at)
    return replace(state, **more)  # type: ignore[arg-type]


OLD = incident(1, Severity.SEV3, 0.4)
NEW = incident(2, Severity.SEV1, 0.1)
OTHER = incident(3, Severity.SEV1, 0, "billing")


def placed(alert: Alert, *incidents: Incident, before: str = "") -> Place:
    return place(alert, incidents, T0, WINDOW, before)


def test_an_alert_of_a_quiet_service_declares_an_incident() -> None:
    assert placed(ALERT) == Declare(Severity.SEV2)
    assert placed(ALERT, OTHER) == Declare(Severity.SEV2)


def test_an_alert_joins_the_oldest_incident_that_is_astir_and_raises_it() -> None:
    assert placed(ALERT, OTHER, NEW, OLD) == Join("INC-2026-001", Severity.SEV2)


def test_severity_is_never_lowered() -> None:
    assert placed(ALERT, NEW) == Join("INC-2026-002", None)
    assert placed(replace(ALERT, severity=Severity.SEV1), NEW) == Join("INC-2026-002", None)


def test_an_incident_that_fell_quiet_is_left_alone() -> None:
    quiet = incident(1, Severity.SEV2, 5, alerted_at=T0 - timedelta(hours=1))
    assert placed(ALERT, quiet) == Declare(Severity.SEV2)
    assert placed(ALERT, replace(quiet, alerted_at=T0 - WINDOW)) == Join(quiet.id)
    assert placed(ALERT, replace(quiet, open_alerts={"k": "r"})) == Join(quiet.id)
    assert placed(ALERT, replace(quiet, counted_open=1)) == Join(quiet.id)


def test_what_an_incident_was_about_belongs_to_it_however_quiet() -> None:
    quiet = incident(1, Severity.SEV2, 50)
    assert placed(ALERT, replace(quiet, alerts=(f"{ALERT.fingerprint}@x",))) == Join(quiet.id)
    assert placed(ALERT, quiet, before=quiet.id) == Join(quiet.id)
    cause = replace(ALERT, rule="postgres.deadlocks")
    assert placed(cause, replace(quiet, cause={"code": "postgres.deadlocks"})) == Join(quiet.id)


def test_an_attack_is_no_part_of_the_slowness_beside_it() -> None:
    attack = replace(ALERT, rule="security.brute_force")
    slow = incident(1, Severity.SEV2, 0.1, family=family(ALERT))
    assert placed(attack, slow) == Declare(Severity.SEV2)
    assert placed(attack, replace(slow, family="")) == Join(slow.id)
    assert family(replace(ALERT, labels={"cause": "data.mass_deletion"})) == "data"
    assert family(replace(ALERT, labels={"category": "security"})) == "security"


def test_what_comes_back_while_it_is_watched_reopens() -> None:
    over = incident(1, Severity.SEV2, 1, resolved_at=T0, watch_until=T0 + timedelta(minutes=1))
    assert placed(ALERT, replace(over, alerts=(f"{ALERT.fingerprint}@x",))) == Reopen(over.id)
    assert placed(ALERT, over, before=over.id) == Reopen(over.id)
    assert placed(ALERT, over) == Declare(Severity.SEV2)
    assert placed(ALERT, replace(over, watch_until=T0), before=over.id) == Declare(Severity.SEV2)
