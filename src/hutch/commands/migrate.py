"""Migrations of a service: where they stand, what would run, and the run that asks for it.

Every change is a run as any other: previewed, approved as it was shown, journalled, verified.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hutch.commands import runs
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.situation import Situation
from hutch.engine.options import call_text
from hutch.model.action import Command, Outcome, Result
from hutch.model.effect import Effect
from hutch.model.program import Item, Option, Program
from hutch.model.run import Run

PROVIDER = "migrations"
UNREACHABLE = 5
NO_UP = "set services.{name}.migrations.command, or tool: sql with a folder of files"
NO_DOWN = "set services.{name}.migrations.down_command"


async def status(context: Context, service_name: str) -> dict[str, Any]:
    """Where every version stands. Raises :class:`CommandError`, with 5 where the database can't be reached."""
    service = _service(context, service_name)
    return {"service": service.name, **await _asked(service, "migrate.status", {"form": "json"})}


async def plan(context: Context, service_name: str, way: str, args: Mapping[str, object]) -> dict[str, Any]:
    """What ``up`` or ``down`` would run. Raises :class:`CommandError` where it is refused."""
    service = _service(context, service_name)
    _offered(service, f"migrate.{way}")
    found = await _asked(service, "migrate.plan", {"way": way, **args})
    if found["refused"]:
        raise CommandError(f"refused: {found['refused']}")
    return {"service": service.name, "way": way, **found}


async def start(
    context: Context,
    service_name: str,
    way: str,
    args: Mapping[str, object],
    effect: Effect,
    actor: str,
    mode: str = "",
) -> Run:
    """Begin the run that asks for ``migrate.<way>``; nothing is changed before it is approved."""
    service = _service(context, service_name)
    name = f"migrate.{way}"
    target = _offered(service, name)
    title = f"Migrate {way}: {_about(args)}"
    command = Command(name, call_text(name, args), target, effect, "asked for by hutch migrate", dict(args))
    item = Item(name, title, 0, command)
    return await runs.start(
        context,
        service=service.name,
        title=title,
        made_from=runs.MadeFrom(),
        program=Program(options=(Option(way, title, (item,)),), asked=True),
        mode=mode,
        actor=actor,
    )


def pinned(found: Mapping[str, Any]) -> dict[str, object]:
    """The arguments that allow exactly what a plan shows: any other version, or other statements, are refused."""
    return {"versions": [one["version"] for one in found["migrations"]], "digest": found["digest"]}


def effect_of(found: Mapping[str, Any]) -> Effect:
    """What loses data destroys; the way up is a change in any case, and so is a way down that loses nothing."""
    return Effect.DESTROY if found["loses"] else Effect.CHANGE


def _about(args: Mapping[str, object]) -> str:
    versions = args.get("versions") or [args.get("version", "")]
    assert isinstance(versions, Sequence)
    return ", ".join(map(str, versions)) if len(versions) <= 3 else f"{versions[0]} to {versions[-1]}"


def _service(context: Context, name: str) -> Service:
    """The service of that name, or the only one with migrations."""
    able = [s for s in context.services.values() if PROVIDER in s.connections]
    service = able[0] if not name and len(able) == 1 else context.service(name)
    if PROVIDER not in service.connections:
        raise CommandError(
            f"service {service.name} has no migrations: add services.{service.name}.migrations with url and folder;"
            " docs/guide/migrations.md shows how",
            2,
        )
    return service


def _offered(service: Service, name: str) -> str:
    if name not in service.connections[PROVIDER].actions:
        how = (NO_DOWN if name == "migrate.down" else NO_UP).format(name=service.name)
        raise CommandError(f"nothing here can do {name} for {service.name}: {how}", 2)
    return Situation(service).target(name)


async def _asked(service: Service, name: str, args: Mapping[str, object]) -> dict[str, Any]:
    """What the provider tells as JSON."""
    connection = service.connections[PROVIDER]
    command = Command(name, call_text(name, args), connection.target, Effect.READ, args=dict(args))
    outcome: Outcome = await connection.runs[name](command)
    if outcome.result is not Result.DONE:
        raise CommandError(outcome.summary, UNREACHABLE if outcome.recoverable else 1)
    found: dict[str, Any] = json.loads(outcome.output)
    return found
