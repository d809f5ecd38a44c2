"""What is written about a breach: the authority's form, the incident report. Pure.

What nobody has said yet stands in square brackets: :func:`open_places` finds it, so nothing half-filled goes out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hutch.model.breach import CLOCKS, GATES, Breach
from hutch.model.incident import Incident

OPEN: Final = re.compile(r"\[to be said: [^\]]*\]")


@dataclass(frozen=True, slots=True)
class Words:
    """What only people can say. ``people``, ``data`` and ``span`` are used where a person told of the assessment."""

    summary: str = ""
    cause: str = ""
    lessons: str = ""
    contact: str = ""
    consequences: str = ""
    measures: str = ""
    delay: str = ""
    people: str = ""
    data: str = ""
    span: str = ""


def open_places(text: str) -> list[str]:
    """What is still to be said in a text."""
    return OPEN.findall(text)


def authority_form(state: Incident, found: Breach, words: Words, now: datetime) -> str:
    """The notice to the supervisory authority, with the fields of Art. 33(3) GDPR, in phases as Art. 33(4) allows."""
    figures = found.figures
    done = "\n".join(f"- {_at(p.at)}: {g.title}" for g in GATES if (p := found.passed.get(g.id)))
    before = "".join(f"- Notified before: phase {n.phase}, {_at(n.at)}\n" for n in found.notices)
    return f"""# Notification of a personal data breach (Art. 33 GDPR)

- Reference: {state.id}
- Phase: {found.phase} ({"first notice" if found.phase == 1 else "further information, Art. 33(4)"})
{before}- Aware since: {_at(found.aware_at)}
- Notified: {_at(now)}{_delay(found, words, now)}

## (a) Nature of the breach
{words.summary or to_say("what happened")}

- From when to when: {_length(figures, words)}
- Categories of data subjects: users of {state.service}
- Approximate number of data subjects: {figures.get("people", words.people or to_say("how many, counted how"))}
- Categories of records: {_categories(figures, words)}
- Approximate number of records: {f"{figures['acts']} exports and reads" if "acts" in figures else to_say("how many")}

## (b) Contact
{words.contact or to_say("name and address of the data protection officer or another contact point")}

## (c) Likely consequences
{words.consequences or to_say("what it may mean for the people concerned")}

## (d) Measures taken or proposed
{done or to_say("what was done")}
{words.measures or to_say("what is proposed, and what makes its effects on people smaller")}
"""


def _delay(found: Breach, words: Words, now: datetime) -> str:
    """The reasons that Art. 33(1) asks for where the first notice comes after 72 hours."""
    if found.phase > 1 or now - found.aware_at <= CLOCKS["notify"][1]:
        return ""
    return f"\n- Reasons for the delay: {words.delay or to_say('why it comes after 72 hours')}"


def sent_form(text: str) -> str:
    """The form as it goes out: what is not known yet follows in a further phase, and that is what it says."""
    return OPEN.sub("Not known yet; it follows (Art. 33(4) GDPR)", text)


def report(state: Incident, found: Breach, words: Words) -> str:
    """The Security Incident Report, with the headings that its template has."""
    figures, contained = found.figures, found.passed.get("prove")
    actions = [f"{n}. {_at(p.at)}: {g.title} ({p.by}). {p.proof}" for n, (g, p) in enumerate(_passed(found), 1)]
    hole = found.passed.get("close")
    return f"""# Security Incident Report

**Incident ID:** {state.id}
**Severity:** {state.severity.label}
**Detected:** {_at(state.detected_at)}
**Contained:** {_at(contained.at) if contained else to_say("when it was contained")}

## Summary
{words.summary or to_say("what happened, in two or three sentences")}

## Impact
- Affected users: {figures.get("people", words.people or to_say("how many"))}
- Data exposed: {_categories(figures, words)}
- Duration: {_length(figures, words)}

## Root Cause
{words.cause or (hole.proof if hole else to_say("what was exploited"))}

## Response Actions
{chr(10).join(actions)}

## Remediation
{chr(10).join(f"- [ ] {item}" for item in REMEDIES)}

## Lessons Learned
{words.lessons or to_say("what would have shown or prevented it")}
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


def to_say(what: str) -> str:
    """The place of what nobody has said yet."""
    return f"[to be said: {what}]"


def categories_of(figures: Mapping[str, object]) -> list[str]:
    """Which kinds of data the assessment found."""
    value = figures.get("categories")
    return [str(one) for one in value] if isinstance(value, list | tuple) else []


def _categories(figures: Mapping[str, object], words: Words) -> str:
    found = ", ".join(categories_of(figures))
    return found or ("none" if "people" in figures else words.data or to_say("which kinds of data"))


def _length(figures: Mapping[str, object], words: Words) -> str:
    if "since" not in figures or "until" not in figures:
        return words.span or to_say("from when to when")
    since, until = str(figures["since"]), str(figures["until"])
    try:
        minutes = round((datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds() / 60)
    except ValueError:
        return to_say("from when to when")
    return f"{minutes // 60} h {minutes % 60} min ({moment_of(since)} to {moment_of(until)})"


def moment_of(value: object) -> str:
    """A time as all that is written shows it."""
    try:
        return _at(datetime.fromisoformat(str(value)))
    except ValueError:
        return to_say("when")


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
