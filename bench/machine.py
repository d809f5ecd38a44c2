"""What the measurements ran on, without anything that names the machine or a place on it."""

from __future__ import annotations

import os
import platform
import sqlite3
import tempfile
from pathlib import Path


def describe() -> dict[str, str | int | float]:
    """Cores, memory, kernel, Python and the file system that the stores of the bench lie on."""
    return {
        "processor": _field(Path("/proc/cpuinfo"), "model name") or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory (GiB)": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "sqlite": sqlite3.sqlite_version,
        "file system of the stores": file_system(Path(tempfile.gettempdir()), _mounts()),
        "load average at the start": load(),
    }


def load() -> float:
    """How many processes wanted to run, on average over the last minute (man 3 getloadavg)."""
    return round(os.getloadavg()[0], 2)


def file_system(path: Path, mounts: str) -> str:
    """The type of the file system that ``path`` lies on, by the text of ``/proc/self/mountinfo`` (man 5 proc)."""
    found = (Path("/"), "unknown")
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        place = Path(fields.split()[4])
        if path.is_relative_to(place) and len(place.parts) >= len(found[0].parts):
            found = (place, rest.split()[0])
    return found[1]


def _mounts() -> str:
    return Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")


def _field(path: Path, name: str) -> str:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
