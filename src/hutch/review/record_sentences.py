"""Sentences for what is kept with an incident beside its course: proposals, who may see it, evidence, pins."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hutch.model.impact import USERS
from hutch.review.reading import Told, many, number, part
from hutch.review.wording import one_line

SHOWN = 12
"""Characters of a hash that are shown: enough to tell one file of an incident from another."""


def _proposed(told: Told) -> str:
    met = f"{told.get('criterion', 'no criterion')}: {told.get('evidence', 'no figure')}"
    return f"Severity {told.get('severity', 'unknown')} proposed from the measured impact ({met})"


def _measured(told: Told) -> str:
    share = number(part(told.event.data, "figures"), USERS)
    return "Users affected were measured" if share is None else f"Users affected rose to {share:.4g} %, as measured"


def _affected(told: Told) -> str:
    services = ", ".join(one_line(s) for s in many(told.event.data, "services"))
    share = number(told.event.data, "share")
    users = " ".join(p for p in (told["users"], "" if share is None else f"({share:g} % of users)") if p)
    parts = [f"services {services}" if services else "", f"users {users}" if users else ""]
    return f"Affected: {'; '.join(p for p in parts if p) or 'nobody'}"


def _attached(told: Told) -> str:
    size = int(number(told.event.data, "size") or 0)
    note = f": {told['note']}" if told["note"] else ""
    found = many(told.event.data, "found")
    warned = f"; it may hold {', '.join(one_line(f) for f in found)}" if found else ""
    digest = told["sha256"][:SHOWN]
    return f"Evidence attached: {told.get('name', 'a file')} ({told['type']}, {size} bytes, {digest}){note}{warned}"


def _erased(told: Told) -> str:
    what = f"evidence {told['attachment'][:SHOWN]}" if told["attachment"] else f"event {told['event']}"
    fields = ", ".join(one_line(f) for f in many(told.event.data, "fields"))
    return f"Erased by {one_line(told.event.actor)}: {what}{f' ({fields})' if fields else ''}{_because(told)}"


def _because(told: Told) -> str:
    return f": {told['reason']}" if told["reason"] else ""


SENTENCES: Mapping[str, Callable[[Told], str]] = {
    "severity.proposed": _proposed,
    "impact.measured": _measured,
    "incident.public": lambda t: f"No longer private{_because(t)}",
    "affected.changed": _affected,
    "evidence.attached": _attached,
    "event.erased": _erased,
    "event.corrected": lambda t: f"{one_line(t.event.actor)} corrected event {t['event']}: {t['text']}",
}
