"""Plays a scene: the fault comes, Hutch runs the chapter, and each statement that the run left alone is asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hutch.commands import byhand, runs
from hutch.commands.context import CommandError, Context
from hutch.commands.drills.catalogue import find_faults
from hutch.commands.drills.process import running
from hutch.commands.respond import run_document
from hutch.commands.worker import driver
from hutch.model.event import Event, instant
from hutch.model.run import Run
from hutch.model.runbook import Runbook
from rehearsal.account import BY_HAND, NOT_OFFERED, RAN, REFUSED, Told, left_out, told
from rehearsal.script import Scene
from rehearsal.stage import PERSON, Set, standing

WHOLE_WITHIN = 60.0
"""Seconds that a chapter's own run has, with all that a person approves in it."""

STEP_WITHIN = 30.0
"""Seconds that one statement has that is asked for by itself."""

MOST_APPROVED = 4
"""Remedies that the person approves in one run, one after the other, while the trouble lasts."""

NOTE = "done as the document says"


@dataclass(slots=True)
class Played:
    """What came of a scene. ``by_id`` is by the id of the statement."""

    scene: Scene
    by_id: dict[str, Told] = field(default_factory=dict)
    cause: str = ""
    outcome: str = ""
    summary: str = ""
    approved: list[str] = field(default_factory=list)
    remedied: bool | None = None
    trouble: str = ""


async def play(document: Path, runbook: Runbook, played: Played, folder: Path) -> None:
    """One scene on a stage of its own, told in ``played``; the fault is undone and the stage gone when it returns.
    Raises ``FaultFailed`` and :class:`CommandError`."""
    scene, reference = played.scene, f"{document}#{runbook.id}"
    async with standing(folder, scene) as held:
        if not scene.fault:
            await _chapter(held, reference, runbook, played, _words(held, {}))
            return
        fault = find_faults()[scene.fault]
        async with running(fault, held.ready_file, folder / "fault.log") as process:
            on = await process.on()
            await asyncio.sleep(scene.watch)
            await _chapter(held, reference, runbook, played, _words(held, on))
            remedied = (await process.off()).get("remedied")
            played.remedied = None if remedied is None else bool(remedied)


def _words(held: Set, on: Mapping[str, Any]) -> dict[str, str]:
    """What a value of the script may name: ``{object}`` is what the fault broke."""
    now = held.context.clock.now()
    return {"object": str(on.get("object", {}).get("id", "")), "today": instant(now)[:10]}


async def _chapter(held: Set, reference: str, runbook: Runbook, played: Played, words: Mapping[str, str]) -> None:
    values = {k: v.format_map(words) for k, v in played.scene.values.items() if "{" in v and _known(v, words)}
    await _whole(held.context, reference, played, values)
    for _, step in runbook.steps():
        for statement in step.statements if step.runnable else ():
            before = played.by_id.get(statement.id)
            if before is None or before.status not in {*RAN, BY_HAND}:
                after = await _alone(held.context, reference, statement.id, values)
                played.by_id[statement.id] = (
                    after if before is None or after.status != REFUSED else _kept(before, after)
                )


def _known(text: str, words: Mapping[str, str]) -> bool:
    return any(f"{{{name}}}" in text and value for name, value in words.items())


def _kept(before: Told, after: Told) -> Told:
    """Refused both times: the words of the one who was asked for it alone, which are about it and nothing else."""
    return after if after.seen else before


# ------------------------------------------------------------------ the chapter's own run


async def _whole(context: Context, reference: str, played: Played, values: dict[str, str]) -> None:
    run = await run_document(context, reference, "rolerabbit", values=values, actor=PERSON)
    until = time.monotonic() + WHOLE_WITHIN
    while not run.finished and time.monotonic() < until:
        run = await _driven(context, run, until)
        if run.finished or not await _person(context, run, played):
            break
    events = await context.store.read(run.stream)
    if not run.finished:
        with_reason = "what is left of the chapter is asked for statement by statement"
        run = await runs.cancel(context, run.id, with_reason, PERSON)
    played.cause = _first_cause(events)
    played.outcome, played.summary = run.outcome or "ended by the person", run.summary
    played.by_id |= told(run, events, asked=False)


def _first_cause(events: Sequence[Event]) -> str:
    """The first cause of the first diagnosis that named one."""
    made = (list(_causes(e.data)) for e in events if e.kind == "diagnosis.made")
    return next((causes[0] for causes in made if causes), "")


def _causes(data: Mapping[str, Any]) -> Iterator[str]:
    return (str(cause["code"]) for cause in data["causes"])


async def _person(context: Context, run: Run, played: Played) -> bool:
    """What the person does now; false when there is nothing more to do."""
    if run.waiting == "tick":
        await byhand.tick(context, run.id, "", NOTE, PERSON)
        return True
    if run.waiting != "approval" or len(played.approved) >= MOST_APPROVED:
        return False
    offered = run.chosen[0]
    for one in run.chosen:
        if one.state == "offered":
            offered = one
            break
    await runs.approve(context, run.id, offered.option.id, PERSON, digest=offered.digest)
    played.approved.append(offered.option.title)
    return True


async def _driven(context: Context, run: Run, until: float) -> Run:
    """Until the run waits for a person, ends, or its time is over."""
    while time.monotonic() < until:
        run = await driver(context, watched=False).drive(run.id)
        if run.finished or run.waiting in ("approval", "tick", "decision"):
            break
        await asyncio.sleep(0.05)
    return run


# ------------------------------------------------------------------ one statement


async def _alone(context: Context, reference: str, ident: str, values: dict[str, str]) -> Told:
    try:
        run = await run_document(context, reference, "rolerabbit", step=ident, values=values, actor=PERSON)
    except CommandError as error:
        return Told(REFUSED, _reason(str(error)), asked=True)
    played = Played(Scene(reference))
    run = await _asked(context, run, played)
    events = await context.store.read(run.stream)
    found = told(run, events, asked=True).get(ident)
    if not run.finished:
        await runs.cancel(context, run.id, "it was asked for by itself, and is done", PERSON)
    if found is None or (found.status == REFUSED and left_out(run)):
        return Told(NOT_OFFERED, left_out(run) or run.summary, asked=True)
    return found if found.by or not played.approved else replace(found, by=f"{PERSON} approved it")


async def _asked(context: Context, run: Run, played: Played) -> Run:
    until = time.monotonic() + STEP_WITHIN
    while not run.finished and time.monotonic() < until:
        run = await driver(context, watched=False).drive(run.id)
        if run.waiting in ("approval", "tick"):
            if not await _person(context, run, played):
                break
        elif run.finished or run.waiting in ("verification", "decision"):
            break  # nothing verifies a plain statement: its own outcome is what is known
        await asyncio.sleep(0.05)
    return run


def _reason(text: str) -> str:
    """Why it can't run, without the line that the report has anyway."""
    return text.partition("cannot run: ")[2] or text
