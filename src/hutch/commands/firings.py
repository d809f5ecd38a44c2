"""What fired lately, for lists: from the log, whatever became of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hutch.commands import incidents
from hutch.commands.context import Context
from hutch.model.event import instant
from hutch.model.firing import Firings

MOST = 500
"""The newest fingerprints that a list shows."""


async def listing(context: Context, since: timedelta) -> list[dict[str, Any]]:
    """The alerts that began to fire within ``since``, the newest first; one row for each fingerprint."""
    began = await context.store.since("firing.started", context.clock.now() - since)
    streams = list(dict.fromkeys(event.stream for event in reversed(began)))[:MOST]
    board = context.board
    async with board.lock:
        await board.catch_up(context.store, context.clock.now())
        found = await board.firings(context.store, [s.removeprefix("alert:") for s in streams])
    return [_row(found[s.removeprefix("alert:")]) for s in streams]


async def runbook_of(context: Context, incident_id: str) -> dict[str, Any]:
    """The runbook that answers an incident, and those between which somebody was asked to choose."""
    state = await incidents.load(context, incident_id)
    asked = [e for e in await context.store.read(state.stream) if e.kind == "runbook.asked"]
    return {"incident": state.id, "runbook": state.runbook, "choices": asked[-1].data["choices"] if asked else []}


def _row(known: Firings) -> dict[str, Any]:
    alert = known.alert or known.last
    assert alert is not None
    return {
        "rule": alert.rule,
        "service": alert.service,
        "severity": alert.level.label,
        "state": "firing" if known.alert else "resolved",
        "value": alert.value,
        "starts_at": instant(alert.starts_at),
        "summary": alert.summary,
        "key": alert.key,
        "source": alert.source,
        "incident": known.incident,
        "held": known.held,
        "flapping": known.flapping,
    }
