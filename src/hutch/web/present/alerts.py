"""Alerts as pages show them: where rules stand, what fired lately, narrowed by what stands in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hutch.model.event import parse_instant
from hutch.web.present.chart import with_unit
from hutch.web.present.words import Moment, line, moment

SPANS: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30),
}  # fmt: skip
"""How far back the list may look, by the word in the address."""

STATES = ("firing", "held", "resolved")

RANK: Mapping[str, int] = {"firing": 0, "pending": 1, "no data": 2, "inactive": 3}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What stands in the address."""

    state: str = ""
    service: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertView:
    """One alert: ``state`` is firing, held or resolved."""

    rule: str
    service: str
    severity: int
    label: str
    state: str
    summary: str
    source: str
    starts: Moment
    incident: str
    held: str
    flapping: bool


def alerts(found: Sequence[Mapping[str, Any]], wanted: Wanted, now: datetime) -> tuple[AlertView, ...]:
    """Those that are wanted, firing ones first, then the newest."""
    views = [_alert(row, now) for row in found]
    kept = [v for v in views if _fits(v, wanted)]
    return tuple(sorted(kept, key=lambda v: STATES.index(v.state)))


def _alert(row: Mapping[str, Any], now: datetime) -> AlertView:
    held = line(row["held"] or "")
    state = row["state"] if not (held and row["state"] == "firing") else "held"
    label = str(row["severity"])
    return AlertView(
        line(row["rule"]),
        line(row["service"]),
        int(label.removeprefix("SEV-")),
        label,
        state,
        line(row["summary"]),
        line(row["source"]),
        moment(parse_instant(row["starts_at"]), now),
        line(row["incident"] or ""),
        held,
        bool(row["flapping"]),
    )


def _fits(view: AlertView, wanted: Wanted) -> bool:
    told = f"{view.rule} {view.service} {view.summary} {view.source} {view.label} {view.incident}".casefold()
    return (
        wanted.state in ("", view.state)
        and wanted.service in ("", view.service)
        and all(word in told for word in wanted.words)
    )


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule of one service, and how it stands."""

    service: str
    name: str
    label: str
    condition: str
    kind: str
    state: str
    value: str
    since: Moment | None


def rules(found: Sequence[Mapping[str, Any]], wanted: Wanted, now: datetime) -> tuple[RuleView, ...]:
    """Every rule of the wanted service, those that fire first."""
    kept = [r for r in found if wanted.service in ("", r["service"])]
    kept.sort(key=lambda r: (RANK.get(r["state"], 4), r["service"], r["rule"]))
    return tuple(_rule(r, now) for r in kept)


def _rule(row: Mapping[str, Any], now: datetime) -> RuleView:
    value = with_unit(row["value"], row["unit"]) if row["value"] is not None else ""
    since = moment(parse_instant(row["since"]), now) if row["since"] else None
    state = str(row["state"])
    return RuleView(
        line(row["service"]), line(row["rule"]), row["severity"], line(row["condition"]),
        state.replace(" ", "-"), state, value, since,
    )  # fmt: skip
