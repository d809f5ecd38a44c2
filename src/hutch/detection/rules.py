"""Alert rules over signals: inactive → pending → firing → resolved, as Prometheus judges them. Pure.

What differs from Prometheus: a rule without data keeps its phase (there it resolves), and says so after a bound.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from hutch.detection.signals import SIGNALS, SignalSpec, unknown_signal
from hutch.detection.units import alternatives, convert
from hutch.model.alert import Alert, Rule

BLIND_AFTER = timedelta(minutes=5)
"""How long a rule may be without data before that is said; Prometheus' own look-back. Divided by the time scale."""

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


class Phase(StrEnum):
    """Where a rule stands. Being without data is not a phase: see :attr:`RuleState.blind_since`."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


@dataclass(frozen=True, slots=True)
class RuleState:
    """What is remembered of one rule of one service between two evaluations.

    ``since`` is when the condition began to hold, ``alert`` the firing, ``blind_since`` when data was first missed.
    """

    phase: Phase = Phase.INACTIVE
    since: datetime | None = None
    value: float | None = None
    alert: Alert | None = None
    blind_since: datetime | None = None
    blind_said: bool = False

    @property
    def word(self) -> str:
        """``nodata`` once that was said, else the phase."""
        return "nodata" if self.blind_said else str(self.phase)


@dataclass(frozen=True, slots=True)
class Fired:
    """The condition held for the rule's duration; ``since`` is when it began, ``alert.starts_at`` when it fired."""

    alert: Alert
    since: datetime


@dataclass(frozen=True, slots=True)
class Resolved:
    """The condition no longer holds: the same alert, with ``ends_at``."""

    alert: Alert


@dataclass(frozen=True, slots=True)
class NoData:
    """The rule could not be judged since ``since``; ``alert`` is what still fires, if anything."""

    rule: str
    service: str
    since: datetime
    alert: Alert | None = None


Transition = Fired | Resolved | NoData


def evaluate(
    rule: Rule,
    value: float | None,
    state: RuleState,
    now: datetime,
    time_scale: float = 1.0,
    *,
    service: str = "",
    catalogue: Mapping[str, SignalSpec] = SIGNALS,
) -> tuple[RuleState, tuple[Transition, ...]]:
    """Judge ``rule`` once by its signal's ``value`` (None: no data); the next state and what changed.

    Fires at the first evaluation at which the condition has held for ``rule.duration / time_scale``.
    """
    if value is None:
        return _blind(rule, state, now, BLIND_AFTER / time_scale, service)
    seen = replace(state, value=value, blind_since=None, blind_said=False)
    if not holds(rule, value, catalogue):
        return _calm(seen, now)
    return _hot(rule, _restart(seen, state), now, rule.duration / time_scale, service, value)


def holds(rule: Rule, value: float, catalogue: Mapping[str, SignalSpec] = SIGNALS) -> bool:
    """Whether the rule's condition is true of ``value`` (in the signal's unit).

    Raises ``ValueError`` for a rule that :func:`check_rules` rejects.
    """
    fault = rule_fault(rule, catalogue)
    if fault:
        raise ValueError(f"alert rule {rule.name!r}: {fault}")
    condition = rule.condition
    threshold = convert(condition.threshold, condition.unit, catalogue[condition.signal].unit)
    return threshold is not None and _COMPARE[condition.op](value, threshold)


def _restart(seen: RuleState, before: RuleState) -> RuleState:
    """Pending does not outlive a long blindness: nobody knows that the condition held."""
    lost = before.blind_said and before.phase is Phase.PENDING
    return replace(seen, phase=Phase.INACTIVE, since=None) if lost else seen


def _blind(
    rule: Rule, state: RuleState, now: datetime, bound: timedelta, service: str
) -> tuple[RuleState, tuple[Transition, ...]]:
    since = state.blind_since or now
    blind = replace(state, value=None, blind_since=since)
    if state.blind_said or now - since < bound:
        return blind, ()
    return replace(blind, blind_said=True), (NoData(rule.name, service, since, state.alert),)


def _calm(state: RuleState, now: datetime) -> tuple[RuleState, tuple[Transition, ...]]:
    done = (Resolved(replace(state.alert, ends_at=now)),) if state.alert else ()
    return RuleState(value=state.value), done


def _hot(
    rule: Rule, state: RuleState, now: datetime, duration: timedelta, service: str, value: float
) -> tuple[RuleState, tuple[Transition, ...]]:
    since = state.since or now
    if state.phase is Phase.FIRING:
        return state, ()
    if now - since < duration:
        return replace(state, phase=Phase.PENDING, since=since), ()
    alert = Alert(rule.name, service, rule.severity, now, _summary(rule, value), value, rule.labels)
    return replace(state, phase=Phase.FIRING, since=since, alert=alert), (Fired(alert, since),)


def _summary(rule: Rule, value: float) -> str:
    return f"{rule.name}: {rule.condition.signal} is {value:.4g}{rule.condition.unit}, rule {rule.condition}"


class Evaluator:
    """The rules of one service and where each stands."""

    def __init__(
        self,
        rules: Iterable[Rule],
        service: str,
        time_scale: float = 1.0,
        catalogue: Mapping[str, SignalSpec] = SIGNALS,
    ) -> None:
        self.rules = tuple(rules)
        self.service = service
        self.time_scale = time_scale
        self.catalogue = catalogue
        self.states: dict[str, RuleState] = {rule.name: RuleState() for rule in self.rules}

    def step(self, values: Mapping[str, float | None], now: datetime) -> list[Transition]:
        """Judge every rule by the signals' ``values`` at ``now``; what changed, in the order of the rules."""
        return [change for rule in self.rules for change in self._judge(rule, values, now)]

    def firing(self) -> list[Alert]:
        """What fires now."""
        return [state.alert for state in self.states.values() if state.alert]

    def _judge(self, rule: Rule, values: Mapping[str, float | None], now: datetime) -> tuple[Transition, ...]:
        value, state = values.get(rule.condition.signal), self.states[rule.name]
        self.states[rule.name], changes = evaluate(
            rule, value, state, now, self.time_scale, service=self.service, catalogue=self.catalogue
        )
        return changes


# ------------------------------------------------------------------ rules that cannot be judged


@dataclass(frozen=True, slots=True)
class RuleError:
    """A rule that cannot be judged, and where it stands."""

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
    if condition.op not in _COMPARE:
        return f"unknown operator {condition.op!r}; one of: {' '.join(_COMPARE)}"
    if convert(condition.threshold, condition.unit, spec.unit) is None:
        units = ", ".join(alternatives(spec.unit)) or spec.unit
        return f"{spec.name} is measured in {spec.unit}, not in {condition.unit!r}; write one of: {units}"
    if rule.duration < timedelta(0):
        return "its duration is negative"
    return ""


def _repeated(rules: Sequence[Rule]) -> list[RuleError]:
    first: dict[str, Rule] = {}
    for rule in rules:
        first.setdefault(rule.name, rule)
    again = [rule for rule in rules if first[rule.name] is not rule]
    return [RuleError(r.name, r.line, f"this name was used in line {first[r.name].line} already") for r in again]
