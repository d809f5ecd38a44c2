"""Where the reports on a release's packages are, as the configuration says it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from hutch.model.advisory import Care, Rating
from hutch.providers.command.line import Line

HOLE = "{release}"


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the reports on one release are: all ``files``, and what ``run`` says."""

    files: tuple[str, ...]
    run: Line | None
    care: Care
    timeout: float = 120.0


def sources_from(where: str, given: Mapping[str, object], line: Callable[[str, object], Line]) -> Sources:
    """Check the values. ``ValueError`` names the key and what it must be."""
    files, least = given.get("files", ()), Rating.of(str(given.get("severity", "high")))
    if not isinstance(files, list | tuple) or not all(isinstance(f, str) and f.startswith("/") for f in files):
        raise ValueError(f"{where}.files: expected a list of absolute paths, such as [/srv/audits/{HOLE}.json]")
    run = line(f"{where}.run", given["run"]) if "run" in given else None
    if not files and run is None:
        raise ValueError(f"{where}: expected files, or run")
    if any(HOLE not in f for f in files) or (run and not any(HOLE in word for word in run.words)):
        raise ValueError(f"{where}: {HOLE} must stand in every file and in run: each release has a report of its own")
    if least is None:
        raise ValueError(f"{where}.severity: expected low, moderate, high or critical, found {given['severity']!r}")
    unrated, hours = given.get("unrated", True), given.get("max_age", 168)
    if not isinstance(unrated, bool):
        raise ValueError(f"{where}.unrated: expected true or false, found {unrated!r}")
    if isinstance(hours, bool) or not isinstance(hours, int | float) or hours <= 0:
        raise ValueError(f"{where}.max_age: expected hours above 0, found {hours!r}")
    return Sources(tuple(files), run, Care(least, unrated, timedelta(hours=hours)))
