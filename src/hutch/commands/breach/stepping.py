"""The gates of a breach that change something: step by step, each a run of its own with its preview and approval.

What is noted of a step before it is started, and what its run came to, say where the gate stands: whoever calls again,
after a failure or a crash, goes on there.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

from hutch.commands import runs
from hutch.commands.acting import TARGET_AWAY, act, look
from hutch.commands.breach.course import begun, load, passed
from hutch.commands.context import CommandError, Context, Service
from hutch.model.action import Verified
from hutch.model.breach import Breach, Gate, Step, steps_of
from hutch.model.event import instant
from hutch.model.run import Run
from hutch.ports import Conflict, Unanswered, said

ROTATE, RESTART, RING, SEALED = "secret.rotate", "service.restart", "secret.ring", "sealed.count"
REVOKE: Final = "sessions.revoke"
SEALS: Final = "encryption"
"""The secret whose keys seal what is stored."""

Drive = Callable[[Context, str], Awaitable[Run]]
"""Takes a run as far as it goes here, or leaves that to a worker; the run as it stands then."""


async def advance(
    context: Context, incident_id: str, gate: Gate, actor: str, drive: Drive, patience: float = 0.0
) -> Run | None:
    """Do what the gate asks for. The run of the step that is under way or waits; none once all are done: the gate is
    passed then. What is refused is asked again for as long as ``patience`` lasts. Raises :class:`CommandError`, which
    names the step, where one is refused or came to anything but a verified change."""
    steps, summaries, last = await _steps(context, incident_id, gate), list[str](), ""
    for number, step in enumerate(steps, 1):
        if len(steps) > 1:
            said(f"  {number} of {len(steps)}: {step.title}\n")
        run = await _begun(context, incident_id, gate, step, actor, patience)
        if isinstance(run, str):
            summaries += [run] if run else []
            continue
        run = await drive(context, run.id)
        if not run.finished:
            return run
        _checked(gate, step, steps, run)
        summaries, last = [*summaries, run.summary], run.id
    await passed(context, incident_id, gate, "; ".join(summaries) or "nothing to do", actor, last)
    return None


async def _steps(context: Context, incident_id: str, gate: Gate) -> tuple[Step, ...]:
    state, breach = await load(context, incident_id)
    service = context.service(state.service)
    keeper = service.offering(gate.action, gate.args)
    found = steps_of(gate, staged=bool(keeper and gate.args.get("secret") in keeper.secrets))
    found = tuple([await _told_apart(context, state.id, breach, step) for step in found])
    for step in found:
        offering = service.offering(step.action, step.args)
        if offering is None or step.action not in offering.actions:
            raise CommandError(
                f"no target of {service.name} offers {step.action}: do it by hand, then say how with "
                f"`hutch breach tick {incident_id} {gate.id} --how TEXT`",
                2,
            )
    return found


async def _told_apart(context: Context, incident_id: str, found: Breach, step: Step) -> Step:
    """What tells this step from an earlier one like it: the incident, for revocations; for a new key the one that
    signed when the step was first begun, so that after a run whose end is not known it is not made a second time."""
    if step.action == REVOKE:
        return replace(step, args={**step.args, "reason": incident_id})
    run_id = found.steps.get(step.id, "")
    if not run_id or "signer" in step.args or not await context.store.read(f"run:{run_id}"):
        return step
    items = [item for option in (await runs.load(context, run_id)).program.options for item in option.items]
    signer = next((item.command.args["signer"] for item in items if "signer" in item.command.args), "")
    return replace(step, args={**step.args, "signer": signer}) if signer else step


async def _begun(
    context: Context, incident_id: str, gate: Gate, step: Step, actor: str, patience: float
) -> Run | str:  # fmt: skip
    """The run of the step: that under way, the one that did it, or a new one. A text where there is nothing to do."""
    state, found = await load(context, incident_id)
    run = await _live(context, found, step)
    if run is not None:
        return run
    if found.steps.get(step.id) == "":
        return ""
    service = context.service(state.service)
    idle = await _idle(service, gate, step, patience)
    if idle:
        await begun(context, incident_id, gate, step, "", "hutch")
        return f"nothing to do: {idle}"
    return await _started(context, incident_id, gate, await _fresh(context, service, step), actor)


async def _live(context: Context, found: Breach, step: Step) -> Run | None:
    run_id = found.steps.get(step.id, "")
    if not run_id or not await context.store.read(f"run:{run_id}"):
        return None
    run = await runs.load(context, run_id)
    return run if not run.finished or run.outcome == "done" else None


async def _idle(service: Service, gate: Gate, step: Step, patience: float) -> str:
    """How it stands where there is nothing to do. Raises :class:`CommandError` for what is refused."""
    if gate.action == ROTATE and step.action == RESTART:
        return ""
    found = service.offering(step.action, step.args)
    assert found is not None  # _steps() has seen to it
    action, until = found.actions[step.action], asyncio.get_running_loop().time() + patience
    heard = ""
    while held := (preview := await action.preview(step.args)).refused or await _unsealed(service, step):
        if asyncio.get_running_loop().time() >= until:
            raise CommandError(f"{step.id}: {preview.summary}: {held}")
        if held != heard:
            said(f"{step.id}: {held}\n")
        heard = held
        await asyncio.sleep(0.5)
    if preview.hits:
        return ""
    seen = await action.verify(step.args)
    return seen.summary if seen.verdict is Verified.PASSED else ""


async def _unsealed(service: Service, step: Step) -> str:
    """Why the old key must not go: what it has sealed. Nothing where it is not about that. Raises
    :class:`CommandError` where nobody can tell: then it stays."""
    keeper = service.offering(RING, step.args)
    staged = keeper is not None and step.args.get("secret") in keeper.secrets
    if not staged or (step.args.get("secret"), step.args.get("stage")) != (SEALS, "retire"):
        return ""
    ring = json.loads((await look(service, RING, step.args)).output)
    counted: dict[str, int] = json.loads((await look(service, SEALED, {})).output)
    left, whole = sum(counted.get(key, 0) for key in ring["old"]), sum(counted.values())
    return f"{whole - left} of {whole} rows are sealed anew, {left} still with {', '.join(ring['old'])}" if left else ""


async def _fresh(context: Context, service: Service, step: Step) -> Step:
    """A restart is proved by what began after the newest deployment of now, by the platform's own clock; a new key
    that is made in one step by another one signing than now."""
    if step.action == ROTATE and step.args.get("deploy") and step.args.get("stage") == "add":
        return await _pinned(service, step)
    if step.action != RESTART:
        return step
    args: dict[str, object] = {"since": instant(context.clock.now())}
    found = service.offering(step.action, step.args)
    if found and found.platform:
        try:
            known = [d.started_at for d in await found.platform.deployments()]
        except Unanswered as error:
            raise CommandError(f"{step.id}: {error}", TARGET_AWAY) from error
        args |= {"after": max(known).isoformat()} if known else {}
    return replace(step, args=args)


async def _pinned(service: Service, step: Step) -> Step:
    keeper = service.offering(RING, step.args)
    if "signer" in step.args or keeper is None or RING not in keeper.runs:
        return step
    ring = json.loads((await look(service, RING, step.args)).output)
    return replace(step, args={**step.args, "signer": ring["signs"]})


async def _started(context: Context, incident_id: str, gate: Gate, step: Step, actor: str) -> Run:
    """Its id is on the timeline before the run is started: after a crash the same one is gone on with."""
    state, found = await load(context, incident_id)
    run_id = found.steps.get(step.id, "")
    if not run_id or await context.store.read(f"run:{run_id}"):
        run_id = runs.new_id(context)
        await begun(context, incident_id, gate, step, run_id, actor)
    service = context.service(state.service)
    try:
        return await act(
            context, service, step.action, step.args, step.title, actor, run_id=run_id, incident=incident_id
        )
    except Conflict:
        return await runs.load(context, run_id)


def _checked(gate: Gate, step: Step, steps: Sequence[Step], run: Run) -> None:
    """Raise :class:`CommandError` where the run came to anything but a verified change: at which step, and what that
    leaves."""
    if run.outcome == "done":
        return
    place = f", step {steps.index(step) + 1} of {len(steps)} ({step.title})" if len(steps) > 1 else ""
    good = gate.action == ROTATE and gate.args.get("stage") == "add"
    left = "; the old key is as good as before" if good else ""
    raise CommandError(f"{gate.id}{place}: run {run.id} ended {run.outcome or 'without an end'}: {run.summary}{left}")
