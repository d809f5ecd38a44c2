"""Alert rules as a Prometheus rules file."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import yaml

from hutch.detection.export import condition, rules_file
from hutch.detection.promql import duration, expression
from hutch.detection.signals import SIGNALS
from hutch.model.alert import Condition, Rule
from hutch.model.severity import Severity

RULE = Rule("Slow", Condition("p95_response_time", ">", 1, "s"), timedelta(minutes=5), Severity.SEV3, runbook="a.md#b")


def exported(*rules: Rule, services: tuple[str, ...] = ("shop",)) -> list[dict[str, object]]:
    found = yaml.safe_load(rules_file(rules, services))["groups"]
    return [rule for group in found for rule in group["rules"]]


def test_a_rule_keeps_its_duration_severity_and_runbook() -> None:
    (alert,) = exported(RULE)
    assert alert["alert"] == "Slow"
    assert str(alert["expr"]).endswith(" > 1000")
    assert 'job="shop"' in str(alert["expr"])
    assert alert["for"] == "5m"
    assert alert["labels"] == {"service": "shop", "severity": "SEV-3"}
    assert alert["annotations"] == {
        "summary": "Slow: p95_response_time is {{ $value }}, rule p95_response_time > 1s",
        "runbook": "a.md#b",
    }


def test_missing_data_is_a_second_alert() -> None:
    rule = replace(RULE, no_data=timedelta(seconds=90), keep_firing_for=timedelta(minutes=2))
    alert, absent = exported(rule)
    assert alert["keep_firing_for"] == "2m"
    assert str(absent["expr"]).startswith("absent(")
    assert (absent["alert"], absent["for"]) == ("no data for p95_response_time", "90s")
    assert absent["labels"] == {"service": "shop", "severity": "SEV-3", "rule": "Slow"}


def test_each_service_has_its_group_and_only_its_rules() -> None:
    found = yaml.safe_load(rules_file([RULE, replace(RULE, name="Own", service="api")], ["shop", "api"]))["groups"]
    assert [(g["name"], [r["alert"] for r in g["rules"]]) for g in found] == [
        ("hutch-shop", ["Slow"]),
        ("hutch-api", ["Slow", "Own"]),
    ]


def test_text_that_prometheus_would_expand_stays_text() -> None:
    rule = replace(RULE, labels={"team-name": "{{ $labels.x }}"}, annotations={"note": "a {{ b"})
    (alert,) = exported(rule, services=('odd"name',))
    assert alert["labels"] == {"team_name": '{{ "{{" }} $labels.x }}', "service": 'odd"name', "severity": "SEV-3"}
    assert 'job="odd\\"name"' in str(alert["expr"])


def test_a_unit_that_does_not_fit_is_refused() -> None:
    rule = replace(RULE, condition=Condition("cpu", ">", 1, "s"))
    with pytest.raises(ValueError, match="'Slow': cpu is measured in %"):
        condition(rule, SIGNALS["cpu"])


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (0.25, "250ms"), (90, "90s"), (300, "5m"), (7200, "2h"), (86400, "1d")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(timedelta(seconds=seconds)) == text


def test_every_signal_has_an_expression() -> None:
    assert expression(SIGNALS["db_cpu"]) == "max(last_over_time(db_cpu[1m]))"
    for spec in SIGNALS.values():
        assert all(metric in expression(spec, 'job="x"') for metric in spec.metrics)
