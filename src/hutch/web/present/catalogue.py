"""The list of runbooks as the page shows it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from hutch.model.runbook import Document, Runbook
from hutch.runbook.visible import visible
from hutch.web.present.runbook import Counts, address, counts
from hutch.web.present.words import Moment, moment
from hutch.web.ran import Ran

MOST_ROWS = 300
"""Runbooks that the list shows."""

MOST_WORDS = 10
"""Words of a search that count."""


@dataclass(frozen=True, slots=True)
class Last:
    """The latest run of a runbook."""

    id: str
    state: str
    at: Moment


@dataclass(frozen=True, slots=True)
class Row:
    """A runbook in the list."""

    href: str
    title: str
    chapter: str
    counts: Counts
    last: Last | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A document in the list. ``error`` says why it cannot be read; ``reading``: it is being read right now."""

    name: str
    href: str
    title: str
    where: str
    bundled: bool
    findings: int | None = None
    error: str = ""
    reading: bool = False
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Runs:
    """The latest run of each runbook: by the document's path and the anchor that the run was started with."""

    now: datetime
    latest: Mapping[tuple[str, str], Ran] = field(default_factory=dict)

    def of(self, path: Path, document: Document, runbook: Runbook) -> Last | None:
        """The latest of ``runbook``, whatever the document said then."""
        anchors = [a for a, owner in document.anchors.items() if owner == runbook.id]
        if len(document.runbooks) == 1:
            anchors.append("")
        found = [r for a in anchors if (r := self.latest.get((str(path), a)))]
        last = max(found, key=lambda r: r.started_at, default=None)
        return Last(last.id, last.state, moment(last.started_at, self.now)) if last else None


def latest(every: Iterable[Ran], now: datetime) -> Runs:
    """From all runs, the oldest first."""
    return Runs(now, {(r.path, r.document.partition("#")[2]): r for r in every})


def unread(name: str, path: Path, base: Path, reason: str) -> Shown:
    """A document that cannot be read, with the ``reason``; without one, that is being read."""
    return replace(_shown(name, path, base, name), error=visible(reason), reading=not reason)


def shown(
    name: str, path: Path, base: Path, document: Document, findings: int | None, words: Sequence[str], ran: Runs
) -> Shown:
    """A document with those of its runbooks that have all of ``words``."""
    one = _shown(name, path, base, document.title)
    about = f"{name} {document.title} {one.where}"
    kept = [r for r in document.runbooks if _has(words, f"{about} {r.title} {r.chapter}")]
    return replace(one, findings=findings, rows=tuple(_row(name, path, document, r, ran) for r in kept))


def _shown(name: str, path: Path, base: Path, title: str) -> Shown:
    own = not bundled(path)
    where = os.path.relpath(path, base) if own else "comes with Hutch"
    return Shown(visible(name), address(name), visible(title), visible(where), not own)


def _has(words: Sequence[str], text: str) -> bool:
    lower = text.lower()
    return all(w in lower for w in words[:MOST_WORDS])


def _row(name: str, path: Path, document: Document, runbook: Runbook, ran: Runs) -> Row:
    chapter = "" if runbook.chapter in (runbook.title, document.title) else visible(runbook.chapter)
    last = ran.of(path, document, runbook)
    return Row(address(name, runbook.id), visible(runbook.title), chapter, counts(runbook), last)


def bounded(found: Iterable[Shown], searched: bool) -> tuple[list[Shown], int]:
    """What one page shows of it, and how many runbooks there are in all. Own documents come before the library's."""
    kept: list[Shown] = []
    total = 0
    for one in sorted(found, key=lambda d: (d.bundled, d.name)):
        room = max(0, MOST_ROWS - total)
        total += len(one.rows)
        if one.rows[:room] or (not one.rows and not searched):
            kept.append(replace(one, rows=one.rows[:room]))
    return kept, total


def bundled(path: Path) -> bool:
    """Whether a document belongs to the library that comes with Hutch."""
    return path.parent.name == "library" and path.parent.parent.name == "hutch"
