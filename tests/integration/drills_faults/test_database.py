"""Faults among database sessions: they stand for real, they end, and what was innocent is still there."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from rolerabbit.drills.connections import is_full

_OURS = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name IN ('nightly-cleanup', 'report-notebook', 'billing-cron', 'report-exporter', 'rolerabbit-worker',
                           'rolerabbit-release', 'pgbouncer', 'rolerabbit-jobs', 'pg_dump')"""
_THEME = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'portfolios'::regclass AND attname = 'theme'"
_BLOCKED_BY = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
_END = "SELECT pg_terminate_backend(%s)::int"
_STATE = "SELECT state FROM pg_stat_activity WHERE pid = %s"
LOCKS = {"lock-holder": "idle in transaction", "ddl-queue": "idle in transaction", "advisory-lock": "idle"}


def as_before(stage: Any) -> bool:
    return stage.number(_OURS) == 0 and stage.service.illness() == "" and stage.number(_THEME) == 0


@pytest.mark.parametrize("name", LOCKS)
def test_a_session_that_others_wait_for(stage: Any, name: str) -> None:
    with stage.standing(name) as fault:
        pid = int(fault.on["object"]["id"])
        assert stage.service.rows(_STATE, pid) == [(LOCKS[name],)]
        assert stage.number(_BLOCKED_BY, pid) >= 1
    assert fault.process.returncode == 0, fault.errors
    assert (fault.off["remedied"], fault.off["protected_lost"], fault.off["rows_lost"]) == (False, [], 0)
    stage.wait_for(lambda: as_before(stage))


@pytest.mark.slow
def test_rows_and_the_whole_table_are_both_drawn(stage: Any) -> None:
    drawn = set()
    for seed in range(1, 4):
        with stage.standing("lock-holder", seed) as fault:
            drawn.add(fault.on["known"]["whole_table"])
    assert drawn == {True, False}
    stage.wait_for(lambda: as_before(stage))


def test_the_change_of_a_table_that_got_its_turn_is_not_kept(stage: Any) -> None:
    with stage.standing("ddl-queue") as fault:
        assert stage.number(_END, int(fault.on["object"]["id"])) == 1
        stage.wait_for(lambda: stage.number(_BLOCKED_BY, int(fault.on["known"]["accept"][0]["id"])) == 0)
    assert fault.off["remedied"] is True
    assert fault.off["protected_lost"] == []
    stage.wait_for(lambda: as_before(stage))


@pytest.mark.slow
def test_an_innocent_session_that_was_ended_is_named(stage: Any) -> None:
    with stage.standing("advisory-lock") as fault:
        backup = next(p for p in fault.on["protected"] if p["application"] == "pg_dump")
        assert stage.number(_END, int(backup["id"])) == 1
    assert fault.off["protected_lost"] == [backup]
    assert fault.off["remedied"] is False


def test_ordinary_roles_are_refused_until_the_exporter_is_ended(stage: Any) -> None:
    with stage.standing("too-many-clients") as fault:
        # The service's pool may give a connection back; the exporter has it within a moment.
        stage.wait_for(lambda: is_full(stage.service))
        ended = stage.number(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'report-exporter'"
        )
        assert ended > 3
        stage.wait_for(lambda: stage.number(_OURS) == 3)
        stage.service.connect("app", "test").close()
    assert fault.off["remedied"] is True
    assert fault.off["counts"]["ended"] == ended
    assert fault.off["protected_lost"] == []
    stage.wait_for(lambda: as_before(stage))


def test_killed_it_leaves_no_session(stage: Any) -> None:
    with stage.standing("ddl-queue", seed=3) as fault:
        fault.process.send_signal(signal.SIGKILL)
        fault.process.wait(10)
    stage.wait_for(lambda: as_before(stage))
    assert stage.fault("undo").returncode == 0
