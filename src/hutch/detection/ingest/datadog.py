"""Datadog's webhook, with the payload of :data:`TEMPLATE`, which a team pastes into the integration."""

from __future__ import annotations

from datetime import datetime

from hutch.detection.ingest.payload import Arrived, Given, moment, needed, text
from hutch.model.alert import UNKNOWN_START, Alert

TEMPLATE = """{
  "id": "$ID",
  "key": "$ALERT_CYCLE_KEY",
  "aggregate": "$AGGREG_KEY",
  "title": "$EVENT_TITLE",
  "message": "$TEXT_ONLY_MSG",
  "transition": "$ALERT_TRANSITION",
  "type": "$ALERT_TYPE",
  "priority": "$ALERT_PRIORITY",
  "date": "$DATE",
  "tags": "$TAGS",
  "scope": "$ALERT_SCOPE",
  "metric": "$ALERT_METRIC",
  "host": "$HOSTNAME",
  "link": "$LINK"
}"""
"""The payload of the webhook, in Datadog's variables."""

OVER = frozenset({"recovered", "warn recovery", "no data recovery"})
WORDS = {"error": "error", "warning": "warning", "success": "info", "info": "info"}


def read(given: Given, now: datetime) -> Arrived:
    """One monitor's transition; the cycle's key is the same from its trigger to its recovery."""
    transition = needed(given.body, "transition").lower()
    key = text(given.body, "key") or text(given.body, "aggregate") or needed(given.body, "id")
    over = transition in OVER
    title = needed(given.body, "title")
    tags = dict(t.partition(":")[::2] for t in text(given.body, "tags").split(",") if ":" in t)
    named = {n: v for n in ("scope", "metric", "host", "priority") if _said(v := text(given.body, n))}
    severity = WORDS.get(text(given.body, "type").lower(), "")
    return Arrived(
        (
            Alert(
                title, given.service, None, UNKNOWN_START if over else moment(given.body, "date") or now,
                text(given.body, "message") or title, ends_at=now if over else None, source="datadog", given=key,
                labels={**tags, **named, **({"severity": severity} if severity else {})},
                url=text(given.body, "link"),
            ),
        )
    )  # fmt: skip


def _said(value: str) -> bool:
    """Datadog leaves a variable that it has no value for as it is, or writes null."""
    return bool(value) and not value.startswith("$") and value.lower() not in ("null", "n/a", "none")
