"""What one transaction of the log holds: many callers' appends, decided together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hutch.model.event import Event
from hutch.ports import Append, Conflict, Job
from hutch.store.chain import EMPTY, Head, continued, lost_lease, row_of


@dataclass(frozen=True, slots=True)
class Commit:
    """What one caller wants written together."""

    appends: Sequence[Append]
    jobs: Sequence[Job] = ()
    done: int | None = None


Answer = list[Event] | Conflict
"""What its caller gets: the events as they were written, or the reason why nothing was."""


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer for each commit, in their order, and all that is to be written."""

    answers: tuple[Answer, ...]
    events: tuple[Event, ...]
    jobs: tuple[Job, ...]
    finished: tuple[int, ...]


def streams_of(commits: Iterable[Commit]) -> list[str]:
    """Every stream whose end must be known."""
    return sorted({append.stream for commit in commits for append in commit.appends})


def jobs_of(commits: Iterable[Commit]) -> list[int]:
    """Every job that is to be finished."""
    return sorted({commit.done for commit in commits if commit.done is not None})


def decide(commits: Sequence[Commit], heads: Mapping[str, Head], held: Iterable[int], at: datetime) -> Decision:
    """One after another, each upon what those before it left; a conflict leaves nothing behind.

    ``heads`` has the ends of the streams that exist, ``held`` those of the jobs that this process holds.
    """
    ends, ours = dict(heads), set(held)
    answers: list[Answer] = []
    for commit in commits:
        try:
            written = _written(commit, ends, ours, at)
        except Conflict as conflict:
            answers.append(conflict)
            continue
        ends.update((event.stream, (event.seq, event.hash)) for event in written)
        ours.discard(commit.done or 0)
        answers.append(written)
    good = [c for c, answer in zip(commits, answers, strict=True) if not isinstance(answer, Conflict)]
    return Decision(
        tuple(answers),
        tuple(event for answer in answers if not isinstance(answer, Conflict) for event in answer),
        tuple(job for commit in good for job in commit.jobs),
        tuple(commit.done for commit in good if commit.done is not None),
    )


def _written(commit: Commit, ends: Mapping[str, Head], ours: set[int], at: datetime) -> list[Event]:
    """The events of one commit. Raises ``Conflict``."""
    if commit.done is not None and commit.done not in ours:
        raise lost_lease(commit.done)
    mine: dict[str, Head] = {}
    written: list[Event] = []
    for append in commit.appends:
        events = continued(append, mine.get(append.stream) or ends.get(append.stream, EMPTY), at)
        if events:
            mine[append.stream] = (events[-1].seq, events[-1].hash)
        written += events
    return written


def columns(events: Sequence[Event], end: int) -> dict[str, list[object]]:
    """The events as columns, with the positions behind ``end``: for one statement that inserts them all."""
    rows = [{"position": place, **row_of(event)} for place, event in enumerate(events, start=end + 1)]
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
