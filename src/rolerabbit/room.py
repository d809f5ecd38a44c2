"""Keeps one replica within the memory and the CPUs that its environment gives it."""

from __future__ import annotations

import os
import resource
from math import ceil
from typing import Final

UNITS: Final = 1024
"""CPU units of one CPU, as Amazon counts them."""
MIB: Final = 1024 * 1024


def keep_within(memory_mb: int, cpu_units: int) -> None:
    """Hold this process to so much memory of its own, and to as many whole CPUs as the units make. 0: as it is."""
    if memory_mb:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = memory_mb * MIB
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))
    if cpu_units and hasattr(os, "sched_setaffinity"):
        usable = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, usable[: ceil(cpu_units / UNITS)])
