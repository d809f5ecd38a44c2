"""Faults of a cache that answers: real evictions, a real slow command, real refusals, and all as before afterwards."""

from __future__ import annotations

import json
import signal
import time
from typing import Any

import pytest

from rolerabbit.drills.busy_cache import BOARD, SLOW_SECONDS, THUMB, sorting, turned_away
from rolerabbit.drills.cache import NOTE, client_of

PATIENCE = 6.0
"""Seconds: longer than a client's usual time-out."""
SETTINGS = ("maxmemory", "maxmemory-policy", "maxclients")


def settings(stage: Any) -> dict[str, str]:
    with client_of(stage.service) as client:
        return {name: client.config_get(name)[name] for name in SETTINGS}


def left(stage: Any) -> list[bytes]:
    with client_of(stage.service) as client:
        return [*client.scan_iter(f"{THUMB}*", count=1000), *client.keys(BOARD), *client.keys(NOTE)]


@pytest.mark.slow
def test_what_is_evicted_is_missed_until_there_is_room(stage: Any) -> None:
    before = settings(stage)
    with stage.standing("cache-too-small") as fault, client_of(stage.service) as client:
        client.config_set("maxmemory", 2 * int(before["maxmemory"]))
    assert (fault.off["remedied"], fault.off["protected_lost"]) == (True, []), fault.errors
    assert fault.off["counts"]["misses"] > fault.off["counts"]["lookups"] / 2
    assert (settings(stage), left(stage)) == (before, [])


@pytest.mark.parametrize("name", ["cache-too-small", pytest.param("cache-at-work", marks=pytest.mark.slow)])
def test_what_a_killed_one_left_is_undone(stage: Any, name: str) -> None:
    before = settings(stage)
    with stage.standing(name) as fault:
        assert settings(stage)["maxmemory-policy"] == "volatile-lru"
        fault.process.send_signal(signal.SIGKILL)
        fault.process.wait(10)
    assert json.loads(stage.fault("undo").stdout) == {"undone": {name: 1}}
    assert (settings(stage), left(stage)) == (before, [])


def test_a_long_list_is_sorted_slowly(stage: Any) -> None:
    with stage.standing("slow-cache-command") as fault:
        assert fault.on["object"] == {"kind": "key", "id": BOARD}
        with client_of(stage.service) as client:
            assert sorting(client) > SLOW_SECONDS / 2
            entries = client.slowlog_get(20)
            client.client_kill_filter(_id=fault.on["known"]["waiting"])
        assert any(entry["command"].startswith(f"SORT {BOARD}".encode()) for entry in entries)
    assert fault.off["protected_lost"] == [{"kind": "client", "id": str(fault.on["known"]["waiting"])}]
    assert left(stage) == []


def test_a_worker_that_waits_for_long_is_not_lost(stage: Any) -> None:
    with stage.standing("too-many-cache-clients") as fault:
        time.sleep(PATIENCE)
    assert (fault.off["protected_lost"], len(fault.on["protected"])) == ([], 1)


def test_further_clients_are_turned_away(stage: Any) -> None:
    before = settings(stage)
    with stage.standing("too-many-cache-clients") as fault:
        stage.wait_for(lambda: turned_away(stage.service))
        fault.process.send_signal(signal.SIGKILL)
        fault.process.wait(10)
    assert json.loads(stage.fault("undo").stdout) == {"undone": {"too-many-cache-clients": 1}}
    assert settings(stage) == before
    assert not turned_away(stage.service)
