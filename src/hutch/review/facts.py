"""The facts that a template of an update may use, by audience: what is inside the team is not among those of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo

from hutch.model.event import Event
from hutch.model.message import Audience
from hutch.review.reading import part, text
from hutch.review.story import Story, story
from hutch.review.update import IMPACT, TITLES, cause_words, ending, moments, resolution_words, state_of
from hutch.review.wording import length, long_date, one_line, span, zoned

AFFECTED = "[Which users, and what they noticed]"

INSIDE = ("table", "index", "sequence", "role", "slot", "database", "host", "account", "key", "setting", "migration")
"""Kinds of object whose names stay inside."""

Fact = object


def facts(
    own: Sequence[Event], journals: Sequence[Sequence[Event]], audience: Audience, zone: tzinfo = UTC
) -> dict[str, Fact]:
    """Everything that a template for ``audience`` may name."""
    told = story(own, journals)
    found = _for_everybody(told, zone)
    if audience is not Audience.CUSTOMERS:
        found |= _for_stakeholders(told, zone)
    if audience is Audience.RESPONDERS:
        found |= _for_responders(told)
    return found


def _for_everybody(told: Story, zone: tzinfo) -> dict[str, Fact]:
    start, end = told.began_at, told.resolved.at if told.resolved else None
    severity = told.incident.severity
    return {
        "state": state_of(told),
        "title": TITLES[severity],
        "date": long_date(start, zone),
        "impact": f"{IMPACT[severity]} {span(start, end, zone)}",
        "affected": AFFECTED,
        "cause": cause_words(told),
        "resolution": resolution_words(told),
        "timeline": [{"at": zoned(at, zone, start), "what": what} for at, what in moments(told)],
        "ending": ending(told),
        "lasted": length(told.duration) if told.duration else "",
        "severity": severity.label,
    }


def _for_stakeholders(told: Story, zone: tzinfo) -> dict[str, Fact]:
    clock = told.incident.clock("update")
    due = zoned(clock.due, zone, beside=clock.start) if clock else ""
    return {
        "incident": told.incident.id,
        "service": one_line(told.incident.service, 100),
        "phase": told.incident.phase.value,
        "commander": one_line(told.incident.commander, 100),
        "acknowledged": bool(told.acknowledged),
        "next_update": due,
    }


def _for_responders(told: Story) -> dict[str, Fact]:
    cause = told.cause_data
    thing = part(cause, "object")
    return {
        "incident_title": one_line(told.incident.title, 300),
        "summary": one_line(told.incident.summary, 500),
        "cause_code": text(cause, "code"),
        "cause_summary": one_line(text(cause, "summary"), 500),
        "cause_object": " ".join(p for p in (text(thing, "kind"), text(thing, "id")) if p)[:200],
        "remedies": [{"title": one_line(r.title, 200), "by": one_line(r.approved_by, 100)} for r in told.remedies],
        "runs": list(told.incident.runs),
    }


def names_inside(own: Sequence[Event]) -> frozenset[str]:
    """The names of tables, roles, hosts … that the diagnosis has named: they are ours."""
    objects = (part(e.data, "object") for e in own if e.kind == "cause.named")
    return frozenset(text(o, "id") for o in objects if text(o, "kind") in INSIDE and len(text(o, "id")) > 3)


def with_given(found: Mapping[str, Fact], given: Mapping[str, str]) -> dict[str, Fact]:
    """The facts, with what a person put in their place, or beside them."""
    return {**found, **given}
