"""INFO's figures as numbers, by change where totals since the start would tell of long ago."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Info = Mapping[str, str]

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def number(info: Info, name: str) -> float:
    """A figure of INFO; 0 where this server does not tell it.

    >>> number({"used_memory": "12"}, "used_memory")
    12.0
    """
    try:
        return float(info.get(name, "0"))
    except ValueError:
        return 0.0


def refused_writes(info: Info) -> float:
    """Writes refused for want of memory since the start.

    >>> refused_writes({"errorstat_OOM": "count=3"})
    3.0
    """
    found = re.search(r"count=(\d+)", info.get("errorstat_OOM", ""))
    return float(found.group(1)) if found else 0.0


def size(count: float) -> str:
    """Bytes for people.

    >>> size(16 * 1024 * 1024)
    '16.0 MiB'
    """
    value, step = float(count), 0
    while value >= 1024 and step < len(UNITS) - 1:
        value, step = value / 1024, step + 1
    return f"{value:.0f} B" if step == 0 else f"{value:.1f} {UNITS[step]}"


@dataclass(frozen=True, slots=True)
class Memory:
    """How the memory stands; ``refused`` and ``evicted`` are totals since the start, ``total`` the machine's."""

    used: float
    limit: float
    policy: str
    total: float
    refused: float
    evicted: float
    hits: float
    misses: float
    run: str  # which start of the server this is: totals begin anew with it

    @classmethod
    def of(cls, info: Info) -> Memory:
        """From INFO."""
        return cls(
            used=number(info, "used_memory") - number(info, "mem_not_counted_for_evict"),
            limit=number(info, "maxmemory"),
            policy=info.get("maxmemory_policy", ""),
            total=number(info, "total_system_memory"),
            refused=refused_writes(info),
            evicted=number(info, "evicted_keys"),
            hits=number(info, "keyspace_hits"),
            misses=number(info, "keyspace_misses"),
            run=info.get("run_id", ""),
        )

    @property
    def percent(self) -> float:
        """Part of the limit that is used, in %; 0 without a limit."""
        return 100.0 * self.used / self.limit if self.limit else 0.0

    @property
    def keeps(self) -> bool:
        """Whether the policy forbids to evict anything, so that a full memory refuses writes."""
        return self.policy in ("noeviction", "")


def grown(before: float, after: float) -> float:
    """How much a total has grown; a total that began anew has grown by what it says."""
    return after - before if after >= before else after
