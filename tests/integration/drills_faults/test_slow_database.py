"""The faults of a database that is slow or will be: they stand for real, spare their bystanders and leave nothing."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

_INDEXES = "SELECT count(*) FROM pg_class WHERE relname IN ('portfolios_title_idx', 'audit_logs_action_idx')"
_TABLE = "SELECT count(*) FROM pg_class WHERE relname = 'drill_pages'"
_COLUMN = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'portfolios'::regclass AND attname = 'pinned'"
_NAMES = """
SELECT count(*) FROM pg_stat_activity WHERE application_name IN
('billing-sync', 'sales-dashboard', 'support-console', 'rolerabbit-feed', 'nightly-tuning', 'monthly-report',
 'pg_dump')"""
_STATE = "SELECT state FROM pg_stat_activity WHERE pid = %s"
_END = "SELECT pg_terminate_backend(%s)::int"
COUNTED = {"deadlocks": "deadlocks", "temp-spill": "bytes_spilled", "cache-misses": "pages_read"}
SESSIONS = {"heavy-statement": "active", "endless-statement": "active", "forgotten-transaction": "idle in transaction"}


def as_before(stage: Any) -> bool:
    left = sum(stage.number(text) for text in (_INDEXES, _TABLE, _COLUMN, _NAMES))
    return left == 0 and stage.service.illness() == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTED)
def test_what_the_server_counts(stage: Any, name: str) -> None:
    with stage.standing(name) as fault:
        assert fault.on["object"]["kind"] in ("database", "setting")
    assert fault.off["counts"][COUNTED[name]] > 0
    assert (fault.off["remedied"], fault.off["protected_lost"], fault.off["rows_lost"]) == (None, [], 0)
    stage.wait_for(lambda: as_before(stage))


@pytest.mark.parametrize(
    "name", [n if n == "forgotten-transaction" else pytest.param(n, marks=pytest.mark.slow) for n in SESSIONS]
)
def test_a_session_that_is_to_be_ended(stage: Any, name: str) -> None:
    with stage.standing(name) as fault:
        pids = {int(o["id"]) for o in (fault.on["object"], *fault.on["known"].get("accept", ()))}
        assert {stage.service.rows(_STATE, pid)[0][0] for pid in pids} == {SESSIONS[name]}
        assert sum(stage.number(_END, pid) for pid in pids) == len(pids)
        stage.wait_for(lambda: not any(stage.service.rows(_STATE, pid) for pid in pids))
    assert (fault.off["remedied"], fault.off["protected_lost"]) == (True, [])
    stage.wait_for(lambda: as_before(stage))


def test_one_index_is_left_and_the_other_is_being_made(stage: Any) -> None:
    with stage.standing("invalid-index") as fault:
        assert stage.number(_INDEXES) == 2
        assert stage.number("SELECT count(*) FROM pg_stat_progress_create_index") == 1
        being_made = next(p for p in fault.on["protected"] if p["application"] == "nightly-tuning")
    assert (fault.off["remedied"], fault.off["protected_lost"], fault.off["counts"]) == (False, [], {"being_made": 1})
    assert being_made["kind"] == "session"
    stage.wait_for(lambda: as_before(stage))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cache-misses", "invalid-index", "pending-migration"])
def test_what_a_killed_fault_left_is_undone(stage: Any, name: str) -> None:
    folder = Path(stage.service.url("migrations_dir"))
    before = sorted(folder.iterdir())
    with stage.standing(name) as fault:
        fault.process.send_signal(signal.SIGKILL)
        fault.process.wait(10)
    assert json.loads(stage.fault("undo").stdout) == {"undone": {name: 1}}
    stage.wait_for(lambda: as_before(stage))
    assert sorted(folder.iterdir()) == before
