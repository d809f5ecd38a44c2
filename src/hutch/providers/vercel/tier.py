"""How large the functions of a project are: one of a few sizes, each with a name of its own.

A project has its own, or what is so without one, and a build keeps what it was built with. (Vercel's REST API, "Update
an existing project"; docs, "Configuring Memory and CPU for Vercel Functions".)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hutch.model.platform import figure
from hutch.providers.vercel.calls import Ask, call
from hutch.providers.vercel.client import State
from hutch.providers.vercel.config import Config
from hutch.remote import Args, Refused, word_of

KEY = "functionDefaultMemoryType"
GB: Mapping[str, int] = {"standard": 2, "performance": 4}
"""Those of which Vercel publishes how large they are."""
VCPUS = {2: "1 vCPU", 4: "2 vCPUs"}
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
SIZES = frozenset({"memory_gb", "tier"})


@dataclass(frozen=True, slots=True)
class Tier:
    """The size of now, by its name; ``own``: the project says so itself."""

    name: str
    own: bool

    def __str__(self) -> str:
        return said(self.name)

    @property
    def sizes(self) -> dict[str, float]:
        """By the names of the action's arguments; nothing of one whose size is not published."""
        return {"memory_gb": GB[self.name]} if self.name in GB else {}


def tier_of(project: Mapping[str, Any]) -> Tier:
    """What a project's row says. :class:`Refused` for one that does not: what is not said is not guessed.

    >>> tier_of({"resourceConfig": {"fluid": True}, "defaultResourceConfig": {"functionDefaultMemoryType": "standard"}})
    Tier(name='standard', own=False)
    """
    for part, own in (("resourceConfig", True), ("defaultResourceConfig", False)):
        row = project.get(part)
        name = row.get(KEY) if isinstance(row, dict) else None
        if name is None:
            continue
        if not isinstance(name, str) or not NAME.fullmatch(name):
            break
        return Tier(name, own)
    raise Refused(f"cannot read the size of the functions: Vercel's answer is not of the expected form: no {KEY}")


def said(name: str) -> str:
    """In words.

    >>> said("performance"), said("standard_legacy")
    ('performance (4 GB, 2 vCPUs)', 'standard_legacy')
    """
    return f"{name} ({GB[name]} GB, {VCPUS[GB[name]]})" if name in GB else name


async def set_tier(config: Config, state: State, name: str) -> None:
    """Ask, once. Nothing is built by it, and what is not named stays."""
    body = {"resourceConfig": {KEY: name}}
    await call(config, Ask("set the size of the functions", f"/v9/projects/{state.id}", {}, body, method="PATCH"))


def wanted(args: Args) -> str:
    """The name of the size that is asked for: ``tier``, else that of ``memory_gb``. Empty where there is none."""
    named = word_of(args, "tier")
    if "memory_gb" not in args:
        return named if NAME.fullmatch(named) else ""
    found = next((name for name, size in GB.items() if size == figure(args["memory_gb"])), "")
    return found if named in {"", found} else ""


def unknown(args: Args) -> str:
    """Why there is none."""
    sizes = ", ".join(f"{size} ({name}, {VCPUS[size]})" for name, size in GB.items())
    given = f", not {args['memory_gb']!r}" if "memory_gb" in args else ""
    return f"say how large the functions are to be: memory_gb is one of {sizes}{given}"
