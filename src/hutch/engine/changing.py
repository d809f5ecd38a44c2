"""Changes: through the stages, with the intent first, done once, and verified by everyone who can tell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta

from hutch.engine import plan, stages
from hutch.engine.looking import Seen, judged, looked, taken
from hutch.engine.means import Means, Ours
from hutch.engine.verdict import besides, combine, cured, settle
from hutch.model.action import Outcome, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.model.event import Draft, instant
from hutch.model.program import Item
from hutch.model.run import ChangeState, Chosen, Run
from hutch.model.runbook import OnFailure
from hutch.ports import Conflict, World

LONGEST_SAID = 70
"""Characters of a statement in what is said of the verification."""

FRESH = 3.0
"""Seconds for which the answer that a job is ours counts, from when it was asked for: half of the shortest lease."""

ASKED = 3
"""How often it is asked at most."""

KINDS = {Result.DONE: "change.done", Result.FAILED: "change.failed", Result.UNKNOWN: "change.unknown"}


async def change(means: Means, run: Run, move: plan.Apply | plan.Verify | plan.Doubt, ours: Ours) -> None:
    """One move of an approved option."""
    match move:
        case plan.Apply():
            await apply(means, run, move, ours)
        case plan.Verify():
            await verify(means, run, move)
        case plan.Doubt():
            await doubt(means, run, move.chosen)


async def apply(means: Means, run: Run, move: plan.Apply, ours: Ours) -> None:
    """Ask every stage, write the intent, do it once, write down what came of it."""
    world = await means.world(run)
    chosen, item = move.chosen, move.item
    reason = await stages.refusal(stages.Attempt(run, chosen, item, world, means.store, means.clock, means.guards))
    place = {"option": chosen.option.id, "item": item.id}
    if reason:
        await means.append(run, Draft("change.failed", {**place, "summary": means.mask(reason)}), fenced=True)
        return
    intent = {**place, "runner": item.command.runner, "command": item.command.as_dict(), "by": chosen.approved_by}
    await means.append(run, Draft("change.intended", intent), fenced=True)
    if not await surely(ours, asyncio.get_running_loop().time):
        raise Conflict(f"run {run.id} was taken over before {item.id} was begun: it is not done here")
    async with means.listening(run, item) as told:
        seen = judged(means, item, await _do(world, item))
    seen = replace(seen, told=told)
    found = {
        "summary": seen.summary,
        "hits": seen.outcome.hits,
        "seconds": round(seen.outcome.seconds, 3),
        "undo": dict(seen.outcome.undo) or _own_undo(item),
        "output": seen.outcome.output,
        **taken(seen),
    }
    await means.append(run, Draft(_kind(seen), {**place, **found, **_then(means, chosen, item, seen)}))


async def surely(ours: Ours, now: Callable[[], float]) -> bool:
    """Whether the job is ours at this moment, by a clock that never steps. A process that was stopped while it waited
    for the answer may wake up when its lease is over and another does the job: an old answer is none, it asks again."""
    for _ in range(ASKED):
        began = now()
        if not await ours():
            return False
        if now() - began < FRESH:
            return True
    return False


async def _do(world: World, item: Item) -> Outcome:
    if item.command.effect is Effect.READ:
        return await stages.read(world, item.command)
    return await world.apply(item.command)


def _own_undo(item: Item) -> dict[str, object]:
    return {"command": item.undo.as_dict()} if item.undo else {}


def _kind(seen: Seen) -> str:
    """What was done without showing what it should is a failure."""
    failed = seen.outcome.result is Result.DONE and not seen.passed
    return "change.failed" if failed else KINDS[seen.outcome.result]


def _then(means: Means, chosen: Chosen, item: Item, seen: Seen) -> dict[str, object]:
    """What a failure means for the option. A change is tried again only if it certainly was not made."""
    if _kind(seen) != "change.failed":
        return {}
    nothing_done = item.command.effect is Effect.READ or (
        seen.outcome.result is Result.FAILED and seen.outcome.recoverable
    )
    if nothing_done and chosen.tries < item.retries:
        return {"then": "retry", "again_at": instant(means.clock.now() + timedelta(seconds=2**chosen.tries))}
    return {} if item.on_failure is OnFailure.STOP else {"then": item.on_failure.value}


async def doubt(means: Means, run: Run, chosen: Chosen) -> None:
    """An intent without an outcome is unknown, and said so."""
    item = chosen.option.items[chosen.done_items]
    summary = "it ended between intent and outcome; whether it was done is not known"
    data = {"option": chosen.option.id, "item": item.id, "summary": summary}
    await means.append(run, Draft("change.unknown", data), fenced=True)


# ------------------------------------------------------------------ did it work


async def verify(means: Means, run: Run, move: plan.Verify) -> None:
    """One look, by everyone who can tell; where nobody can, a person is asked."""
    chosen = move.chosen
    own, shared = await _words(means, run, chosen)
    words = [*own, *shared]
    told = any(word is not None for word in words)
    known = chosen.state is not ChangeState.UNKNOWN
    word = settle(combine(words), move.last, known=known, told=told)
    if not (known or told):  # all that anybody knows is how it ended
        word = replace(word, summary=f"{chosen.reason}; {word.summary}")
    if word.verdict is Verified.PASSED and chosen.state is ChangeState.UNKNOWN and _left(chosen):
        word = Verification(Verified.UNKNOWN, f"{word.summary}; but not all of it was done", word.evidence)
    data: dict[str, object] = {
        "option": chosen.option.id,
        "verdict": word.verdict.value,
        "summary": means.mask(word.summary),
        "evidence": [means.mask(e) for e in word.evidence],
    }
    if word.verdict is Verified.PASSED:
        data |= {name: list(codes) for name in ("besides", "firing") if (codes := getattr(word, name))}
    if word.verdict is Verified.PENDING:
        data |= {"besides": list(others)} if (others := combine(own).besides) else {}
        data["again_at"] = instant(plan.look_again(chosen, means.clock.now()))
    drafts = [Draft("verification.done", data)]
    if word.verdict is Verified.UNKNOWN:
        question = f"{_question(chosen)} {word.summary}"
        drafts.append(Draft("decision.needed", {"option": chosen.option.id, "question": means.mask(question)}))
    await means.append(run, *drafts)


def _left(chosen: Chosen) -> tuple[Item, ...]:
    """The statements after the one that is next: they were never begun."""
    return chosen.option.items[chosen.done_items + 1 :]


def _question(chosen: Chosen) -> str:
    title, left = chosen.option.title, _left(chosen)
    if chosen.state is ChangeState.UNKNOWN and left and chosen.next:
        return f"Was “{chosen.next.command.text}” of “{title}” done? If it was, {len(left)} more follow."
    return f"Did “{title}” work?"


Words = list[Verification | None]


async def _words(means: Means, run: Run, chosen: Chosen) -> tuple[Words, Words]:
    """Everyone who can say whether it worked: of this change providers and the diagnosis, of all the document and the
    signals."""
    world, cause = await means.world(run), chosen.option.cause
    approved = {c.option.cause for c in run.in_state(ChangeState.APPROVED)}
    made = [i for i in chosen.option.items if i.id not in chosen.passed_over and not i.manual]
    proofs = [i for i in run.program.verification if not i.refused and not i.manual and not i.needs]
    told = await asyncio.gather(*(world.verify(i.command) for i in made))
    shown = await asyncio.gather(*(_document_word(means, run, world, i) for i in proofs))
    own = [*told, await _diagnosis_word(world, cause, run, approved)]
    deed = run.program.asked and any(word is not None for word in own)  # asked for as such: it is to cure no alert
    return own, [*shown, None if deed else await world.signals(besides(cause, run.causes, approved))]


async def _document_word(means: Means, run: Run, world: World, item: Item) -> Verification:
    seen = await looked(means, run, world, item)
    verdict = Verified.PASSED if seen["status"] == "passed" else Verified.FAILED
    shows = item.command.runner == "sql" and item.expects and verdict is Verified.PASSED
    return Verification(verdict, f"{_short(item)}: {f'shows {item.expects[-1]}' if shows else seen['summary']}")


def _short(item: Item) -> str:
    """A statement as far as it is told in a sentence."""
    text = " ".join(item.command.text.split())
    return text if len(text) <= LONGEST_SAID else f"{text[: LONGEST_SAID - 1]}…"


async def _diagnosis_word(world: World, cause: str, run: Run, approved: Collection[str]) -> Verification | None:
    return cured(cause, await world.diagnose(), run.causes, approved) if cause else None
