"""Units of signals and of thresholds: ``1s`` and ``1000ms`` are the same threshold."""

from __future__ import annotations

_FAMILIES: tuple[dict[str, float], ...] = (
    {"us": 0.001, "µs": 0.001, "ms": 1.0, "s": 1_000.0, "m": 60_000.0, "min": 60_000.0, "h": 3_600_000.0},
    {"%": 1.0, "percent": 1.0},
    {"B": 1, "bytes": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
     "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40},
    {"bytes/s": 1, "B/s": 1, "kB/s": 1e3, "KB/s": 1e3, "MB/s": 1e6, "GB/s": 1e9,
     "KiB/s": 2**10, "MiB/s": 2**20, "GiB/s": 2**30},
    {"requests/s": 1.0, "req/s": 1.0, "rps": 1.0, "/s": 1.0, "requests/min": 1 / 60, "req/min": 1 / 60, "rpm": 1 / 60},
)  # fmt: skip
"""Units that convert into one another, each with its size in the family's base unit."""


def convert(value: float, unit: str, to: str) -> float | None:
    """``value`` of ``unit`` in ``to``; None where the two measure different things.

    No unit stands for the wanted one: ``error_rate > 5`` is 5 %.
    """
    if unit in {"", to}:
        return value
    family = next((f for f in _FAMILIES if unit in f and to in f), None)
    return None if family is None else value * family[unit] / family[to]


def alternatives(unit: str) -> tuple[str, ...]:
    """The units that can be written for a signal in ``unit``."""
    family = next((f for f in _FAMILIES if unit in f), None)
    return tuple(family) if family else ()
