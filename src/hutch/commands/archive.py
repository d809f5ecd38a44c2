"""Archiving resolved incidents: written whole and read back before anything leaves the store, and brought back.

Each step may be cut off: until the mark is written nothing has changed, and from then on the same call ends what it
says. The mark and the archive's digest stand in the log, so its chain proves what is not there any more (ADR 79).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hutch.commands import incidents, register
from hutch.commands.context import CommandError, Context
from hutch.commands.seen import BEGINNING, whole
from hutch.model import archive as model
from hutch.model import breach, journal
from hutch.model.archive import Range
from hutch.model.bundle import Bundle, BundleError, read, written
from hutch.model.circle import circle_of
from hutch.model.erasure import undone
from hutch.model.event import ARCHIVED, Break, Draft, Event, find_break
from hutch.model.incident import Incident, stream_of
from hutch.model.register import Wanted
from hutch.model.retention import is_due, kept_by
from hutch.ports import Append, ArchiveError, Archives, Conflict
from hutch.review.wording import one_line

STEP = 200
"""Incidents that are looked at in one turn."""

DUTY, LEASE = "archive", 120.0
"""What one process does at a time, and for how many seconds it has it."""


@dataclass(frozen=True, slots=True)
class Done:
    """An incident that lies in an archive now; or, with ``why``, one that stays."""

    incident: str
    archive: str = ""
    place: str = ""
    events: int = 0
    why: str = ""


async def due(context: Context) -> list[str]:
    """The incidents that are old enough to be archived, and those of which some is still to be taken out."""
    now, config = context.clock.now(), context.config.archive
    found, after = list[str](), None
    while True:
        page = await register.page(context, Wanted(open=False, after=after, most=STEP))
        found += [one.id for one in page.incidents if not one.archived and is_due(one, now, config)]
        if page.more is None:
            return [*found, *await _begun(context)]
        after = page.more


async def _begun(context: Context) -> list[str]:
    """Those with a mark and events before it: somebody was cut off between the two."""
    marks = {e.stream: e for e in await context.store.since(ARCHIVED, BEGINNING) if e.stream.startswith("incident:")}
    found = list[str]()
    for stream in marks:
        events = await context.store.read(stream)
        if model.newest(events) and not model.is_stub(events):
            found.append(stream.removeprefix("incident:"))
    return found


async def archive(context: Context, incident_id: str, actor: str) -> Done:
    """Archive it, or end what was begun. Raises :class:`CommandError` where it must stay; then nothing is changed."""
    async with _alone(context):
        state = await incidents.load(context, incident_id)
        if state.archived is None:
            await _mark(context, state, actor)
        state = await _held_there(context, incident_id, actor)
        kept = state.archived
        assert kept is not None
        for stream, end in (await _marked(context, state)).items():
            await whole(context.store).cut(stream, end)
        await _leftover(context, incident_id)
        return Done(incident_id, kept.archive, kept.place, kept.events)


@asynccontextmanager
async def _alone(context: Context) -> AsyncIterator[None]:
    """Nobody else, in this process or another, writes or takes away an archive meanwhile."""
    async with context.archiving:
        if context.duties and await context.duties.hold(DUTY, LEASE) is not True:
            raise CommandError("another process archives at this moment, or none can tell; try again")
        try:
            yield
        finally:
            if context.duties:
                await context.duties.release([DUTY])


async def _held_there(context: Context, incident_id: str, actor: str) -> Incident:
    """The marked incident, whose archive is there still. Raises :class:`CommandError` where it is not: before anything
    was taken out, the mark is taken back."""
    try:
        return (await opened(context, incident_id))[0]
    except CommandError:
        state = await incidents.load(context, incident_id)
        logs = await context.store.read_all(list(await _marked(context, state)))
        if not any(map(model.is_stub, logs)):
            await _take_back(context, state, logs, actor)
        raise


async def _take_back(context: Context, state: Incident, logs: Sequence[Sequence[Event]], actor: str) -> None:
    """Say that all the events are in the store."""
    assert state.archived is not None
    said = {"archive": state.archived.archive, "place": state.archived.place}
    await context.store.commit(
        [Append(e[0].stream, (Draft(model.RESTORED, said, actor),), expect=e[-1].seq) for e in logs]
    )


async def _marked(context: Context, state: Incident) -> dict[str, int]:
    """How many events of each of its streams lie in the archive that its mark names."""
    own = await context.store.read(state.stream)
    mark = next(e for e in reversed(own) if e.kind == ARCHIVED)
    told = mark.data.get("runs")
    names = [state.stream, *(f"run:{run}" for run in (told if isinstance(told, list | tuple) else ()))]
    found = await context.store.read_all(names)
    ends = {name: model.newest(events) for name, events in zip(names, found, strict=True)}
    return {name: end.count for name, end in ends.items() if end}


async def _mark(context: Context, state: Incident, actor: str) -> None:
    """Write the archive, prove what was written, and say so at the end of each stream."""
    streams = [state.stream, *(f"run:{run}" for run in dict.fromkeys(state.runs))]
    logs = [events for events in await context.store.read_all(streams) if events]
    _check(context, state, logs)
    positions = {e[0].stream: await context.store.positions(e[0].stream) for e in logs}
    at = max(events[-1].at for events in logs)  # the same log gives the same text, whoever writes it
    lines = written(state.id, at, logs, {}, {"evidence": False, "positions": positions})
    text = "".join(f"{line}\n" for line in lines).encode()
    first, archives = logs[0][0].hash[:12], _archives(context)
    name, digest = f"{state.id}/{first}-{len(logs[0])}/events.bundle", hashlib.sha256(text).hexdigest()
    try:
        stored = await asyncio.to_thread(archives.put, name, text)
        kept = await asyncio.to_thread(_opened, archives, stored, digest)
    except ArchiveError as error:
        raise CommandError(f"{state.id} stays in the store: {error}") from error
    if any(list(kept.streams.get(e[0].stream, ())) != list(e) for e in logs):
        raise CommandError(f"{state.id} stays in the store: what {archives.place} gives back is not what was written")
    ranges = [Range(e[0].stream, len(e), e[0].hash, e[-1].hash, stored, archives.place, digest) for e in logs]
    appends = [
        Append(one.stream, (Draft(ARCHIVED, _told(state, one, logs[0]), actor),), expect=one.count) for one in ranges
    ]
    try:
        await context.store.commit(appends)
    except Conflict as error:
        raise CommandError(f"{state.id} was written to meanwhile, and stays in the store; archive it again") from error


def _check(context: Context, state: Incident, logs: Sequence[Sequence[Event]]) -> None:
    why = kept_by(state, breach.fold(logs[0]), context.clock.now(), context.config.archive)
    runs = [run for run in map(journal.fold, logs[1:]) if run]
    running = next((run.id for run in runs if not run.finished), "")
    broken = next((found for found in map(find_break, logs) if found), None)
    if not why and running:
        why = f"its run {running} is under way"
    if not why and any(undone(events) for events in logs):
        why = "an erasure in it was cut off: `hutch incident erase` again ends it"
    if not why and broken:
        why = f"its chain is broken ({broken.stream}#{broken.seq}: {broken.reason})"
    if why:
        raise CommandError(f"{state.id} stays in the store: {why}")


def _told(state: Incident, one: Range, own: Sequence[Event]) -> dict[str, object]:
    """What is kept of a stream, and of the incident as much as a list shows."""
    data = {**one.as_data(), "incident": state.id, "service": state.service}
    if one.stream != state.stream:
        return data
    circle = circle_of(own)
    private = {"private": True, "people": sorted(circle.people)} if circle and circle.private else {}
    return {
        **data,
        **private,
        "title": state.title,
        "severity": state.severity.label,
        "detected_at": model.as_time(state.detected_at),
        "declared_at": model.as_time(state.declared_at),
        "resolved_at": model.as_time(state.resolved_at),
        "resolution": state.resolution,
        "acknowledged_by": state.acknowledged_by,
        "commander": state.commander,
        "runbook": state.runbook,
        "exercise": state.record.exercise,
        "runs": list(dict.fromkeys(state.runs)),
    }


def _archives(context: Context) -> Archives:
    if context.archives is None:
        raise CommandError("there is no place here where archives could lie", 2)
    return context.archives()


def _opened(archives: Archives, name: str, sha256: str) -> Bundle:
    """What an archive holds, proved. Raises :class:`ArchiveError`."""
    text = archives.get(name)
    if text is None:
        raise ArchiveError(f"{archives.place} has no {name}")
    if hashlib.sha256(text).hexdigest() != sha256:
        raise ArchiveError(f"{name} in {archives.place} is not what the log says that it is: it was altered")
    try:
        found = read(text.decode().splitlines())
    except (BundleError, UnicodeDecodeError) as error:
        raise ArchiveError(f"{name} in {archives.place}: {error}") from error
    broken = found.breaks()
    if broken:
        raise ArchiveError(f"{name} in {archives.place}: {broken[0].stream}#{broken[0].seq}: {broken[0].reason}")
    return found


# ------------------------------------------------------------------ the way back


async def opened(context: Context, incident_id: str) -> tuple[Incident, Bundle]:
    """What the archive of an incident holds, proved against the log. Raises :class:`CommandError`."""
    state = await incidents.load(context, incident_id)
    if state.archived is None:
        raise CommandError(f"{incident_id} lies in the store: `hutch incident show {incident_id}`", 2)
    try:
        found = await asyncio.to_thread(_opened, _archives(context), state.archived.archive, state.archived.sha256)
    except ArchiveError as error:
        raise CommandError(f"the archive of {incident_id} cannot be used: {error}") from error
    for name, events in found.streams.items():
        mark = model.newest(await context.store.read(name))
        if mark is None or not mark.holds(events):
            raise CommandError(f"the archive of {incident_id} does not hold what the log says of {name}")
    return state, found


async def restore(context: Context, incident_id: str, actor: str) -> Incident:
    """Put its events back where they stood, say so, and take the archive away: nothing is left there that could outlast
    an erasure. Cut off, it is given again."""
    async with _alone(context):
        return await _restored(context, incident_id, actor)


async def _restored(context: Context, incident_id: str, actor: str) -> Incident:
    state = await incidents.load(context, incident_id)
    if state.archived is None and await _leftover(context, incident_id):
        return state
    state, found = await opened(context, incident_id)
    rows = [
        (place, event)
        for name, events in found.streams.items()
        for place, event in zip(found.positions[name], events, strict=True)
    ]
    await whole(context.store).put_back(rows)
    logs = await context.store.read_all(list(found.streams))
    broken = next((one for one in map(find_break, logs) if one), None)
    if broken:
        raise CommandError(f"{broken.stream}#{broken.seq} after the events were put back: {broken.reason}")
    await _take_back(context, state, logs, actor)
    await _leftover(context, incident_id)
    return await incidents.load(context, incident_id)


async def forget(context: Context, incident_id: str) -> None:
    """After an erasure: nothing of an archive of before is left. Raises :class:`CommandError`."""
    if context.archives:
        async with _alone(context):
            await _leftover(context, incident_id)


async def _leftover(context: Context, incident_id: str) -> int:
    """Take away what lies in the place and no mark names: of a try that was cut off, or of what was brought back."""
    events = await context.store.read(stream_of(incident_id))
    kept, archives, gone = model.newest(events), _archives(context), 0
    first = kept.first if kept else events[0].hash
    try:
        for name in await asyncio.to_thread(archives.names, incident_id):
            mine = name.removeprefix(f"{incident_id}/").startswith(f"{first[:12]}-")
            if mine and name != (kept.archive if kept else ""):
                await asyncio.to_thread(archives.remove, name)
                gone += 1
    except ArchiveError as error:
        raise CommandError(f"what is left of an archive of {incident_id} cannot be taken away: {error}") from error
    return gone


# ------------------------------------------------------------------ looking, and holding


async def listed(context: Context) -> list[Incident]:
    """The incidents that lie in archives, in the order in which they came there."""
    names = dict.fromkeys(e.stream for e in await context.store.since(ARCHIVED, BEGINNING))
    ids = [name.removeprefix("incident:") for name in names if name.startswith("incident:")]
    return [state for name in ids if (state := await incidents.load(context, name)).archived]


async def proved(context: Context) -> list[Break]:
    """What is wrong with the archives that the log names, down to the texts; each is read in whole."""
    found = list[Break]()
    for state in await listed(context):
        try:
            await opened(context, state.id)
        except CommandError as error:
            found.append(Break(state.stream, state.seq, str(error)))
    return found


async def hold(context: Context, incident_id: str, reason: str, actor: str) -> Incident:
    """It stays in the store until somebody releases it, however old."""
    why = one_line(context.secrets.mask(reason), 300)
    if not why:
        raise CommandError("say why it is held: it stands in the log", 2)
    return await incidents.change(context, incident_id, lambda _: [Draft(model.HELD, {"reason": why}, actor)])


async def release(context: Context, incident_id: str, reason: str, actor: str) -> Incident:
    """End a hold; harmless where there is none."""
    data = {"reason": one_line(context.secrets.mask(reason), 300)}
    return await incidents.change(
        context, incident_id, lambda state: [Draft(model.RELEASED, data, actor)] if state.held else []
    )


async def sweep(context: Context, actor: str, names: Sequence[str] = ()) -> list[Done]:
    """Archive those, or all that are due. One that stays is told with the reason, and keeps no other."""
    done = list[Done]()
    for name in names or await due(context):
        try:
            done.append(await archive(context, name, actor))
        except CommandError as error:
            done.append(Done(name, why=str(error)))
    return done
