"""The machine's numbers out of /proc: CPU of the database and of the machine, memory, disk, network.

Where there is no /proc (not Linux) a reading holds only the disk: no data is a state of its own, never zero.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """One line of /proc/PID/stat: CPU seconds of itself and of its reaped children."""

    pid: int
    parent: int
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Reading:
    """Counters at one moment (``at`` in seconds of the monotonic clock). None: not to be had here."""

    at: float
    disk_used: float
    database_cpu_seconds: float | None = None
    busy_ticks: int | None = None
    all_ticks: int | None = None
    memory: float | None = None
    bytes_in: int | None = None
    bytes_out: int | None = None


def parse_process(text: str, ticks_per_second: int) -> Process:
    """From /proc/PID/stat; the name in parentheses may hold anything, so fields are counted behind its last one."""
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    ticks = sum(int(field) for field in fields[11:15])
    return Process(int(head.split(" ", 1)[0]), int(fields[1]), ticks / ticks_per_second)


def tree_cpu_seconds(processes: Iterable[Process], root: int) -> float | None:
    """CPU seconds of ``root`` and its direct children, the reaped ones included. None if ``root`` isn't there.

    A child's time moves to its parent's count when it is reaped, so the sum doesn't go backwards.
    """
    known = list(processes)
    if not any(process.pid == root for process in known):
        return None
    return sum(process.cpu_seconds for process in known if root in (process.pid, process.parent))


def parse_cpu(text: str) -> tuple[int, int]:
    """Busy and all ticks of the machine from /proc/stat; waiting for the disk counts as idle."""
    fields = [int(field) for field in text.splitlines()[0].split()[1:9]]
    return sum(fields) - fields[3] - fields[4], sum(fields)


def parse_memory(text: str) -> float:
    """Percent of the memory that isn't available, from /proc/meminfo."""
    sizes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in text.splitlines())}
    return 100 * (1 - sizes["MemAvailable"] / sizes["MemTotal"])


def parse_network(text: str) -> tuple[int, int]:
    """Bytes in and out over all interfaces, from /proc/net/dev. Loopback counts: here the service lives on it."""
    rows = [line.partition(":")[2].split() for line in text.splitlines()[2:]]
    return sum(int(row[0]) for row in rows), sum(int(row[8]) for row in rows)


def rates(before: Reading, after: Reading, cpus: int) -> Mapping[str, float]:
    """The signals between two readings: percent for cpu, memory and disk, bytes a second for the network."""
    seconds = max(after.at - before.at, 1e-6)
    found: dict[str, float | None] = {
        "db_cpu": _per(before.database_cpu_seconds, after.database_cpu_seconds, seconds * cpus / 100),
        "cpu": _per(before.busy_ticks, after.busy_ticks, ((after.all_ticks or 0) - (before.all_ticks or 0)) / 100),
        "memory": after.memory,
        "disk_used": after.disk_used,
        "network_in": _per(before.bytes_in, after.bytes_in, seconds),
        "network_out": _per(before.bytes_out, after.bytes_out, seconds),
    }
    return {name: value for name, value in found.items() if value is not None}


def _per(before: float | None, after: float | None, unit: float) -> float | None:
    if before is None or after is None or unit <= 0 or after < before:
        return None
    return (after - before) / unit


def take(database_pid: int | None, data_dir: Path) -> Reading:
    """Read now."""
    disk = shutil.disk_usage(data_dir)
    used = 100 * disk.used / max(disk.used + disk.free, 1)
    if not (PROC / "stat").exists():
        return Reading(time.monotonic(), used)
    busy, everything = parse_cpu((PROC / "stat").read_text())
    received, sent = parse_network((PROC / "net" / "dev").read_text())
    return Reading(
        time.monotonic(),
        used,
        tree_cpu_seconds(_processes(), database_pid) if database_pid is not None else None,
        busy,
        everything,
        parse_memory((PROC / "meminfo").read_text()),
        received,
        sent,
    )


def _processes() -> list[Process]:
    ticks = os.sysconf("SC_CLK_TCK")
    texts = (_text(folder / "stat") for folder in PROC.iterdir() if folder.name.isdigit())
    return [parse_process(text, ticks) for text in texts if text]


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
