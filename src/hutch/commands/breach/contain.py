"""Containing a breach: evidence first, then keys and sessions as runs of their own, then the proof."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from hutch.commands import evidence, runs
from hutch.commands.acting import act, look
from hutch.commands.breach.course import begun, load, passed
from hutch.commands.context import CommandError, Context, Service
from hutch.model.action import Preview, Verified
from hutch.model.breach import Breach, Gate
from hutch.model.event import instant
from hutch.model.run import Run
from hutch.ports import Conflict

TABLES = ("security", "audit", "sessions", "blocks", "restrictions")
EXPORT, LOGS, PROVE = "evidence.export", "logs.search", "access.prove"
LOG_LINES = 5000
PIECE = 20_000_000
"""Bytes of one file of evidence; a longer export is kept as several."""


# ------------------------------------------------------------------ evidence


async def preserve(context: Context, incident_id: str, gate: Gate, days: int, actor: str) -> None:
    """Copy the trails into the incident, each by its hash, and see that the proof at the end will be one.

    What an earlier try has kept is not copied again.
    """
    state, _ = await load(context, incident_id)
    service = context.service(state.service)
    there = {file.name for file in state.record.files}
    kept = []
    for name, verb, args in _sources(service, days):
        text = (await look(service, verb, args)).output
        for number, piece in enumerate(_pieces(text), 1):
            called = f"{name}-{number}.txt" if verb == LOGS else f"{name}-{number}.jsonl"
            if called not in there:
                note = f"as it stood at {instant(context.clock.now())}, before anything was changed"
                await evidence.attach(context, incident_id, called, piece, note, actor)
        kept.append(f"{name} {len(text.splitlines())} lines")
    state, _ = await load(context, incident_id)
    opened, before = await _opens(service)
    hashes = ", ".join(f"{f.name} {f.sha256[:12]}" for f in state.record.files)
    proof = f"{'; '.join(kept)}. Kept by hash: {hashes or 'nothing'}. Before: {before}"
    await passed(context, incident_id, gate, proof, actor, figures={"opened_before": opened})


async def _opens(service: Service) -> tuple[bool, str]:
    """Whether our old tokens open our account now: one that never did proves nothing when it is refused."""
    if not _runs(service, PROVE):
        return False, "there is no access: block, so who gets in has to be proved by hand"
    try:
        return True, (await look(service, PROVE, {"expect": "open"})).summary
    except CommandError as error:  # evidence comes first: this is told, and holds nothing up
        return False, str(error)


def _sources(service: Service, days: int) -> Iterator[tuple[str, str, dict[str, object]]]:
    if not _runs(service, EXPORT):
        raise CommandError(
            f"services.{service.name} has no audit: block, so its trails can't be copied; copy them by hand and say so "
            "with `hutch breach tick`",
            2,
        )
    yield from ((table, EXPORT, {"table": table, "days": days}) for table in TABLES)
    if _runs(service, LOGS):
        yield "logs", LOGS, {"limit": LOG_LINES}


def _runs(service: Service, verb: str) -> bool:
    return any(verb in connection.runs for connection in service.connections.values())


def _pieces(text: str) -> Iterator[bytes]:
    """Whole lines, at most so many bytes at a time; nothing for an empty text."""
    piece: list[bytes] = []
    size = 0
    for line in text.encode().splitlines(keepends=True):
        if piece and size + len(line) > PIECE:
            yield b"".join(piece)
            piece, size = [], 0
        piece.append(line)
        size += len(line)
    if piece:
        yield b"".join(piece)


# ------------------------------------------------------------------ what changes something


async def foresee(context: Context, incident_id: str, gate: Gate, patience: float) -> Preview:
    """What the gate's action would do now. While it is refused it is asked again for as long as ``patience`` lasts."""
    state, _ = await load(context, incident_id)
    service = context.service(state.service)
    found = service.offering(gate.action, gate.args)
    if found is None:
        raise CommandError(
            f"no target of {service.name} offers {gate.action}: do it by hand, then say how with "
            f"`hutch breach tick {incident_id} {gate.id} --how TEXT`",
            2,
        )
    action, until = found.actions[gate.action], asyncio.get_running_loop().time() + patience
    while True:
        preview = await action.preview(gate.args)
        if not preview.refused or asyncio.get_running_loop().time() >= until:
            break
        await asyncio.sleep(0.5)
    if preview.refused:
        raise CommandError(f"{gate.id}: {preview.summary}: {preview.refused}")
    if not preview.hits:
        seen = await action.verify(gate.args)
        if seen.verdict is Verified.PASSED:
            await passed(context, incident_id, gate, f"nothing to do: {seen.summary}", "hutch")
    return preview


async def run_of(context: Context, incident_id: str, gate: Gate, actor: str) -> Run:
    """The run that is to pass the gate: the one under way, or a new one where there is none, or it came to nothing.

    Its id is on the timeline before it is started: after a crash the same one is gone on with.
    """
    state, found = await load(context, incident_id)
    run_id = found.runs.get(gate.id, "")
    if run_id and await context.store.read(f"run:{run_id}"):
        run = await runs.load(context, run_id)
        if not run.finished or run.outcome == "done":
            return run
        run_id = ""
    if not run_id:
        run_id = runs.new_id(context)
        await begun(context, incident_id, gate, run_id, actor)
    service = context.service(state.service)
    try:
        return await act(
            context, service, gate.action, gate.args, gate.title, actor, run_id=run_id, incident=incident_id
        )
    except Conflict:
        return await runs.load(context, run_id)


async def settle(context: Context, incident_id: str, gate: Gate, run: Run, actor: str) -> None:
    """Pass the gate by its run. Raises :class:`CommandError` where that came to anything but a verified change."""
    if run.outcome != "done":
        raise CommandError(f"{gate.id}: run {run.id} ended {run.outcome or 'without an end'}: {run.summary}")
    await passed(context, incident_id, gate, run.summary, actor, run.id)


async def prove(context: Context, incident_id: str, gate: Gate, actor: str) -> None:
    """Ask the service with our old tokens and with a new log-in. Raises :class:`CommandError` where it is not so."""
    state, found = await load(context, incident_id)
    service = context.service(state.service)
    if not _runs(service, PROVE) or not found.figures.get("opened_before"):
        raise CommandError(
            f"services.{service.name} has no access: block whose old token was let in before: try one by hand, "
            "and say what came of it with "
            f"`hutch breach tick {incident_id} prove --how TEXT`",
            2,
        )
    outcome = await look(service, PROVE, {"expect": "closed"})
    await passed(context, incident_id, gate, outcome.summary, actor)


def upcoming(found: Breach) -> Gate | None:
    """The next gate of containment."""
    return found.next_gate("contain")
