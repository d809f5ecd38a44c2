"""Opsgenie's outgoing webhook: what happened to one of its alerts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from hutch.detection.ingest.payload import Arrived, Given, labels, moment, needed, part, text
from hutch.model.alert import UNKNOWN_START, Alert

BEGINS, ENDS, SEEN = frozenset({"create", "escalate"}), frozenset({"close", "delete"}), "acknowledge"


def read(given: Given, now: datetime) -> Arrived:
    """Created and closed alerts are firings and resolutions; other actions (notes, tags …) change nothing here."""
    action = needed(given.body, "action").lower()
    row = part(given.body, "alert")
    key = needed(row, "alertId", "alert")
    if action == SEEN:
        return Arrived(acknowledged=(_alert(given, row, key, UNKNOWN_START, None),))
    if action in ENDS:
        return Arrived((_alert(given, row, key, UNKNOWN_START, now),))
    if action in BEGINS:
        return Arrived((_alert(given, row, key, moment(row, "createdAt", "alert") or now, None),))
    return Arrived(note=f"{action[:40]} changes nothing here")


def _alert(given: Given, data: Mapping[str, object], key: str, starts: datetime, ends: datetime | None) -> Alert:
    message = text(data, "message", "alert") or f"Opsgenie alert {key}"
    tags = data.get("tags")
    tagged = dict(str(t).partition(":")[::2] for t in tags if ":" in str(t)) if isinstance(tags, list) else {}
    named = {n: v for n in ("priority", "entity", "source", "team") if (v := text(data, n, "alert"))}
    own = labels(part(data, "details", "alert"), "alert.details")
    return Alert(
        message, given.service, None, starts, text(data, "description", "alert") or message,
        labels={**tagged, **own, **named}, ends_at=ends, source="opsgenie", given=key,
    )  # fmt: skip
