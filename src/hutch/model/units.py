"""Units of signals and of thresholds: ``1s`` and ``1000ms`` are the same threshold."""

from __future__ import annotations

_BYTES = {"B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
          "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}  # fmt: skip

_FAMILIES: tuple[dict[str, float], ...] = (
    {"us": 0.001, "µs": 0.001, "ms": 1.0, "s": 1_000.0, "m": 60_000.0, "min": 60_000.0, "h": 3_600_000.0,
     "d": 86_400_000.0},
    {"%": 1.0, "percent": 1.0},
    {"bytes": 1, **_BYTES},
    {"bytes/s": 1, **{f"{unit}/s": size for unit, size in _BYTES.items()},
     "bit/s": 1 / 8, "kbit/s": 125, "Mbit/s": 125_000, "Gbit/s": 125_000_000},
    {"requests/s": 1.0, "req/s": 1.0, "rps": 1.0, "/s": 1.0, "requests/min": 1 / 60, "req/min": 1 / 60, "rpm": 1 / 60},
)  # fmt: skip
"""Units that convert into one another, each with its size in the family's base unit."""

UNITS = tuple(unit for family in _FAMILIES for unit in family)
"""Every unit that a threshold may have. A signal may have another of its own, such as ``connections``."""


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
