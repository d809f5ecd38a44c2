"""A cause that stands in two looks fires; the first look without it that could tell ends it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hutch.detection.rules import Fired, Resolved
from hutch.detection.standing import Standing, rule_for, severity, step
from hutch.model.finding import Cause, Diagnosis, Finding, Object, Status
from hutch.model.severity import Severity

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
LOCK = Cause("postgres.blocked_by_lock", Object("session", "4711"), 0.9, "4711 holds up 3 others", "db", ())
WEAK = Cause("postgres.long_query", Object("session", "9"), 0.5, "slow", "db", ())


def _look(state: Standing, *causes: Cause, status: Status = Status.OK, after: int = 0) -> tuple[Standing, list[object]]:
    finding = Finding("postgres.locks", "db", status, "", NOW)
    look = Diagnosis(not causes if status is Status.OK else None, causes, (finding,))
    found, changes = step(state, look, NOW + timedelta(seconds=after), "shop")
    return found, list(changes)


def test_one_look_fires_nothing_and_two_in_a_row_do() -> None:
    state, first = _look(Standing(), LOCK)
    state, second = _look(state, LOCK, after=30)
    assert first == []
    assert [type(c) for c in second] == [Fired]
    fired = second[0]
    assert isinstance(fired, Fired)
    assert (fired.alert.rule, fired.alert.severity, fired.since) == ("postgres.blocked_by_lock", Severity.SEV2, NOW)
    assert _look(state, LOCK, after=60)[1] == [], "it fires once"


def test_a_gap_starts_the_count_anew() -> None:
    state, _ = _look(Standing(), LOCK)
    state, _ = _look(state)
    assert _look(state, LOCK)[1] == []


def test_a_doubtful_cause_never_fires() -> None:
    state = Standing()
    for _ in range(4):
        state, changes = _look(state, WEAK)
        assert changes == []


def test_a_look_that_could_not_tell_ends_nothing() -> None:
    state, _ = _look(Standing(), LOCK)
    state, _ = _look(state, LOCK)
    state, unknown = _look(state, status=Status.UNKNOWN)
    assert unknown == []
    state, ended = _look(state, after=90)
    assert [type(c) for c in ended] == [Resolved]
    assert state.firing == {}


def test_a_cause_that_grew_doubtful_still_stands() -> None:
    state, _ = _look(Standing(), LOCK)
    state, _ = _look(state, LOCK)
    fading = Cause(LOCK.code, LOCK.object, 0.4, "", "db", ())
    assert _look(state, fading)[1] == []


def test_the_cause_since_when_it_is_known_is_kept() -> None:
    early = NOW - timedelta(minutes=5)
    cause = Cause(LOCK.code, LOCK.object, 0.9, "", "db", (), since=early)
    state, _ = _look(Standing(), cause)
    _, changes = _look(state, cause, after=30)
    assert isinstance(changes[0], Fired)
    assert changes[0].since == early


def test_severities() -> None:
    assert severity("data.mass_deletion") is Severity.SEV1
    assert severity("postgres.missing_index") is Severity.SEV3
    assert rule_for("redis.unreachable").severity is Severity.SEV2
