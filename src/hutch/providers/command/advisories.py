"""The reports on a release's packages: files that somebody wrote, and a command line that makes one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hutch.model.advisory import Audit
from hutch.ports import Unanswered
from hutch.providers.command.audits import Report, read
from hutch.providers.command.line import Line
from hutch.providers.command.machine import Machine, NotThere
from hutch.providers.command.sources import HOLE, Sources

MOST_BYTES = 16 * 1024 * 1024
"""Of one report."""
RELEASE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@+-]{0,127}")
"""What a release may be called to stand in a path or a command line."""
COMMIT = re.compile(r"[0-9a-f]{7,40}")


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads them; a report that is missing or broken is none, and not an empty one."""

    sources: Sources
    machine: Machine
    now: Callable[[], datetime]

    async def __call__(self, names: Sequence[str]) -> Audit:
        """All reports on the release as one, as old as the oldest. :class:`Unanswered` says why there is none."""
        usable = [name for name in names if RELEASE.fullmatch(name)]
        if not usable:
            raise Unanswered(f"release {next(iter(names), '')!r} has no name that a report can be found by", False)
        found = [await self._file(path, usable) for path in self.sources.files]
        if self.sources.run:
            found.append(await self._made(self.sources.run, usable))
        advisories = tuple(a for _, report in found for a in report.advisories)
        installed: dict[str, frozenset[str]] = {}
        for _, report in found:
            for name, versions in report.installed.items():
                installed[name] = installed.get(name, frozenset()) | versions
        return Audit(min(at for at, _ in found), advisories, installed)

    async def _file(self, path: str, names: Sequence[str]) -> tuple[datetime, Report]:
        places = [Path(path.replace(HOLE, name)) for name in names]
        place = next((p for p in places if p.is_file()), None)
        if place is None:
            raise Unanswered(f"no report on the release: {' and '.join(map(str, places))} not there", False)
        try:
            at, data = await asyncio.to_thread(_read, place)
        except OSError as error:
            raise Unanswered(f"{place}: {error.strerror}", False) from error
        return at, _report(str(place), data)

    async def _made(self, run: Line, names: Sequence[str]) -> tuple[datetime, Report]:
        """By its commit where it has one: an auditor looks at the sources."""
        name = next((n for n in names if COMMIT.fullmatch(n)), names[0])
        at = self.now()
        try:
            said = await self.machine.run(run.filled({"release": name}, {"release": RELEASE}), self.sources.timeout,
                                          MOST_BYTES)  # fmt: skip
        except (ValueError, NotThere) as error:
            raise Unanswered(str(error), False) from error
        if said.code is None:
            raise Unanswered(f"{run.words[0]}: not finished within {self.sources.timeout:g} s", True)
        return at, _report(f"{run.words[0]} ({said.summary})", said.output.encode())  # it may end with 1: it found some


def _read(place: Path) -> tuple[datetime, bytes]:
    with place.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    return datetime.fromtimestamp(place.stat().st_mtime, UTC), data


def _report(place: str, data: bytes) -> Report:
    if len(data) > MOST_BYTES:
        raise Unanswered(f"{place}: more than {MOST_BYTES >> 20} MB", False)
    try:
        return read(data.decode("utf-8", errors="replace"))
    except ValueError as error:
        raise Unanswered(f"{place}: {error}", False) from error
