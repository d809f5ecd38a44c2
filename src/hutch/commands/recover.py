"""Bringing back what was deleted, and looking for damage: who asks and what for. How is the provider's business."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hutch.commands.acting import act, look
from hutch.commands.context import CommandError, Context, Service
from hutch.model.run import Run

BLOCK, AUDIT = "backup", "audit"
ROWS, PLAN = "recover.rows", "recover.plan"

Args = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks to have back. ``since`` and ``until`` in ISO 8601; without them the audit log says."""

    table: str
    since: str = ""
    until: str = ""
    deleted_by: str = ""
    backup: str = ""
    triggers: str = ""
    all_missing: bool = False

    def args(self, service: Service) -> dict[str, object]:
        """The arguments of the action, without what is not said."""
        found = {name: getattr(self, name) for name in self.__slots__ if getattr(self, name)}
        return {**found, **_log(service)}


async def plan(context: Context, service: str, wanted: Wanted, *, keep: bool = False) -> dict[str, Any]:
    """What would come back, touching nothing. ``keep``: the scratch database stays for what follows at once.

    Raises :class:`CommandError` with the provider's reason.
    """
    found = _service(context, service)
    outcome = await look(found, PLAN, {**wanted.args(found), **({"keep": True} if keep else {})})
    told: dict[str, Any] = json.loads(outcome.output)
    return {"service": found.name, **told}


async def rows(context: Context, service: str, wanted: Wanted, actor: str) -> tuple[Run | None, dict[str, Any]]:
    """Start the run that brings them back, bound to what was found: window, account, backup and number of rows.

    No run where nothing would come back. Raises :class:`CommandError` where it must not be done.
    """
    found = _service(context, service)
    told = await plan(context, service, wanted, keep=True)
    if told["refused"]:
        raise CommandError(f"not to be brought back: {told['refused']}")
    if not told["rows"]:
        return None, told
    fixed = {key: told[key] for key in ("since", "until", "deleted_by", "backup", "rows") if told[key]}
    args = {**wanted.args(found), **fixed}
    title = f"Bring back {told['rows']} deleted rows of {wanted.table} in {found.name}"
    return await act(context, found, ROWS, args, title, actor), told


async def check(context: Context, service: str, table: str) -> dict[str, Any]:
    """Look for damage in every table and index, or in one table and its indexes."""
    return await _asked(context, service, "damage.list", _table(table))


async def copy(context: Context, service: str, table: str, to: str) -> dict[str, Any]:
    """Copy what can be read into a folder, and say what could not be."""
    return await _asked(context, service, "damage.copy", {**_table(table), "to": to})


async def _asked(context: Context, service: str, verb: str, args: Args) -> dict[str, Any]:
    able = [s for s in context.services.values() if any(verb in c.runs for c in s.connections.values())]
    found = able[0] if not service and len(able) == 1 else context.service(service)
    told: dict[str, Any] = json.loads((await look(found, verb, args)).output)
    return {"service": found.name, **told}


def _table(name: str) -> dict[str, object]:
    """A table as a person names it: ``orders``, ``shop.orders``."""
    schema, _, table = name.rpartition(".")
    return {"table": table, **({"schema": schema} if schema else {})} if name else {}


def _log(service: Service) -> dict[str, object]:
    """Where the audit log is, as the service's ``audit:`` block says it; ``backup.audit_log`` says it otherwise."""
    audit, own = service.config.targets.get(AUDIT) or {}, service.config.targets.get(BLOCK) or {}
    tables, columns = _map(audit.get("tables")), _map(audit.get("columns"))
    log: dict[str, str] = {k: columns[k] for k in ("action", "account", "details", "at") if k in columns}
    log |= {"table": tables["audit"]} if "audit" in tables else {}
    log |= _map(own.get("audit_log"))
    return {"log": log} if log else {}


def _map(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, Mapping) else {}


def _service(context: Context, name: str) -> Service:
    """The service of that name that has backups; without a name the only one that has."""
    able = [s for s in context.services.values() if BLOCK in s.connections]
    found = able[0] if not name and len(able) == 1 else context.service(name)
    if BLOCK not in found.connections:
        raise CommandError(f"services.{found.name} has no backup: block, where rows could come back from", 2)
    return found
