"""The read-only probe of migrations, its words, and ``migrate.status`` for people."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hutch.model.action import Command, Outcome, Result
from hutch.model.finding import Change, Finding, Status
from hutch.providers.migrations.arguments import BadArguments, asked
from hutch.providers.migrations.client import Client, MigrationsError
from hutch.providers.migrations.config import Config
from hutch.providers.migrations.look import Picture, look, quoted, settled
from hutch.providers.migrations.planning import Plan, by_us, plan_down, plan_up, sql_of
from hutch.providers.migrations.queries import query

STATE = "migrations.state"
SHOWN = 5
"""Versions that a line names; the others are counted."""
RECENT_DAYS = 1
"""Migrations at most this old are told as changes."""
TOGETHER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class State:
    """The check: half-applied is bad, due is worth a look, being at it is healthy."""

    client: Client
    config: Config
    now: Callable[[], datetime]

    async def __call__(self) -> Finding:
        """Look, and once more where something is half-applied and nobody is at it."""
        started, at, target = time.monotonic(), self.now(), self.client.target
        try:
            picture = await settled(self.client, self.config)
        except MigrationsError as error:
            said = f"could not look: {error}"
            took = time.monotonic() - started
            return Finding(STATE, target, Status.UNKNOWN, said, at, took, reason=str(error))
        data = {
            "half_applied": [s.as_dict() for s in picture.of("half-applied")],
            "pending": [{"version": s.version, "name": s.name} for s in picture.of("pending")],
            "able": able(self.config),
            "tool": self.config.tool,
            "applied": len(picture.of("applied", "no-file")),
            "busy": list(picture.busy),
            "pending_is_cause": self.config.pending_is_cause,
        }
        took = time.monotonic() - started
        return Finding(STATE, target, _status(picture), summary(picture), at, took, data, _evidence(picture))


def _status(picture: Picture) -> Status:
    if picture.busy:
        return Status.OK
    if picture.of("half-applied"):
        return Status.BAD
    doubts = picture.of("pending") or picture.invalid or picture.problems or edited(picture)
    return Status.WARN if doubts else Status.OK


def able(config: Config) -> bool:
    """Whether what is due can be applied here at all."""
    return by_us(config) or bool(config.command)


def edited(picture: Picture) -> list[str]:
    """Applied versions whose file is not the one that was applied."""
    return [s.version for s in picture.versions if s.edited]


def summary(picture: Picture) -> str:
    """One line on all versions."""
    applied = len(picture.of("applied", "no-file"))
    parts = [f"{applied} migrations applied"]
    for state in ("half-applied", "pending"):
        versions = [s.version for s in picture.of(state)]
        shown = ", ".join(versions[:SHOWN]) + (" …" if len(versions) > SHOWN else "")
        parts += [f"{len(versions)} {state}: {shown}"] if versions else []
    return "; ".join([*parts, "a migration is running"] if picture.busy else parts)


def _evidence(picture: Picture) -> tuple[str, ...]:
    left = tuple(f"{name} of an applied migration is invalid" for name in picture.invalid)
    missing = tuple(f"version {s.version} is marked as applied and has no file" for s in picture.of("no-file")[:SHOWN])
    changed = tuple(f"the file of {version} is not the one that was applied" for version in edited(picture)[:SHOWN])
    return (*picture.busy, *left, *missing, *changed, *picture.problems)


@dataclass(frozen=True, slots=True)
class Report:
    """``migrate.status`` as a statement of a runbook, and what was migrated lately."""

    client: Client
    config: Config

    async def status(self, command: Command) -> Outcome:
        """Every version with its state, one a line, or as JSON; exit code 1 where something is half-applied."""
        started = time.monotonic()
        try:
            picture = await look(self.client, self.config)
        except MigrationsError as error:
            return Outcome(Result.FAILED, str(error), seconds=time.monotonic() - started, recoverable=error.away)
        lines = [f"{s.state:12} {s.version} {s.name}".rstrip() for s in picture.versions]
        output = "\n".join([*lines, *(f"running: {who}" for who in picture.busy)])
        code = 1 if picture.of("half-applied") else 0
        took = time.monotonic() - started
        if command.args.get("form") == "json":
            output = json.dumps(as_object(self.client.target, self.config, picture))
        return Outcome(Result.DONE, summary(picture), output, code, took, hits=len(picture.versions))

    async def plan(self, command: Command) -> Outcome:
        """What up or down (``args``: ``way``, and those of the action) would run, as JSON; nothing runs."""
        try:
            picture = await look(self.client, self.config)
            plan = await self._plan(command, picture)
            text = json.dumps(await plan_object(self.client, self.config, plan, up=command.args.get("way") != "down"))
        except (MigrationsError, BadArguments) as error:
            return Outcome(Result.FAILED, str(error), recoverable=isinstance(error, MigrationsError) and error.away)
        return Outcome(Result.DONE, f"{len(plan.parts)} migrations", text, hits=len(plan.parts))

    async def _plan(self, command: Command, picture: Picture) -> Plan:
        wanted = asked(command.args)
        if command.args.get("way") == "down":
            return await plan_down(self.config, picture, wanted.versions or (), wanted.steps)
        return await plan_up(self.client, self.config, picture)

    async def changes(self) -> list[Change]:
        """The migrations of the last day, where the tool notes when it applied them."""
        if self.config.tool in ("command", "alembic"):  # neither notes when
            return []
        try:
            if not await self.client.rows(query("table"), {"table": quoted(self.config.table)}):
                return []
            rows = await self.client.rows(query("recent", self.config.table), {"days": RECENT_DAYS})
        except MigrationsError:
            return []
        return changes([(str(row["version"]), row["at"].astimezone(UTC)) for row in rows])


def as_object(target: str, config: Config, picture: Picture) -> dict[str, object]:
    """The status with stable keys."""
    return {
        "target": target,
        "tool": config.tool,
        "applied": [s.version for s in picture.of("applied", "no-file")],
        "half_applied": [s.as_dict() for s in picture.of("half-applied")],
        "pending": [s.version for s in picture.of("pending")],
        "migrations": [{"version": s.version, "name": s.name, "state": s.state} for s in picture.versions],
        "running": list(picture.busy),
        "problems": [line for line in _evidence(picture) if line not in picture.busy],
    }


async def plan_object(client: Client, config: Config, plan: Plan, *, up: bool) -> dict[str, object]:
    """A plan with stable keys; the SQL of scripts as their tool prints it, where it can."""
    parts = []
    for part in plan.parts:
        printed = await sql_of(client, config, part.file, up=up) if part.file else ""
        one = {"version": part.standing.version, "name": part.standing.name, "state": part.standing.state}
        sql = [line for line in printed.splitlines() if line.strip()] if printed else part.lines
        parts.append({**one, "transaction": part.together, "sql": sql, "loses": part.loses})
    return {"migrations": parts, "loses": plan.loses, "refused": plan.refused, "digest": plan.digest}


def changes(applied: Sequence[tuple[str, datetime]]) -> list[Change]:
    """What was applied, the latest first, as changes: versions within a minute of one another went out together."""
    batches: list[list[tuple[str, datetime]]] = []
    for version, at in applied:
        if batches and batches[-1][-1][1] - at <= TOGETHER:
            batches[-1].append((version, at))
        else:
            batches.append([(version, at)])
    return [_change(batch) for batch in batches]


def _change(batch: Sequence[tuple[str, datetime]]) -> Change:
    (last, at), first = batch[0], batch[-1][0]
    said = f"migration {last} was applied" if len(batch) == 1 else f"migrations {first} to {last} were applied"
    return Change("migration", last, at, said)
