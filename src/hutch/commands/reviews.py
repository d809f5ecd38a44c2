"""Documents from the log: timeline, update, post-incident review."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hutch.commands import incidents
from hutch.commands.context import CommandError, Context
from hutch.commands.evidence import look
from hutch.model import incident as model
from hutch.model.bundle import written
from hutch.model.event import Draft, Event
from hutch.model.incident import Incident, Phase, stream_of
from hutch.review.gaps import open_slots
from hutch.review.postincident import draft_review as review_text
from hutch.review.timeline import Entry, timeline
from hutch.review.update import draft_update as update_text

LONGEST = 256 * 1024
"""Bytes of a review."""


async def _log(context: Context, incident_id: str) -> tuple[Sequence[Event], list[Sequence[Event]]]:
    state = await incidents.load(context, incident_id)
    own = await context.store.read(stream_of(incident_id))
    return own, [await context.store.read(f"run:{run}") for run in state.runs]


async def bundle(context: Context, incident_id: str) -> Iterator[str]:
    """The incident's whole log as the lines of a bundle that ``hutch verify`` proves."""
    own, journals = await _log(context, incident_id)
    state = await incidents.load(context, incident_id)
    files: dict[str, bytes] = {}
    kept = context.evidence
    for file in state.record.files if kept else ():
        held = await asyncio.to_thread(look, kept, file.sha256) if kept and not file.erased else None
        if held is not None:
            with held:
                files[file.sha256] = await asyncio.to_thread(held.read)
    return written(incident_id, context.clock.now(), [own, *journals], files)


async def timeline_of(context: Context, incident_id: str) -> tuple[Entry, ...]:
    """The incident's events and those of its runs, in the order of time."""
    own, journals = await _log(context, incident_id)
    return timeline(own, journals)


async def draft_update(context: Context, incident_id: str) -> str:
    """An update for stakeholders, from the facts so far; nothing internal, nothing invented."""
    own, journals = await _log(context, incident_id)
    return update_text(own, journals)


async def draft_review(context: Context, incident_id: str) -> str:
    """The post-incident review, from the facts; what a person must add stands as open slots."""
    own, journals = await _log(context, incident_id)
    return review_text(own, journals)


async def write_review(context: Context, incident_id: str, actor: str, path: Path | None = None) -> Path:
    """Write the review to a file and say so on the timeline."""
    place = path or _place(context, incident_id)
    _write(place, await draft_review(context, incident_id))
    await incidents.change(context, incident_id, lambda _: [Draft("review.drafted", {"path": str(place)}, actor)])
    return place


@dataclass(frozen=True, slots=True)
class Edition:
    """The review as somebody may edit it: ``kept`` tells a draft that was written from one made of the facts now."""

    text: str
    kept: bool

    @property
    def digest(self) -> str:
        """Of the text: to change what was looked at, and nothing else."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


async def edition(context: Context, incident_id: str) -> Edition:
    """The draft in the store's folder; where there is none, one from the facts."""
    place = _place(context, (await incidents.load(context, incident_id)).id)
    if await asyncio.to_thread(place.is_file):
        return Edition(await asyncio.to_thread(_read, place), True)
    return Edition(await draft_review(context, incident_id), False)


async def keep(context: Context, incident_id: str, text: str, seen: str, actor: str) -> Incident:
    """Write the draft anew. ``seen`` is the digest of what was edited: if somebody else wrote since, nothing is done.

    Raises :class:`CommandError` for that, and for a review that says nothing or is too long.
    """
    before = await edition(context, incident_id)
    if before.kept and before.digest != seen:
        raise CommandError("somebody kept another edition since you opened this one; copy yours, and look again")
    words = context.secrets.mask(text.strip()) + "\n"
    if not words.strip() or len(words.encode()) > LONGEST:
        raise CommandError(f"a review has between 1 and {LONGEST // 1024} kB of text", 2)
    place = _place(context, incident_id)
    await asyncio.to_thread(_write, place, words)
    return await incidents.change(
        context, incident_id, lambda _: [Draft("review.drafted", {"path": str(place)}, actor)]
    )


def _place(context: Context, incident_id: str) -> Path:
    return context.home / "reviews" / f"{incident_id}.md"


async def publish(
    context: Context, incident_id: str, path: Path | None, actor: str, gaps: bool = False, reason: str = ""
) -> Incident:
    """Put the finished review on record: that promise is met. A later edition is another event, for a ``reason``.

    Raises :class:`CommandError` where the incident is open, the file is none of text or too long, or, without
    ``gaps``, where it still asks questions.
    """
    place = path or _place(context, incident_id)
    words = context.secrets.mask(_read(place))
    left = open_slots(words)
    if left and not gaps:
        asked = ", ".join(f"line {line} [{slot}]" for line, slot in left[:3]) + (" …" if len(left) > 3 else "")
        raise CommandError(f"{place} still asks {len(left)} questions: {asked}; answer them, or say --with-gaps")
    data = {"text": words, "sha256": hashlib.sha256(words.encode()).hexdigest(), "gaps": len(left)}
    data |= {"reason": context.secrets.mask(reason)} if reason else {}

    def decide(state: Incident) -> list[Draft]:
        if state.open:
            raise CommandError(f"{incident_id} is not resolved; its review is published after that")
        met = model.meet(state, "review", context.clock.now())
        return [Draft("review.published", data, actor), *met, *model.move(state, Phase.REVIEW, "reviewed", actor)]

    return await incidents.change(context, incident_id, decide)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LONGEST:
            raise CommandError(f"{path} is longer than {LONGEST // 1024} kB: put evidence behind links")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise CommandError(f"no file {path}; `hutch review draft` writes one to begin with", 2) from error
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(
            f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is no UTF-8 text'}"
        ) from error


async def write_documents(context: Context, incident_id: str, actor: str) -> tuple[Path, Path]:
    """Write the update and the review as drafts; nothing is sent."""
    update = context.home / "updates" / f"{incident_id}.txt"
    _write(update, await draft_update(context, incident_id))
    return update, await write_review(context, incident_id, actor)


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(path.suffix + ".new")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
