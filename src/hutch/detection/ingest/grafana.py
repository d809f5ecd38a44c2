"""Grafana's webhook contact point: unified alerting (Alertmanager's form, with values), and the legacy form."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hutch.detection.ingest import alertmanager
from hutch.detection.ingest.payload import Arrived, Given, labels, needed, one_of, part, parts, text
from hutch.model.alert import UNKNOWN_START, Alert

OVER = frozenset({"ok", "paused"})


def read(given: Given, now: datetime) -> Arrived:
    """The alerts of a group; a legacy notification is one alert under its rule's number."""
    if "alerts" not in given.body:
        return Arrived((_legacy(given, now),))
    found = []
    for number, row in enumerate(parts(given.body, "alerts")):
        where = f"alerts[{number}]"
        one = alertmanager.alert(row, where, given, now, "grafana")
        url = text(row, "panelURL", where) or text(row, "dashboardURL", where) or one.url
        found.append(replace(one, url=url))
    return Arrived(tuple(found))


def _legacy(given: Given, now: datetime) -> Alert:
    state = one_of(given.body, "state", ("alerting", "ok", "no_data", "paused", "pending", "unknown"))
    name = needed(given.body, "ruleName")
    over = state in OVER
    return Alert(
        name,
        given.service,
        None,
        UNKNOWN_START if over else now,
        text(given.body, "message") or text(given.body, "title") or name,
        labels=labels(part(given.body, "tags")),
        ends_at=now if over else None,
        source="grafana",
        given=f"rule {text(given.body, 'ruleId') or name}",
        url=text(given.body, "ruleUrl"),
    )
