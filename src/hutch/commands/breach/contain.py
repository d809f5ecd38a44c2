"""Containing a breach: evidence first, then keys and sessions as runs of their own, then the proof."""

from __future__ import annotations

from collections.abc import Iterator

from hutch.commands import evidence
from hutch.commands.acting import look
from hutch.commands.breach.course import load, passed
from hutch.commands.context import CommandError, Context, Service
from hutch.model.breach import Breach, Gate
from hutch.model.event import instant

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
        text, lines = (await look(service, verb, args)).output, 0
        for number, piece in enumerate(_pieces(text), 1):
            called = f"{name}-{number}.txt" if verb == LOGS else f"{name}-{number}.jsonl"
            if called not in there:
                note = f"as it stood at {instant(context.clock.now())}, before anything was changed"
                await evidence.attach(context, incident_id, called, piece, note, actor)
                lines += len(piece.splitlines())
        earlier = not lines and any(known.startswith(f"{name}-") for known in there)
        kept.append(f"{name} copied before" if earlier else f"{name} {lines} lines")
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


# ------------------------------------------------------------------ the proof


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
