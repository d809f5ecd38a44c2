from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from hutch.model.finding import Cause, Finding, Status
from hutch.providers.postgres import provider
from hutch.providers.postgres.causes import explain
from hutch.providers.postgres.sessions import Session

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
IDLE = Session(
    pid=100,
    backend_start="2026-01-01T11:00:00+00:00",
    role="app",
    application="web/43",
    state="idle in transaction",
    xact_start="2026-01-01T11:59:00+00:00",
    idle_seconds=6.0,
    query="select ?",
)


def finding(check: str, target: str = "db/shop", **data: Any) -> Finding:
    return Finding(f"postgres.{check}", target, Status.WARN, check, NOW, data=data, reason="because")


def idle(*sessions: Session) -> Finding:
    return finding("idle_in_transaction", sessions=[s.as_dict() for s in sessions], leak_sessions=5, old_after=30.0)


def used(count: int) -> Finding:
    return finding(
        "connections", used=count, usable=20, percent=5.0 * count, warn=80.0, bad=95.0, database="shop", groups=[]
    )


def many(count: int, first: int = 100, **changes: Any) -> list[Session]:
    return [replace(IDLE, pid=first + n, **changes) for n in range(count)]


def codes(*findings: Finding) -> list[str]:
    return [cause.code for cause in explain(findings)]


def test_nothing_seen_means_no_cause() -> None:
    assert codes(idle(), used(3), finding("locks", blockers=[]), finding("long_queries", sessions=[])) == []
    assert codes() == []


@pytest.mark.parametrize(("count", "expected"), [(4, []), (5, ["postgres.connection_leak"])])
def test_a_leak_takes_enough_sessions(count: int, expected: list[str]) -> None:
    assert codes(idle(*many(count)), used(count)) == expected


def test_a_leak_says_who_since_when_and_what_ends_it() -> None:
    earliest = replace(IDLE, pid=90, xact_start="2026-01-01T11:58:00+00:00", protection="belongs to a superuser")
    [cause] = explain([idle(earliest, *many(5)), used(18)])
    assert cause.object.as_dict() == {
        "kind": "role",
        "id": "app",
        "pids": [90, 100, 101, 102, 103, 104],
        "release": None,
        "application": "web/43",
    }
    assert cause.since == datetime(2026, 1, 1, 11, 58, tzinfo=UTC)
    assert any("6 of 20 usable connections" in line for line in cause.evidence)
    assert [s["pid"] for s in sessions_of(cause)] == [100, 101, 102, 103, 104]


def sessions_of(cause: Cause) -> list[dict[str, object]]:
    named: Any = cause.remedies[0].args["sessions"]
    return list(named)


def test_sessions_that_all_must_stay_have_no_remedy() -> None:
    [cause] = explain([idle(*many(5, protection="belongs to a superuser"))])
    assert cause.remedies == ()


def test_roles_leak_each_by_themselves_and_applications_too() -> None:
    both = explain([idle(*many(5), *many(5, 200, application="jobs"), *many(4, 300, role="other"))])
    assert [(c.object.id, c.object.detail["application"]) for c in both] == [("app", "web/43"), ("app", "jobs")]


def test_a_role_with_many_application_names_leaks_as_a_whole() -> None:
    spread = [replace(IDLE, pid=n, application=f"worker {n}") for n in range(5)]
    [cause] = explain([idle(*spread)])
    assert (cause.code, cause.object.detail["application"]) == ("postgres.connection_leak", "")


def test_the_longer_and_the_fuller_the_surer() -> None:
    fresh, lasting = (explain([idle(*many(5, idle_seconds=s)), used(5)])[0] for s in (1.0, 60.0))
    [full] = explain([idle(*many(5, idle_seconds=60.0)), used(17)])
    assert fresh.confidence < lasting.confidence < full.confidence <= 1.0


@pytest.mark.parametrize(
    ("leaked", "count", "expected"),
    [
        (0, 18, []),
        (0, 19, ["postgres.connections_exhausted"]),
        (6, 19, ["postgres.connection_leak"]),
        (6, 25, ["postgres.connection_leak", "postgres.connections_exhausted"]),
    ],
)
def test_exhausted_is_what_no_leak_explains(leaked: int, count: int, expected: list[str]) -> None:
    assert codes(idle(*many(leaked)), used(count)) == expected


def test_one_old_session_is_named_and_young_or_exempt_ones_are_not() -> None:
    old = replace(IDLE, idle_seconds=31.0)
    [cause] = explain([idle(old, replace(IDLE, pid=101), replace(old, pid=102, exempt=True))])
    assert (cause.code, cause.object.kind, cause.object.id) == ("postgres.idle_in_transaction", "session", "100")


def test_an_old_session_that_blocks_others_is_the_blocker() -> None:
    old = replace(IDLE, idle_seconds=99.0)
    waiter = {"pid": 5, "role": "app", "locktype": "tuple", "mode": "ExclusiveLock", "relation": "t", "waits": 9.0}
    blockers = [{"root": old.as_dict(), "waiters": [{**waiter, "query": "delete", "ddl": False}]}]
    [cause] = explain([idle(old), finding("locks", blockers=blockers)])
    assert (cause.code, cause.object.id, cause.object.detail["waiting"]) == ("postgres.blocked_by_lock", "100", [5])


def test_a_prepared_transaction_that_blocks_has_no_session_to_end() -> None:
    root = Session(pid=0, backend_start="", role="", application="", state="")
    waiter = {"pid": 5, "role": "app", "locktype": "tuple", "mode": "ShareLock", "relation": "", "waits": 2.0}
    blockers = [{"root": root.as_dict(), "waiters": [{**waiter, "query": "delete", "ddl": False}]}]
    [cause] = explain([finding("locks", blockers=blockers)])
    assert "prepared transaction" in cause.summary
    assert cause.remedies == ()


def test_a_server_that_refuses_every_check_is_one_cause() -> None:
    refused = [finding(c, code="postgres.unreachable", database="shop") for c in ("reachable", "connections", "locks")]
    [cause] = explain(refused)
    assert (cause.code, cause.object.as_dict()) == ("postgres.unreachable", {"kind": "database", "id": "shop"})


def test_two_databases_are_explained_apart() -> None:
    here, there = (finding("reachable", t, code="postgres.auth", database=t) for t in ("a", "b"))
    assert [(c.target, c.object.id) for c in explain([here, there])] == [("a", "a"), ("b", "b")]


def test_findings_of_others_and_undecided_ones_explain_nothing() -> None:
    other = replace(used(20), check="http.health")
    undecided = replace(finding("idle_in_transaction"), status=Status.UNKNOWN)
    assert codes(other, undecided) == []


def test_every_code_that_is_given_is_documented() -> None:
    given = codes(idle(*many(5), replace(IDLE, pid=7, role="x", idle_seconds=50.0)), used(40))
    assert set(given) <= set(provider.codes)
    assert len(given) == 3


def heavy(statement: str) -> Finding:
    session = replace(IDLE, state="active").as_dict()
    item = {"statement": statement, "query": "select ?", "load": 180, "executions": 2, "sessions": [session]}
    return finding("cpu_statements", statements=[item])


def test_a_heavy_statement_that_sorts_on_the_disk_stands_behind_the_small_work_mem() -> None:
    dear = {"statement": "7", "calls": 4.0, "query": "select ?", "temp_written": 9000.0}
    spill = finding("temp_files", bad=True, rate=20.0, files=4, seconds=2.0, statements=[dear], work_mem=4 * 2**20)
    both = {cause.code: cause.confidence for cause in explain([heavy("7"), spill])}
    assert both["postgres.temp_spill"] > both["postgres.cpu_query"]
    other = {cause.code: cause.confidence for cause in explain([heavy("8"), spill])}
    assert other["postgres.cpu_query"] > other["postgres.temp_spill"]


def test_the_sessions_of_a_heavy_statement_are_told_by_it_and_not_by_their_transaction() -> None:
    [by_number], [by_transaction] = (sessions_of(explain([heavy(number)])[0]) for number in ("7", ""))
    assert (by_number["statement"], by_number["xact_start"], by_number["state"]) == ("7", "", "active")
    assert by_transaction["xact_start"] == IDLE.xact_start
