"""One drill, from a service that is well to a service that is well again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from hutch.commands.context import CommandError
from hutch.commands.diagnose import diagnose_json
from hutch.commands.drills import oncall, several
from hutch.commands.drills.baseline import Wanted
from hutch.commands.drills.others import Others
from hutch.commands.drills.process import FaultFailed, FaultProcess, FaultRefused, running, undo
from hutch.commands.drills.result import Periods, Result, Traffic, Truth, broken, broken_off, judge, refused
from hutch.commands.drills.seen import Offer, Seen, fold
from hutch.commands.drills.stage import FIT_WITHIN, Stage, unfit
from hutch.detection.standing import CONFIDENT
from hutch.ports import Fault

EARLIEST, LATEST = 1.0, 4.0
"""Seconds: the fault comes at a moment between these, as the seed has it."""

NO_FAULT_LASTS = 12.0
"""Seconds for which a no-fault is watched: any alarm in them is false."""

LOOK_EVERY = 2.0
"""Seconds between two diagnoses while a no-fault is watched."""

AFTER = 3.0
"""Seconds for which requests are counted after the mitigation."""

POLL = 0.1


def moment(seed: int, name: str) -> float:
    """Seconds to wait before the fault; the same for the same seed, whatever other drills there are. Pure."""
    return Random(f"{seed}:{name}").uniform(EARLIEST, LATEST)  # noqa: S311  (dice of a drill)


async def run_drill(stage: Stage, fault: Fault, seed: int, fit_within: float = FIT_WITHIN) -> Result:
    """Run one drill and score it. What goes wrong with the fault or the service is in the result, not raised."""
    return replace(await _run(stage, fault, seed, fit_within), seed=seed)


async def _run(stage: Stage, fault: Fault, seed: int, fit_within: float) -> Result:
    reason = await unfit(stage, fit_within)
    if reason:
        return refused(fault, f"the service is ill before the fault: {reason}")
    start = moment(seed, fault.name)
    stage.say(f"well; the fault comes in {start:.1f} s")
    await asyncio.sleep(start)
    try:
        result = await _measured(stage, fault, start, seed)
    except FaultRefused as error:
        result = refused(fault, f"{error}")
    except FaultFailed as error:
        result = broken_off(fault, f"{error}; {await undo(fault, stage.ready_file)}")
    await oncall.close(stage.context, "the drill is over")
    return result


async def _measured(stage: Stage, fault: Fault, start: float, seed: int) -> Result:
    position = await _end_of_log(stage)
    async with running(fault, stage.ready_file, stage.folder / f"{fault.name}.log", seed) as process:
        on = await process.on()
        drill = Drill(stage, fault, process, position)
        stage.say(f"the fault stands: {fault.summary}" if broken(fault) else f"no fault: {fault.summary}")
        parts = several.parts_of(fault, on)
        await (drill.all_answered(parts) if parts else drill.answered() if broken(fault) else drill.watched())
        await oncall.close(stage.context, "the drill is over")
        stage.say("undoing it")
        truth = Truth(drill.on_at, on, await process.off())
    if parts:
        result = several.judge(fault, parts, truth, drill.seen, drill.found, drill.done, drill.periods, start)
    else:
        result = judge(fault, truth, drill.seen, drill.periods, start=start, alarms=drill.alarms)
    return replace(result, baselines=drill.others.score(_wanted(fault, parts, truth), broken(fault)))


def _wanted(fault: Fault, parts: Sequence[several.Part], truth: Truth) -> Wanted:
    if parts:
        return [(part.fault.cause, part.objects) for part in parts]
    return [(fault.cause, truth.objects)] if fault.cause else []


async def _end_of_log(stage: Stage) -> int:
    position = 0
    while rows := await stage.context.store.tail(position):
        position = rows[-1][0]
    return position


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment, and the traffic up to it."""

    at: datetime
    traffic: Traffic


class Drill:
    """What is measured while a fault stands."""

    def __init__(self, stage: Stage, fault: Fault, process: FaultProcess, position: int) -> None:
        self.stage = stage
        self.fault = fault
        self.process = process
        self.on_at = stage.context.clock.now()
        self.seen = Seen()
        self.found = several.Found()
        self.done: list[several.Turn] = []
        self.others = Others(stage)
        self.periods = Periods()
        self.alarms: list[str] = []
        self._position = position

    async def answered(self) -> None:
        """Until the incident is resolved, or nothing more will come of it."""
        began, approved = await self._mark(), None
        while not oncall.over(self.fault, self.seen, self.on_at, self._now()):
            if oncall.wants(self.fault, self.seen):
                approved = await self._mark()
                assert self.seen.offer is not None
                await self._approve(self.seen.run, self.seen.offer)
            await asyncio.sleep(POLL)
            await self._read()
        await self._ended(began, approved, bool(self.seen.resolved_at))

    async def all_answered(self, parts: Sequence[several.Part]) -> None:
        """Until every part is mended, or nothing more will come of it."""
        began, approved = await self._mark(), None
        while not several.over(parts, self.found, self.done, self.on_at, self._now()):
            turn = several.next_turn(parts, self.found, self.done)
            if turn:
                approved = approved or await self._mark()
                self.done.append(turn)
                await self._approve(turn.run, turn.offer)
            await asyncio.sleep(POLL)
            await self._read()
        await self._ended(began, approved, len(self.done) == len(parts))

    async def _ended(self, began: Mark, approved: Mark | None, resolved: bool) -> None:
        await self.others.asked()
        ended = await self._mark()
        if resolved:
            await asyncio.sleep(AFTER)
        turned, last = approved or ended, await self._mark()
        await self.stage.visitor.settled()
        after = self._between(ended, last) if resolved else Traffic()
        self.periods = Periods(self._between(began, turned), self._between(turned, ended), after)

    async def watched(self) -> None:
        """For as long as a no-fault is watched: nobody may be alarmed."""
        began = await self._mark()
        until = self.on_at + timedelta(seconds=NO_FAULT_LASTS)
        while self._now() < until:
            await self._diagnose()
            await asyncio.sleep(LOOK_EVERY)
            await self._read()
        await self.others.asked()
        last = await self._mark()
        await self.stage.visitor.settled()
        self.periods = Periods(broken=self._between(began, last))
        if self.seen.incident:
            self.alarms.insert(0, f"false alarm: {self.seen.incident} was opened by {self.seen.alert or 'no alert'}")

    # -------------------------------------------------------------- parts

    async def _approve(self, run: str, offer: Offer) -> None:
        await self.others.asked()
        self.stage.say(f"approving “{offer.title}”")
        try:
            await oncall.approve(self.stage.context, run, offer)
        except CommandError as error:
            raise FaultFailed(f"the remedy could not be approved: {error}") from error
        await self._read()

    async def _mark(self) -> Mark:
        return Mark(self._now(), await self.stage.traffic())

    def _between(self, one: Mark, other: Mark) -> Traffic:
        return other.traffic.since(one.traffic, self.stage.visitor.between(one.at, other.at))

    async def _diagnose(self) -> None:
        context = self.stage.context
        found = await diagnose_json(context, context.service())
        causes: list[dict[str, object]] = found["causes"]  # type: ignore[assignment]
        for cause in causes:
            if float(str(cause["confidence"])) >= CONFIDENT:
                self.alarms.append(f"false alarm: {cause['code']} was named ({cause['summary']})")

    async def _read(self) -> None:
        if self.process.ended:
            raise FaultFailed(
                f"{self.fault.name}: its process died while the fault should stand: {self.process.said()}"
            )
        before = self.seen
        while rows := await self.stage.context.store.tail(self._position):
            self._position = rows[-1][0]
            events = [event for _, event in rows]
            self.seen, self.found = fold(events, self.seen), several.fold(events, self.found)
        self._tell(before)

    def _tell(self, before: Seen) -> None:
        seen = self.seen
        if seen.opened_at and not before.opened_at:
            self.others.begin()
            self.stage.say(f"detected after {self._after(seen.opened_at)} s: {seen.incident}, {seen.alert}")
        if seen.cause and seen.named_at and not before.cause:
            self.stage.say(f"named after {self._after(seen.named_at)} s: {seen.cause['code']}")
        if seen.outcome and not before.outcome:
            self.stage.say(f"the run is over: {seen.outcome}")

    def _after(self, at: datetime) -> str:
        return f"{max((at - self.on_at).total_seconds(), 0.0):.1f}"

    def _now(self) -> datetime:
        return self.stage.context.clock.now()
