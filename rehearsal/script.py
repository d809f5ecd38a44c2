"""What is played: chapter by chapter the fault, the platforms, and what the document's names stand for there."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LOCAL = "local"
KEYS = frozenset({"runbook", "fault", "platforms", "values", "binds", "services", "needs", "watch"})


class ScriptError(Exception):
    """A script that cannot be played; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One chapter on one platform. ``fault`` is empty where nothing is broken; ``services`` are further settings by
    provider; ``needs`` names what is made ready before (``backup``); ``watch`` seconds the fault stands before the
    chapter begins."""

    runbook: str
    platform: str = LOCAL
    fault: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    binds: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    watch: float = 3.0
    api: str = LOCAL

    @property
    def title(self) -> str:
        """As progress and the report call it."""
        return f"{self.runbook} on {self.platform}" + (f" under {self.fault}" if self.fault else "")


@dataclass(frozen=True, slots=True)
class Script:
    """The scenes in order, and why some lines can't run on this stage, whatever is bound."""

    scenes: tuple[Scene, ...]
    why: Mapping[int, str] = field(default_factory=dict)

    def of(self, runbook: str) -> tuple[Scene, ...]:
        """The scenes of one chapter; one without a fault where the script does not name it."""
        return tuple(s for s in self.scenes if s.runbook == runbook) or (Scene(runbook),)


def read(path: Path) -> Script:
    """Raises :class:`ScriptError`."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ScriptError(f"{path} is no script: {error}") from error
    scenes = [scene for row in data.get("chapter", []) for scene in _scenes(path, row, data.get("platform", {}))]
    return Script(tuple(scenes), {int(line): str(why) for line, why in data.get("why", {}).items()})


def _scenes(path: Path, row: Mapping[str, Any], platforms: Mapping[str, Mapping[str, Any]]) -> Sequence[Scene]:
    unknown = sorted(set(row) - KEYS)
    if unknown or "runbook" not in row:
        raise ScriptError(
            f"{path}: a chapter has {unknown[0] if unknown else 'no runbook'}; known: {', '.join(sorted(KEYS))}"
        )
    names = row.get("platforms", [LOCAL])
    missing = [name for name in names if name not in platforms]
    if missing:
        raise ScriptError(
            f"{path}: {row['runbook']} names the platform {missing[0]}, which has no [platform.{missing[0]}]"
        )
    return [_scene(row, name, platforms[name]) for name in names]


def _scene(row: Mapping[str, Any], name: str, platform: Mapping[str, Any]) -> Scene:
    settings = {**platform.get("services", {}), **row.get("services", {})}
    return Scene(
        str(row["runbook"]),
        name,
        str(row.get("fault", "")),
        {**platform.get("values", {}), **row.get("values", {})},
        {**platform.get("binds", {}), **row.get("binds", {})},
        settings,
        tuple(row.get("needs", ())),
        float(row.get("watch", 3.0)),
        str(platform.get("api", LOCAL)),
    )
