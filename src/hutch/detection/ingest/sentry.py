"""Sentry's integration platform: metric alerts, issue alerts and issues. The body is signed; see :func:`signature`."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

from hutch.detection.ingest.payload import Arrived, Given, PayloadError, moment, needed, one_of, part, text
from hutch.model.alert import UNKNOWN_START, Alert

RESOURCE, SIGNATURE = "sentry-hook-resource", "sentry-hook-signature"

LEVELS = {"fatal": "critical", "error": "error", "warning": "warning", "info": "info", "debug": "info"}


def signature(secret: str, body: bytes) -> str:
    """HMAC-SHA-256 of the body under the integration's client secret, in hexadecimal digits."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def read(given: Given, now: datetime) -> Arrived:
    """By the resource that the header names. Installations, comments … change nothing here."""
    resource = given.headers.get(RESOURCE, "")
    action, data = needed(given.body, "action").lower(), part(given.body, "data")
    match resource:
        case "metric_alert":
            return Arrived((_metric(given, action, data, now),))
        case "event_alert":
            return Arrived((_event(given, data, now),))
        case "issue":
            return _issue(given, action, data, now)
        case "":
            raise PayloadError("is missing: Sentry names the resource there", "header Sentry-Hook-Resource")
        case _:
            return Arrived(note=f"{resource[:40]} changes nothing here")


def _metric(given: Given, action: str, data: Mapping[str, object], now: datetime) -> Alert:
    one_of({"action": action}, "action", ("critical", "warning", "resolved", "open"))
    row = part(data, "metric_alert", "data")
    rule = part(row, "alert_rule", "data.metric_alert")
    name = text(rule, "name") or text(data, "description_title", "data") or "metric alert"
    over = action == "resolved"
    starts = moment(row, "date_started", "data.metric_alert") or moment(row, "date_created", "data.metric_alert")
    return Alert(
        name, given.service, None, starts or (UNKNOWN_START if over else now),
        text(data, "description_text", "data") or name, labels=_labels(row, action),
        ends_at=(moment(row, "date_closed", "data.metric_alert") or now) if over else None, source="sentry",
        given=f"metric {needed(row, 'id', 'data.metric_alert')}", url=text(data, "web_url", "data"),
    )  # fmt: skip


def _event(given: Given, data: Mapping[str, object], now: datetime) -> Alert:
    event = part(data, "event", "data")
    title = text(event, "title") or "issue alert"
    level = text(event, "level")
    return Alert(
        text(data, "triggered_rule", "data") or title, given.service, None,
        moment(event, "datetime", "data.event") or now, title, labels=_labels(event, level), source="sentry",
        given=f"issue {needed(event, 'issue_id', 'data.event')}", url=text(event, "web_url"),
    )  # fmt: skip


def _issue(given: Given, action: str, data: Mapping[str, object], now: datetime) -> Arrived:
    issue = part(data, "issue", "data")
    key = f"issue {needed(issue, 'id', 'data.issue')}"
    title = text(issue, "title") or key
    if action in ("resolved", "archived", "ignored"):
        return Arrived(
            (Alert(title, given.service, None, UNKNOWN_START, title, ends_at=now, source="sentry", given=key),)
        )
    if action not in ("created", "unresolved"):
        return Arrived(note=f"an issue that is {action[:40]} changes nothing here")
    starts = moment(issue, "firstSeen", "data.issue") if action == "created" else now
    project = text(part(issue, "project", "data.issue"), "slug")
    named = {**_labels(issue, text(issue, "level")), **({"project": project} if project else {})}
    return Arrived((Alert(
        title, given.service, None, starts or now, text(issue, "culprit") or title, labels=named, source="sentry",
        given=key, url=text(issue, "web_url") or text(issue, "permalink"),
    ),))  # fmt: skip


def _labels(row: Mapping[str, object], level: str) -> dict[str, str]:
    word = LEVELS.get(level.lower(), level.lower())
    found = {n: v for n in ("environment", "platform", "release") if isinstance(v := row.get(n), str) and v}
    return {**found, **({"severity": word} if word in (*LEVELS.values(), "critical") else {})}
