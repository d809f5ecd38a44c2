"""Rules: pending, firing, resolved, blind; and the rules that cannot be judged."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutch.detection.phases import Phase
from hutch.detection.rulecheck import check_rules
from hutch.detection.rules import Evaluator, Fired, NoData, Resolved, RuleState, Transition, evaluate, holds
from hutch.model.alert import Alert, Condition, Rule
from hutch.model.severity import Severity

T0 = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
RULE = Rule("High Error Rate", Condition("error_rate", ">", 5.0, "%"), timedelta(minutes=5), Severity.SEV2, 820)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def judged(values: list[tuple[float, float | None]], scale: float = 1.0, rule: Rule = RULE) -> list[Transition]:
    evaluator = Evaluator([rule], "web", scale)
    return [change for second, value in values for change in evaluator.step({"error_rate": value}, at(second))]


def test_fires_once_after_its_duration_and_resolves() -> None:
    changes = judged([(0, 9.0), (299, 9.0), (300, 9.5), (330, 9.0), (360, 4.0), (390, 4.0)])
    fired, resolved = changes
    assert isinstance(fired, Fired)
    assert (fired.since, fired.alert.starts_at, fired.alert.value) == (at(0), at(300), 9.5)
    assert fired.alert.summary == "High Error Rate: error_rate is 9.5%, rule error_rate > 5%"
    assert isinstance(resolved, Resolved)
    assert resolved.alert.ends_at == at(360)
    assert resolved.alert.key == fired.alert.key


def test_a_dip_starts_the_wait_again() -> None:
    assert judged([(0, 9.0), (299, 5.0), (300, 9.0), (599, 9.0)]) == []


def test_the_time_scale_divides_the_duration() -> None:
    assert [type(c) for c in judged([(0, 9.0), (4.9, 9.0), (5, 9.0)], scale=60)] == [Fired]


def test_a_rule_without_duration_fires_at_once() -> None:
    rule = Rule("Now", RULE.condition, timedelta(0), Severity.SEV1)
    assert [type(c) for c in judged([(0, 9.0)], rule=rule)] == [Fired]


def test_one_look_without_data_starts_the_wait_again() -> None:
    assert judged([(0, 9.0), (299, None), (300, 9.0), (599, 9.0)]) == []


def test_what_fired_goes_on_when_its_data_comes_back() -> None:
    """Prometheus resolves and fires anew; nobody saw it end, so here it is the same alert all the time."""
    evaluator = Evaluator([RULE], "web")
    phases = []
    changes: list[Transition] = []
    for second, value in [(0, 9.0), (300, 9.0), (310, None), (320, 9.0), (619, 9.0), (620, 9.0), (630, 1.0)]:
        changes += evaluator.step({"error_rate": value}, at(second))
        phases.append(str(evaluator.states[RULE.name].phase))
    assert phases == ["pending", "firing", "inactive", "pending", "pending", "firing", "inactive"]
    fired, resolved = changes
    assert isinstance(fired, Fired)
    assert isinstance(resolved, Resolved)
    assert (fired.alert.key, resolved.alert.ends_at) == (resolved.alert.key, at(630))


def test_a_long_blindness_is_said_once_and_resolves_nothing() -> None:
    evaluator = Evaluator([RULE], "web")
    for second in (0, 300):
        evaluator.step({"error_rate": 9.0}, at(second))
    said = [c for second in (310, 400, 609, 610, 700) for c in evaluator.step({"error_rate": None}, at(second))]
    assert said == [NoData("High Error Rate", "web", at(310), evaluator.states[RULE.name].alert)]
    assert evaluator.states[RULE.name].word == "no data"
    assert [a.starts_at for a in evaluator.firing()] == [at(300)]
    assert [type(c) for c in evaluator.step({"error_rate": 0.0}, at(810))] == [Resolved]
    assert evaluator.firing() == []


def test_missing_data_is_an_alert_where_the_rule_asks_for_it() -> None:
    rule = replace(RULE, no_data=timedelta(minutes=2))
    changes = judged([(0, None), (60, 1.0), (70, None), (189, None), (190, None), (380, None), (400, 2.0)], rule=rule)
    fired, said, resolved = changes
    assert isinstance(fired, Fired)
    assert isinstance(said, NoData)
    assert isinstance(resolved, Resolved)
    assert (fired.alert.rule, fired.since, fired.alert.starts_at) == ("no data for error_rate", at(70), at(190))
    assert fired.alert.labels == {"rule": "High Error Rate"}
    assert "cannot be judged" in fired.alert.summary
    assert resolved.alert.key == fired.alert.key


def test_a_firing_is_kept_as_long_as_the_rule_says() -> None:
    rule = replace(RULE, duration=timedelta(0), keep_firing_for=timedelta(minutes=1))
    changes = judged([(0, 9.0), (10, 1.0), (60, 1.0), (65, 9.0), (70, 1.0), (129, 1.0), (130, 1.0)], rule=rule)
    assert [type(c) for c in changes] == [Fired, Resolved]
    assert isinstance(changes[1], Resolved)
    assert changes[1].alert.ends_at == at(130)


def test_a_firing_from_before_a_restart_waits_for_the_first_data() -> None:
    alert = Alert("High Error Rate", "web", Severity.SEV2, at(0), "5 %")
    evaluator = Evaluator([RULE], "web")
    assert evaluator.resume(alert)
    assert evaluator.step({"error_rate": None}, at(10)) == []
    assert evaluator.step({"error_rate": 9.0}, at(20)) == []
    assert evaluator.states[RULE.name].phase is Phase.FIRING
    assert [type(c) for c in evaluator.step({"error_rate": 0.0}, at(30))] == [Resolved]
    assert not evaluator.resume(replace(alert, rule="gone"))


def test_a_rule_for_one_service_is_judged_for_no_other() -> None:
    rule = replace(RULE, service="api")
    assert Evaluator([rule], "web").rules == ()
    assert Evaluator([rule], "api").rules == (rule,)


def test_a_missing_signal_is_no_data() -> None:
    evaluator = Evaluator([RULE], "web")
    evaluator.step({}, at(0))
    assert evaluator.states[RULE.name].blind_since == at(0)


@pytest.mark.parametrize(
    ("op", "true_of"), [(">", {6}), (">=", {5, 6}), ("<", {4}), ("<=", {4, 5}), ("==", {5}), ("!=", {4, 6})]
)
def test_operators(op: str, true_of: set[int]) -> None:
    rule = Rule("r", Condition("cpu", op, 5, "%"), timedelta(0), Severity.SEV4)
    assert {value for value in (4, 5, 6) if holds(rule, value)} == true_of


@pytest.mark.parametrize(("threshold", "unit"), [(1, "s"), (1000, "ms"), (1000, ""), (1e6, "us")])
def test_units_are_normalised(threshold: float, unit: str) -> None:
    rule = Rule("slow", Condition("p95_response_time", ">", threshold, unit), timedelta(0), Severity.SEV3)
    assert holds(rule, 1001)
    assert not holds(rule, 1000)


def test_rules_that_cannot_be_judged_say_why_and_where() -> None:
    def rule(line: int, signal: str, op: str = ">", unit: str = "%", name: str = "") -> Rule:
        return Rule(name or f"r{line}", Condition(signal, op, 5, unit), timedelta(0), Severity.SEV4, line)

    rules = [
        rule(9, "cpu", name="twice"),
        rule(3, "error_rates"),
        rule(5, "db_cpu", unit="ms"),
        rule(7, "cpu", op="=>"),
        rule(11, "memory", name="twice"),
        rule(13, "db_connections", unit="ms"),
        replace(rule(15, "memory", name="apart"), service="web"),
        replace(rule(17, "memory", name="apart"), service="api"),
    ]
    assert [str(error) for error in check_rules(rules)] == [
        "line 3: alert rule 'r3': unknown signal 'error_rates'; nearest known: error_rate",
        "line 5: alert rule 'r5': db_cpu is measured in %, not in 'ms'; write one of: %, percent",
        "line 7: alert rule 'r7': unknown operator '=>'; one of: > >= < <= == !=",
        "line 11: alert rule 'twice': this name was used in line 9 already",
        "line 13: alert rule 'r13': db_connections is measured in connections, not in 'ms'; write one of: connections",
    ]
    with pytest.raises(ValueError, match="alert rule 'r3': unknown signal"):
        evaluate(rules[1], 1.0, RuleState(), T0)


VALUES = st.lists(st.tuples(st.floats(0.1, 200), st.sampled_from([None, 0.0, 5.0, 5.1, 50.0])), max_size=40)


@given(VALUES, st.sampled_from([1.0, 5.0, 60.0]))
def test_never_fires_before_its_duration_and_resolves_once(
    steps: list[tuple[float, float | None]], scale: float
) -> None:
    now, state, open_alerts = 0.0, RuleState(), 0
    holding_since: float | None = None
    for gap, value in steps:
        now += gap
        hot = value is not None and value > 5.0
        holding_since = None if not hot else now if holding_since is None else holding_since
        state, changes = evaluate(RULE, value, state, at(now), scale, service="web")
        for change in changes:
            if isinstance(change, Fired):
                assert holding_since is not None
                assert now - holding_since >= 300 / scale - 1e-6
                open_alerts += 1
            elif isinstance(change, Resolved):
                assert value is not None
                open_alerts -= 1
        assert open_alerts in (0, 1)
        assert open_alerts == (state.alert is not None)
        assert not state.track.firing or hot
        assert not (value is not None and not hot and state.alert)
