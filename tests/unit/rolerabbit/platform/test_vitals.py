from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from rolerabbit.platform.vitals import (
    Process,
    Reading,
    parse_cpu,
    parse_memory,
    parse_network,
    parse_process,
    rates,
    take,
    tree_cpu_seconds,
)


def test_a_process_line_with_a_hostile_name() -> None:
    text = "12 (a) b (c) S 7 12 12 0 -1 4194560 1 2 3 4 100 50 20 30 20 0 1 0 99 0"
    assert parse_process(text, 100) == Process(12, 7, 2.0)


def test_the_tree_is_the_root_and_its_children() -> None:
    processes = [
        Process(1, 0, 50.0),
        Process(10, 1, 1.5),
        Process(11, 10, 2.0),
        Process(12, 10, 3.0),
        Process(20, 1, 9),
    ]
    assert tree_cpu_seconds(processes, 10) == 6.5
    assert tree_cpu_seconds(processes, 99) is None


def test_waiting_for_the_disk_is_idle() -> None:
    assert parse_cpu("cpu  100 10 20 800 50 5 5 10 7 7\ncpu0 1 2 3 4\n") == (150, 1000)


def test_memory_is_what_is_not_available() -> None:
    assert parse_memory("MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 250 kB\n") == 75.0


def test_network_adds_all_interfaces() -> None:
    head = "Inter-|   Receive |  Transmit\n face |bytes |bytes\n"
    rows = "    lo: 100 1 0 0 0 0 0 0 100 1 0 0 0 0 0 0\n  eth0:1000 1 0 0 0 0 0 0 50 1 0 0 0 0 0 0\n"
    assert parse_network(head + rows) == (1100, 150)


BEFORE = Reading(10.0, 40.0, 5.0, 100, 1000, 50.0, 1000, 2000)
AFTER = Reading(12.0, 41.0, 6.0, 150, 1100, 60.0, 3000, 2000)


def test_rates_between_two_readings() -> None:
    assert rates(BEFORE, AFTER, cpus=2) == pytest.approx(
        {"db_cpu": 25.0, "cpu": 50.0, "memory": 60.0, "disk_used": 41.0, "network_in": 1000.0, "network_out": 0.0}
    )


def test_no_reading_is_no_value_and_not_zero() -> None:
    assert rates(Reading(10.0, 40.0), Reading(11.0, 40.0), cpus=2) == {"disk_used": 40.0}


def test_a_restarted_database_gives_no_value_for_that_interval() -> None:
    assert "db_cpu" not in rates(BEFORE, replace(AFTER, database_cpu_seconds=0.1), cpus=2)


def test_this_machine(tmp_path: Path) -> None:
    reading = take(os.getpid(), tmp_path)
    assert 0 < reading.disk_used <= 100
    if Path("/proc/stat").exists():
        assert reading.database_cpu_seconds is not None
        assert reading.database_cpu_seconds > 0
        assert reading.memory is not None
        assert 0 < reading.memory < 100
