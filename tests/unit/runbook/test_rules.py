"""Alert rules: the form that documents and the configuration share."""

from __future__ import annotations

from datetime import timedelta

import pytest
import yaml

from hutch.model.alert import Condition
from hutch.model.severity import Severity
from hutch.runbook.errors import RunbookError
from hutch.runbook.rules import condition, duration, holds_rules, parse_rules, rules_from

TEXT = """# ours
alerts:
  - name: Slow
    condition: p95_response_time >= 1.5 s
    duration: 1h30m
    severity: sev2
    runbook: a.md#slow
    labels: {team: web, tier: 1}

  - {name: Down, condition: uptime < 100%, duration: 1d, severity: 1}
"""


def test_rules_carry_the_lines_of_the_document() -> None:
    slow, down = parse_rules(TEXT, 10)
    assert (slow.line, down.line) == (12, 19)
    assert (slow.condition, slow.duration) == (Condition("p95_response_time", ">=", 1.5, "s"), timedelta(minutes=90))
    assert (slow.severity, slow.runbook, dict(slow.labels)) == (
        Severity.SEV2,
        "a.md#slow",
        {"team": "web", "tier": "1"},
    )
    assert (down.duration, down.severity) == (timedelta(days=1), Severity.SEV1)


def test_composed_nodes_are_taken_too() -> None:
    node = yaml.compose(TEXT, Loader=yaml.SafeLoader)
    assert isinstance(node, yaml.MappingNode)
    assert parse_rules(node) == parse_rules(TEXT)
    assert parse_rules(node.value[0][1]) == parse_rules(TEXT)


def test_loaded_mappings_are_taken_with_their_lines() -> None:
    loaded = yaml.safe_load(TEXT)["alerts"]
    assert rules_from(loaded, [3, 10]) == parse_rules(TEXT)


@pytest.mark.parametrize("text", ["", "alerts:", "alerts: []", "other: 1"])
def test_no_rules_is_none(text: str) -> None:
    assert parse_rules(text) == ()


def test_only_a_top_of_alerts_is_a_rule_set() -> None:
    assert holds_rules(TEXT)
    assert not holds_rules("groups:\n  alerts: 1\n")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("error_rate > 5%", Condition("error_rate", ">", 5, "%")),
        ("a.b<=-1", Condition("a.b", "<=", -1)),
        ("request_rate > 10 requests/s", Condition("request_rate", ">", 10, "requests/s")),
        ("x != 0 /s", Condition("x", "!=", 0, "/s")),
    ],
)
def test_conditions(text: str, found: Condition) -> None:
    assert condition(text) == found


@pytest.mark.parametrize("text", ["", "> 5", "a 5", "a > b", "a > 5 > 6", "a => 5", "1a > 5"])
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(RunbookError, match="cannot read condition"):
        condition(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("5m", 300), ("1h", 3600), ("1d", 86400), ("1h 30m", 5400), (" 0s ", 0)]
)
def test_durations(text: str, seconds: int) -> None:
    assert duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "5 minutes", "-5m", "5m!", "1.5h", "None"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(RunbookError, match="cannot read duration"):
        duration(text)


def test_a_duration_of_years_is_a_slip() -> None:
    with pytest.raises(RunbookError, match="longer than a year"):
        duration("400d")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("alerts:\n  - 3\n", "2: an alert rule must be 'key: value' lines; begin it with '- name:'"),
        ("alerts:\n  - name: x\n    labels: 3\n    condition: a > 1\n    duration: 1m\n    severity: 1\n",
         "3: alert rule 'x': labels must be 'key: value' lines"),
        ("alerts:\n  - colour: red\n", "2: alert rule: unknown key 'colour'; known: name, condition, duration, "
         "severity, runbook, labels, annotations, service, keep_firing_for, no_data, quorum"),
        ("alerts: \x07", "1: alert rules are not YAML: a character is not allowed; correct the block"),
        ("alerts: " + "[" * 5000, "1: alert rules are not YAML: nested too deep; correct the block"),
    ],
)  # fmt: skip
def test_bad_rules(text: str, message: str) -> None:
    with pytest.raises(RunbookError) as error:
        parse_rules(text)
    assert str(error.value) == message
