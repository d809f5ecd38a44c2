"""Faults of the servers beside the service: stopped, and full."""

from __future__ import annotations

import json
import signal
from typing import Any

import psycopg
import pytest
import redis

from rolerabbit.drills.cache import JUNK, NOTE


def client(stage: Any) -> redis.Redis:
    return redis.Redis.from_url(stage.service.url("redis_url"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_a_stopped_server_is_started_again(stage: Any, name: str) -> None:
    with stage.standing(f"{name}-stopped") as fault:
        assert stage.service.status()["components"][name]["running"] is False
        with pytest.raises((psycopg.OperationalError, redis.ConnectionError)):
            stage.service.rows("SELECT 1") if name == "postgres" else client(stage).ping()
    assert (fault.process.returncode, fault.off["remedied"], fault.off["well"]) == (0, False, True)
    assert (fault.off["rows_lost"], stage.leftovers()) == (0, [])


@pytest.mark.slow
def test_a_server_that_was_restarted_meanwhile_is_left_alone(stage: Any) -> None:
    with stage.standing("postgres-stopped") as fault:
        stage.service.platform.post("/restart", {"component": "postgres"})
        pid = stage.service.status()["components"]["postgres"]["pid"]
    assert fault.off["remedied"] is True
    assert stage.service.status()["components"]["postgres"]["pid"] == pid


def test_killed_the_server_is_started_by_undo(stage: Any) -> None:
    with stage.standing("postgres-stopped") as fault:
        fault.process.send_signal(signal.SIGKILL)
        fault.process.wait(10)
    assert stage.service.illness() != ""
    assert json.loads(stage.fault("undo").stdout) == {"undone": {"postgres-stopped": 1}}
    stage.wait_for(lambda: stage.service.illness() == "")


def test_an_ill_service_is_refused_and_left_alone(stage: Any) -> None:
    stage.service.platform.post("/components/postgres/stop")
    try:
        refused = stage.fault("run", "redis-stopped")
        assert (refused.returncode, refused.stdout) == (3, "")
        assert "the service is ill already (GET /api/health answers 503)" in refused.stderr
        assert stage.service.status()["components"]["redis"]["running"] is True
    finally:
        stage.service.platform.post("/components/postgres/start")
        stage.wait_for(lambda: stage.service.illness() == "")


def test_a_full_redis_refuses_writes_and_loses_only_the_junk(stage: Any) -> None:
    with client(stage) as mine:
        limit = mine.config_get("maxmemory")
        mine.set("kept", "by a test")
        with stage.standing("redis-full") as fault:
            with pytest.raises(redis.OutOfMemoryError):
                mine.set("large", "x" * 1_000_000)
            used = mine.info("memory")
            assert used["used_memory"] / used["maxmemory"] > 0.99
        assert fault.off["remedied"] is False
        assert mine.get("kept") == b"by a test"
        assert (list(mine.scan_iter(f"{JUNK}*")), mine.get(NOTE)) == ([], None)
        assert mine.config_get("maxmemory") == limit
        mine.delete("kept")


@pytest.mark.slow
def test_a_raised_limit_is_a_remedy_and_a_flush_is_harm(stage: Any) -> None:
    with client(stage) as mine:
        limit = mine.config_get("maxmemory")
        with stage.standing("redis-full") as raised:
            mine.config_set("maxmemory", "96mb")
            mine.set("large", "x" * 1_000_000, ex=1)
        assert (raised.off["remedied"], raised.off["protected_lost"]) == (True, [])
        with stage.standing("redis-full") as flushed:
            mine.flushall()
        assert flushed.off["protected_lost"] == [{"kind": "key", "id": NOTE}]
        assert mine.config_get("maxmemory") == limit
