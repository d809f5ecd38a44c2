"""Moves a whole store from one kind of database to another: everything, proved at both ends, or nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol, TypeVar

from hutch.model.event import canonical
from hutch.ports import Job
from hutch.store.errors import StoreError
from hutch.store.proof import Report

T = TypeVar("T")

FIELDS = ("position", "stream", "seq", "at", "actor", "kind", "data", "salt", "data_hash", "prev_hash", "hash")
"""A row of the log, as it is carried over."""

BATCH = 1000
"""Rows in memory at once."""

Row = Sequence[Any]

Kept = tuple[Job, int, bool]
"""A job, how often it was taken, and whether it was given up and is kept for the record."""

Head = tuple[str, int, str]
"""A stream, its last ``seq`` and hash."""

Say = Callable[[int, int], None]
"""Told how many events of how many are there."""


class End(Protocol):
    """One end of a move, inside one transaction that shuts other writers out."""

    @property
    def place(self) -> str:
        """Its name in messages."""

    def prove(self) -> Report:
        """The proof of every chain, as it stands in this transaction."""

    def heads(self) -> Iterable[Head]:
        """The end of every stream, in order of the names' bytes."""

    def jobs(self) -> Iterator[list[Kept]]:
        """Batches of all jobs, those given up first."""


class Source(End, Protocol):
    """What is read."""

    def rows(self) -> Iterator[list[Row]]:
        """Batches of the log in writing order, each row with :data:`FIELDS`."""


class Target(End, Protocol):
    """What is written."""

    def held(self) -> str:
        """What is there already, in words; nothing where it is empty."""

    def put(self, rows: list[Row]) -> None:
        """Add rows of the log."""

    def put_jobs(self, jobs: list[Kept]) -> None:
        """Add jobs."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved, and is proved at both ends. ``beside``: rows of each table beside the log, and output files.

    ``again``: a move that was cut off had committed all of it, and nothing was written now.
    """

    streams: int
    events: int
    erased: int
    jobs: int
    beside: Mapping[str, int] = field(default_factory=dict)
    again: bool = False


def move(source: Source, target: Target, say: Say) -> Moved:
    """Copy the log and the jobs, and prove that both ends hold the same. Raises :class:`StoreError` if not.

    The transactions are the caller's: it commits the target's when this returns. A target that holds all of it already
    is left as it is; with anything else in it it is refused.
    """
    before = _intact(source, "nothing is moved from a log whose chain is broken: see `hutch verify`")
    held = target.held()
    if held:
        return _moved_before(source, target, before, held)
    moved = 0
    for rows in source.rows():
        target.put(rows)
        moved += len(rows)
        say(moved, before.events)
    jobs = 0
    for kept in source.jobs():
        target.put_jobs(kept)
        jobs += len(kept)
    after = _intact(target, "nothing was moved; try again")
    if _sum(source, before) != _sum(target, after):
        what = f"holds {after.events} events in {after.streams} streams after the move, and they are not the same"
        raise StoreError(what, target.place, "nothing was moved; see that nobody else writes there")
    return Moved(after.streams, after.events, after.erased, jobs)


def _moved_before(source: Source, target: Target, before: Report, held: str) -> Moved:
    """The last move was cut off between its commit and the word of it. Raises where the two are not the same."""
    there = target.prove()
    if there.breaks or _sum(source, before) != _sum(target, there) or _waiting(source) != _waiting(target):
        raise StoreError(f"is not empty: it holds {held}", target.place, "name a new place")
    return Moved(before.streams, before.events, before.erased, _waiting(source).total(), again=True)


def _waiting(end: End) -> Counter[str]:
    return Counter(
        canonical([job.kind, job.lock, job.unique, str(job.run_at), dict(job.data), tries, given_up])
        for part in end.jobs()
        for job, tries, given_up in part
    )


def parts(rows: Iterable[T]) -> Iterator[list[T]]:
    """``rows`` in lists of :data:`BATCH`."""
    left = iter(rows)
    while part := list(islice(left, BATCH)):
        yield part


def _intact(end: End, todo: str) -> Report:
    report = end.prove()
    if report.breaks:
        first = report.breaks[0]
        raise StoreError(f"{first.stream}#{first.seq}: {first.reason}", end.place, todo)
    return report


def _sum(end: End, report: Report) -> tuple[int, int, int, str]:
    """What must be equal: a stream's last hash stands for all of it, once its chain is proved."""
    digest = hashlib.sha256()
    for stream, seq, last in end.heads():
        digest.update(f"{stream}\0{seq}\0{last}\n".encode())
    return report.streams, report.events, report.erased, digest.hexdigest()
