"""The reading side: checks, and the list of deployments."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from hutch.model.event import parse_instant
from hutch.model.finding import Change, Finding, Status
from hutch.providers.command.config import Probe, Verb
from hutch.providers.command.machine import Machine, NotThere, Said


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a service."""

    probe: Probe
    machine: Machine
    service: str
    now: Callable[[], datetime]

    async def __call__(self) -> Finding:
        """Run it: well when it ends with 0 and shows what is expected."""
        at, began, said = self.now(), time.monotonic(), None
        try:
            said = await self.machine.run(self.probe.run.filled({}, {}), self.probe.timeout)
            status, summary = _judged(self.probe, said)
        except NotThere as error:
            status, summary = Status.UNKNOWN, str(error)
        data: dict[str, object] = {
            "cause": self.probe.cause,
            "object": self.probe.object or self.service,
            "remedies": list(self.probe.remedies),
        }
        return Finding(
            f"command.{self.probe.name}",
            f"{self.service}: commands",
            status,
            summary,
            at,
            time.monotonic() - began,
            data,
            tuple(line for line in (said.output if said else "").splitlines() if line.strip())[-5:],
            self.probe.matters,
            summary if status is Status.UNKNOWN else "",
        )


def _judged(probe: Probe, said: Said) -> tuple[Status, str]:
    if said.code is None:
        return Status.UNKNOWN, f"{probe.name}: {said.summary}"
    if said.code:
        return Status.BAD, f"{probe.name}: {said.summary}"
    if probe.expect and not probe.expect.search(said.output):
        return Status.BAD, f"{probe.name}: {probe.expect.pattern!r} is not shown"
    return Status.OK, f"{probe.name}: as expected"


@dataclass(frozen=True, slots=True)
class Deployments:
    """``deploy.list``: each line that matches is a deployment."""

    verb: Verb
    machine: Machine

    async def __call__(self) -> list[Change]:
        """Oldest first; none where the command fails."""
        assert self.verb.each is not None
        try:
            said = await self.machine.run(self.verb.run.filled({}, self.verb.patterns), self.verb.timeout)
        except (ValueError, NotThere):
            return []
        return changes(self.verb.each, said.output) if said.code == 0 else []


def changes(each: re.Pattern[str], output: str) -> list[Change]:
    """The deployments that the output lists. Without a group ``previous`` the one before it is meant.

    >>> rows = "2 2026-01-02T10:00:00Z\\n1 2026-01-01T10:00:00Z"
    >>> [(c.id, c.previous) for c in changes(re.compile(r"(?P<id>\\S+) (?P<at>\\S+)"), rows)]
    [('1', ''), ('2', '1')]
    """
    found = sorted(_rows(each, output), key=lambda c: c.at)
    before = ["", *(c.id for c in found)]
    return [
        c if c.previous else Change(c.kind, c.id, c.at, c.summary, previous)
        for c, previous in zip(found, before, strict=False)
    ]


def _rows(each: re.Pattern[str], output: str) -> Iterator[Change]:
    for match in each.finditer(output):
        groups = match.groupdict(default="")
        at = _moment(groups["at"])
        if at:
            said = groups.get("summary") or f"deployment {groups['id']}"
            yield Change("deployment", groups["id"], at, said, groups.get("previous", ""))


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(text), UTC) if re.fullmatch(r"\d+(\.\d+)?", text) else parse_instant(text)
    except (ValueError, OverflowError, OSError):
        return None
