"""What one transaction holds is decided in memory, commit upon commit."""

from __future__ import annotations

from hutch.model.event import Draft, find_break
from hutch.ports import Append, Conflict, Job
from hutch.store.postgres.group import Commit, columns, decide, jobs_of, streams_of
from hutch.testing import START

A = (Draft("a"),)


def test_each_commit_builds_on_those_before_it_and_a_conflict_leaves_nothing() -> None:
    commits = [
        Commit([Append("x", A, 0)], [Job("drive", "x")]),
        Commit([Append("y", A), Append("x", A, 0)], [Job("drive", "y")]),
        Commit([Append("x", A, 1), Append("x", A, 2)]),
        Commit([Append("y", A, 0)]),
    ]
    found = decide(commits, {}, (), START)
    assert [isinstance(answer, Conflict) for answer in found.answers] == [False, True, False, False]
    assert [(e.stream, e.seq) for e in found.events] == [("x", 1), ("x", 2), ("x", 3), ("y", 1)]
    assert [job.lock for job in found.jobs] == ["x"]
    assert find_break([e for e in found.events if e.stream == "x"]) is None


def test_streams_continue_where_they_ended() -> None:
    found = decide([Commit([Append("x", A)])], {"x": (41, "f" * 64)}, (), START)
    assert [(e.seq, e.prev_hash) for e in found.events] == [(42, "f" * 64)]


def test_a_job_is_finished_once_and_only_by_who_holds_it() -> None:
    commits = [Commit([], done=1), Commit([Append("x", A)], done=2), Commit([], done=1), Commit([Append("y", A)])]
    found = decide(commits, {}, {1}, START)
    assert [isinstance(answer, Conflict) for answer in found.answers] == [False, True, True, False]
    assert found.finished == (1,)
    assert [e.stream for e in found.events] == ["y"]


def test_a_commit_that_conflicts_keeps_its_job() -> None:
    found = decide([Commit([Append("x", A, 9)], done=1), Commit([], done=1)], {}, {1}, START)
    assert found.finished == (1,)


def test_what_must_be_known_beforehand() -> None:
    commits = [Commit([Append("b", ()), Append("a", A)], done=3), Commit([Append("b", A)]), Commit([], done=2)]
    assert streams_of(commits) == ["a", "b"]
    assert jobs_of(commits) == [2, 3]


def test_positions_go_on_from_the_end() -> None:
    found = decide([Commit([Append("x", (*A, *A))]), Commit([Append("y", A)])], {}, (), START)
    assert columns(found.events, 10)["position"] == [11, 12, 13]
    assert columns((), 10) == {}
