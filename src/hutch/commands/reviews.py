"""Documents from the log: timeline, update, post-incident review."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hutch.commands import incidents
from hutch.commands.context import Context
from hutch.model.bundle import written
from hutch.model.event import Draft, Event
from hutch.model.incident import stream_of
from hutch.review.postincident import draft_review as review_text
from hutch.review.timeline import Entry, timeline
from hutch.review.update import draft_update as update_text


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
