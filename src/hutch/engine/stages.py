"""What every change passes through, as a list that one can read (DESIGN §4).

Before the intent is written, each stage of :data:`BEFORE` may refuse with a reason; all fail closed. Then the change is
done, once, and what came of it passes :data:`AFTER`. Retrying is for reads only: a change is never silently repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from hutch.engine.flow import Now, ruling
from hutch.model import freeze
from hutch.model.action import Command, Outcome, Preview, Result
from hutch.model.effect import Effect
from hutch.model.program import Item
from hutch.model.run import Chosen, Run
from hutch.ports import Store, Wallclock, World

READ_RETRIES = 2
"""How often a read whose error its provider calls temporary is tried again."""

OUTPUT_LIMIT = 20_000
"""Characters of output that the journal keeps: the tail."""


@dataclass(frozen=True, slots=True)
class Guards:
    """The limits of ``guards:`` in ``hutch.yaml``. ``frozen`` gives the reason why this
    machine is frozen by itself, or nothing; the log's freeze is looked at besides.

    ``max_hits`` bounds what one action may touch, ``per_hour`` how often each kind of action may run.
    """

    max_hits: int = 50
    per_hour: int = 10
    actions: Mapping[str, int] = field(default_factory=dict)  # own hourly limits by action
    frozen: Callable[[], str] = lambda: ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One statement of an approved option, about to be done."""

    run: Run
    chosen: Chosen
    item: Item
    world: World
    store: Store
    clock: Wallclock
    guards: Guards

    @property
    def command(self) -> Command:
        """What would be done."""
        return self.item.command


Stage = Callable[[Attempt], Awaitable[str]]


async def mode_allows(attempt: Attempt) -> str:
    """Observe mode and dry runs propose, and apply nothing."""
    return "" if attempt.run.mode == "act" else f"{attempt.run.mode} mode applies nothing"


async def not_frozen(attempt: Attempt) -> str:
    """``hutch freeze`` stops every change at once."""
    reason = attempt.guards.frozen() or freeze.reason_of(await attempt.store.read(freeze.STREAM))
    return f"changes are frozen: {reason}; `hutch thaw` ends it" if reason else ""


async def approval_holds(attempt: Attempt) -> str:
    """The approval was for exactly these rendered statements and targets."""
    if not attempt.chosen.approved_by:
        return "nobody approved it"
    held = attempt.chosen.digest == attempt.chosen.option.digest()
    return "" if held else "it is not what was approved: the statement or its target changed"


async def still_there(attempt: Attempt) -> str:
    """The document, the service's configuration and the target are what the approval was given for."""
    return await attempt.world.moved(attempt.command)


async def can_run(attempt: Attempt) -> str:
    """Nothing with an open placeholder or an unbound host runs, whatever was approved."""
    ruled = ruling(attempt.item, attempt.run)
    return "" if ruled.now is Now.RUN else ruled.reason or "it is not rendered yet"


async def within_rate(attempt: Attempt) -> str:
    """Each kind of action has an hourly limit."""
    action = attempt.command.runner
    limit = attempt.guards.actions.get(action, attempt.guards.per_hour)
    recent = await attempt.store.since("change.intended", attempt.clock.now() - timedelta(hours=1))
    done = sum(1 for e in recent if e.data.get("runner") == action)
    return "" if done < limit else f"{action} ran {done} times in the last hour; the limit is {limit} (guards.actions)"


async def within_reach(attempt: Attempt) -> str:
    """Its own preview, taken again now, neither refuses nor hits more than one action may."""
    preview = await attempt.world.preview(attempt.command)
    limit = attempt.guards.max_hits
    too_many = f"it would hit {preview.hits}, more than guards.max_hits = {limit}" if preview.hits > limit else ""
    return preview.refused or too_many


BEFORE: tuple[Stage, ...] = (
    mode_allows, not_frozen, approval_holds, still_there, can_run, within_rate, within_reach,
)  # fmt: skip
"""Gate and guards, in order; the first reason stops the change."""


async def refusal(attempt: Attempt) -> str:
    """The first reason why this must not be done now; empty when it may."""
    for stage in BEFORE:
        reason = await stage(attempt)
        if reason:
            return reason
    return ""


# ------------------------------------------------------------------ reads, and what comes back


def unmet(outcome: Outcome, wanted: tuple[str, ...], met: Callable[[str, Outcome], bool | None]) -> tuple[str, ...]:
    """The expectations that were not met. One that cannot be judged (None) is not held against it."""
    return tuple(text for text in wanted if met(text, outcome) is False)


async def read(world: World, command: Command) -> Outcome:
    """One read, retried with a short back-off where its provider calls the error temporary."""
    if command.effect is not Effect.READ:
        return Outcome(Result.FAILED, f"not run: {command.effect.word}, {command.why}")
    outcome = await world.read(command)
    for attempt in range(READ_RETRIES):
        if outcome.result is Result.DONE or not outcome.recoverable:
            break
        await asyncio.sleep(0.2 * 2**attempt)
        outcome = await world.read(command)
    return outcome


def masked(outcome: Outcome, mask: Callable[[str], str]) -> Outcome:
    """What may be stored and shown: secrets masked, output bounded to its tail."""
    output = mask(outcome.output)
    if len(output) > OUTPUT_LIMIT:
        output = f"… {len(output) - OUTPUT_LIMIT} characters left out\n{output[-OUTPUT_LIMIT:]}"
    return replace(outcome, summary=mask(outcome.summary), output=output)


def preview_dict(preview: Preview, mask: Callable[[str], str]) -> dict[str, object]:
    """The journal's form of a preview, masked."""
    return {
        "summary": mask(preview.summary),
        "hits": preview.hits,
        "items": [mask(i) for i in preview.items],
        "undo": mask(preview.undo),
        "refused": mask(preview.refused),
    }
