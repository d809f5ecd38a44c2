"""Erasing a text from all that belongs to an incident: its events and messages, the journals and outputs of its runs,
what its alerts told, its evidence and its drafts. The chains go on proving the rest (ADR 45).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from hutch.commands import archive, evidence, incidents
from hutch.commands.context import CommandError, Context
from hutch.model import firing, journal
from hutch.model import incident as model
from hutch.model.erasure import GONE, KEPT, KIND, retold, undone, without
from hutch.model.event import Draft, Event
from hutch.model.incident import Incident
from hutch.ports import Append, Conflict

SHORTEST = 4
"""Characters of a text that may be erased: a shorter one stands in too much that has nothing to do with it."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What went: events by their stream, files that were written anew, evidence by its event; and evidence that cannot
    be searched, since it is no text."""

    events: Mapping[str, tuple[int, ...]]
    files: tuple[str, ...]
    evidence: tuple[int, ...]
    unsearched: tuple[int, ...]

    @property
    def digest(self) -> str:
        """Names what was looked at, so that no more than that is erased."""
        told = [sorted((s, list(n)) for s, n in self.events.items()), self.files, self.evidence, self.unsearched]
        return sha256(json.dumps(told).encode()).hexdigest()[:32]

    def as_dict(self) -> dict[str, object]:
        """As JSON."""
        return {
            "events": {stream: list(numbers) for stream, numbers in self.events.items()},
            "files": list(self.files),
            "evidence": list(self.evidence),
            "unsearched": list(self.unsearched),
            "seen": self.digest,
        }


async def preview(context: Context, incident_id: str, text: str) -> Erased:
    """What :func:`erase_text` would erase now. Raises :class:`CommandError` for what it would refuse."""
    found = await _found(context, incident_id, _wanted(text), "", "")
    return found.erased


async def erase_text(
    context: Context, incident_id: str, text: str, reason: str, actor: str, *, seen: str = ""
) -> Erased:
    """Erase it, in whatever case it is written. Raises :class:`CommandError`, before anything went, for a text that is
    too short or is part of what a state is made of, while a run is under way, and where it is not (any more) what
    somebody has ``seen`` (a digest)."""
    wanted = _wanted(text)
    _check(wanted, reason)
    found = await _found(context, incident_id, wanted, context.secrets.mask(reason.strip()), actor)
    if seen and seen != found.erased.digest:
        raise CommandError("what holds that text is not what you looked at any more; nothing was erased: look again")
    for plan in found.plans:
        await _do(context, plan)
    for file in found.erased.files:
        await asyncio.to_thread(_rewritten, Path(file), wanted)
    for seq in found.erased.evidence:
        await evidence.erase_file(context, incident_id, seq, reason, actor)
    await archive.forget(context, incident_id)
    return found.erased


@dataclass(frozen=True, slots=True)
class _Found:
    plans: tuple[Plan, ...]
    erased: Erased


async def _found(context: Context, incident_id: str, wanted: re.Pattern[str], why: str, actor: str) -> _Found:
    state = await incidents.load(context, incident_id)
    incidents.check_here(state)
    logs = {stream: await context.store.read(stream) for stream in _streams(state)}
    plans = tuple(_plan(stream, events, wanted, why, actor) for stream, events in logs.items())
    journals = [logs[f"run:{run}"] for run in state.runs]
    files = await asyncio.to_thread(_files, context, incident_id, journals, wanted)
    held, unsearched = await asyncio.to_thread(_searched, context, state, wanted)
    events = {plan.stream: plan.gone for plan in plans if plan.gone}
    if not (events or files or held):
        raise CommandError(f"nothing that belongs to {incident_id} holds that text", 1)
    return _Found(plans, Erased(events, tuple(files), tuple(held), tuple(unsearched)))


def _wanted(text: str) -> re.Pattern[str]:
    if len(text.strip()) < SHORTEST:
        raise CommandError(f"a text to erase has {SHORTEST} characters at least: a shorter one stands in too much", 2)
    return re.compile(re.escape(text.strip()), re.IGNORECASE)


def _check(wanted: re.Pattern[str], reason: str) -> None:
    if not reason.strip():
        raise CommandError("say why: it stands in the log for as long as that lasts", 2)
    if wanted.search(reason):
        raise CommandError("the reason holds the text that is to be erased: it would stand in the log again", 2)


def _streams(state: Incident) -> list[str]:
    prints = dict.fromkeys(key.partition("@")[0] for key in state.alerts)
    return [state.stream, *(f"run:{run}" for run in state.runs), *(firing.stream_of(one) for one in prints)]


# ------------------------------------------------------------------ the log


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to a stream that ends at ``seq``: ``drafts`` tell again what is left of the events ``gone``."""

    stream: str
    seq: int
    drafts: tuple[Draft, ...]
    gone: tuple[int, ...]


def _plan(stream: str, events: Sequence[Event], wanted: re.Pattern[str], why: str, actor: str) -> Plan:
    told = retold(events)
    kept = KEPT if stream.startswith("incident:") else frozenset()
    drafts, gone, after = list[Draft](), list[int](), dict[int, Mapping[str, object]]()
    for event in told:
        left = without(event.data, wanted, kept)
        if event.kind == KIND or left == event.data:
            continue
        fields = [name for name, value in left.items() if value != event.data[name]]
        data = {"event": event.seq, "kind": event.kind, "fields": fields, "reason": why, "data_hash": event.data_hash}
        drafts.append(Draft(KIND, {**data, "rest": left}, actor))
        gone.append(event.seq)
        after[event.seq] = left
    before = {e.seq: e for e in events if e.kind == KIND and e.data.get("event") in after}
    _same(stream, told, after)
    rest = [seq for seq in undone(events) if seq not in after]
    return Plan(stream, len(events), tuple(drafts), (*gone, *before, *rest))


Left = Mapping[int, Mapping[str, object]]
"""What is left of events, by their number."""


def _same(stream: str, told: Sequence[Event], after: Left) -> None:
    """Raises :class:`CommandError` where the stream would no more tell the same, or where it is not at its end."""
    left = [_with(e, after[e.seq]) if e.seq in after else e for e in told]
    try:
        same = _gist(stream, told) == _gist(stream, left)
    except (KeyError, ValueError, TypeError, LookupError):
        same = False
    if not same:
        raise CommandError(
            f"that text is part of what the state of {stream} is made of; nothing was erased: name a longer one, or "
            "single events and fields with --event and --field"
        )
    if stream.startswith("alert:") and _labels(stream, told) != _labels(stream, left):
        raise CommandError(
            f"an alert with that text in its labels still fires ({stream}); nothing was erased: erase when it has "
            "ended, since its labels tell which one ends"
        )
    run = journal.fold(told) if stream.startswith("run:") else None
    if run and not run.finished:
        raise CommandError(f"{stream.removeprefix('run:')} is under way; erase when it has ended, nothing was erased")


def _labels(stream: str, events: Sequence[Event]) -> object:
    """Those of the alert that still fires."""
    found = firing.fold(events, firing.Firings(stream.removeprefix("alert:")))
    return dict(found.alert.labels) if found.alert else None


def _with(event: Event, data: Mapping[str, object]) -> Event:
    return Event(event.stream, event.seq, event.at, event.actor, event.kind, data, event.salt, event.data_hash,
                 event.prev_hash, event.hash)  # fmt: skip


def _gist(stream: str, events: Sequence[Event]) -> object:
    """What must stay as it is."""
    if not events:
        return None
    if stream.startswith("incident:"):
        state = model.fold(events)
        same = state and (state.service, state.severity, state.phase, state.clocks, state.runs)
        return state and (same, state.alerts, state.roles)
    if stream.startswith("run:"):
        run = journal.fold(events)
        ids = run and [item.id for item in run.program.items]
        return run and (run.service, run.incident, run.mode, run.outcome, ids, [c.option.id for c in run.chosen])
    found = firing.fold(events, firing.Firings(stream.removeprefix("alert:")))
    alerts = [(a.key, a.rule, a.service, a.severity) for a in (found.alert, found.last) if a]
    return alerts, found.incident, found.told, found.ended, found.early


async def _do(context: Context, plan: Plan) -> None:
    if plan.drafts:
        try:
            await context.store.commit([Append(plan.stream, plan.drafts, expect=plan.seq)])
        except Conflict as error:
            raise CommandError(f"{plan.stream} was written to meanwhile; erase again: what went is gone") from error
    for seq in plan.gone:
        await context.store.erase(plan.stream, seq)


# ------------------------------------------------------------------ files


def _files(
    context: Context, incident_id: str, journals: Sequence[Sequence[Event]], wanted: re.Pattern[str]
) -> list[str]:
    """Those of the kept outputs of its runs and of the drafts of its documents that hold it."""
    places = [context.home / "reviews" / f"{incident_id}.md", context.home / "updates" / f"{incident_id}.txt"]
    for events in journals:
        run = journal.fold(events)
        if run and context.outputs:
            items = (*run.program.items, *(i for c in run.chosen for i in c.option.items))
            places += [context.outputs.path(run.id, name) for name in dict.fromkeys(i.id for i in items)]
    return [str(place) for place in places if wanted.search(_text(place))]


def _text(place: Path) -> str:
    try:
        return place.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _rewritten(place: Path, wanted: re.Pattern[str]) -> None:
    """The same file without the text."""
    half = place.with_name(f"{place.name}.new")
    half.touch(mode=0o600)
    half.write_text(wanted.sub(GONE, _text(place)), encoding="utf-8")
    half.replace(place)


def _searched(context: Context, state: Incident, wanted: re.Pattern[str]) -> tuple[list[int], list[int]]:
    """The evidence that holds it, and what cannot be searched."""
    found, unsearched = list[int](), list[int]()
    for file in state.record.files:
        held = evidence.look(context.evidence, file.sha256) if context.evidence and not file.erased else None
        if held is None:
            continue
        with held:
            data = held.read()
        if evidence.kind_of(data) != "text/plain":
            unsearched.append(file.seq)
        elif wanted.search(data.decode("utf-8")):
            found.append(file.seq)
    return found, unsearched
