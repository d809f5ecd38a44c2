"""What is known to be wrong in the packages of a release, against the release before it: for people and documents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from hutch.diagnosis.advisories import Told, vulnerability
from hutch.diagnosis.verdict import Reason, Verdict
from hutch.model.action import Command, Outcome, Result
from hutch.model.finding import Change
from hutch.model.platform import Unanswered
from hutch.ports import Advisories, Connection

VERB = "advisories.show"


async def compared(source: Advisories, now: Sequence[str], before: Sequence[str], at: datetime) -> Reason:
    """The judgement of the release that is called ``now`` against the one ``before`` it."""
    told = await asyncio.gather(_told(source, now), _told(source, before))
    return vulnerability(*told, source.care, at)


async def _told(source: Advisories, names: Sequence[str]) -> Told:
    named = [name for name in names if name]
    if not named:
        return Told("", why="no release ran before this one: nothing can be compared")
    try:
        return Told(named[0], await source.read(named))
    except Unanswered as error:
        return Told(named[0], why=str(error))


def telling(connections: Mapping[str, Connection], now: Callable[[], datetime]) -> dict[str, Connection]:
    """The connections of a service; one that has reports answers ``advisories.show`` by the deployments of all."""

    async def run(source: Advisories) -> Outcome:
        asked = [c.changes() for c in connections.values() if c.changes]
        found = [change for changes in await asyncio.gather(*asked) for change in changes]
        last = max((c for c in found if c.kind == "deployment"), key=lambda c: c.at, default=None)
        if last is None:
            return Outcome(Result.FAILED, "no deployment is known: nothing can be compared")
        return _outcome(await compared(source, _names(last.id, found), _names(last.previous, found), now()))

    def told(connection: Connection, source: Advisories) -> Connection:
        async def answer(_command: Command) -> Outcome:
            return await run(source)

        return replace(connection, runs={VERB: answer, **connection.runs})

    return {name: told(c, c.advisories) if c.advisories else c for name, c in connections.items()}


def _names(release: str, found: Sequence[Change]) -> tuple[str, ...]:
    names = next((c.names for c in reversed(found) if c.kind == "deployment" and c.id == release), ())
    return (release, *names) if release else ()


def _outcome(reason: Reason) -> Outcome:
    if reason.verdict is Verdict.UNTOLD:
        return Outcome(Result.FAILED, f"untold: {reason.said}")
    word = "roll back" if reason.verdict is Verdict.YES else "no reason to roll back"
    return Outcome(Result.DONE, f"{word}: {reason.said}", f"{word}: {reason.said}", exit_code=0)
