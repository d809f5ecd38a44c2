"""What is written about a breach: the letter to people, the authority's form, the incident report. Pure.

What nobody has said yet stands in square brackets: :func:`open_places` finds it, so nothing half-filled goes out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hutch.model.breach import GATES, Breach
from hutch.model.incident import Incident
from hutch.review.templating import render

SUBJECT: Final = "Security Incident Notification"
LETTER: Final = """Hello,

data of your account at {{ service }} was reached by somebody who had no right to it,
between {{ since }} and {{ until }}.

Data that it concerns: {{ categories }}.

What we have done: the way in is closed, our keys were replaced, and everybody was logged out.

What you should do: choose a new password, and use it nowhere else. Look through the recent activity of your account.
{% if contact %}
Whom to ask: {{ contact }}
{% endif %}"""
"""The usual letter; the facts are those of :func:`letter_facts`."""

OPEN: Final = re.compile(r"\[to be said: [^\]]*\]")


@dataclass(frozen=True, slots=True)
class Words:
    """What only people can say."""

    summary: str = ""
    cause: str = ""
    lessons: str = ""
    contact: str = ""


def open_places(text: str) -> list[str]:
    """What is still to be said in a text."""
    return OPEN.findall(text)


def letter_facts(state: Incident, found: Breach, contact: str) -> Mapping[str, object]:
    """What a template of a letter may use: service, since, until, categories, contact."""
    figures = found.figures
    categories = ", ".join(str(c) for c in _many(figures, "categories")) or "none"
    return {
        "service": state.service, "contact": contact, "categories": categories,
        "since": _time(figures.get("since")), "until": _time(figures.get("until")),
    }  # fmt: skip


def letter(state: Incident, found: Breach, contact: str, template: str = "") -> str:
    """The letter's text. Raises :class:`~hutch.review.templating.TemplateError`."""
    return render(template or LETTER, letter_facts(state, found, contact), "letter").strip() + "\n"


def authority_form(state: Incident, found: Breach, words: Words) -> str:
    """The notice to the supervisory authority, with the fields of Art. 33(3) GDPR. It may go out in phases."""
    figures = found.figures
    done = "\n".join(f"- {_at(p.at)}: {g.title}" for g in GATES if (p := found.passed.get(g.id)))
    told = found.passed.get("authority")
    return f"""# Notification of a personal data breach (Art. 33 GDPR)

- Reference: {state.id}
- Aware since: {_at(found.aware_at)}
- Notified: {_at(told.at) if told else "[to be said: when this is sent; after 72 hours with the reasons for the delay]"}

## (a) Nature of the breach
{words.summary or _to_say("what happened")}

- Categories of data subjects: users of {state.service}
- Number of data subjects: {figures.get("people", _to_say("how many, counted how"))}
- Categories of records: {_categories(figures)}
- Number of records: {figures.get("acts", _to_say("how many"))} exports and reads

## (b) Contact
{words.contact or _to_say("name and address of the data protection officer or another contact point")}

## (c) Likely consequences
{_to_say("what it may mean for the people concerned")}

## (d) Measures taken or proposed
{done or _to_say("what was done")}
"""


def report(state: Incident, found: Breach, words: Words) -> str:
    """The Security Incident Report, with the headings that its template has."""
    figures, contained = found.figures, found.passed.get("prove")
    actions = [f"{n}. {_at(p.at)}: {g.title} ({p.by}). {p.proof}" for n, (g, p) in enumerate(_passed(found), 1)]
    hole = found.passed.get("close")
    return f"""# Security Incident Report

**Incident ID:** {state.id}
**Severity:** {state.severity.label}
**Detected:** {_at(state.detected_at)}
**Contained:** {_at(contained.at) if contained else _to_say("when it was contained")}

## Summary
{words.summary or _to_say("what happened, in two or three sentences")}

## Impact
- Affected users: {figures.get("people", _to_say("how many"))}
- Data exposed: {_categories(figures)}
- Duration: {_length(figures)}

## Root Cause
{words.cause or (hole.proof if hole else _to_say("what was exploited"))}

## Response Actions
{chr(10).join(actions)}

## Remediation
{chr(10).join(f"- [ ] {item}" for item in REMEDIES)}

## Lessons Learned
{words.lessons or _to_say("what would have shown or prevented it")}
"""


REMEDIES: Final = (
    "Patch vulnerability",
    "Reset all user passwords",
    "Audit access logs",
    "Update security policies",
)
"""The remediation list, as its template has it."""


def _passed(found: Breach) -> list[tuple[Any, Any]]:
    return [(gate, found.passed[gate.id]) for gate in GATES if gate.id in found.passed]


def _to_say(what: str) -> str:
    return f"[to be said: {what}]"


def _many(figures: Mapping[str, object], name: str) -> list[object]:
    value = figures.get(name)
    return list(value) if isinstance(value, list | tuple) else []


def _categories(figures: Mapping[str, object]) -> str:
    found = ", ".join(str(c) for c in _many(figures, "categories"))
    return found or ("none" if "people" in figures else _to_say("which kinds of data"))


def _length(figures: Mapping[str, object]) -> str:
    if "since" not in figures or "until" not in figures:
        return _to_say("from when to when")
    return f"{_time(figures['since'])} to {_time(figures['until'])}"


def _time(value: object) -> str:
    try:
        return _at(datetime.fromisoformat(str(value)))
    except ValueError:
        return _to_say("when")


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
