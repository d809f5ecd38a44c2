"""The faults of RoleRabbit for drills: what can be broken on purpose, and what must then be found."""

from __future__ import annotations

from rolerabbit.drills.fault import Fault

FAULTS: tuple[Fault, ...] = ()
"""Every fault and no-fault; the entry point of group ``hutch.faults``."""
