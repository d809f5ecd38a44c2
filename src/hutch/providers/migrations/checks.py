"""The read-only probe of migrations, its words, and ``migrate.status`` for people."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hutch.model.action import Command, Outcome, Result
from hutch.model.finding import Change, Finding, Status
from hutch.providers.migrations.client import Client, MigrationsError
from hutch.providers.migrations.config import Config
from hutch.providers.migrations.look import Picture, look, quoted, settled
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
    return Status.WARN if picture.of("pending") or picture.invalid else Status.OK


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
    return (*picture.busy, *left, *missing)


@dataclass(frozen=True, slots=True)
class Report:
    """``migrate.status`` as a statement of a runbook, and what was migrated lately."""

    client: Client
    config: Config

    async def status(self, _command: Command) -> Outcome:
        """Every version with its state, one a line; exit code 1 where something is half-applied."""
        started = time.monotonic()
        try:
            picture = await look(self.client, self.config)
        except MigrationsError as error:
            return Outcome(Result.FAILED, str(error), seconds=time.monotonic() - started, recoverable=True)
        lines = [f"{s.state:12} {s.version} {s.name}".rstrip() for s in picture.versions]
        output = "\n".join([*lines, *(f"running: {who}" for who in picture.busy)])
        code = 1 if picture.of("half-applied") else 0
        took = time.monotonic() - started
        return Outcome(Result.DONE, summary(picture), output, code, took, hits=len(picture.versions))

    async def changes(self) -> list[Change]:
        """The migrations of the last day, where the tool notes when it applied them."""
        try:
            if not await self.client.rows(query("table"), {"table": quoted(self.config.table)}):
                return []
            rows = await self.client.rows(query("recent", self.config.table), {"days": RECENT_DAYS})
        except MigrationsError:
            return []
        return changes([(str(row["version"]), row["at"].astimezone(UTC)) for row in rows])


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
