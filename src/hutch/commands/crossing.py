"""A roll-back across a migration that the old code can't live with is refused, with the reason (ADR 56)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from hutch.model.action import Command, Outcome, Preview, Result, Verification
from hutch.model.effect import Effect
from hutch.model.event import instant
from hutch.model.platform import Unanswered
from hutch.ports import Action, Connection

ROLLBACK, BREAKING = "deploy.rollback", "migrate.breaking"
Args = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Crossed:
    """``refused`` is why not; ``doubt`` what a person should know who approves it, where it can't be told."""

    refused: str = ""
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Guarded:
    """A roll-back that asks first what was migrated since the release that it goes to was deployed."""

    inner: Action
    place: Connection
    asked: Connection

    @property
    def effect(self) -> Effect:
        """The action's own."""
        return self.inner.effect

    async def preview(self, args: Args) -> Preview:
        """The action's own, refused where the old code can't live with the schema."""
        found = await self.inner.preview(args)
        if found.refused or not found.hits:
            return found
        told = await self._crossed(args)
        items = (*found.items, told.doubt) if told.doubt else found.items
        return replace(found, items=items, refused=told.refused)

    async def apply(self, args: Args) -> Outcome:
        """Looked at again right before: somebody may have migrated since it was approved."""
        told = await self._crossed(args)
        return Outcome(Result.FAILED, f"refused: {told.refused}") if told.refused else await self.inner.apply(args)

    async def verify(self, args: Args) -> Verification:
        """The action's own."""
        return await self.inner.verify(args)

    async def _crossed(self, args: Args) -> Crossed:
        to = str(args.get("to") or "")
        if not to:
            return Crossed()
        since = await last_deployed(self.place, to)
        wanted = {"since": instant(since)} if since else {}
        answer = await self.asked.runs[BREAKING](
            Command(BREAKING, BREAKING, self.asked.target, Effect.READ, args=wanted)
        )
        if answer.result is not Result.DONE:
            return Crossed(doubt=f"whether release {to} can live with the schema can't be told: {answer.summary}")
        found = json.loads(answer.output)
        return _judged(to, found["breaking"], found["untold"])


def guarded(connections: Mapping[str, Connection]) -> dict[str, Connection]:
    """The connections of a service; where one tells what was migrated, roll-backs ask it."""
    asked = next((c for c in connections.values() if BREAKING in c.runs), None)
    return {name: _with_guard(c, asked) if asked else c for name, c in connections.items()}


def _with_guard(connection: Connection, asked: Connection) -> Connection:
    inner = connection.actions.get(ROLLBACK)
    if inner is None:
        return connection
    return replace(connection, actions={**connection.actions, ROLLBACK: Guarded(inner, connection, asked)})


async def last_deployed(place: Connection, release: str) -> datetime | None:
    """When a release was gone to last, and had got there; None where nobody says."""
    if place.platform:
        try:
            deployed = await place.platform.deployments()
        except Unanswered:
            return None
        ended = [d.finished_at or d.started_at for d in deployed if d.release == release and d.state == "succeeded"]
        return max(ended, default=None)
    changes = await place.changes() if place.changes else []
    return max((c.at for c in changes if c.kind == "deployment" and c.id == release), default=None)


def _judged(to: str, breaking: list[dict[str, object]], untold: list[str]) -> Crossed:
    if breaking:
        one = breaking[0]
        more = f", and {len(breaking) - 1} more" if len(breaking) > 1 else ""
        why = "; ".join(map(str, one["why"][:3]))  # type: ignore[index]
        return Crossed(
            f"release {to} can't live with migration {one['version']} ({why}), applied at {one['at']}{more}: take it"
            " back first (`hutch migrate down`), mend the release, or name the migration under"
            " services.NAME.migrations.harmless"
        )
    if untold:
        versions = ", ".join(untold[:5]) + (" …" if len(untold) > 5 else "")
        return Crossed(doubt=f"not known whether these came after release {to}, which could not use them: {versions}")
    return Crossed()
