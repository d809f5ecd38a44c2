"""Alert rules as a Prometheus rules file. Pure; what a rule cannot say there is left out with a word about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import yaml

from hutch.detection.promql import by_quorum, duration, expression, known
from hutch.detection.rules import no_data_name
from hutch.detection.signals import SIGNALS, SignalSpec
from hutch.model.alert import Rule
from hutch.model.units import convert

Match = Callable[[str], str]
"""The label matcher that picks a service's series in Prometheus."""


def by_job(service: str) -> str:
    """The usual one: the job has the service's name."""
    return f'job="{escaped(service)}"'


def escaped(text: str) -> str:
    """Inside double quotes of PromQL."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def rules_file(
    rules: Sequence[Rule],
    services: Iterable[str],
    match: Match = by_job,
    catalogue: Mapping[str, SignalSpec] = SIGNALS,
) -> str:
    """YAML that ``promtool check rules`` accepts: a group a service, an alert a rule, one more for missing data.

    The alerts carry the labels ``service`` and ``severity`` by which Hutch takes them in again. Raises ``ValueError``
    for a rule whose unit does not fit its signal, ``KeyError`` for an unknown signal: check the rules first.
    """
    groups = [_group(service, [r for r in rules if r.meant_for(service)], match, catalogue) for service in services]
    text: str = yaml.safe_dump({"groups": groups}, sort_keys=False, allow_unicode=True, width=1000)
    return text


def _group(service: str, rules: Sequence[Rule], match: Match, catalogue: Mapping[str, SignalSpec]) -> dict[str, object]:
    made = [one for rule in rules for one in _alerts(rule, service, match(service), catalogue[rule.condition.signal])]
    return {"name": f"hutch-{service}", "rules": made}


def _alerts(rule: Rule, service: str, match: str, spec: SignalSpec) -> list[dict[str, object]]:
    found = expression(spec, match)
    made = [_alert(rule.name, condition(rule, spec, match), duration(rule.duration), rule, service)]
    if rule.keep_firing_for:
        made[0]["keep_firing_for"] = duration(rule.keep_firing_for)
    if rule.no_data is not None:
        absent = _alert(no_data_name(rule), f"absent({known(found)})", duration(rule.no_data), rule, service)
        made.append({**absent, "labels": {**_labels(rule, service), "rule": rule.name}})
    return made


def condition(rule: Rule, spec: SignalSpec, match: str = "") -> str:
    """The rule's condition as PromQL. Raises ``ValueError`` where the unit is not one of the signal's."""
    threshold = convert(rule.condition.threshold, rule.condition.unit, spec.unit)
    if threshold is None:
        raise ValueError(f"alert rule {rule.name!r}: {spec.name} is measured in {spec.unit}")
    found = by_quorum(spec, match, rule.quorum) if rule.quorum else expression(spec, match)
    left = f"({known(found)})" if rule.condition.op == "!=" else f"({found})"
    return f"{left} {rule.condition.op} {threshold:.12g}"


def _alert(name: str, expr: str, wait: str, rule: Rule, service: str) -> dict[str, object]:
    told, own = plain(rule.name), name == rule.name
    summary = f"{told}: {rule.condition.signal} is {{{{ $value }}}}, rule {rule.condition}"
    annotations = {"summary": summary if own else f"{plain(name)}: rule {told} cannot be judged"}
    if rule.runbook:
        annotations["runbook"] = plain(rule.runbook)
    annotations |= {label(k): plain(v) for k, v in rule.annotations.items()}
    return {"alert": name, "expr": expr, "for": wait, "labels": _labels(rule, service), "annotations": annotations}


def _labels(rule: Rule, service: str) -> dict[str, str]:
    own = {label(k): plain(v) for k, v in rule.labels.items()}
    return {**own, "service": plain(service), "severity": rule.severity.label}


def label(name: str) -> str:
    """A label's name as Prometheus takes it."""
    text = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
    return text if text and not text[0].isdigit() else f"_{text}"


def plain(text: str) -> str:
    """Text in which Prometheus' templates find nothing to do."""
    return text.replace("{{", '{{ "{{" }}')
