"""Sentences for what leaves the store, and what must stay in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hutch.model import archive
from hutch.model.event import ARCHIVED
from hutch.review.reading import Told
from hutch.review.wording import one_line


def _by(told: Told) -> str:
    return one_line(told.event.actor)


SENTENCES: Mapping[str, Callable[[Told], str]] = {
    ARCHIVED: lambda t: f"The {t.event.seq - 1} events before this one lie in an archive, in {t.get('place', '?')}",
    archive.RESTORED: lambda t: f"{_by(t)} brought the events before the archive's mark back",
    archive.HELD: lambda t: f"{_by(t)} placed a hold: {t.get('reason', 'no reason')}",
    archive.RELEASED: lambda t: f"{_by(t)} ended the hold: {t.get('reason', 'no reason')}",
}
