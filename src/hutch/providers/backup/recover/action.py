"""``recover.rows`` as a typed action: its preview is the plan, its verification a plan that has nothing left to do."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from hutch.model.action import Command, Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.model.event import instant
from hutch.providers.backup.errors import BackupError, Unsure
from hutch.providers.backup.recover.merge import Merged
from hutch.providers.backup.recover.plan import Plan
from hutch.providers.backup.recover.recovery import Recovery
from hutch.providers.backup.recover.wish import wish_from

Args = Mapping[str, object]
UNDO = "rows are only added, none that exists is changed: deleting the rows that came back, by their keys, undoes it"


@dataclass(frozen=True, slots=True)
class RecoverRows:
    """``args``: ``table``; ``since``, ``until`` of the deletions and ``deleted_by`` (else the largest run of deletions
    that the audit log knows); ``backup`` (else the newest before); ``triggers``: ``fire`` or ``quiet``;
    ``all_missing``; ``rows``: how many were approved."""

    recovery: Recovery
    effect: Effect = Effect.CHANGE

    async def preview(self, args: Args) -> Preview:
        """What comes back, what stays away and why. ``hits`` counts tables: rows have their own limit."""
        try:
            async with self.recovery.planned(wish_from(args)) as laid:
                plan = laid.plan
        except BackupError as error:
            return Preview("can't tell what would come back", 0, undo=UNDO, refused=str(error))
        return Preview(plan.summary, len(plan.tables), plan.lines(), UNDO, plan.refused or self.recovery.refusal)

    async def apply(self, args: Args) -> Outcome:
        """Plan once more, and merge in one transaction: whole or not at all."""
        started = time.monotonic()
        try:
            wish = wish_from(args)
            if self.recovery.refusal:
                return Outcome(Result.FAILED, f"refused: {self.recovery.refusal}")
            async with self.recovery.planned(wish) as laid:
                if laid.plan.refused:
                    return Outcome(Result.FAILED, f"refused: {laid.plan.refused}")
                if not laid.plan.back:
                    return Outcome(Result.DONE, laid.plan.summary, "\n".join(laid.plan.lines()))
                merged = await self.recovery.merged(laid, wish.triggers == "quiet")
        except BackupError as error:
            result = Result.UNKNOWN if isinstance(error, Unsure) else Result.FAILED
            return Outcome(result, str(error), seconds=time.monotonic() - started, recoverable=error.passing)
        rows = sum(merged.added.values())
        summary = f"brought back {rows} rows of {len(merged.added)} tables from backup {laid.plan.backup}"
        return Outcome(Result.DONE, summary, "\n".join(_told(merged)), None, time.monotonic() - started, hits=rows)

    async def verify(self, args: Args) -> Verification:
        """Passed when nothing of what was asked for is missing any more. The scratch database is dropped after it."""
        try:
            async with self.recovery.planned(wish_from(args), again=True) as laid:
                plan, differing = laid.plan, await self.recovery.differing(laid)
        except BackupError as error:
            return Verification(Verified.UNKNOWN, f"can't tell whether the rows are back: {error}")
        finally:
            await self.recovery.workshop.close()
        return judged(plan, differing)


def judged(plan: Plan, differing: int) -> Verification:
    """One transaction: so either all of it is there, or none. Rows may have been edited since they came back."""
    evidence = (*plan.lines(), f"{differing} of the rows that are there differ from the backup, by their hash")
    if plan.back:
        return Verification(Verified.FAILED, f"{plan.back} rows are still missing", evidence)
    if not plan.present:
        return Verification(Verified.FAILED, "none of the rows is there, and none can come back", evidence)
    return Verification(Verified.PASSED, f"all {plan.present} rows are there, and refer to rows that are", evidence)


def _told(merged: Merged) -> list[str]:
    lines = [f"{table}: {rows} rows" for table, rows in merged.added.items()]
    lines += [f"sequence {moved}" for moved in merged.sequences]
    lines += [f"{merged.meanwhile} rows were made meanwhile, and left as they are"] if merged.meanwhile else []
    if merged.changed_by_triggers:
        lines.append(f"{merged.changed_by_triggers} rows are not as in the backup: triggers changed them")
    return lines


@dataclass(frozen=True, slots=True)
class RecoverPlan:
    """``recover.plan``: the plan as JSON, a read. The scratch database is dropped after it, unless ``keep``."""

    recovery: Recovery

    async def run(self, command: Command) -> Outcome:
        """``args`` as ``recover.rows`` has them."""
        started = time.monotonic()
        try:
            async with self.recovery.planned(wish_from(_without(command.args))) as laid:
                plan = laid.plan
        except BackupError as error:
            spent = time.monotonic() - started
            return Outcome(Result.FAILED, str(error), seconds=spent, recoverable=error.passing)
        finally:
            if not command.args.get("keep"):
                await self.recovery.workshop.close()
        found = {**plan.as_dict(), "summary": plan.summary, "lines": list(plan.lines()), "undo": UNDO}
        found["backup_at"] = instant(plan.at)
        return Outcome(Result.DONE, plan.summary, json.dumps(found), 0, time.monotonic() - started, hits=plan.back)


def _without(args: Args) -> Args:
    return {key: value for key, value in args.items() if key != "keep"}
