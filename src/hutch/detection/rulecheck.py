"""Rules that cannot be judged, and why: unknown signals, units that do not fit, names given twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from hutch.detection.signals import SIGNALS, Measure, SignalSpec, unknown_signal
from hutch.model.alert import Rule
from hutch.model.units import alternatives, convert

OPERATORS = (">", ">=", "<", "<=", "==", "!=")


@dataclass(frozen=True, slots=True)
class RuleError:
    """Why a rule cannot be judged, and the line where it is written (0: unknown)."""

    rule: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: alert rule {self.rule!r}: {self.message}"


def check_rules(rules: Sequence[Rule], catalogue: Mapping[str, SignalSpec] = SIGNALS) -> list[RuleError]:
    """What is wrong with ``rules``: unknown signals, units that do not fit, operators, names given twice."""
    faults = [(rule, rule_fault(rule, catalogue)) for rule in rules]
    wrong = [RuleError(rule.name, rule.line, fault) for rule, fault in faults if fault]
    return sorted(wrong + _repeated(rules), key=lambda error: error.line)


def rule_fault(rule: Rule, catalogue: Mapping[str, SignalSpec] = SIGNALS) -> str:
    """What is wrong with one rule by itself, or nothing."""
    condition = rule.condition
    spec = catalogue.get(condition.signal)
    if spec is None:
        return unknown_signal(condition.signal, catalogue)
    if condition.op not in OPERATORS:
        return f"unknown operator {condition.op!r}; one of: {' '.join(OPERATORS)}"
    if convert(condition.threshold, condition.unit, spec.unit) is None:
        units = ", ".join(alternatives(spec.unit)) or spec.unit
        return f"{spec.name} is measured in {spec.unit}, not in {condition.unit!r}; write one of: {units}"
    if rule.quorum and spec.measure is not Measure.PROBES:
        return f"quorum counts the places that see a probe fail, and {spec.name} is no such signal; leave it out"
    if rule.duration < timedelta(0):
        return "its duration is negative"
    return ""


def _repeated(rules: Sequence[Rule]) -> list[RuleError]:
    wrong = []
    for number, rule in enumerate(rules):
        earlier = next((r for r in rules[:number] if _clash(r, rule)), None)
        if earlier:
            wrong.append(RuleError(rule.name, rule.line, f"this name was used in line {earlier.line} already"))
    return wrong


def _clash(one: Rule, other: Rule) -> bool:
    """The same name for the same service."""
    return one.name == other.name and (one.service == other.service or "" in (one.service, other.service))
