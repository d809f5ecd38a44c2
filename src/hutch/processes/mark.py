"""The mark in the environment of every process that we start, by which what is left of it is found again."""

from __future__ import annotations

import itertools
import os
from functools import lru_cache
from pathlib import Path

VARIABLE = "HUTCH_STARTED_BY"
"""Holds the place (boot and process namespace), the process that started it with its start time, and a number."""

_numbers = itertools.count(1)


def own() -> str:
    """What all marks of this process begin with."""
    return _of(os.getpid())


@lru_cache(maxsize=4)
def _of(pid: int) -> str:
    return f"{place()}.{pid}.{started(pid)}."


def new() -> str:
    """The mark of the next command."""
    return f"{own()}{next(_numbers)}"


@lru_cache(maxsize=1)
def place() -> str:
    """Within which process numbers mean the same: this boot of this machine, in this namespace."""
    try:
        namespace = Path("/proc/self/ns/pid").readlink().name.strip("pid:[]")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip().replace("-", "")
    except OSError:
        return "here"
    return f"{boot[:12]}-{namespace}"


def started(pid: int) -> str:
    """When a process began, in the kernel's ticks since the boot; empty where it is not there."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]


def orphaned(value: str) -> bool:
    """Whether who wrote this mark has ended. One from another boot or namespace tells nothing: then it has not."""
    where, _, rest = value.partition(".")
    pid, _, rest = rest.partition(".")
    begun = rest.partition(".")[0]
    return where == place() != "here" and pid.isdecimal() and bool(begun) and started(int(pid)) != begun
