"""What other tools send, read into alerts: one module a source, each a pure function of the payload.

``SOURCES`` names them all; :mod:`hutch.commands.ingest` asks for their proof and takes the alerts in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from hutch.detection.ingest import alertmanager, datadog, generic, grafana, opsgenie, pagerduty, sentry
from hutch.detection.ingest.payload import Arrived, Given, PayloadError

__all__ = ["SOURCES", "Arrived", "Given", "PayloadError", "Source"]

Read = Callable[[Given, datetime], Arrived]


@dataclass(frozen=True, slots=True)
class Source:
    """How payloads of one tool are read, and how it proves itself: by ``token``, or by a signature of the body."""

    read: Read
    summary: str
    proof: str = "token"


SOURCES: Mapping[str, Source] = {
    "alertmanager": Source(alertmanager.read, "Alertmanager's webhook, version 4"),
    "grafana": Source(grafana.read, "Grafana's webhook contact point, unified and legacy alerting"),
    "pagerduty": Source(pagerduty.read, "PagerDuty Events v2, at /v2/enqueue too", "routing_key"),
    "opsgenie": Source(opsgenie.read, "Opsgenie's outgoing webhook"),
    "datadog": Source(datadog.read, "Datadog's webhook with the template of docs/guide/ingest.md"),
    "sentry": Source(sentry.read, "Sentry's integration platform: issue alerts, metric alerts, issues", "sentry"),
    "generic": Source(generic.read, "any JSON, by a mapping; signed where it has a secret", "either"),
}
"""Every source, by the name that its address ends with."""
