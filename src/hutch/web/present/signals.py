"""The signals of a service as its page shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hutch.commands.watched import RuleView, SignalView, Watched
from hutch.model.bins import Track
from hutch.web.present.chart import Chart, Mark, Plot, Threshold, chart, figure, with_unit
from hutch.web.present.words import Moment, line, moment

SPANS: Mapping[str, timedelta] = {
    "10m": timedelta(minutes=10),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
"""The times that a page can show; an hour is shown by itself."""


@dataclass(frozen=True, slots=True)
class State:
    """A rule in words: ``word`` is inactive, pending, firing or no data, ``kind`` the same as a class."""

    name: str
    condition: str
    word: str
    kind: str
    since: Moment | None


@dataclass(frozen=True, slots=True)
class Card:
    """One signal: what it is now, its rules, and its chart."""

    name: str
    doc: str
    now: str
    known: bool
    states: tuple[State, ...]
    chart: Chart


def cards(
    found: Watched, tracks: Mapping[str, Track], marks: Sequence[Mark], start: datetime, end: datetime
) -> tuple[Card, ...]:
    """Those that have a value or a rule: what fires first, then those with rules, then the others by name."""
    shown = [view for view in found.signals if view.used or tracks.get(view.name, _EMPTY).bins]
    return tuple(_card(v, tracks.get(v.name, _EMPTY), marks, start, end) for v in sorted(shown, key=_order))


_EMPTY = Track(timedelta(seconds=5))


def _order(view: SignalView) -> tuple[bool, bool, str]:
    return not any(r.word == "firing" for r in view.rules), not view.rules, view.name


def _card(view: SignalView, track: Track, marks: Sequence[Mark], start: datetime, end: datetime) -> Card:
    plot = Plot(
        id=f"chart-{view.name}",
        title=f"{view.name} in {view.unit}",
        unit=view.unit,
        start=start,
        end=end,
        track=track,
        thresholds=[bound for rule in view.rules if (bound := _bound(rule))],
        marks=marks,
    )
    now = "no data" if view.value is None else with_unit(view.value, view.unit)
    states = tuple(_state(rule, end) for rule in view.rules)
    return Card(view.name, line(view.doc), now, view.value is not None, states, chart(plot))


def _bound(view: RuleView) -> Threshold | None:
    if view.threshold is None:
        return None
    op = view.rule.condition.op
    return Threshold(op, view.threshold, f"{op} {figure(view.threshold)}")


def _state(view: RuleView, now: datetime) -> State:
    since = moment(view.since, now) if view.since and view.word != "inactive" else None
    return State(line(view.rule.name), str(view.rule.condition), view.word, view.word.replace(" ", "-"), since)
