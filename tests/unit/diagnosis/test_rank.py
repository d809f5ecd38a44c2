"""Ranking: symptoms fold into what explains them, releases are blamed by time and name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hutch.diagnosis.rank import as_json, diagnose
from hutch.diagnosis.table import EXPLAINS, closure
from hutch.model.finding import Cause, Change, Diagnosis, Finding, Object, Remedy, Status

NOW = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
ACTIONS = {"deploy.rollback": "local", "service.restart": "local", "postgres.end_sessions": "db"}
END = Remedy("postgres.end_sessions", "db", {"pids": [11, 12]}, "end 2 sessions", rank=20)
RESTART = Remedy("service.restart", "", {}, "restart", rank=30)
LEAK = Cause(
    "postgres.connection_leak",
    Object("role", "rolerabbit", {"pids": [11, 12], "release": "43"}),
    0.9,
    "2 sessions of rolerabbit idle in transaction",
    "db",
    ("oldest: 40 s",),
    (END,),
    NOW - timedelta(seconds=40),
)
EXHAUSTED = Cause("postgres.connections_exhausted", Object("database", "rr"), 0.9, "97 of 97 used", "db", ("97 of 97",))
ERRORS = Cause("http.error_rate", Object("service", "web"), 0.8, "41 % of the answers are 5xx", "http", (), (RESTART,))
SLOW = Cause("http.slow", Object("service", "web"), 0.8, "p95 is 4 s", "http")
OK = Finding("postgres.connections", "db", Status.OK, "4 of 97", NOW, 0.03)
BAD = replace(OK, check="http.error_rate", status=Status.BAD, summary="41 %", seconds=1.1)


def deployed(release: str, seconds_ago: float, previous: str = "") -> Change:
    return Change("deployment", release, NOW - timedelta(seconds=seconds_ago), f"release {release}", previous)


HISTORY = (deployed("42", 7200, "41"), deployed("43", 52, "42"))


def diagnosed(
    *causes: Cause,
    changes: tuple[Change, ...] = HISTORY,
    since: datetime | None = None,
    actions: Mapping[str, str] = ACTIONS,
) -> Diagnosis:
    return diagnose([OK, BAD], causes, changes, NOW, since, actions=actions)


def test_a_leak_explains_exhaustion_and_errors_and_names_the_release_just_before() -> None:
    (cause,) = diagnosed(ERRORS, EXHAUSTED, SLOW, LEAK).causes
    assert cause.code == "postgres.connection_leak"
    assert cause.object.as_dict() == {"kind": "role", "id": "rolerabbit", "pids": [11, 12], "release": "43"}
    assert "release 43 was deployed 12 s before the first leaked session" in cause.evidence
    assert "explains postgres.connections_exhausted: 97 of 97 used" in cause.evidence
    assert "explains http.error_rate: 41 % of the answers are 5xx" in cause.evidence
    assert [(r.action, r.target, dict(r.args)) for r in cause.remedies] == [
        ("deploy.rollback", "local", {"to": "42", "from": "43"}),
        ("postgres.end_sessions", "db", {"pids": [11, 12]}),
    ]
    assert 0.9 < cause.confidence <= 0.99


def test_the_name_in_the_sessions_beats_the_time() -> None:
    later = (*HISTORY, deployed("44", 45, "43"))
    (cause,) = diagnosed(LEAK, changes=later).causes
    assert cause.object.detail["release"] == "43"
    assert [r.action for r in cause.remedies] == ["postgres.end_sessions"]
    assert cause.evidence[-1].endswith("it is no longer the running release")


def test_an_application_name_is_a_release_too() -> None:
    named = replace(LEAK, object=Object("role", "rolerabbit", {"application": "rolerabbit-api/42"}))
    (cause,) = diagnosed(named).causes
    assert cause.object.detail["release"] == "42"


def test_without_a_name_the_last_deployment_before_it_counts() -> None:
    nameless = replace(LEAK, object=Object("role", "rolerabbit", {"pids": [11]}))
    assert diagnosed(nameless).causes[0].object.detail["release"] == "43"
    old = (deployed("43", 40 + 1801, "42"),)
    (cause,) = diagnosed(nameless, changes=old).causes
    assert cause.object.detail["release"] is None
    assert [r.action for r in cause.remedies] == ["postgres.end_sessions"]


def test_a_database_alone_knows_no_deployment_and_so_no_release() -> None:
    (cause,) = diagnosed(LEAK, changes=(), actions={"postgres.end_sessions": "db"}).causes
    assert cause.object.detail["release"] is None
    assert [r.action for r in cause.remedies] == ["postgres.end_sessions"]


def test_errors_just_after_a_deployment_are_the_releases_doing() -> None:
    (cause,) = diagnosed(ERRORS, since=NOW - timedelta(seconds=30)).causes
    assert cause.code == "deploy.bad_release"
    assert cause.object.as_dict() == {"kind": "release", "id": "43", "previous": "42"}
    assert cause.evidence[0] == "release 43 was deployed 22 s before the trouble began"
    assert [r.action for r in cause.remedies] == ["deploy.rollback", "service.restart"]


def test_with_an_unknown_start_the_diagnosis_itself_is_compared() -> None:
    (cause,) = diagnosed(ERRORS).causes
    assert cause.evidence[0] == "release 43 was deployed 52 s before this diagnosis"


def test_errors_before_the_deployment_are_not_its_doing() -> None:
    (cause,) = diagnosed(ERRORS, since=NOW - timedelta(minutes=10)).causes
    assert (cause.code, cause.object.kind) == ("http.error_rate", "service")


def test_errors_long_after_a_deployment_stay_a_cause_of_their_own() -> None:
    (cause,) = diagnosed(ERRORS, changes=(deployed("43", 1801, "42"),)).causes
    assert cause.code == "http.error_rate"


def test_errors_that_outlive_the_release_are_not_blamed_on_it() -> None:
    rolled_back = (*HISTORY, deployed("42", 5, "43"))
    assert [c.code for c in diagnosed(ERRORS, changes=rolled_back, since=NOW - timedelta(seconds=40)).causes] == [
        "http.error_rate"
    ]


def test_the_first_release_ever_has_nothing_to_go_back_to() -> None:
    (cause,) = diagnosed(ERRORS, changes=(deployed("1", 20),)).causes
    assert [r.action for r in cause.remedies] == ["service.restart"]


def test_errors_that_a_database_cause_explains_do_not_blame_the_release() -> None:
    locked = Cause("postgres.blocked_by_lock", Object("session", "77"), 0.9, "77 blocks 9", "db")
    assert [c.code for c in diagnosed(ERRORS, locked).causes] == ["postgres.blocked_by_lock"]


def test_unrelated_causes_stay_and_symptoms_come_last() -> None:
    tls = Cause("http.tls_expiring", Object("host", "rolerabbit.com"), 0.5, "in 5 days", "http")
    assert [c.code for c in diagnosed(SLOW, tls, changes=()).causes] == ["http.tls_expiring", "http.slow"]


def test_a_remedy_that_nobody_can_apply_is_dropped() -> None:
    (cause,) = diagnosed(LEAK, actions={}).causes
    assert cause.remedies == ()


def test_a_remedy_without_a_target_gets_that_of_its_action() -> None:
    (cause,) = diagnosed(ERRORS, changes=()).causes
    assert [(r.action, r.target) for r in cause.remedies] == [("service.restart", "local")]


def test_the_same_cause_of_two_checks_counts_once() -> None:
    (cause,) = diagnosed(replace(ERRORS, confidence=0.5), ERRORS, changes=()).causes
    assert cause.confidence == 0.8


def test_other_changes_shortly_before_are_evidence() -> None:
    edit = Change("migration", "0043_add_column", NOW - timedelta(minutes=3), "adds portfolios.theme")
    assert diagnosed(SLOW, changes=(edit,)).causes[0].evidence == (
        "migration 0043_add_column, 3 min before this diagnosis: adds portfolios.theme",
    )


@pytest.mark.parametrize(
    ("findings", "healthy"),
    [
        ([OK], True),
        ([OK, replace(OK, status=Status.WARN)], True),
        ([OK, replace(OK, status=Status.UNKNOWN, matters=False)], True),
        ([OK, replace(OK, status=Status.UNKNOWN)], None),
        ([OK, BAD], None),
        ([], None),
    ],
)
def test_health_without_a_cause(findings: list[Finding], healthy: bool | None) -> None:
    """A deployment a moment ago does not change it: a planned one is healthy."""
    assert diagnose(findings, [], HISTORY, NOW, actions=ACTIONS).healthy is healthy


def test_a_release_is_blamed_by_the_name_that_it_gives_itself_and_left_by_the_id_of_its_platform() -> None:
    commit = "0e23d2b1" * 5
    history = (
        replace(deployed("dpl_1", 7200), names=("42",)),
        replace(deployed("dpl_2", 52, "dpl_1"), names=("43", commit)),
    )
    for name in ("43", "dpl_2", commit[:9]):
        leak = replace(LEAK, object=replace(LEAK.object, detail={"application": f"web/{name}"}))
        (cause,) = diagnosed(ERRORS, leak, changes=history).causes
        assert cause.object.detail["release"] == "dpl_2"
        assert dict(cause.remedies[0].args) == {"to": "dpl_1", "from": "dpl_2"}
    old = replace(LEAK, object=replace(LEAK.object, detail={"application": "web/42"}))
    (cause,) = diagnosed(old, changes=history).causes
    assert [r.action for r in cause.remedies] == ["postgres.end_sessions"]


def test_the_json_form() -> None:
    told = as_json(diagnose([OK, BAD], [LEAK], HISTORY, NOW, actions=ACTIONS), "rolerabbit")
    assert list(told) == ["service", "seconds", "healthy", "causes", "checks"]
    assert (told["service"], told["seconds"], told["healthy"]) == ("rolerabbit", 1.1, False)
    causes, checks = told["causes"], told["checks"]
    assert isinstance(causes, list)
    assert isinstance(checks, list)
    assert causes[0]["object"]["pids"] == [11, 12]
    assert causes[0]["since"] == "2026-01-15T09:59:20.000000Z"
    assert {"action", "target", "effect", "preview"} <= set(causes[0]["remedies"][0])
    assert causes[0]["remedies"][0]["effect"] == "change"
    assert checks[0] == {
        "name": "postgres.connections",
        "target": "db",
        "status": "ok",
        "matters": True,
        "seconds": 0.03,
        "reason": "4 of 97",
        "evidence": [],
    }


def test_the_table_has_no_circles() -> None:
    """A cause that explained itself would make everything vanish into nothing."""
    table = closure()
    circles = [(a, b) for a, shown in table.items() for b in shown if a in table.get(b, ())]
    assert circles == []
    assert all(deep not in shown for deep, shown in EXPLAINS)


SLOT = Cause("postgres.slot_retains_wal", Object("slot", "old"), 0.9, "1 GB is kept for slot old", "db")
FULL = Cause("postgres.disk_full", Object("database", "rr"), 0.9, "the disk is full", "db")


def test_what_may_fill_the_disk_some_day_explains_no_error_before_it_is_full() -> None:
    threat = {cause.code for cause in diagnosed(ERRORS, SLOT).causes}
    assert threat == {"deploy.bad_release", "postgres.slot_retains_wal"}
    (root,) = diagnosed(ERRORS, SLOT, FULL).causes
    assert root.code == "postgres.slot_retains_wal"
    assert "explains http.error_rate: 41 % of the answers are 5xx" in root.evidence


# ------------------------------------------------------------------ before the service

DOOR = Cause("http.unreachable", Object("host", "www.shop.test:443"), 0.8, "nobody answers", "front door", ("refused",))
ASKED = Finding("http.health", "http", Status.OK, "200", NOW, 0.1, {"host": "10.0.0.7:8000"})
SERVED = Finding("http.requests", "http", Status.OK, "0 of 40 failed", NOW, 1.1)


def seen(*findings: Finding, cause: Cause = DOOR) -> Cause:
    (first, *_) = diagnose([BAD, *findings], [cause], HISTORY, NOW, actions=ACTIONS).causes
    return first


def test_no_release_is_blamed_for_a_door_that_is_shut_before_a_service_that_answers() -> None:
    cause = seen(ASKED, SERVED)
    assert (cause.code, cause.object.id) == ("http.unreachable", "www.shop.test:443")
    assert cause.evidence == (
        "refused", "the service itself answers at 10.0.0.7:8000: what is broken stands before it",
    )  # fmt: skip


@pytest.mark.parametrize(
    "findings",
    [
        (),
        (SERVED,),
        (replace(ASKED, status=Status.BAD), SERVED),
        (ASKED, replace(SERVED, status=Status.BAD)),
        (replace(ASKED, status=Status.UNKNOWN),),
        (replace(ASKED, data={"host": "www.shop.test:443"}), SERVED),
    ],
)
def test_it_is_where_the_service_is_not_known_to_answer_there(findings: tuple[Finding, ...]) -> None:
    assert seen(*findings).code == "deploy.bad_release"
