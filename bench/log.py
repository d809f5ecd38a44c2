"""The event log: group commit over bare commits, and folding a long journal over decoding its JSON."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.measure import Figure, Ratio, interleave, parts, per_round
from bench.room import Bare, scratch
from hutch.model.event import GENESIS, Draft, Event, canonical, seal
from hutch.model.journal import fold
from hutch.model.program import Program
from hutch.ports import Append
from hutch.store.sqlite import SqliteStore

EVENTS = 500
"""Appends that are under way at once, each to a stream of its own; and as many bare commits, one after another."""

JOURNAL = 1000
"""Events of the journal that is folded."""

START = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)

HOW = (
    "Commits: events a second of many concurrent appends to SqliteStore (hashed, chained, each durable when its caller "
    "goes on) over bare commits a second of one row each; above 1 the store is faster than bare single commits. "
    "Fold: a journal of 1,000 events to a run's state, over decoding the JSON of the same events. No goals."
)


def measure(quick: bool) -> Figure:
    """Both ratios; each round takes one sample of either side."""
    with scratch() as folder:
        commits = asyncio.run(_commits(folder, 2 if quick else 15))
    folds = interleave(3 if quick else 60, _fold_cases())
    group = per_round(commits, lambda r: r["store (events/s)"] / r["bare (commits/s)"])
    folded = per_round(folds, lambda r: r["fold (s)"] / r["decode (s)"])
    return Figure(
        "log",
        "Event log",
        HOW,
        (
            Ratio("group commit", "bare single commits", group, None, parts(commits, *commits[0])),
            Ratio("fold of 1,000 events", "json.loads of the same", folded, None, parts(folds, *folds[0])),
        ),
        {},
    )


async def _commits(folder: Path, rounds: int) -> list[dict[str, float]]:
    store = SqliteStore(folder / "hutch.db")
    bare = Bare(folder / "hutch.db", folder)
    try:
        return [await _commit_round(store, bare, number) for number in range(rounds)]
    finally:
        bare.close()
        await store.close()


async def _commit_round(store: SqliteStore, bare: Bare, number: int) -> dict[str, float]:
    draft = Draft("statement.output", {"item": "bench", "text": "x" * 200})
    appends = [Append(f"run:{number}-{i}", (draft,)) for i in range(EVENTS)]
    began = time.perf_counter()
    await asyncio.gather(*(store.commit([append]) for append in appends))
    took = time.perf_counter() - began
    singly = sum(bare.commit() for _ in range(EVENTS))
    return {"store (events/s)": EVENTS / took, "bare (commits/s)": EVENTS / singly}


def _fold_cases() -> dict[str, Callable[[], float]]:
    journal = long_journal(JOURNAL)
    texts = [canonical(event.data) for event in journal]
    return {
        "fold (s)": lambda: _timed(lambda: fold(journal)),
        "decode (s)": lambda: _timed(lambda: [json.loads(text) for text in texts]),
    }


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def long_journal(count: int) -> list[Event]:
    """A run with one read after another, sealed as the store seals them."""
    begun = {"service": "bench", "title": "Bench", "document": "steps", "hash": "", "incident": "", "mode": "act"}
    drafts = [Draft("run.started", {**begun, "program": Program().as_dict()})]
    drafts += [_finished(number) for number in range(1, count)]
    journal: list[Event] = []
    for seq, draft in enumerate(drafts, 1):
        previous = journal[-1].hash if journal else GENESIS
        at = START + timedelta(seconds=seq)
        journal.append(seal(draft, stream="run:bench", seq=seq, at=at, salt="0" * 32, prev_hash=previous))
    return journal


def _finished(number: int) -> Draft:
    place = {"item": f"steps/diagnosis/{number}", "title": "Diagnosis", "text": "date -u", "line": number}
    told = {"status": "passed", "summary": "exit 0", "output": "x" * 200, "exit_code": 0, "seconds": 0.001}
    return Draft("statement.finished", {**place, **told})
