"""The faults of RoleRabbit for drills: what can be broken on purpose, and what must then be found."""

from __future__ import annotations

from rolerabbit.drills.catalog import FAULTS
from rolerabbit.drills.fault import Fault

__all__ = ["FAULTS", "Fault"]
