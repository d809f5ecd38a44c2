"""The update for those who use the service, in the form of the runbooks' communication template.

It is written for people outside: no host, process, statement, table or name reaches it, since every sentence comes from
the tables below and from times. What Hutch does not know stays a slot in brackets for the person who sends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo

from hutch.model.event import Event
from hutch.model.severity import Severity
from hutch.review.reading import text
from hutch.review.story import Story, story
from hutch.review.wording import length, long_date, span, zoned

CAUSES: Mapping[str, str] = {
    "deploy.": "A new version of our service did not work as it should",
    "app.": "A part of our service stopped",
    "http.": "Our service did not answer as it should",
    "migration.": "A change of our database did not complete",
    "postgres.": "Our database could not serve all requests",
    "redis.": "Our cache could not serve all requests",
    "security.": "[Approved wording for a security incident]",
    "data.": "[Approved wording for a loss of data]",
}
"""A cause in words for everybody, by the family of its code."""

REMEDIES: Mapping[str, str] = {
    "deploy.rollback": "We went back to the previous version of our service",
    "postgres.end_sessions": "We freed the database from stuck work",
    "service.restart": "We restarted our service",
    "service.scale": "We added capacity",
}
"""An action in words for everybody."""

TITLES: Mapping[Severity, str] = {
    Severity.SEV1: "Service Outage",
    Severity.SEV2: "Service Degradation",
    Severity.SEV3: "Service Impairment",
    Severity.SEV4: "Minor Service Impairment",
}
"""What the update is called."""

IMPACT: Mapping[Severity, str] = {
    Severity.SEV1: "Our service was not available",
    Severity.SEV2: "Some requests to our service failed or were slow",
    Severity.SEV3: "A part of our service was impaired",
    Severity.SEV4: "A minor part of our service was impaired",
}
"""What a severity means to those outside, as the severity levels of the runbooks say it."""


def draft_update(own: Sequence[Event], journals: Sequence[Sequence[Event]] = (), *, zone: tzinfo = UTC) -> str:
    """The update as the facts stand now: investigating, identified, monitoring or resolved."""
    told = story(own, journals)
    state, start = state_of(told), told.began_at
    end = told.resolved.at if told.resolved else None
    lines = [
        f"[{state}] {TITLES[told.incident.severity]} - {long_date(start, zone)}",
        "",
        f"Impact: {IMPACT[told.incident.severity]} {span(start, end, zone)}",
        "Affected: [Which users, and what they noticed]",
        f"Root Cause: {cause_words(told)}",
        f"Resolution: {resolution_words(told)}",
        "",
        "Timeline:",
        *(f"{zoned(at, zone, start)} - {what}" for at, what in moments(told)),
        "",
        ending(told),
    ]
    return "\n".join(lines) + "\n"


def state_of(told: Story) -> str:
    """The word that the update begins with."""
    if told.resolved:
        return "RESOLVED"
    if told.remedies:
        return "MONITORING"
    return "IDENTIFIED" if told.cause else "INVESTIGATING"


def cause_words(told: Story) -> str:
    """The cause in words for everybody."""
    code = text(told.cause_data, "code")
    return next((words for family, words in CAUSES.items() if code.startswith(family)), "[Being investigated]")


def resolution_words(told: Story) -> str:
    """What was done, in words for everybody."""
    if not told.remedies:
        return "[What was done]" if told.resolved else "[We are working on it]"
    return "; ".join(dict.fromkeys(REMEDIES.get(r.action, "[What was done]") for r in told.remedies))


def moments(told: Story) -> list[tuple[datetime, str]]:
    """What happened when, in words for everybody."""
    severity = told.incident.severity.label
    found = [(told.began_at, "The disruption began")] if told.began_at < told.incident.detected_at else []
    found += [(told.incident.detected_at, "Disruption detected")]
    found += [(told.incident.declared_at, f"Incident declared ({severity})")]
    found += [(told.cause.at, "Root cause identified")] if told.cause else []
    found += [(r.at, "Fix applied") for r in told.remedies]
    found += [(told.resolved.at, "Service fully restored")] if told.resolved else []
    return sorted(found, key=lambda moment: moment[0])


def ending(told: Story) -> str:
    """The sentence at the end."""
    sorry = "We apologize for the inconvenience."
    if told.resolved:
        lasted = f" It lasted {length(told.duration)}." if told.duration else ""
        return f"{sorry}{lasted} A detailed post-mortem will be shared within 48 hours."
    return f"{sorry} [When the next update follows]"
