"""Alert rules over signals, evaluated as Prometheus does it. Pure: the caller says the time.

What is more than in Prometheus: an alert whose data vanished is no longer firing, as there, but it is not resolved
either before data says so; and missing data can be an alert of its own.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hutch.detection.phases import CALM, Phase, Track, advance
from hutch.detection.rulecheck import rule_fault
from hutch.detection.signals import SIGNALS, SignalSpec
from hutch.model.alert import UNKNOWN_START, Alert, Rule
from hutch.model.units import convert

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


@dataclass(frozen=True, slots=True)
class RuleState:
    """What is remembered of one rule of one service between two evaluations.

    ``track`` is the condition's phase. ``alert`` is what fired and has not been seen to end: while ``track`` does not
    fire, it is because the data vanished. ``blind`` is the phase of "no data", with its ``blind_alert``;
    ``blind_since`` when data was first missed. ``resumed``: known from before a restart, no data seen yet.
    """

    track: Track = CALM
    value: float | None = None
    alert: Alert | None = None
    blind: Track = CALM
    blind_alert: Alert | None = None
    blind_since: datetime | None = None
    blind_said: bool = False
    resumed: bool = False

    @property
    def phase(self) -> Phase:
        """Where the condition stands."""
        return self.track.phase

    @property
    def word(self) -> str:
        """``no data`` while there is none, else the phase."""
        return "no data" if self.blind_since else str(self.phase)

    @property
    def open_alerts(self) -> tuple[Alert, ...]:
        """What it has said to fire and not said to have ended."""
        return tuple(alert for alert in (self.alert, self.blind_alert) if alert)


@dataclass(frozen=True, slots=True)
class Fired:
    """The condition held for the rule's duration; ``since`` is when it began, ``alert.starts_at`` when it fired."""

    alert: Alert
    since: datetime


@dataclass(frozen=True, slots=True)
class Resolved:
    """Data shows that the condition no longer holds: the same alert, with ``ends_at``."""

    alert: Alert


@dataclass(frozen=True, slots=True)
class NoData:
    """The rule could not be judged since ``since``; ``alert`` is what fired before, if anything."""

    rule: str
    service: str
    since: datetime
    alert: Alert | None = None


Transition = Fired | Resolved | NoData
Step = tuple[RuleState, tuple[Transition, ...]]


def evaluate(
    rule: Rule,
    value: float | None,
    state: RuleState,
    now: datetime,
    time_scale: float = 1.0,
    *,
    service: str = "",
    catalogue: Mapping[str, SignalSpec] = SIGNALS,
) -> Step:
    """Judge ``rule`` once by its signal's ``value`` (None: no data); the next state and what changed.

    Fires at the first evaluation at which the condition has held for ``rule.duration / time_scale``.
    """
    hot = value is not None and holds(rule, value, catalogue)
    duration, keep = rule.duration / time_scale, rule.keep_firing_for / time_scale
    waits = state.resumed and value is None and not state.blind_said
    track = state.track if waits else advance(state.track, hot, now, duration, keep)
    moved = replace(state, track=track, value=value, resumed=state.resumed and value is None)
    found, changes = _firing(rule, moved, now, service) if value is not None or track.firing else (moved, ())
    seen, more = _blindness(rule, found, now, service, time_scale)
    return seen, changes + more


def holds(rule: Rule, value: float, catalogue: Mapping[str, SignalSpec] = SIGNALS) -> bool:
    """Whether the rule's condition is true of ``value`` (in the signal's unit).

    Raises ``ValueError`` for a rule that :func:`hutch.detection.rulecheck.check_rules` rejects.
    """
    fault = rule_fault(rule, catalogue)
    if fault:
        raise ValueError(f"alert rule {rule.name!r}: {fault}")
    bound = threshold(rule, catalogue)
    return bound is not None and _COMPARE[rule.condition.op](value, bound)


def threshold(rule: Rule, catalogue: Mapping[str, SignalSpec] = SIGNALS) -> float | None:
    """The rule's threshold in its signal's unit; None where the units do not fit."""
    condition = rule.condition
    return convert(condition.threshold, condition.unit, catalogue[condition.signal].unit)


def _firing(rule: Rule, state: RuleState, now: datetime, service: str) -> Step:
    """An alert for a track that began to fire, an end for one that data shows to be calm. A firing that comes back
    after its data was gone goes on as the same alert: nobody saw it end."""
    if state.track.firing and state.alert is None and state.value is not None:
        alert = _alert(rule, service, now, _summary(rule, state.value), state.value, state.track.since)
        return replace(state, alert=alert), (Fired(alert, state.track.since or now),)
    if state.track.phase is Phase.INACTIVE and state.alert:
        return replace(state, alert=None), (Resolved(replace(state.alert, ends_at=now)),)
    return state, ()


def _blindness(rule: Rule, state: RuleState, now: datetime, service: str, time_scale: float) -> Step:
    """Says that data is missing: once after a bound, and as an alert where the rule asks for it."""
    if state.value is not None:
        seen = replace(state, blind=CALM, blind_alert=None, blind_since=None, blind_said=False)
        ended = state.blind_alert
        return seen, (Resolved(replace(ended, ends_at=now)),) if ended else ()
    since = state.blind_since or now
    blind = replace(state, blind_since=since)
    said: tuple[Transition, ...] = ()
    if not state.blind_said and now - since >= BLIND_AFTER / time_scale:
        blind, said = replace(blind, blind_said=True), (NoData(rule.name, service, since, state.alert),)
    found, fired = _blind_alert(rule, blind, now, service, time_scale)
    return found, said + fired


def _blind_alert(rule: Rule, state: RuleState, now: datetime, service: str, time_scale: float) -> Step:
    if rule.no_data is None:
        return state, ()
    track = advance(state.blind, True, now, rule.no_data / time_scale)
    if not track.firing or state.blind_alert:
        return replace(state, blind=track), ()
    signal, since = rule.condition.signal, state.blind_since or now
    summary = f"no data for {signal} since {since:%H:%M:%S} UTC: rule {rule.name} cannot be judged"
    alert = _alert(rule, service, now, summary, None, since)
    named = replace(alert, rule=no_data_name(rule), labels={**rule.labels, "rule": rule.name})
    return replace(state, blind=track, blind_alert=named), (Fired(named, since),)


def no_data_name(rule: Rule) -> str:
    """What the alert about missing data is called."""
    return f"no data for {rule.condition.signal}"


def _alert(rule: Rule, service: str, now: datetime, summary: str, value: float | None, since: datetime | None) -> Alert:
    told = value if value is not None and math.isfinite(value) else None
    return Alert(
        rule.name, service, rule.severity, now, summary, told, rule.labels, annotations=rule.annotations, since=since
    )


def _summary(rule: Rule, value: float) -> str:
    return f"{rule.name}: {rule.condition.signal} is {value:.4g}{rule.condition.unit}, rule {rule.condition}"


def _unfired(track: Track) -> Track:
    return replace(track, phase=Phase.PENDING) if track.firing else track


class Evaluator:
    """The rules that are meant for one service, and where each stands."""

    def __init__(
        self,
        rules: Iterable[Rule],
        service: str,
        time_scale: float = 1.0,
        catalogue: Mapping[str, SignalSpec] = SIGNALS,
    ) -> None:
        self.rules = tuple(rule for rule in rules if rule.meant_for(service))
        self.service = service
        self.time_scale = time_scale
        self.catalogue = catalogue
        self.states: dict[str, RuleState] = {rule.name: RuleState() for rule in self.rules}

    def step(
        self, values: Mapping[str, float | None], now: datetime, agreed: Mapping[str, float | None] | None = None
    ) -> list[Transition]:
        """Judge every rule by the signals' ``values`` at ``now``; what changed, in the order of the rules.

        ``agreed`` has the values of the rules that ask for a quorum, by their names.
        """
        by_rule = {
            r.name: (agreed or {}).get(r.name) if r.quorum else values.get(r.condition.signal) for r in self.rules
        }
        return [change for rule in self.rules for change in self._judge(rule, by_rule[rule.name], now)]

    def firing(self) -> list[Alert]:
        """What fired and was not seen to end."""
        return [alert for state in self.states.values() for alert in state.open_alerts]

    def possible(self) -> list[Alert]:
        """The alerts that its rules can give, to be looked for by their fingerprint."""
        start, found = UNKNOWN_START, []
        for rule in self.rules:
            found.append(Alert(rule.name, self.service, rule.severity, start, "", labels=rule.labels))
            labels = {**rule.labels, "rule": rule.name}
            found.append(Alert(no_data_name(rule), self.service, rule.severity, start, "", labels=labels))
        return found

    def resume(self, alert: Alert) -> bool:
        """Take up a firing from before a restart; False where no rule here gives such an alert."""
        for rule in self.rules:
            state, since = self.states[rule.name], alert.since or alert.starts_at
            if alert.rule == rule.name:
                track = Track(Phase.FIRING, since, state.track.kept)
                self.states[rule.name] = replace(state, track=track, alert=alert, resumed=True)
                return True
            if alert.rule == no_data_name(rule) and alert.labels.get("rule") == rule.name:
                blind = Track(Phase.FIRING, since)
                self.states[rule.name] = replace(state, blind=blind, blind_alert=alert, blind_since=since)
                return True
        return False

    def resume_state(self, name: str, state: RuleState) -> None:
        """Take up where another process left off a moment ago: what was pending goes on from its beginning. Whether it
        fires is for the log to say (:meth:`resume`, afterwards); until then it is pending."""
        if name in self.states:
            track, blind = _unfired(state.track), _unfired(state.blind)
            resumed = track.phase is Phase.PENDING
            self.states[name] = replace(state, track=track, alert=None, blind=blind, blind_alert=None, resumed=resumed)

    def _judge(self, rule: Rule, value: float | None, now: datetime) -> tuple[Transition, ...]:
        state = self.states[rule.name]
        self.states[rule.name], changes = evaluate(
            rule, value, state, now, self.time_scale, service=self.service, catalogue=self.catalogue
        )
        return changes
