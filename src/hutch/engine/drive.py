"""Does the moves that ``plan`` decides and appends what happened. The only code that acts for a run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from hutch.engine import options, plan, stages
from hutch.engine.live import listening
from hutch.engine.verdict import combine, cured, settle
from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.approval import POLICY, Autonomy, Terms
from hutch.model.effect import Effect
from hutch.model.event import Draft, instant
from hutch.model.program import Item, Option
from hutch.model.run import ChangeState, Chosen, Run, fold
from hutch.ports import Append, Conflict, Job, Store, StoreFull, Wallclock, World

MAX_ROUNDS = 500
"""Rounds of plan and act in one job; a run that needs more has a defect and is stopped with an error."""

PARALLEL = 8
"""Reads of one run that are under way at once."""

VERIFY_EVERY = timedelta(seconds=1)
"""How long a "not yet" of the verification waits for the next try."""

FOLLOWED = frozenset({"diagnosis.made", "approval.granted", "change.intended", "run.finished"})
"""Journal events that the run's incident has to hear of."""


Ours = Callable[[], Awaitable[bool]]


async def _always() -> bool:
    """The answer where nobody can take a run over."""
    return True


async def _anybody(_run: Run, _option: Option, _first: bool) -> Terms:
    """One person, whoever it is."""
    return Terms()


@dataclass(frozen=True, slots=True)
class Driver:
    """Drives runs. ``met`` judges an expectation (None: cannot be judged), ``mask`` hides secrets.

    ``approval_for`` is how long an approval is waited for; ``terms`` says what an option asks for, told whether it is
    the first one offered.
    """

    store: Store
    clock: Wallclock
    world: Callable[[Run], Awaitable[World]]
    guards: stages.Guards
    met: Callable[[str, Outcome], bool | None]
    mask: Callable[[str], str]
    approval_for: timedelta = timedelta(hours=1)
    terms: Callable[[Run, Option, bool], Awaitable[Terms]] = _anybody

    async def drive(self, run_id: str, job: int | None = None, ours: Ours | None = None) -> Run:
        """Drive to the next wait or the end, finish ``job``, and leave a timer where a time is waited for.

        ``ours`` says whether we still hold the run's lease: asked right before a change is made, since a process that
        was stopped for long may have been given up and its run taken over.
        Raises ``LookupError`` for a run without a journal, :class:`Conflict` when the run was taken over.
        """
        for _ in range(MAX_ROUNDS):
            run = await self.load(run_id)
            moves = plan.moves(run, self.clock.now())
            waits = [m for m in moves if isinstance(m, plan.Wait)]
            if not moves or waits:
                timers = [drive_job(run_id, w.until) for w in waits if w.until]
                await self.store.commit([], timers, done=job)
                return run
            try:
                await asyncio.gather(*(self._act(run, m, ours or _always) for m in moves))
            except Conflict:
                if not await (ours or _always)():
                    raise
                continue  # somebody approved, denied or cancelled meanwhile: plan again
        raise RuntimeError(f"run {run_id} took more than {MAX_ROUNDS} rounds")

    async def load(self, run_id: str) -> Run:
        """The run as it stands."""
        run = fold(await self.store.read(f"run:{run_id}"))
        if run is None:
            raise LookupError(f"no run {run_id}")
        return run

    # -------------------------------------------------------------- moves

    async def _act(self, run: Run, move: plan.Move, ours: Ours) -> None:
        match move:
            case plan.Read():
                await self._read(run, move.items)
            case plan.Diagnose():
                await self._diagnose(run)
            case plan.Offer():
                await self._offer(run)
            case plan.Apply():
                await self._apply(run, move, ours)
            case plan.Verify():
                await self._verify(run, move)
            case plan.Doubt():
                await self._doubt(run, move.chosen)
            case plan.Expire():
                await self._append(run, Draft("approval.expired", {"option": move.chosen.option.id}), fenced=True)
            case plan.Finish():
                await self._finish(run, move)
            case plan.Wait():
                raise AssertionError("a wait is not acted on")

    async def _read(self, run: Run, items: Sequence[Item]) -> None:
        room = asyncio.Semaphore(PARALLEL)
        world = await self.world(run)

        async def one(item: Item) -> None:
            async with room:
                await self._append(run, Draft("statement.finished", await self._read_one(run, world, item)))

        begun = [Draft("statement.started", {"item": i.id, "title": i.title, "text": i.command.text}) for i in items]
        await self._append(run, *begun)
        await asyncio.gather(*(one(i) for i in items))

    async def _read_one(self, run: Run, world: World, item: Item) -> dict[str, object]:
        base = {"item": item.id, "title": item.title, "text": self.mask(item.command.text), "line": item.line}
        if item.refused:
            return {**base, "status": "refused", "summary": item.refused, "output": "", "seconds": 0.0}
        began = time.monotonic()
        async with listening(self.mask, lambda text: self._heard(run, item, text)):
            outcome = stages.masked(await stages.read(world, item.command), self.mask)
        missing = stages.unmet(outcome, item.expects, self.met) if outcome.result is Result.DONE else ()
        passed = outcome.result is Result.DONE and not missing
        summary = f"expected {missing[0]!r}, not seen" if missing else outcome.summary
        return {
            **base,
            "status": "passed" if passed else "failed",
            "summary": summary,
            "output": outcome.output,
            "exit_code": outcome.exit_code,
            "seconds": round(time.monotonic() - began, 4),
        }

    async def _diagnose(self, run: Run) -> None:
        diagnosis = await (await self.world(run)).diagnose()
        await self._append(run, Draft("diagnosis.made", diagnosis))

    async def _offer(self, run: Run) -> None:
        ranked = options.rank(run.program.options, run.causes)
        if run.healthy and not run.causes:
            ranked = ()
        world = await self.world(run)
        previews = await asyncio.gather(*(self._preview(world, o) for o in ranked))
        expires = self.clock.now() + self.approval_for
        able = [(o, p) for o, p in zip(ranked, previews, strict=True) if not p.refused and p.hits != 0]
        asked = [await self.terms(run, option, number == 0) for number, (option, _) in enumerate(able)]
        offers = [self._offer_draft(o, p, expires, t) for (o, p), t in zip(able, asked, strict=True)]
        if asked and asked[0].autonomous and run.mode == "act":
            offers.append(_granted_by(asked[0].autonomous, able[0][0]))
        left_out = [*options.refused(run.program.options)] + [
            (o.title, p.refused or "it would hit nothing")
            for o, p in zip(ranked, previews, strict=True)
            if p.refused or p.hits == 0
        ]
        summary = [
            {"id": o.id, "title": o.title, "cause": o.cause, "effect": o.effect.word, "why": o.why} for o in ranked
        ]
        reasons = [{"title": t, "reason": self.mask(r)} for t, r in left_out]
        await self._append(run, *offers, Draft("options.ranked", {"options": summary, "left_out": reasons}))

    async def _preview(self, world: World, option: Option) -> Preview:
        previews = [await world.preview(i.command) for i in option.items]
        if len(previews) == 1:
            return previews[0]
        hits = -1 if any(p.hits < 0 for p in previews) else sum(p.hits for p in previews)
        return Preview(
            summary="; then ".join(p.summary for p in previews),
            hits=hits,
            items=tuple(i for p in previews for i in p.items),
            undo="; ".join(p.undo for p in previews if p.undo),
            refused=next((p.refused for p in previews if p.refused), ""),
        )

    def _offer_draft(self, option: Option, preview: Preview, expires: datetime, asked: Terms) -> Draft:
        data = {
            "option": option.as_dict(),
            "digest": option.digest(),
            "target": ", ".join(dict.fromkeys(i.command.target for i in option.items)),
            "preview": stages.preview_dict(preview, self.mask),
            "expires_at": instant(expires),
            "approvers": asked.approvers,
            "by": None if asked.by is None else list(asked.by),
        }
        return Draft("approval.requested", data)

    async def _apply(self, run: Run, move: plan.Apply, ours: Ours) -> None:
        world = await self.world(run)
        chosen, item = move.chosen, move.item
        attempt = stages.Attempt(run, chosen, item, world, self.store, self.clock, self.guards)
        reason = await stages.refusal(attempt)
        place = {"option": chosen.option.id, "item": item.id}
        if reason:
            await self._append(run, Draft("change.failed", {**place, "summary": self.mask(reason)}), fenced=True)
            return
        intent = {**place, "runner": item.command.runner, "command": item.command.as_dict(), "by": chosen.approved_by}
        await self._append(run, Draft("change.intended", intent), fenced=True)
        if not await ours():
            raise Conflict(f"run {run.id} was taken over before {item.id} was begun: it is not done here")
        async with listening(self.mask, lambda text: self._heard(run, item, text)):
            outcome = stages.masked(await self._do(world, item), self.mask)
        kind = {Result.DONE: "change.done", Result.FAILED: "change.failed", Result.UNKNOWN: "change.unknown"}
        found = {
            "summary": outcome.summary,
            "hits": outcome.hits,
            "seconds": round(outcome.seconds, 3),
            "undo": dict(outcome.undo),
            "output": outcome.output,
        }
        await self._append(run, Draft(kind[outcome.result], {**place, **found}))

    async def _do(self, world: World, item: Item) -> Outcome:
        if item.command.effect is Effect.READ:
            return await stages.read(world, item.command)
        return await world.apply(item.command)

    async def _doubt(self, run: Run, chosen: Chosen) -> None:
        item = chosen.option.items[chosen.done_items]
        summary = "Hutch ended between intent and outcome; whether it was done is not known"
        data = {"option": chosen.option.id, "item": item.id, "summary": summary}
        await self._append(run, Draft("change.unknown", data), fenced=True)

    async def _verify(self, run: Run, move: plan.Verify) -> None:
        words = await self._words(run, move.chosen)
        word = settle(combine(words), move.last, known=move.chosen.state is not ChangeState.UNKNOWN)
        data: dict[str, object] = {
            "option": move.chosen.option.id,
            "verdict": word.verdict.value,
            "summary": self.mask(word.summary),
            "evidence": [self.mask(e) for e in word.evidence],
        }
        if word.verdict is Verified.PENDING:
            data["again_at"] = instant(self.clock.now() + VERIFY_EVERY)
        drafts = [Draft("verification.done", data)]
        if word.verdict is Verified.UNKNOWN:
            question = f"Did “{move.chosen.option.title}” work? {word.summary}"
            drafts.append(Draft("decision.needed", {"option": move.chosen.option.id, "question": self.mask(question)}))
        await self._append(run, *drafts)

    async def _words(self, run: Run, chosen: Chosen) -> list[Verification | None]:
        """Everyone who can say whether it worked: providers, the document, the diagnosis, the signals."""
        world = await self.world(run)
        option = chosen.option
        return [
            *await asyncio.gather(*(world.verify(i.command) for i in option.items)),
            *await asyncio.gather(
                *(self._document_word(run, world, i) for i in run.program.verification if not i.refused)
            ),
            await self._diagnosis_word(world, option.cause),
            await world.signals(),
        ]

    async def _document_word(self, run: Run, world: World, item: Item) -> Verification:
        seen = await self._read_one(run, world, item)
        verdict = Verified.PASSED if seen["status"] == "passed" else Verified.FAILED
        return Verification(verdict, f"{item.command.text}: {seen['summary']}")

    async def _diagnosis_word(self, world: World, cause: str) -> Verification | None:
        return cured(cause, dict(await world.diagnose())) if cause else None

    async def _finish(self, run: Run, move: plan.Finish) -> None:
        left = run.in_state(ChangeState.OFFERED, ChangeState.APPROVED) if move.outcome != "proposed" else ()
        drafts = [
            Draft("approval.withdrawn", {"option": c.option.id, "reason": f"the run is over: {move.outcome}"})
            for c in left
        ]
        done = Draft("run.finished", {"outcome": move.outcome, "summary": self.mask(move.summary)})
        await self._append(run, *drafts, done, fenced=True)

    # -------------------------------------------------------------- writing

    async def _heard(self, run: Run, item: Item, text: str) -> None:
        """A piece of live output; a full disk costs only that."""
        with suppress(StoreFull):
            await self._append(run, Draft("statement.output", {"item": item.id, "text": text}))

    async def _append(self, run: Run, *drafts: Draft, fenced: bool = False) -> None:
        """Append to the journal; ``fenced``: only if nothing was appended since ``run`` was read."""
        jobs = [follow_job(run)] if run.incident and any(d.kind in FOLLOWED for d in drafts) else []
        append = Append(run.stream, tuple(drafts), run.seq if fenced else None)
        await self.store.commit([append], jobs)


def _granted_by(policy: Autonomy, option: Option) -> Draft:
    data = {"option": option.id, "title": option.title, "digest": option.digest(), "policy": policy.name}
    return Draft("approval.granted", data, f"{POLICY}{policy.name}")


def drive_job(run_id: str, at: datetime | None = None) -> Job:
    """Wakes a run, now or at ``at``; a timer replaces the run's earlier timer."""
    return Job("drive", f"run:{run_id}", at, {"run": run_id}, unique="timer" if at else "")


def follow_job(run: Run) -> Job:
    """Tells a run's incident what the run found and did."""
    return Job("follow", f"incident:{run.incident}", None, {"incident": run.incident, "run": run.id})
