"""Backups: listed, made, proved and pruned. What they are is the provider's business; here is who asks and what for."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hutch.commands.acting import act, look
from hutch.commands.context import CommandError, Context, Service
from hutch.model.run import Run

BLOCK = "backup"


async def listing(context: Context, service: str, before: str = "") -> dict[str, Any]:
    """What there is; with ``before`` (ISO 8601) only the newest from before that."""
    found = _service(context, service)
    outcome = await look(found, "backup.list", {"json": True, **({"before": before} if before else {})})
    told: dict[str, Any] = json.loads(outcome.output)
    return {"service": found.name, **told}


async def create(context: Context, service: str, reason: str, keep: bool, actor: str) -> Run:
    """Start the run that makes one. It is named now, so that what becomes of it can be told whatever happens."""
    found = _service(context, service)
    given: Mapping[str, object] = {
        "backup": named(context.clock.now()),
        **({"reason": reason} if reason else {}),
        **({"keep": True} if keep else {}),
    }
    return await act(context, found, "backup.create", given, f"Back up {found.name}", actor)


async def verify(context: Context, service: str, backup: str, foreign: bool, actor: str) -> Run:
    """Start the run that proves one by restoring it into a scratch database; without a name the newest."""
    found = _service(context, service)
    wanted = backup or next((str(b["id"]) for b in (await listing(context, service))["backups"]), "")
    if not wanted:
        raise CommandError(f"there is no backup of {found.name} yet: `hutch backup create` makes one")
    given = {"backup": wanted, **({"foreign": True} if foreign else {})}
    return await act(context, found, "backup.verify", given, f"Prove backup {wanted} of {found.name}", actor)


async def prunable(context: Context, service: str) -> list[str]:
    """The backups that the configuration no longer keeps."""
    return [str(b["id"]) for b in (await listing(context, service))["backups"] if not b["kept"]]


async def prune(context: Context, service: str, backups: Sequence[str], actor: str) -> Run:
    """Start the run that deletes these, and none that is kept again by then."""
    found = _service(context, service)
    title = f"Delete {len(backups)} backups of {found.name} that are no longer kept"
    return await act(context, found, "backup.prune", {"backups": list(backups)}, title, actor)


async def point_in_time(context: Context, service: str, verb: str) -> str:
    """What the tool for point in time says to ``status`` or ``list``."""
    found = _service(context, service)
    name = f"point_in_time.{verb}"
    if name not in found.connections[BLOCK].runs:
        raise CommandError(f"services.{found.name}.backup.point_in_time has no {verb}: give it a command line", 2)
    return context.secrets.mask((await look(found, name, {})).output)


async def point_in_time_backup(context: Context, service: str, actor: str) -> Run:
    """Start the run that makes a backup by the tool's own command."""
    found = _service(context, service)
    return await act(context, found, "point_in_time.backup", {}, f"Back up {found.name} for point in time", actor)


async def point_in_time_restore(context: Context, service: str, to: str, actor: str) -> Run:
    """Start the run that goes back to a time by the tool's own command."""
    found = _service(context, service)
    return await act(context, found, "point_in_time.restore", {"to": to}, f"Restore {found.name} as of {to}", actor)


def named(now: datetime) -> str:
    """A new backup's name, made of its time."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def _service(context: Context, name: str) -> Service:
    """The service of that name that has backups; without a name the only one that has."""
    able = [s for s in context.services.values() if BLOCK in s.connections]
    found = able[0] if not name and len(able) == 1 else context.service(name)
    if BLOCK not in found.connections:
        raise CommandError(
            f"services.{found.name} has no backup: block: give it one, as {{url: {{env: …}}, to: /var/backups}}",
            2,
        )
    return found
