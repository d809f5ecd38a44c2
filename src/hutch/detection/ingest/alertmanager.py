"""Alertmanager's webhook, version 4 (prometheus.io/docs/alerting, webhook_config). HA pairs deliver twice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from hutch.detection.ingest.payload import Arrived, Given, PayloadError, labels, moment, one_of, part, parts, text
from hutch.model.alert import Alert

VERSION = "4"


def read(given: Given, now: datetime) -> Arrived:
    """Each alert of the group. Its own fingerprint is not needed: the labels are the same at every replica."""
    version = text(given.body, "version")
    if version and version != VERSION:
        raise PayloadError(f"expected version 4, found {version[:20]!r}", "version")
    rows = parts(given.body, "alerts")
    return Arrived(tuple(alert(row, f"alerts[{n}]", given, now, "alertmanager") for n, row in enumerate(rows)))


def alert(row: Mapping[str, object], where: str, given: Given, now: datetime, source: str) -> Alert:
    """One alert of a payload in Alertmanager's form."""
    status = one_of(row, "status", ("firing", "resolved"), where)
    own, notes = labels(part(row, "labels", where), where), labels(part(row, "annotations", where), where)
    name = own.get("alertname", "") or "unnamed alert"
    ended = (moment(row, "endsAt", where) or now) if status == "resolved" else None
    return Alert(
        name,
        given.service,
        None,
        moment(row, "startsAt", where) or now,
        notes.get("summary") or notes.get("description") or notes.get("message") or name,
        labels=own,
        ends_at=ended,
        source=source,
        annotations=notes,
        given=text(row, "fingerprint", where),
        url=text(row, "generatorURL", where),
    )
