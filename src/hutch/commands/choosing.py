"""Looks for the runbook that answers an alert which names none; asks a person where several could."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from pathlib import Path

from hutch.commands import incidents
from hutch.commands.context import CommandError, Context
from hutch.commands.documents import base_of, bundled, content_of, names, open_runbook
from hutch.detection import symptoms
from hutch.detection.facts import rule_of
from hutch.detection.symptoms import Candidate, Fit
from hutch.model.event import Draft, Event
from hutch.model.incident import Incident
from hutch.model.runbook import Role, Runbook
from hutch.runbook.errors import RunbookError
from hutch.runbook.parse import parse

NOT_ANSWERS = frozenset({Role.TEMPLATE, Role.REFERENCE, Role.OVERVIEW})
"""A runbook whose sections all are of these answers nothing."""


async def choose(context: Context, state: Incident) -> Incident:
    """The incident with the runbook that its first alert is about; without one where a person has to choose.

    By the rules that are known by name (then one of ours may do), else by the symptoms of the configured runbooks. Says
    what it took, and why, on the timeline.
    """
    events = await context.store.read(state.stream)
    fired = next((e for e in events if e.kind == "alert.fired"), None)
    if fired is None or any(e.kind == "runbook.asked" for e in events):
        return state
    draft = await asyncio.to_thread(_draft, context, state, fired)
    return await incidents.change(context, state.id, lambda s: [] if s.runbook or draft is None else [draft])


def _draft(context: Context, state: Incident, fired: Event) -> Draft | None:
    rule = str(fired.data["rule"])
    candidates = _candidates(context)
    known = symptoms.mapped(rule, [c.reference for c in candidates] + list(bundled()))
    if known:
        return Draft("runbook.chosen", {"runbook": known, "reason": f"it is known to answer “{rule}”"})
    if not candidates:
        return None
    own = rule_of(rule, state.service, context.config.rules)
    cause = rule if "." in rule and " " not in rule else ""
    asked = symptoms.said(rule, own.condition.signal if own else "", str(fired.data.get("summary", "")), cause)
    fits = symptoms.ranked(asked, candidates)
    sure = symptoms.decided(fits)
    if sure:
        why = f"its symptoms fit best ({', '.join(sure.words)})"
        return Draft("runbook.chosen", {"runbook": sure.reference, "reason": why, "score": sure.score})
    return Draft("runbook.asked", {"choices": [_choice(f) for f in (symptoms.choices(fits) if fits else ())]})


def _choice(fit: Fit) -> dict[str, object]:
    return {"runbook": fit.reference, "title": fit.title, "score": fit.score, "words": list(fit.words)}


async def take(context: Context, incident_id: str, reference: str, actor: str) -> Incident:
    """A person chose. Raises :class:`CommandError` for a runbook that is not there, or an incident that is over."""
    await asyncio.to_thread(open_runbook, context, reference)
    state = await incidents.load(context, incident_id)
    if not state.open:
        raise CommandError(f"{incident_id} is resolved: nothing answers it any more")
    data = {"runbook": reference, "reason": f"{actor} chose it"}
    draft = Draft("runbook.chosen", data, actor)
    return await incidents.change(context, incident_id, lambda _: [draft], [incidents.respond_job(incident_id)])


# ------------------------------------------------------------------ the candidates


def _candidates(context: Context) -> list[Candidate]:
    """The runbooks of the configured documents."""
    shipped = set(bundled().values())
    own = {n: p for n, p in names(context.config.runbooks, base_of(context)).items() if p not in shipped}
    return [candidate for name, path in own.items() for candidate in _of_document(name, path)]


def _of_document(name: str, path: Path) -> tuple[Candidate, ...]:
    try:
        stat = path.stat()
    except OSError:
        return ()
    return _read(name, path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=512)
def _read(name: str, path: Path, _changed: int, _size: int) -> tuple[Candidate, ...]:
    try:
        document = parse(content_of(path), str(path))
    except (RunbookError, CommandError):
        return ()  # `hutch doctor` says what is wrong with it
    able = [r for r in document.runbooks if any(section.role not in NOT_ANSWERS for section in r.sections)]
    if len(document.runbooks) == 1:
        return tuple(Candidate(name, f"{r.title} {document.title}", r.chapter, _said(r)) for r in able)
    return tuple(Candidate(f"{name}#{r.id}", r.title, r.chapter, _said(r)) for r in able)


def _said(runbook: Runbook) -> str:
    return " ".join(section.text for section in runbook.sections if section.role is Role.SYMPTOMS)
