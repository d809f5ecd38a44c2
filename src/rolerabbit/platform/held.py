"""What hosted platforms hold each replica to, beside what its release says of itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

MIB = 1024 * 1024
UNITS = 1024


@dataclass(frozen=True, slots=True)
class Held:
    """So many CPUs and bytes of memory; None: as the plan has it, which holds nobody here."""

    cpu: float | None = None
    memory: int | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What a replica is started with.

        >>> Held(0.5, 4_000_000_000).environment
        {'RR_CPU_UNITS': '512', 'RR_MEMORY_MB': '3814'}
        """
        cpu = {"RR_CPU_UNITS": str(ceil(self.cpu * UNITS))} if self.cpu else {}
        return {**cpu, **({"RR_MEMORY_MB": str(self.memory // MIB)} if self.memory else {})}

    def to_json(self) -> dict[str, Any]:
        """For the state file."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Held:
        """What ``to_json`` wrote; nothing is held where there is none."""
        return cls(found.get("cpu"), found.get("memory"))
