"""Faults of what the database server stores and remembers, and of who gets in: for real, and gone afterwards."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rolerabbit.drills.air import INDEX, LEAST, ROOMY, TABLE, size
from rolerabbit.drills.full_disk import SCRATCH, can_spill
from rolerabbit.drills.logins import FORMER, READER
from rolerabbit.drills.numbers import BURNT, FROZEN, OLD, age
from rolerabbit.drills.pages import DAMAGED, SOUND
from rolerabbit.drills.replica import RECEIVER, REPLICA

_AIR = "SELECT round(100 * (approx_free_space + dead_tuple_len) / table_len) FROM pgstattuple_approx(%s::regclass)"
_DENSITY = "SELECT round(avg_leaf_density) FROM pgstatindex(%s::regclass)"
_DATABASES = "SELECT count(*) FROM pg_database WHERE datname IN (%s, %s)"
_CLOSED = "SELECT count(*) FROM pg_database WHERE NOT datallowconn"
_ROLES = "SELECT count(*) FROM pg_roles WHERE rolname = %s"
_FOLLOWERS = "SELECT count(*) FROM pg_stat_replication WHERE application_name IN (%s, %s)"
_PLACES = "SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname LIKE 'drill%'"


def killed(stage: Any, fault: Any, name: str, steps: int) -> None:
    """Kill the fault's process and undo what it left."""
    fault.process.send_signal(signal.SIGKILL)
    fault.process.wait(10)
    done = stage.fault("undo")
    assert json.loads(done.stdout) == {"undone": {name: steps}}, done.stderr


def test_a_table_is_mostly_air_and_its_like_is_roomy_on_purpose(stage: Any) -> None:
    with stage.standing("bloated-table") as fault:
        assert fault.on["object"] == {"kind": "table", "id": TABLE}
        assert stage.number(_AIR, TABLE) > 70
        assert min(size(stage.service, TABLE), size(stage.service, ROOMY)) > LEAST
    assert (size(stage.service, TABLE), size(stage.service, ROOMY)) == (0, 0), fault.errors


def test_an_index_is_mostly_air_until_it_is_made_anew(stage: Any) -> None:
    with stage.standing("bloated-index") as fault:
        assert stage.number(_DENSITY, INDEX) < 40
        stage.service.rows(f"REINDEX INDEX CONCURRENTLY {INDEX}")
        assert stage.number(_DENSITY, INDEX) > 60
    assert (fault.off["remedied"], fault.off["rows_lost"]) == (True, 0)
    assert size(stage.service, INDEX) == 0


def test_what_a_killed_bloat_left_is_dropped(stage: Any) -> None:
    with stage.standing("bloated-table") as fault:
        killed(stage, fault, "bloated-table", 1)
    assert size(stage.service, TABLE) == 0


def test_one_table_holds_the_oldest_transactions_and_everything_else_is_frozen(stage: Any) -> None:
    closed = stage.number(_CLOSED)
    with stage.standing("old-numbers") as fault:
        assert age(stage.service, OLD) > BURNT > 10 * age(stage.service, FROZEN)
        assert stage.number("SELECT age(datfrozenxid) FROM pg_database ORDER BY 1 DESC LIMIT 1") > BURNT
        assert stage.number(_CLOSED) == closed
        killed(stage, fault, "old-numbers", 1)
    assert stage.number("SELECT max(age(datfrozenxid)) FROM pg_database") < BURNT / 10
    assert (stage.number(_CLOSED), age(stage.service, OLD)) == (closed, 0)


def test_a_bit_is_flipped_and_counted_for_the_damaged_database_alone(stage: Any) -> None:
    with stage.standing("flipped-page") as fault:
        elsewhere = stage.service.url("database_url").rpartition("/")[0] + f"/{DAMAGED}"
        with psycopg.connect(elsewhere) as session, pytest.raises(psycopg.errors.DataCorrupted):
            session.execute("SELECT count(*) FROM invoices")
        assert stage.number("SELECT checksum_failures FROM pg_stat_database WHERE datname = %s", SOUND) == 0
    assert fault.off["counts"]["failures"] > 0
    assert stage.number(_DATABASES, DAMAGED, SOUND) == 0


@pytest.mark.slow
def test_a_killed_flip_leaves_no_database(stage: Any) -> None:
    with stage.standing("flipped-page") as fault:
        killed(stage, fault, "flipped-page", 2)
    assert stage.number(_DATABASES, DAMAGED, SOUND) == 0


def test_a_changed_password_is_given_back_as_it_was(stage: Any) -> None:
    reader = stage.service.url("reader_url")
    with stage.standing("changed-password") as fault:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(reader)
        assert fault.on["known"]["role"] == READER
        killed(stage, fault, "changed-password", 2)
    psycopg.connect(reader).close()
    assert stage.number(_ROLES, FORMER) == 0


def test_a_replica_receives_and_replays_nothing(stage: Any) -> None:
    with stage.standing("paused-replica") as fault:
        assert fault.on["object"] == {"kind": "host", "id": REPLICA}
        assert stage.number(_FOLLOWERS, REPLICA, RECEIVER) == 2
        [copy] = fault.on["protected"]
        assert copy["application"] == RECEIVER
        assert stage.number("SELECT pg_terminate_backend(%s)::int", int(copy["id"])) == 1
    assert fault.off["protected_lost"] == [copy]
    stage.wait_for(lambda: stage.number(_FOLLOWERS, REPLICA, RECEIVER) == 0)


@pytest.mark.slow
def test_a_killed_replica_leaves_nothing(stage: Any) -> None:
    with stage.standing("paused-replica") as fault:
        fault.process.send_signal(signal.SIGKILL)
        fault.process.wait(10)
    stage.wait_for(lambda: stage.number(_FOLLOWERS, REPLICA, RECEIVER) == 0)
    assert stage.leftovers() == []


def test_a_disk_is_full_until_it_is_undone_or_whoever_may_not_mount_is_told(stage: Any) -> None:
    if os.geteuid() != 0:
        refused = stage.fault("run", "full-disk")
        assert (refused.returncode, refused.stdout, stage.leftovers()) == (3, "", [])
        assert "only by root" in refused.stderr
        return
    with stage.standing("full-disk") as fault:
        assert fault.on["known"]["tablespace"] == SCRATCH
        assert not can_spill(stage.service)
        folders = [Path(row[0]) for row in stage.service.rows(_PLACES)]
        assert [folder.is_mount() for folder in folders] == [True, True]
        killed(stage, fault, "full-disk", 3)
    assert can_spill(stage.service)
    assert stage.service.rows(_PLACES) == []
    assert not any(folder.exists() for folder in folders)
