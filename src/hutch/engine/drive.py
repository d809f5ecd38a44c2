"""Does the moves that ``plan`` decides and appends what happened. The only code that acts for a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hutch.engine import changing, looking, offering, plan
from hutch.engine.means import Means, Ours, always, drive_job, follow_job
from hutch.model.event import Draft
from hutch.model.program import Item
from hutch.model.run import ChangeState, Run
from hutch.ports import Conflict

__all__ = ["Driver", "drive_job", "follow_job"]

MAX_ROUNDS = 500
"""Rounds of plan and act in one job; a run that needs more has a defect and is stopped with an error."""

CANCEL_WITHIN = 0.5
"""Seconds until what is under way hears that somebody cancelled the run."""

BROKEN_OFF = "the run was cancelled while it ran"


class Stopping(Exception):
    """Whoever drives is about to end: what was under way is done and written down, the rest is for the next driver."""


def going_on() -> bool:
    """The answer of a driver that nobody tells to stop."""
    return False


@dataclass(frozen=True, slots=True)
class Driver(Means):
    """Drives runs, with the means that it is given."""

    async def drive(
        self,
        run_id: str,
        job: int | None = None,
        ours: Ours | None = None,
        stopping: Callable[[], bool] = going_on,
    ) -> Run:
        """Drive to the next wait or the end, finish ``job``, and leave a timer where a time is waited for.

        ``ours`` says whether we still hold the run's lease: asked right before a change is made, since a process that
        was stopped for long may have been given up and its run taken over.
        Raises ``LookupError`` for a run without a journal, :class:`Conflict` when the run was taken over,
        :class:`Stopping` instead of doing further moves once ``stopping`` says so; ``job`` is left then.
        """
        for _ in range(MAX_ROUNDS):
            run = await self.load(run_id)
            moves = plan.moves(run, self.clock.now())
            waits = [m for m in moves if isinstance(m, plan.Wait)]
            if not moves or waits:
                timers = [drive_job(run_id, w.until) for w in waits if w.until]
                await self.store.commit([], timers, done=job)
                return run
            if stopping():
                raise Stopping(run_id)
            try:
                await self._together(run, moves, ours or always)
            except Conflict:
                if not await (ours or always)():
                    raise
                continue  # somebody approved, denied or cancelled meanwhile: plan again
        raise RuntimeError(f"run {run_id} took more than {MAX_ROUNDS} rounds")

    async def _together(self, run: Run, moves: Sequence[plan.Move], ours: Ours) -> None:
        """Do the moves side by side; when the run is cancelled meanwhile, what is under way ends with it."""
        acts = [asyncio.create_task(self._act(run, m, ours)) for m in moves]
        try:
            cancelled = await self._watched(run, acts)
            if not cancelled:
                await asyncio.gather(*acts)
        finally:
            for act in acts:
                act.cancel()
            await asyncio.gather(*acts, return_exceptions=True)
        if cancelled:
            await self._broken_off(run, [i for m in moves if isinstance(m, plan.Read) for i in m.items])

    async def _watched(self, run: Run, acts: Sequence[asyncio.Task[None]]) -> bool:
        """Wait until all is done, or one has failed; True as soon as the run was cancelled."""
        seen = run.seq
        while True:
            done, left = await asyncio.wait(acts, timeout=CANCEL_WITHIN, return_when=asyncio.FIRST_EXCEPTION)
            if not left or any(t.exception() for t in done if not t.cancelled()):
                return False
            new = await self.store.read(run.stream, after=seen)
            if any(e.kind == "run.cancelled" for e in new) and not run.cancelled_by:
                return True
            seen = new[-1].seq if new else seen

    async def _broken_off(self, run: Run, items: Sequence[Item]) -> None:
        now = await self.load(run.id)
        left = [i for i in items if i.id not in now.read]
        if left:
            await self.append(now, *(_skipped(i, "cancelled", BROKEN_OFF) for i in left))

    async def _act(self, run: Run, move: plan.Move, ours: Ours) -> None:
        match move:
            case plan.Read():
                await looking.read(self, run, move.items)
            case plan.Skip():
                await self._skip(run, move)
            case plan.Render():
                await self._render(run, move)
            case plan.Diagnose():
                diagnosis = await (await self.world(run)).diagnose()
                await self.append(run, Draft("diagnosis.made", diagnosis))
            case plan.Offer():
                await offering.offer(self, run)
            case plan.Ask():
                await offering.ask_again(self, run, move.chosen)
            case plan.Apply() | plan.Verify() | plan.Doubt():
                await changing.change(self, run, move, ours)
            case plan.Expire():
                await self.append(run, Draft("approval.expired", {"option": move.chosen.option.id}), fenced=True)
            case plan.Finish():
                await self._finish(run, move)
            case plan.Wait():
                raise AssertionError("a wait is not acted on")

    async def _skip(self, run: Run, move: plan.Skip) -> None:
        if move.chosen is None:
            status = "refused" if move.refused else "skipped"
            await self.append(run, _skipped(move.item, status, self.mask(move.reason)))
            return
        data = {"option": move.chosen.option.id, "item": move.item.id, "summary": self.mask(move.reason)}
        await self.append(run, Draft("change.skipped", data), fenced=True)

    async def _render(self, run: Run, move: plan.Render) -> None:
        """Whatever comes of it waits no more: what still lacks a value is refused."""
        world = await self.world(run)
        made = [await world.render(item, run.captured) for item in move.items]
        final = [replace(i, needs=(), refused=i.refused or _lacks(i)) for i in made]
        await self.append(run, *(Draft("statement.readied", {"item": i.as_dict()}) for i in final))

    async def _finish(self, run: Run, move: plan.Finish) -> None:
        left = run.in_state(ChangeState.OFFERED, ChangeState.APPROVED) if move.outcome != "proposed" else ()
        drafts = [
            Draft("approval.withdrawn", {"option": c.option.id, "reason": f"the run is over: {move.outcome}"})
            for c in left
        ]
        done = Draft("run.finished", {"outcome": move.outcome, "summary": self.mask(move.summary)})
        await self.append(run, *drafts, done, fenced=True)


def _lacks(item: Item) -> str:
    return "; ".join(f"[{name}] has no value" for name in item.needs)


def _skipped(item: Item, status: str, reason: str) -> Draft:
    text = item.command.text
    data = {"item": item.id, "title": item.title, "line": item.line, "text": text, "status": status, "summary": reason}
    return Draft("statement.skipped", data)
