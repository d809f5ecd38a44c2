"""Reads: several at once, each judged by what must be seen and by the values that it must give."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hutch.engine import stages
from hutch.engine.means import Means
from hutch.model.action import Outcome, Result
from hutch.model.event import Draft
from hutch.model.program import Item
from hutch.model.run import Run
from hutch.ports import World
from hutch.runbook.capture import extract
from hutch.runbook.errors import RunbookError

PARALLEL = 8
"""Reads of one run that are under way at once."""

LONGEST_PAUSE = 10.0
"""Seconds at most between two tries of a read; the first pause is half a second, and each is twice the one before."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A statement's outcome, judged: exit code 0 with something unmet is a failure.

    ``secret`` names what was captured and may not be shown: the outcome's text is then not kept either.
    """

    outcome: Outcome
    passed: bool
    summary: str
    captured: dict[str, str] = field(default_factory=dict)
    secret: tuple[str, ...] = ()
    told: dict[str, object] = field(default_factory=dict)  # of what is kept on the disk


async def read(means: Means, run: Run, items: Sequence[Item]) -> None:
    """Run these reads, a few at once, and write down what each saw as soon as it is known."""
    room = asyncio.Semaphore(PARALLEL)
    world = await means.world(run)

    async def one(item: Item) -> None:
        async with room:
            seen = await looked(means, run, world, item)
        await begun
        await means.append(run, Draft("statement.finished", seen))

    starts = [Draft("statement.started", {"item": i.id, "title": i.title, "text": i.command.text}) for i in items]
    begun = asyncio.create_task(means.append(run, *starts))  # a read needs no intent on the disk before it begins
    await asyncio.gather(begun, *(one(i) for i in items))


async def looked(means: Means, run: Run, world: World, item: Item) -> dict[str, object]:
    """What one read saw, in the journal's form; tried again as often as its step says."""
    base = {"item": item.id, "title": item.title, "text": means.mask(item.command.text), "line": item.line}
    if item.refused:
        return {**base, "status": "refused", "summary": item.refused, "output": "", "seconds": 0.0}
    began, tries = time.monotonic(), 0
    seen = await _once(means, run, world, item)
    while not seen.passed and tries < item.retries:
        await asyncio.sleep(min(0.5 * 2**tries, LONGEST_PAUSE))
        tries += 1
        seen = await _once(means, run, world, item)
    return {
        **base,
        "status": "passed" if seen.passed else "failed",
        "summary": seen.summary,
        "output": seen.outcome.output,
        "exit_code": seen.outcome.exit_code,
        "seconds": round(time.monotonic() - began, 4),
        **taken(seen),
        **({"tries": tries + 1} if tries else {}),
    }


async def _once(means: Means, run: Run, world: World, item: Item) -> Seen:
    async with means.listening(run, item) as told:
        seen = judged(means, item, await stages.read(world, item.command))
    return replace(seen, told=told)


def taken(seen: Seen) -> dict[str, object]:
    """The journal's form of what was captured and kept; nothing where nothing was."""
    told: dict[str, object] = {**seen.told, **({"captured": seen.captured} if seen.captured else {})}
    return told | ({"secret": list(seen.secret)} if seen.secret else {})


def judged(means: Means, item: Item, outcome: Outcome) -> Seen:
    """Whether the statement has passed, by its outcome, its expectations and its captures; masked."""
    shown = stages.masked(outcome, means.mask)
    if outcome.result is not Result.DONE:
        return Seen(shown, False, shown.summary)
    missing = stages.unmet(outcome, item.expects, means.met)
    if missing:
        return Seen(shown, False, f"expected {missing[0]!r}, not seen")
    try:
        found = {c.name: extract(c, outcome.output) for c in item.captures}
    except RunbookError as error:
        return Seen(shown, False, means.mask(error.message))
    hidden = tuple(n for n, value in found.items() if item.command.sensitive or means.mask(value) != value)
    if hidden:
        shown = replace(shown, output=f"not kept: it holds {', '.join(hidden)}")
    return Seen(shown, True, shown.summary, {n: v for n, v in found.items() if n not in hidden}, hidden)
