"""The post-incident review in the form of the runbooks' template: facts from the log, slots for what people must add.

Each fact names the event that it comes from, so that it can be looked up and proved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from hutch.model.event import Event
from hutch.model.todo import ItemState
from hutch.review.reading import link, many, part, text
from hutch.review.story import Story, story
from hutch.review.timeline import Entry, timeline
from hutch.review.wording import code, escape, length, to_second

DETAILS = frozenset({"statement.started", "options.ranked", "run.linked"})
"""Kinds that the timeline of a review leaves out: they repeat what their neighbours say."""


def draft_review(own: Sequence[Event], journals: Sequence[Sequence[Event]] = (), *, zone: tzinfo = UTC) -> str:
    """The review as Markdown."""
    told = story(own, journals)
    entries = [e for e in timeline(own, journals, zone=zone) if e.kind not in DETAILS]
    sections = [
        ("Summary", _summary(told, zone)),
        ("Impact", _impact(told, zone)),
        ("Timeline", _timeline(entries, zone, told.began_at)),
        ("Root Cause", _root_cause(told)),
        ("Resolution", _resolution(told, zone)),
        ("What Went Well", _well(told)),
        ("What Didn't Go Well", _badly(told)),
        ("Action Items", _actions(told, zone)),
        ("Lessons Learned", iter(["[Key takeaways and how to prevent this in future]"])),
    ]
    body = "\n\n".join(f"## {title}\n" + "\n".join(lines) for title, lines in sections)
    return f"{_head(told, zone)}\n\n{body}\n"


def _head(told: Story, zone: tzinfo) -> str:
    state = told.incident
    lasted = length(told.duration) if told.duration else "[Not over yet]"
    return "\n".join(
        [
            f"# Post-Incident Review: {escape(state.title)}",
            "",
            f"**Incident:** {state.id}\\",
            f"**Date:** {told.began_at.astimezone(zone):%Y-%m-%d}\\",
            f"**Severity:** {state.severity.label}\\",
            f"**Duration:** {lasted}\\",
            f"**Incident Commander:** {escape(state.commander) if state.commander else '[Name]'}",
        ]
    )


def _summary(told: Story, zone: tzinfo) -> Iterator[str]:
    state = told.incident
    start = told.began_at.astimezone(zone)
    yield f"{escape(state.service)} was in trouble from {to_second(start, zone, start)}"
    cause = text(told.cause_data, "summary")
    yield f"because {escape(cause)}." if cause else "for a reason that was not found. [Why]"
    if told.resolved:
        yield f"It was resolved {length(told.duration or timedelta(0))} later."


def _impact(told: Story, zone: tzinfo) -> Iterator[str]:
    hit = told.incident.record.affected
    share = "" if hit.share is None else f"{hit.share:g} %"
    said = (hit.users and escape(hit.users), share, _measured(told, zone))
    yield f"- Users affected: {', '.join(s for s in said if s) or '[Number/percentage]'}"
    if hit.services:
        yield f"- Other services: {escape(', '.join(hit.services))}"
    yield "- Revenue impact: [If applicable]"
    yield "- Data loss: [None/Description]"
    if told.incident.summary:
        yield f"- What was measured: {escape(told.incident.summary)}"


def _measured(told: Story, zone: tzinfo) -> str:
    """The largest share that was measured, when, and where it stands; empty where nobody measured it."""
    event, share = told.users_hit, told.users_share
    if event is None or share is None:
        return ""
    return f"{share:.4g} % measured at {to_second(event.at, zone, told.began_at)} ({link(event)})"


def _timeline(entries: Sequence[Entry], zone: tzinfo, start: datetime) -> Iterator[str]:
    for entry in entries:
        yield f"- {to_second(entry.at, zone, start)} - {escape(entry.text)} ({entry.link})"


def _root_cause(told: Story) -> Iterator[str]:
    if told.cause is None:
        yield "[Detailed description of what caused the incident]"
        return
    data, thing = told.cause.data, part(told.cause.data, "object")
    yield f"{code(text(data, 'code'))}: {escape(text(data, 'summary'))} ({link(told.cause)})"
    yield ""
    yield f"- Object: {escape(text(thing, 'kind'))} {code(text(thing, 'id'))}{_release(text(thing, 'release'))}"
    yield from (f"- {escape(line)}" for line in many(data, "evidence"))
    yield ""
    yield "[Why it could happen: what let this through]"


def _release(release: str) -> str:
    return f", release {code(release)}" if release else ""


def _resolution(told: Story, zone: tzinfo) -> Iterator[str]:
    for remedy in told.remedies:
        by = f", approved by {escape(remedy.approved_by)}" if remedy.approved_by else ""
        at = to_second(remedy.at, zone, told.began_at)
        yield f"- {escape(remedy.title)} ({code(remedy.action)}) at {at}{by} ({remedy.source})"
        verified = f"  Verified: {escape(remedy.verified)}" if remedy.verified else "  Not verified. [How do we know?]"
        yield verified
    if not told.remedies:
        done = told.incident.resolution
        yield f"- {escape(done)}" if done else "[What was done to fix it]"


def _well(told: Story) -> Iterator[str]:
    yield from (f"- Promise kept in time: {name}" for name in told.kept())
    events = [("Acknowledged", told.acknowledged), ("Cause named", told.cause), ("Resolved", told.resolved)]
    for what, event in events:
        took = told.since_detection(event)
        if event and took is not None:
            yield f"- {what} {length(took)} after detection ({link(event)})"
    noticed = told.incident.detected_at - told.began_at
    yield f"- Detected {length(noticed)} after it began"
    yield "- [Positive aspect]"


def _badly(told: Story) -> Iterator[str]:
    yield from (f"- Promise met late by {length(late)}: {name}" for name, late in told.late())
    yield from (f"- Promise not met: {name}" for name in told.broken())
    if told.incident.reopened:
        yield f"- It came back: reopened {told.incident.reopened} times"
    yield "- [Issue]"


def _actions(told: Story, zone: tzinfo) -> Iterator[str]:
    for item in told.incident.items:
        mark = "x" if item.state is ItemState.DONE else " "
        dropped = f" - Dropped: {escape(item.note)}" if item.state is ItemState.DROPPED else ""
        link = f" ({escape(item.link)})" if item.link else ""
        due = f"{item.due.astimezone(zone):%Y-%m-%d}"
        yield f"- [{mark}] {escape(item.text)} - Owner: {escape(item.owner)} - Due: {due}{link}{dropped}"
    if told.incident.items:
        return
    yield "- [ ] [Action that keeps this cause from coming back] - Owner: [Name] - Due: [Date]"
    yield "- [ ] [Action that would have found it sooner] - Owner: [Name] - Due: [Date]"
