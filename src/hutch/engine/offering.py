"""Offers: remedies ranked by the diagnosis, previewed, and asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from hutch.engine import options, stages
from hutch.engine.means import Means
from hutch.model.action import Preview
from hutch.model.approval import POLICY, Autonomy, Terms
from hutch.model.event import Draft, instant
from hutch.model.program import Option
from hutch.model.run import ENDED, ChangeState, Chosen, Run
from hutch.ports import World

NO_LONGER = "it is no longer offered: the diagnosis was taken again"


async def offer(means: Means, run: Run) -> None:
    """Rank what was not tried yet, preview it, and ask; what is not offered any more is withdrawn."""
    tried = {c.option.id for c in run.in_state(*ENDED)}
    open_ = tuple(o for o in _indicated(run) if o.id not in tried)
    waiting = [(o, what) for o in open_ if (what := _lacking(o, run))]
    same = {o.digest() for o in open_ if o.cause}
    granted = {c.option.id for c in run.in_state(ChangeState.APPROVED) if c.digest in same}  # theirs stands
    ranked = tuple(o for o in open_ if o.id not in {*granted, *(w.id for w, _ in waiting)})
    world = await means.world(run)
    previews = await asyncio.gather(*(preview(world, o) for o in ranked))
    able = [(o, p) for o, p in zip(ranked, previews, strict=True) if not p.refused and p.hits != 0]
    first = not tried
    asked = [await means.terms(run, option, first and number == 0) for number, (option, _) in enumerate(able)]
    expires = means.clock.now() + means.approval_for
    offers = [_draft(means, o, p, expires, t) for (o, p), t in zip(able, asked, strict=True)]
    if first and asked and asked[0].autonomous and run.mode == "act":
        offers.append(_granted_by(asked[0].autonomous, able[0][0]))
    left_out = [
        *options.refused(run.program.options),
        *((o.title, what) for o, what in waiting),
        *_not_needed(run),
        *_only_reads(run),
    ] + [
        (o.title, p.refused or "it would hit nothing")
        for o, p in zip(ranked, previews, strict=True)
        if p.refused or p.hits == 0
    ]
    gone = _withdrawn(run, {o.id for o, _ in able})
    await means.append(run, *gone, *offers, _summary(means, ranked, left_out))


def _indicated(run: Run) -> Sequence[Option]:
    if run.program.asked:
        return [o for o in run.program.options if not o.refused]
    ranked = options.rank(run.program.options, run.causes)
    return () if _well(run) else ranked


def _well(run: Run) -> bool:
    """Whether all is well, and nothing is offered to a runbook that looks for trouble. A dry run shows everything."""
    return bool(run.healthy) and not run.causes and not run.program.procedure and run.mode != "dry-run"


def _not_needed(run: Run) -> list[tuple[str, str]]:
    able = options.rank(run.program.options, ()) if _well(run) and not run.program.asked else ()
    how = f"every check is well; to do it all the same: hutch run {run.document} --step"
    return [(o.title, f"{how} {o.items[0].id}") for o in able]


def _only_reads(run: Run) -> list[tuple[str, str]]:
    """Options that would change nothing are no remedies, and cure nothing; a person may ask for them."""
    reading = [] if run.program.asked else [o for o in run.program.options if o.items and not (o.refused or o.acts)]
    how = f"it only reads; to do it: hutch run {run.document} --step"
    return [(o.title, f"{how} {o.items[0].id}") for o in reading]


def _lacking(option: Option, run: Run) -> str:
    """Why an option cannot be shown as it would be done: a value that looking gave not, or a person still has to find.

    What one of its own statements captures comes when it is carried out, and is then asked for again.
    """
    own = {c.name for i in option.items for c in i.captures}
    needed = next((n for i in option.items for n in i.needs if n not in {*own, *run.captured}), "")
    if not needed:
        return ""
    step = next((i for i in run.unticked if needed in {c.name for c in i.captures}), None)
    if step:
        return f"it waits for [{needed}]: `hutch runs tick {run.id} {step.id} --note …`"
    return f"[{needed}] has no value: the step that captures it gave none"


def _withdrawn(run: Run, offered: set[str]) -> list[Draft]:
    left = [c for c in run.in_state(ChangeState.OFFERED) if c.option.id not in offered]
    return [Draft("approval.withdrawn", {"option": c.option.id, "reason": NO_LONGER}) for c in left]


def _summary(means: Means, ranked: Sequence[Option], left_out: Sequence[tuple[str, str]]) -> Draft:
    told = [{"id": o.id, "title": o.title, "cause": o.cause, "effect": o.effect.word, "why": o.why} for o in ranked]
    reasons = [{"title": t, "reason": means.mask(r)} for t, r in left_out]
    return Draft("options.ranked", {"options": told, "left_out": reasons})


async def ask_again(means: Means, run: Run, chosen: Chosen) -> None:
    """Show an option as it is now, and ask for what is left of it."""
    shown = await preview(await means.world(run), chosen.option, chosen.done_items)
    if shown.refused:
        data = {"option": chosen.option.id, "item": _next_id(chosen), "summary": means.mask(shown.refused)}
        await means.append(run, Draft("change.failed", data), fenced=True)
        return
    terms = await means.terms(run, chosen.option, False)
    expires = means.clock.now() + means.approval_for
    draft = _draft(means, chosen.option, shown, expires, terms)
    await means.append(run, Draft(draft.kind, {**draft.data, "goes_on": True}), fenced=True)


def _next_id(chosen: Chosen) -> str:
    return chosen.next.id if chosen.next else ""


async def preview(world: World, option: Option, done: int = 0) -> Preview:
    """What the statements from ``done`` on would hit, together."""
    previews = [await world.preview(i.command) for i in option.items[done:] if not i.manual]
    if len(previews) == 1:
        return previews[0]
    if not previews:
        return Preview("a person does it", -1)
    hits = -1 if any(p.hits < 0 for p in previews) else sum(p.hits for p in previews)
    return Preview(
        summary="; then ".join(p.summary for p in previews),
        hits=hits,
        items=tuple(i for p in previews for i in p.items),
        undo="; ".join(p.undo for p in previews if p.undo),
        refused=next((p.refused for p in previews if p.refused), ""),
    )


def _draft(means: Means, option: Option, shown: Preview, expires: datetime, asked: Terms) -> Draft:
    data = {
        "option": option.as_dict(),
        "digest": option.digest(),
        "target": ", ".join(dict.fromkeys(i.command.target for i in option.items)),
        "preview": stages.preview_dict(_with_undo(option, shown), means.mask),
        "expires_at": instant(expires),
        "approvers": asked.approvers,
        "by": None if asked.by is None else list(asked.by),
        **({"signed_in": True} if asked.signed_in else {}),
    }
    return Draft("approval.requested", data)


def _with_undo(option: Option, shown: Preview) -> Preview:
    """The document's own way back is told before the statement's lack of one."""
    own = "; ".join(i.undo.text for i in reversed(option.items) if i.undo)
    return Preview(shown.summary, shown.hits, shown.items, own, shown.refused) if own else shown


def _granted_by(policy: Autonomy, option: Option) -> Draft:
    data = {"option": option.id, "title": option.title, "digest": option.digest(), "policy": policy.name}
    return Draft("approval.granted", data, f"{POLICY}{policy.name}")
