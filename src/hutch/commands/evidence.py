"""Evidence of an incident: files and pasted text, kept by their content; and erasing what must go."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from hutch.commands import incidents
from hutch.commands.context import CommandError, Context
from hutch.model.erasure import KIND, fields_of, rest_of, retold
from hutch.model.event import ERASED, Draft, Event
from hutch.model.incident import Incident
from hutch.model.message import Audience
from hutch.model.record import File
from hutch.ports import ArchiveError, Evidence
from hutch.review.scan import LONGEST, scan
from hutch.review.wording import one_line

MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"), (b"PK\x03\x04", "application/zip"), (b"\x1f\x8b", "application/gzip"),
    (b"\x7fELF", "application/x-executable"), (b"SQLite format 3\0", "application/vnd.sqlite3"),
    (b"\xd4\xc3\xb2\xa1", "application/vnd.tcpdump.pcap"), (b"\n\r\r\n", "application/x-pcapng"),
)  # fmt: skip
"""How files begin, by their type: a name says nothing of what is inside."""

FOUND = 5
"""Findings of the scan that the event names."""


def kind_of(data: bytes) -> str:
    """Its type, by what it holds.

    >>> kind_of(b"%PDF-1.7"), kind_of(b"what was said"), kind_of(bytes([0, 255, 7]))
    ('application/pdf', 'text/plain', 'application/octet-stream')
    """
    known = next((kind for start, kind in MAGIC if data.startswith(start)), "")
    return known or ("application/octet-stream" if _text(data) is None else "text/plain")


def _text(data: bytes) -> str | None:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def read(context: Context, path: Path) -> bytes:
    """The file, bounded before it is read. Raises :class:`CommandError`."""
    most = _kept(context).most
    try:
        if not path.is_file():
            raise CommandError(f"{path} is no file", 2)
        size = path.stat().st_size
        if size <= most:
            with path.open("rb") as file:
                return file.read(most + 1)
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}", 2) from error
    raise CommandError(
        f"{path} has {size} bytes, more than the {most} that evidence_kept allows; nothing was attached: attach the "
        "part that matters, or note where the whole is kept",
        2,
    )


async def attach(
    context: Context, incident_id: str, name: str, data: bytes, note: str, actor: str
) -> tuple[Incident, list[str]]:
    """Keep it and say so on the timeline; what it may hold that should not be there, in words.

    Known secrets in a text are masked before it is kept. Raises :class:`CommandError` for nothing, or too much.
    """
    draft, found = await keep(context, incident_id, name, data, note, actor)
    return await incidents.change(context, incident_id, lambda _: [draft]), found


async def keep(
    context: Context, incident_id: str, name: str, data: bytes, note: str, actor: str
) -> tuple[Draft, list[str]]:
    """The same with the event that says so for the caller, who writes it down in one with what else comes of it."""
    kept = _kept(context)
    if not data or len(data) > kept.most:
        raise CommandError(f"{one_line(name, 80)} has {len(data)} bytes; evidence has 1 to {kept.most}", 2)
    await incidents.load(context, incident_id)
    try:
        masked, found, digest = await asyncio.to_thread(_keep, context, kept, data)
    except OSError as error:
        raise CommandError(f"the evidence cannot be kept: {error.strerror}; nothing was attached", 1) from error
    told = {
        "name": one_line(context.secrets.mask(name), 120),
        "sha256": digest,
        "size": len(masked),
        "type": kind_of(masked),
        "note": context.secrets.mask(note.strip())[:2000],
        "masked": masked != data,
        "found": found,
        "place": kept.place,
    }
    return Draft("evidence.attached", told, actor), found


def _keep(context: Context, kept: Evidence, data: bytes) -> tuple[bytes, list[str], str]:
    """What is kept of it, what it may hold, and its address. Not for the event loop: 25 MB take seconds."""
    text = _text(data)
    masked = data if text is None else context.secrets.mask(text).encode()
    return masked, _warnings(masked), kept.put(masked)


def _warnings(data: bytes) -> list[str]:
    text = _text(data)
    if text is None:
        return []
    pieces = range(0, len(text), LONGEST)
    kinds = (f.kind for start in pieces for f in scan(text[start : start + LONGEST], Audience.CUSTOMERS))
    return list(dict.fromkeys(kinds))[:FOUND]


async def content(context: Context, incident_id: str, seq: int) -> tuple[str, bytes]:
    """The name and content of the evidence of event ``seq``. Raises :class:`CommandError`."""
    name, file = await opened(context, incident_id, seq)
    with file:
        return name, await asyncio.to_thread(file.read)


async def opened(context: Context, incident_id: str, seq: int) -> tuple[str, IO[bytes]]:
    """The same as a file, which is what its event says. Whoever opens it closes it."""
    state = await incidents.load(context, incident_id)
    file = next((f for f in state.record.files if f.seq == seq), None)
    if file is None:
        raise CommandError(f"event {seq} of {incident_id} attached nothing", 2)
    found = None if file.erased else await asyncio.to_thread(look, _kept(context), file.sha256)
    if found is None:
        raise CommandError(f"the evidence of event {seq} {_gone(_kept(context), file)}")
    return file.name, found


def look(kept: Evidence, digest: str) -> IO[bytes] | None:
    """What is kept under that address. Raises :class:`CommandError` where its place cannot be reached."""
    try:
        return kept.opened(digest)
    except ArchiveError as error:
        raise CommandError(f"the evidence {digest[:12]} cannot be read: {error}") from error


def _gone(kept: Evidence, file: File) -> str:
    if file.erased:
        return "was erased"
    if file.place in ("", kept.place):
        return "is not on this machine, or not what it was"
    return (
        f"is not here: it was put into {file.place}; ask the server there, or have all of them keep it in one place "
        "(`evidence.to`)"
    )


# ------------------------------------------------------------------ erasing


async def erase_fields(
    context: Context, incident_id: str, seq: int, fields: Sequence[str], reason: str, actor: str
) -> Incident:
    """Erase the words of an event, or those fields of it. What is left is told again, so that the state stays."""
    incidents.check_here(await incidents.load(context, incident_id))
    why = _reason(context, reason)

    async def decide(events: Sequence[Event]) -> Draft | None:
        event = next((e for e in events if e.seq == seq), None)
        if event is None:
            raise CommandError(f"{incident_id} has no event {seq}", 2)
        if dict(event.data) == dict(ERASED):
            raise CommandError(f"event {seq} of {incident_id} was erased already", 2)
        if any(e.kind == KIND and e.data.get("event") == seq for e in events):
            return None  # said, and cut off before it was done
        try:
            gone = fields_of(event.data, fields)
        except ValueError as error:
            raise CommandError(f"event {seq} ({event.kind}): {error}", 2) from error
        data = {"event": seq, "kind": event.kind, "fields": gone, "reason": why, "data_hash": event.data_hash}
        return Draft(KIND, {**data, "rest": rest_of(event.data, gone)}, actor)

    state = await incidents.load(context, incident_id)
    draft = await decide(await context.store.read(state.stream))
    if draft:
        state = await incidents.change(context, incident_id, lambda _: [draft])
    await context.store.erase(state.stream, seq)
    return await incidents.load(context, incident_id)


async def erase_file(context: Context, incident_id: str, seq: int, reason: str, actor: str) -> Incident:
    """Erase the evidence of an event, here and in whatever else of this store holds the same content."""
    why, state = _reason(context, reason), await incidents.load(context, incident_id)
    incidents.check_here(state)
    file = next((f for f in state.record.files if f.seq == seq), None)
    if file is None:
        raise CommandError(f"event {seq} of {incident_id} attached nothing", 2)
    if not file.erased:
        told = {"attachment": file.sha256, "file": seq, "reason": why}
        state = await incidents.change(context, incident_id, lambda _: [Draft(KIND, told, actor)])
    try:
        await asyncio.to_thread(_kept(context).remove, file.sha256)
    except ArchiveError as error:
        raise CommandError(f"it is said to be erased and is still there: {error}; erase it again") from error
    return state


async def also_in(context: Context, incident_id: str, seq: int, fields: Sequence[str]) -> list[int]:
    """The other events of the incident that hold a text which would be erased."""
    state = await incidents.load(context, incident_id)
    events = retold(await context.store.read(state.stream))
    event = next((e for e in events if e.seq == seq), None)
    texts = [str(event.data.get(f, "")) for f in fields_of(event.data, fields)] if event else []
    words = [t for t in texts if len(t) > 3]
    return [e.seq for e in events if e.seq != seq and any(w in str(v) for v in e.data.values() for w in words)]


def _reason(context: Context, reason: str) -> str:
    if not reason.strip():
        raise CommandError("say why: it stands in the log for as long as that lasts", 2)
    return context.secrets.mask(reason.strip())


def _kept(context: Context) -> Evidence:
    if context.evidence is None:
        raise CommandError("there is no place here where evidence could be kept", 2)
    return context.evidence
