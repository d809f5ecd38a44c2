"""PagerDuty's Events API v2 (developer.pagerduty.com, "Send an alert event"): trigger, acknowledge, resolve.

A deduplication key counts within its routing key. Triggers with a key that fires already are the same alert.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from hutch.detection.ingest.payload import Arrived, Given, PayloadError, labels, moment, needed, one_of, part, text
from hutch.model.alert import UNKNOWN_START, Alert

SEVERITIES = ("critical", "error", "warning", "info")
LONGEST_KEY = 255


def read(given: Given, now: datetime) -> Arrived:
    """The one event."""
    action = one_of(given.body, "event_action", ("trigger", "acknowledge", "resolve"))
    routing = needed(given.body, "routing_key")
    key = text(given.body, "dedup_key")
    if len(key) > LONGEST_KEY:
        raise PayloadError(f"has {len(key)} characters; PagerDuty takes {LONGEST_KEY}", "dedup_key")
    if action != "trigger":
        key = needed(given.body, "dedup_key")
        told = Alert(
            "", given.service, None, UNKNOWN_START, "", ends_at=now, source="pagerduty", given=f"{routing}:{key}"
        )
        return Arrived((told,)) if action == "resolve" else Arrived(acknowledged=(told,))
    return Arrived((_trigger(given, routing, key or dedup_key(given), now),))


def dedup_key(given: Given) -> str:
    """The event's own key, else one made of all that it says: delivered again, it is the same event."""
    own = text(given.body, "dedup_key")
    whole = json.dumps({k: v for k, v in given.body.items() if k != "routing_key"}, sort_keys=True, default=str)
    return own or hashlib.sha256(whole.encode(errors="replace")).hexdigest()[:32]


def _trigger(given: Given, routing: str, key: str, now: datetime) -> Alert:
    payload = part(given.body, "payload")
    summary = needed(payload, "summary", "payload")
    source, severity = needed(payload, "source", "payload"), one_of(payload, "severity", SEVERITIES, "payload")
    named = {n: v for n in ("component", "group", "class") if (v := text(payload, n, "payload"))}
    details = labels(part(payload, "custom_details", "payload"), "payload.custom_details") if _flat(payload) else {}
    return Alert(
        text(payload, "class", "payload") or summary,
        given.service,
        None,
        moment(payload, "timestamp", "payload") or now,
        summary,
        labels={**details, **named, "source": source, "severity": severity},
        source="pagerduty",
        given=f"{routing}:{key}",
        url=text(given.body, "client_url"),
    )


def _flat(payload: object) -> bool:
    """PagerDuty also takes a plain text as the details; then there are no labels in it."""
    return isinstance(payload, dict) and isinstance(payload.get("custom_details"), dict)
