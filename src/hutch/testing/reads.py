"""What every platform has to keep when it is looked at: its three reads, answered or refused with a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from hutch.model.platform import Deployment, LogLine, LogQuery, Standing, Unanswered
from hutch.ports import Platform

LINES = 3
"""Lines that the kit asks for."""
SECONDS = 120.0
"""What one read may take, whatever the target does."""
STATES, KINDS = {"running", "succeeded", "failed"}, {"deploy", "rollback", "restart"}


@dataclass(frozen=True, slots=True)
class Read:
    """What one read gave: its answer, or why there is none."""

    name: str
    answer: object = None
    refused: Unanswered | None = None


async def reads_of(platform: Platform | None) -> list[Read]:
    """The three reads of a platform, one after the other; none where there is no platform."""
    if platform is None:
        return []
    asked: list[tuple[str, Callable[[], Awaitable[object]]]] = [
        ("standing", platform.standing),
        ("deployments", platform.deployments),
        ("logs", lambda: platform.logs(LogQuery(limit=LINES))),
    ]
    return [await _read(name, ask) for name, ask in asked]


async def _read(name: str, ask: Callable[[], Awaitable[object]]) -> Read:
    try:
        async with asyncio.timeout(SECONDS):
            return Read(name, await ask())
    except Unanswered as error:
        return Read(name, refused=error)


def read_faults(read: Read) -> Iterator[str]:
    """What is wrong with it."""
    if read.refused is not None:
        if not str(read.refused).strip():
            yield f"{read.name} is not answered and does not say why"
    elif read.name == "standing":
        yield from _standing_faults(read.answer)
    elif read.name == "deployments":
        yield from _deployment_faults(list(read.answer))  # type: ignore[call-overload]
    else:
        yield from _log_faults(list(read.answer))  # type: ignore[call-overload]


def _standing_faults(found: object) -> Iterator[str]:
    if not isinstance(found, Standing):
        yield "standing gives no Standing"
        return
    if not found.release:
        yield "standing names no release"
    yield from _times("standing", [i.started_at for i in found.instances if i.started_at])


def _deployment_faults(found: Sequence[Deployment]) -> Iterator[str]:
    times = [d.started_at for d in found]
    yield from _times("deployments", times)
    if times != sorted(times):
        yield "deployments are not oldest first"
    if len({d.id for d in found}) < len(found):
        yield "deployments have an id twice"
    for deployment in found:
        if deployment.state not in STATES or deployment.kind not in KINDS:
            yield f"deployment {deployment.id} is {deployment.kind} {deployment.state}: no such kind or state"
        if deployment.state == "failed" and not deployment.reason:
            yield f"deployment {deployment.id} failed and does not say why"


def _log_faults(found: Sequence[LogLine]) -> Iterator[str]:
    yield from _times("logs", [line.at for line in found])
    if len(found) > LINES:
        yield f"logs give {len(found)} lines where {LINES} are asked for"
    if [line.at for line in found] != sorted(line.at for line in found):
        yield "logs are not oldest first"


def _times(name: str, times: Sequence[datetime]) -> Iterator[str]:
    if any(at.tzinfo is None for at in times):
        yield f"{name} gives a time without zone"
