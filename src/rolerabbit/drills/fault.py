"""What a fault is: its names, what must be found, and the process that makes and undoes it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

INNOCENT: Final = ("the pooler's idle session", "the job with short transactions", "the backup")
"""The bystanders of a fault in the database, in words."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is broken on purpose; a no-fault (without ``cause`` and ``alert``) only looks like one.

    ``alert`` is what must fire for it, in one incident: a rule, or a cause that a diagnosis names by itself; empty
    where any will do. ``cause`` and ``object_kind`` are what the diagnosis must name, ``remedies`` the actions of which
    any is right, ``spares`` in words what must not be harmed. ``made_by`` is its maker, as `module:function` here;
    ``parts`` are those of which it is made where it is several at once: then ``cause``, ``object_kind`` and
    ``remedies`` are the first one's.
    """

    name: str
    summary: str
    cause: str = ""
    object_kind: str = ""
    remedies: tuple[str, ...] = ()
    spares: tuple[str, ...] = ()
    alert: str = ""
    made_by: str = field(default="", kw_only=True)
    parts: tuple[Fault, ...] = field(default=(), kw_only=True)

    def argv(self, ready_file: Path) -> Sequence[str]:
        """The process that makes the fault and undoes it when its standard input ends."""
        return (sys.executable, "-m", "rolerabbit", "fault", "run", self.name, "--ready-file", str(ready_file))

    def undo_argv(self, ready_file: Path) -> Sequence[str]:
        """The process that undoes what a killed one left behind."""
        return (sys.executable, "-m", "rolerabbit", "fault", "undo", "--ready-file", str(ready_file))
