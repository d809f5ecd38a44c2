"""What every platform answers a document: ``service.status``, ``deploy.list``, ``logs.search``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime

from hutch.commands.errors import CommandError
from hutch.commands.times import when
from hutch.model.action import Command, Outcome, Result
from hutch.model.platform import (
    LINES,
    MOST_LINES,
    LogQuery,
    Unanswered,
    deployments_text,
    standing_text,
)
from hutch.ports import Connection, Logs

WANTED = ("pattern", "since", "until", "level", "user", "replica", "limit")
"""What ``logs.search`` takes."""

Told = tuple[str, str]
"""A summary, and what there is to read."""
Look = Callable[[Mapping[str, object]], Awaitable[Told]]


def with_reads(connection: Connection, now: Callable[[], datetime]) -> Connection:
    """The connection with what its platform answers among what it runs; what a provider runs by itself stands."""
    platform, source = connection.platform, log_source(connection)
    if source is None:
        return connection

    async def logs(args: Mapping[str, object]) -> Told:
        found = await source(query_of(args, now()))
        return f"{len(found)} lines", "\n".join(map(str, found))

    if platform is None:
        return replace(connection, runs={"logs.search": _run(logs), **connection.runs})

    async def standing(_args: Mapping[str, object]) -> Told:
        found = await platform.standing()
        return f"release {found.release}: {found.ready} of {found.replicas} replicas serve", standing_text(found)

    async def deployments(_args: Mapping[str, object]) -> Told:
        found = await platform.deployments()
        return f"{len(found)} deployments", deployments_text(found)

    reads = {"service.status": standing, "deploy.list": deployments, "logs.search": logs}
    return replace(connection, runs={**{name: _run(look) for name, look in reads.items()}, **connection.runs})


def log_source(connection: Connection) -> Logs | None:
    """What tells the connection's logs: its platform, or it tells nothing else."""
    return connection.platform.logs if connection.platform else connection.logs


def _run(look: Look) -> Callable[[Command], Awaitable[Outcome]]:
    async def run(command: Command) -> Outcome:
        try:
            summary, output = await look(command.args)
        except CommandError as error:
            return Outcome(Result.FAILED, str(error))
        except Unanswered as error:
            return Outcome(Result.FAILED, str(error), recoverable=error.recoverable)
        return Outcome(Result.DONE, summary, output, exit_code=0)

    return run


def query_of(args: Mapping[str, object], now: datetime) -> LogQuery:
    """The search that these arguments ask for. Raises :class:`CommandError`."""
    unknown = [name for name in args if name not in WANTED]
    if unknown:
        raise CommandError(f"logs.search has no argument {unknown[0]!r}; it takes {', '.join(WANTED)}", 2)
    text = {name: str(value).strip() for name, value in args.items() if value not in (None, "")}
    return LogQuery(
        pattern=text.get("pattern", ""),
        since=_time(text, "since", now),
        until=_time(text, "until", now),
        level=text.get("level", ""),
        user=text.get("user", ""),
        replica=text.get("replica", ""),
        limit=_limit(text.get("limit", str(LINES))),
    )


def _time(text: Mapping[str, str], name: str, now: datetime) -> datetime | None:
    return when(text[name], now, name) if name in text else None


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_LINES):
        raise CommandError(f"limit: expected a number of lines from 1 to {MOST_LINES}, found {text!r}", 2)
    return int(text)
