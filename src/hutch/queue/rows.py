"""A job of ours as a job of procrastinate's, and back. Pure.

The kind is the queue, the lock is the lock. A job for later carries no lock: one that waits for its time would block
those behind it. It only wakes: when it falls due it waits anew, then under its lock.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from procrastinate.jobs import Job as Row

from hutch.model.event import canonical, instant, parse_instant
from hutch.ports import Job, TakenJob


def queueing_lock(job: Job) -> str | None:
    """What only one waiting job may have; None for a job that need not be the only one."""
    return canonical([job.kind, job.lock, job.unique]) if job.unique else None


def row_of(job: Job, now: datetime, tries: int = 0) -> Row:
    """The row to defer. ``tries``: how often it was taken before, in other rows.

    The data is kept as text: ``jsonb`` would refuse U+0000 and change numbers.
    """
    run_at = job.run_at or now
    later = run_at > now
    timer = later and job.lock != ""
    args: dict[str, Any] = {
        "lock": job.lock,
        "unique": job.unique,
        "run_at": instant(run_at),
        "data": canonical(dict(job.data)),
        "tries": tries - timer,  # its waking counts as a try for the library, and is none
    }
    return Row(
        queue=job.kind,
        task_name=f"hutch.{job.kind}",
        lock=None if timer or not job.lock else job.lock,
        queueing_lock=queueing_lock(job),
        scheduled_at=run_at if later else None,
        task_kwargs=args,
    )


def rows_of(jobs: Sequence[Job], now: datetime) -> list[Row]:
    """The rows of several jobs, the first due first; of those that replace each other only the last."""
    last = {queueing_lock(job) or number: job for number, job in enumerate(jobs)}
    return [row_of(job, now) for job in sorted(last.values(), key=lambda job: job.run_at or now)]


def is_timer(row: Mapping[str, Any]) -> bool:
    """A job that was for later and does not have its lock yet."""
    return row["lock"] is None and row["args"]["lock"] != ""


def taken_from(row: Mapping[str, Any]) -> TakenJob:
    """The job in a row that was just taken."""
    args = row["args"]
    at, data = parse_instant(args["run_at"]), json.loads(args["data"])
    job = Job(row["queue_name"], args["lock"], at, data, args["unique"])
    return TakenJob(row["id"], job, row["attempts"] + 1 + args["tries"])
