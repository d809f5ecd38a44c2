"""Documents from the log: timeline, update, post-incident review."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from hutch.commands import incidents
from hutch.commands.context import CommandError, Context
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
    return written(incident_id, context.clock.now(), [own, *journals])


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
    place = path or context.home / "reviews" / f"{incident_id}.md"
    _write(place, await draft_review(context, incident_id))
    await incidents.change(context, incident_id, lambda _: [Draft("review.drafted", {"path": str(place)}, actor)])
    return place


async def publish(context: Context, incident_id: str, path: Path | None, actor: str, gaps: bool = False) -> Incident:
    """Put the finished review on record: that promise is met. A later edition is another event.

    Raises :class:`CommandError` where the incident is open, the file is none of text or too long, or, without
    ``gaps``, where it still asks questions.
    """
    place = path or context.home / "reviews" / f"{incident_id}.md"
    words = context.secrets.mask(_read(place))
    left = open_slots(words)
    if left and not gaps:
        asked = ", ".join(f"line {line} [{slot}]" for line, slot in left[:3]) + (" …" if len(left) > 3 else "")
        raise CommandError(f"{place} still asks {len(left)} questions: {asked}; answer them, or say --with-gaps")
    data = {"text": words, "sha256": hashlib.sha256(words.encode()).hexdigest(), "gaps": len(left)}

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
