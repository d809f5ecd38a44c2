"""A job of ours as a job of procrastinate's: what carries a lock, what waits for its time, what replaces what."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from hutch.ports import Job, TakenJob
from hutch.queue.rows import is_timer, queueing_lock, row_of, rows_of, taken_from
from hutch.testing import START

LATER = START + timedelta(seconds=60)


def fetched(job: Job, attempts: int = 0, tries: int = 0) -> dict[str, object]:
    """The row as the library hands it over."""
    row = row_of(job, START, tries)
    return {"id": 7, "queue_name": row.queue, "lock": row.lock, "args": row.task_kwargs, "attempts": attempts}


def test_a_due_job_carries_its_lock_and_no_time() -> None:
    row = row_of(Job("drive", "run:1"), START)
    assert (row.queue, row.task_name, row.lock, row.queueing_lock, row.scheduled_at) == (
        "drive", "hutch.drive", "run:1", None, None,
    )  # fmt: skip
    assert row_of(Job("drive", "run:1", START), START).scheduled_at is None


def test_a_job_for_later_carries_no_lock_and_counts_its_waking_as_no_try() -> None:
    timer = Job("clock", "incident:1", LATER)
    row = row_of(timer, START)
    assert (row.lock, row.scheduled_at) == (None, LATER)
    assert is_timer(fetched(timer))
    woken = {**fetched(timer, attempts=1), "lock": "incident:1"}
    assert not is_timer(woken)
    assert taken_from(woken).attempts == 1


def test_a_job_for_later_without_a_lock_needs_no_waking() -> None:
    assert not is_timer(fetched(Job("clock", "", LATER)))
    assert taken_from(fetched(Job("clock", "", LATER))).attempts == 1


def test_of_those_that_replace_each_other_the_last_stays_and_the_first_due_goes_first() -> None:
    timer = Job("drive", "run:1", LATER, {"n": 1}, "timer")
    newer = Job("drive", "run:1", START, {"n": 2}, "timer")
    other = Job("drive", "run:2", START - timedelta(seconds=5), {"n": 3}, "timer")
    rows = rows_of([timer, Job("drive", "x"), Job("drive", "x"), newer, other], START)
    assert [(row.lock, row.task_kwargs["data"]) for row in rows] == [
        ("run:2", '{"n":3}'), ("run:1", '{"n":2}'), ("x", "{}"), ("x", "{}"),
    ]  # fmt: skip
    assert queueing_lock(timer) == queueing_lock(newer) != queueing_lock(other)
    assert queueing_lock(Job("a", 'b", "c', unique="d")) != queueing_lock(Job("a", "b", unique='c", "d'))


@given(
    st.text(min_size=1), st.text(), st.text(), st.integers(-100, 100), st.integers(0, 9),
    st.dictionaries(st.text(), st.integers() | st.text() | st.none() | st.lists(st.booleans())),
)  # fmt: skip
def test_a_job_comes_back_as_it_went(
    kind: str, lock: str, unique: str, seconds: int, tries: int, data: dict[str, object]
) -> None:
    job = Job(kind, lock, START + timedelta(seconds=seconds), data, unique)
    row = fetched(job, tries=tries)
    timer = is_timer(row)
    assert timer == (seconds > 0 and lock != "")
    assert taken_from({**row, "attempts": int(timer)}) == TakenJob(7, job, tries + 1)
