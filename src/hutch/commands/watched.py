"""What the watching process sees of a service now: values, where each rule stands, which sources are in trouble."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hutch.detection.rules import threshold
from hutch.detection.signals import SignalSpec
from hutch.model.alert import Rule
from hutch.model.event import instant, parse_instant

UNJUDGED = "not judged"
"""The word of a rule that no process judges, as far as is known."""


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule and its state in words: ``inactive``, ``pending``, ``firing`` or ``no data``, and since when."""

    rule: Rule
    word: str
    since: datetime | None = None
    threshold: float | None = None  # in the signal's unit


@dataclass(frozen=True, slots=True)
class SignalView:
    """A signal as it is now; ``value`` is None for no data."""

    name: str
    unit: str
    doc: str
    value: float | None
    rules: tuple[RuleView, ...] = ()

    @property
    def used(self) -> bool:
        """Whether there is anything to show of it."""
        return self.value is not None or bool(self.rules)


@dataclass(frozen=True, slots=True)
class Watched:
    """One service at its last evaluation, at ``at``, ``by`` a process of this name."""

    service: str
    at: datetime
    signals: tuple[SignalView, ...] = ()
    troubles: Mapping[str, str] = field(default_factory=dict)
    by: str = ""

    def signal(self, name: str) -> SignalView | None:
        """The signal of that name."""
        return next((s for s in self.signals if s.name == name), None)


def watched_from(data: Mapping[str, Any], specs: Iterable[SignalSpec], rules: Iterable[Rule]) -> Watched:
    """What :func:`watched_json` wrote, of the rules and signals as they are configured now. Raises ``ValueError``,
    ``KeyError`` or ``TypeError`` for what is none."""
    told = {str(s["name"]): s for s in data["signals"]}
    states = {str(r["name"]): r for s in data["signals"] for r in s["rules"]}
    mine, known = list(rules), {spec.name: spec for spec in specs}
    views = [_view(rule, states.get(rule.name), known) for rule in mine]
    signals = tuple(
        SignalView(
            spec.name,
            spec.unit,
            spec.doc,
            told.get(spec.name, {}).get("value"),
            tuple(view for view in views if view.rule.condition.signal == spec.name),
        )
        for spec in known.values()
    )
    at, by = parse_instant(str(data["at"])), str(data.get("by", ""))
    return Watched(str(data["service"]), at, signals, dict(data["troubles"]), by)


def _view(rule: Rule, told: Mapping[str, Any] | None, specs: Mapping[str, SignalSpec]) -> RuleView:
    if told is None or told["condition"] != str(rule.condition):
        return RuleView(rule, UNJUDGED, None, threshold(rule, specs))
    since = parse_instant(str(told["since"])) if told["since"] else None
    return RuleView(rule, str(told["state"]), since, threshold(rule, specs))


def watched_json(found: Watched) -> dict[str, Any]:
    """For the API: stable keys."""
    return {
        "service": found.service,
        "at": instant(found.at),
        "by": found.by,
        "signals": [_signal(s) for s in found.signals if s.used],
        "troubles": dict(found.troubles),
    }


def _signal(view: SignalView) -> dict[str, Any]:
    return {"name": view.name, "unit": view.unit, "value": view.value, "rules": [_rule(r) for r in view.rules]}


def _rule(view: RuleView) -> dict[str, Any]:
    return {
        "name": view.rule.name,
        "condition": str(view.rule.condition),
        "severity": view.rule.severity.label,
        "state": view.word,
        "since": instant(view.since) if view.since else None,
    }
