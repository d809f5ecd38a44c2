"""Faults in the schema: an index that is missing, a migration that stopped half-way; and a release that crashes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from rolerabbit.drills.indexes import ARCHIVE
from rolerabbit.drills.indexes import INDEX as NEEDED
from rolerabbit.drills.migrations import INDEX as NEW

_DEFINITION = "SELECT indexdef FROM pg_indexes WHERE indexname = %s"
_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
_ARCHIVED = "SELECT count(*) FROM portfolios WHERE subdomain LIKE 'drill-archive-%'"
_OWNER = "SELECT count(*) FROM users WHERE email = %s"
_VERSIONS = "SELECT version FROM schema_migrations ORDER BY version"


def db(stage: Any, *command: str) -> str:
    """`rolerabbit db`, as an operator runs it."""
    env = {**os.environ, "DATABASE_URL": stage.service.url("owner_url")}
    env["RR_MIGRATIONS_EXTRA"] = stage.service.url("migrations_dir")
    words = (sys.executable, "-m", "rolerabbit", "db", *command)
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_an_index_is_missing_and_comes_back_as_it_was(stage: Any) -> None:
    before = stage.service.rows(_DEFINITION, NEEDED)
    with stage.standing("missing-index") as fault:
        assert stage.service.rows(_DEFINITION, NEEDED) == []
        took = fault.on["known"]["milliseconds"]
        assert took["without"] > 5 * took["with"]
        assert stage.number(_ARCHIVED) > 100_000
    assert (fault.off["remedied"], fault.off["rows_lost"]) == (False, 0)
    assert stage.service.rows(_DEFINITION, NEEDED) == before
    assert (stage.number(_ARCHIVED), stage.number(_OWNER, ARCHIVE)) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("columns", ["user_id", "user_id, updated_at DESC, id"])
def test_killed_or_remedied_the_index_is_there_once(stage: Any, columns: str) -> None:
    before = stage.service.rows(_DEFINITION, NEEDED)
    with stage.standing("missing-index") as fault:
        stage.service.rows(f"CREATE INDEX CONCURRENTLY idx_portfolios_user_id ON portfolios({columns})")
        fault.process.send_signal(signal.SIGKILL)
        fault.process.wait(10)
    assert json.loads(stage.fault("undo").stdout) == {"undone": {"missing-index": 3}}
    assert stage.service.rows(_DEFINITION, NEEDED) == before
    assert stage.service.rows(_DEFINITION, "idx_portfolios_user_id") == []
    assert stage.number(_OWNER, ARCHIVE) == 0


def test_a_half_applied_migration_is_left_and_taken_away(stage: Any) -> None:
    versions = stage.service.rows(_VERSIONS)
    with stage.standing("half-applied-migration") as fault:
        version = fault.on["object"]["id"]
        assert stage.service.rows(_VALID, NEW) == [(False,)]
        assert json.loads(db(stage, "status", "--json"))["half_applied"] == [version]
    assert fault.off["remedied"] is False
    assert (stage.service.rows(_VALID, NEW), stage.service.rows(_VERSIONS)) == ([], versions)


def test_a_migration_that_was_finished_is_undone_whole(stage: Any) -> None:
    versions = stage.service.rows(_VERSIONS)
    with stage.standing("half-applied-migration") as fault:
        assert fault.on["known"]["file"].removesuffix(".sql").replace("_", " ", 1) in db(stage, "up")
        assert stage.service.rows(_VALID, NEW) == [(True,)]
    assert fault.off["remedied"] is True
    assert (stage.service.rows(_VALID, NEW), stage.service.rows(_VERSIONS)) == ([], versions)


@pytest.mark.slow
def test_replicas_crash_until_the_release_is_gone(stage: Any) -> None:
    with stage.standing("crash-loop") as fault:
        status = stage.service.status()
        assert (status["release"], status["crashes"] >= 2) == (fault.on["object"]["id"], True)
    assert (fault.off["remedied"], fault.off["well"]) == (False, True)
    assert stage.service.status()["release"] == fault.on["known"]["before"]


@pytest.mark.slow
def test_told_to_end_while_it_is_made_it_is_undone(stage: Any) -> None:
    before = stage.service.rows(_DEFINITION, NEEDED)
    words = (sys.executable, "-m", "rolerabbit", "fault", "run", "missing-index")
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        (*words, "--ready-file", str(stage.ready_file)), stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )
    record = stage.service.data_dir / "faults" / "missing-index.json"
    stage.wait_for(lambda: record.exists() and "archive" in record.read_text(), 60.0)
    process.send_signal(signal.SIGTERM)
    said, errors = process.communicate(timeout=90)
    assert process.returncode == 0, errors
    assert json.loads(said)["stood"] is False
    assert (stage.service.rows(_DEFINITION, NEEDED), stage.leftovers()) == (before, [])
    assert (stage.number(_ARCHIVED), stage.number(_OWNER, ARCHIVE)) == (0, 0)
