"""What a service runs on: looked at, and changed by a run of its own that waits for approval."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from hutch.commands.acting import TARGET_AWAY, act
from hutch.commands.capacity import DESPITE, unfounded
from hutch.commands.context import CommandError, Context, Service, does
from hutch.commands.platform_reads import log_source
from hutch.diagnosis.changes import span
from hutch.model.action import Command, Result
from hutch.model.effect import Effect
from hutch.model.event import instant, parse_instant
from hutch.model.finding import COMMIT, Change, called
from hutch.model.logpattern import Pattern, clustered
from hutch.model.platform import Deployment, LogLine, LogQuery, Standing, Unanswered
from hutch.model.run import Run
from hutch.ports import Connection, Logs

T = TypeVar("T")


async def listing(context: Context) -> list[dict[str, Any]]:
    """A row for each service that runs on a platform; one that does not answer says so in its row."""
    on = [(s, c) for s in context.services.values() for c in s.connections.values() if c.platform]
    return list(await asyncio.gather(*(_row(service, connection) for service, connection in on)))


async def status(context: Context, service_name: str) -> dict[str, Any]:
    """What runs of a service. Raises :class:`CommandError`, with 5 where the platform does not answer."""
    service, connection = _on(context, service_name)
    found = await _standing(connection)
    return {"service": service.name, "target": connection.target, "well": found.well, **found.as_dict()}


# ------------------------------------------------------------------ deployments


async def deployments(context: Context, service_name: str) -> list[dict[str, Any]]:
    """What was changed of a service, the newest first: deployments, failed ones too, and other changes from outside."""
    service = _one(context, service_name, _tells)
    connections = service.connections.values()
    asked = [_answer(c.platform.deployments()) for c in connections if c.platform]
    others = [c.changes() for c in connections if c.changes and not c.platform]
    deployed, changed = await asyncio.gather(asyncio.gather(*asked), asyncio.gather(*others))
    rows = [*(_deployed(d) for found in deployed for d in found), *(_changed(c) for found in changed for c in found)]
    mask = context.secrets.mask
    rows = [{**row, "summary": mask(row["summary"]), "reason": mask(row["reason"])} for row in rows]
    return sorted(rows, key=lambda row: str(row["at"]), reverse=True)


def named(context: Context, service_name: str) -> str:
    """The name of the service whose changes :func:`deployments` tells."""
    return _one(context, service_name, _tells).name


def _tells(connection: Connection) -> bool:
    return bool(connection.platform or connection.changes)


async def deployment(context: Context, service_name: str, wanted: str) -> dict[str, Any]:
    """One deployment by its id, or the last one of a release."""
    found = await deployments(context, service_name)
    one = next(
        (row for row in found if wanted == row["deployment"] or called(wanted, (row["id"], *row["names"]))), None
    )
    if one is None:
        raise CommandError(f"no deployment or release {wanted!r}; `hutch deploy list` shows them", 2)
    before = next((row for row in found if row["id"] == one["previous"]), {"id": one["previous"], "names": []})
    return {**one, "commits": await _commits(context, _one(context, service_name, _tells), one, before)}


async def _commits(context: Context, service: Service, row: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """What the deployment brought, where a repository tells it; else one line that says why not."""
    run = next((c.runs["git.commits"] for c in service.connections.values() if "git.commits" in c.runs), None)
    if run is None or not row["previous"] or row["kind"] != "deployment":
        return []
    args = {"from": _revision(before), "to": _revision(row)}
    found = await run(Command("git.commits", "git.commits", "", Effect.READ, args=args))
    lines = found.output.splitlines() if found.result is Result.DONE else [f"not known: {found.summary}"]
    return [context.secrets.mask(line) for line in lines]


def _revision(row: Mapping[str, Any]) -> str:
    """What a repository may know a release by: its commit, else the version that it is called, else its id."""
    commit = next((name for name in row["names"] if COMMIT.fullmatch(name)), "")
    return str(commit or next(iter(row["names"]), row["id"]))


async def rollback(context: Context, service_name: str, to: str, actor: str, mode: str = "") -> Run:
    """Start the run that goes back to ``to``, else to the release before the one that runs. It changes nothing once
    another release runs than now."""
    service, connection = _able(context, service_name, "deploy.rollback")
    args: dict[str, object] = {"to": to}
    if connection.platform:
        found = await _standing(connection)
        args = {"to": await _released(connection, to) or found.previous, "from": found.release}
        if args["to"] == found.release:
            raise CommandError(f"release {found.release} runs already: nothing to do")
    if not args["to"]:
        raise CommandError(f"nothing ran before on {connection.target}: name the release to run", 2)
    title = f"Roll {service.name} back to {args['to']}"
    return await act(context, service, "deploy.rollback", args, title, actor, mode=mode)


async def _released(connection: Connection, wanted: str) -> str:
    """The release that is called so, by the id that the platform gives it; as it is where the platform knows none."""
    assert connection.platform
    found = list(await _answer(connection.platform.deployments())) if wanted else []
    if any(wanted == one.release for one in found):
        return wanted
    return next((one.release for one in reversed(found) if called(wanted, one.names)), wanted)


# ------------------------------------------------------------------ the service


async def restart(context: Context, service_name: str, component: str, actor: str, mode: str = "") -> Run:
    """Start the run that restarts the service, or one of the servers beside it."""
    service, connection = _able(context, service_name, "service.restart")
    args: dict[str, object] = {"component": component} if component else {}
    if connection.platform:
        parts = (await _standing(connection)).parts
        if component and component not in parts:
            known = ", ".join(parts) or "none"
            raise CommandError(f"{service.name} has no part {component!r}; there are: {known}", 2)
        args |= {"since": instant(context.clock.now())}
    title = f"Restart {component or service.name}" + (f" of {service.name}" if component else "")
    return await act(context, service, "service.restart", args, title, actor, mode=mode)


async def scale(
    context: Context,
    service_name: str,
    replicas: int | None,
    sizes: Mapping[str, float],
    actor: str,
    mode: str = "",
    despite: bool = False,
) -> Run:
    """Start the run that runs as many replicas, with those sizes. It changes nothing once another number runs than
    now. Refused where something else than capacity is the cause of a trouble, unless ``despite`` that."""
    args: dict[str, object] = {**({"replicas": replicas} if replicas else {}), **sizes}
    service, connection = _able(context, service_name, "service.scale", args)
    if connection.platform:
        found = await _standing(connection)
        _known_sizes(found, sizes)
        now = found.replicas
        args = {"replicas": replicas or now, **sizes, "from": now}
        if args["replicas"] == now and all(found.sizes[name] == size for name, size in sizes.items()):
            raise CommandError(f"{service.name} is of that size already: nothing to do")
        args |= {"since": instant(context.clock.now())} if sizes else {}
        args |= {DESPITE: True} if despite else {}
        await _capacity(context, service, connection, args)
    told = ", ".join(f"{name} {args[name]}" for name in args if name not in {"from", "since", DESPITE})
    title = f"Scale {service.name}: {told}"
    return await act(context, service, "service.scale", args, title, actor, mode=mode)


async def _capacity(context: Context, service: Service, connection: Connection, args: Mapping[str, object]) -> None:
    """Raises :class:`CommandError` where scaling would not end what is wrong, or would bring it about."""
    refused = await unfounded(context, service, connection, args)
    if refused:
        raise CommandError(f"not scaled: {refused}; `hutch diagnose` tells more, --despite scales")


def _known_sizes(found: Standing, sizes: Mapping[str, float]) -> None:
    unknown = next((name for name in sizes if name not in found.sizes), "")
    if unknown:
        known = ", ".join(found.sizes) or "none that it tells"
        raise CommandError(f"the platform has no size {unknown!r}; it has: {known}", 2)


# ------------------------------------------------------------------ logs


async def search(context: Context, service_name: str, query: LogQuery) -> dict[str, Any]:
    """The newest lines that match, of one service or of all, merged by time and masked, oldest first. ``problems``
    are the platforms that gave none and why, ``code`` is the exit code that this means."""
    services = [context.service(service_name)] if service_name else list(context.services.values())
    on = [(s, source) for s in services for c in s.connections.values() if (source := log_source(c))]
    if not on:
        raise CommandError(_no_platform(service_name or "any service"), 2)
    found = await asyncio.gather(*(_lines(context, service, source, query) for service, source in on))
    rows = sorted((row for rows, _ in found for row in rows), key=lambda row: str(row["at"]))
    problems = [problem for _, problem in found if problem]
    return {
        "lines": rows[-query.limit :],
        "limit": query.limit,
        "problems": [str(p) for p in problems],
        "code": max((p.code for p in problems), default=0),
    }


async def patterns(context: Context, service_name: str, query: LogQuery) -> dict[str, Any]:
    """What the lines of :func:`search` say, told apart by pattern. Of one service, what began after its last
    deployment is marked as new. ``full``: as many lines matched as are looked at, and older ones may be left out."""
    found = await search(context, service_name, query)
    services = {str(row["service"]) for row in found["lines"]}
    deployed = await _last_deployed(context, services.pop()) if len(services) == 1 else None
    lines = [LogLine(parse_instant(row["at"]), row["replica"], row["text"]) for row in found["lines"]]
    told = clustered(lines, deployed)
    first = min((p for p in told if p.new), key=lambda p: p.first, default=None)
    return {
        "patterns": [pattern.as_dict() for pattern in told],
        "first_new": _first_new(first, deployed) if first and deployed else None,
        "lines": len(lines),
        "full": len(lines) >= query.limit,
        "deployed_at": instant(deployed) if deployed else None,
        **{name: found[name] for name in ("limit", "problems", "code")},
    }


def _first_new(found: Pattern, deployed: datetime) -> dict[str, object]:
    after = found.first - deployed
    words = f"{found.text}, {span(after)} after it, {found.count} times since"
    return {"pattern": found.text, "seconds_after": round(after.total_seconds(), 3), "said": words}


async def _last_deployed(context: Context, service_name: str) -> datetime | None:
    """When the release that runs was last gone to; None where nobody says."""
    try:
        rows = await deployments(context, service_name)
    except CommandError:
        return None
    went = (
        r["at"] for r in rows if r["kind"] == "deployment" and r["state"] == "succeeded" and r["id"] != r["previous"]
    )
    newest = next(went, None)
    return parse_instant(newest) if newest else None


async def _lines(
    context: Context, service: Service, source: Logs, query: LogQuery
) -> tuple[list[dict[str, object]], CommandError | None]:
    try:
        found = await _answer(source(query))
    except CommandError as error:
        return [], error
    mask = context.secrets.mask
    return [{"service": service.name, **line.as_dict(), "text": mask(line.text)} for line in found], None


# ------------------------------------------------------------------ which platform


def _on(context: Context, name: str) -> tuple[Service, Connection]:
    """The service and what it runs on."""
    service = _one(context, name, lambda c: c.platform is not None)
    connection = next((c for c in service.connections.values() if c.platform), None)
    if connection is None:
        raise CommandError(_no_platform(service.name), 2)
    return service, connection


def _able(
    context: Context, name: str, action: str, args: Mapping[str, object] | None = None
) -> tuple[Service, Connection]:
    """The service, and the first connection of it that offers the action, if there is one with these ``args``."""
    service = _one(context, name, lambda c: action in c.actions)
    able = [c for c in service.connections.values() if action in c.actions]
    connection = next((c for c in able if does(c, action, args or {})), None)
    connection = connection or next(iter(able), None)
    if connection is None:
        raise CommandError(
            f"no target of {service.name} offers {action}: a platform needs its token for changes, and any other"
            f" a command line under services.{service.name}.command.verbs",
            2,
        )
    return service, connection


def _one(context: Context, name: str, able: Callable[[Connection], bool]) -> Service:
    """The service of that name; without one, the only one that has such a connection."""
    found = [s for s in context.services.values() if any(able(c) for c in s.connections.values())]
    return found[0] if not name and len(found) == 1 else context.service(name)


def _no_platform(name: str) -> str:
    return f"{name} runs on no platform that Hutch can look at: give it one, as services.NAME.local"


async def _standing(connection: Connection) -> Standing:
    assert connection.platform
    return await _answer(connection.platform.standing())


async def _answer(call: Awaitable[T]) -> T:
    try:
        return await call
    except Unanswered as error:
        raise CommandError(str(error), TARGET_AWAY if error.recoverable else 1) from error


# ------------------------------------------------------------------ rows


async def _row(service: Service, connection: Connection) -> dict[str, Any]:
    row: dict[str, Any] = {"service": service.name, "target": connection.target}
    try:
        found = await _standing(connection)
    except CommandError as error:
        return {**row, "state": "no answer", "release": "", "ready": 0, "replicas": 0, "reason": str(error)}
    state = "changing" if found.busy else "well" if found.well else "ill"
    return {**row, "state": state, "release": found.release, "ready": found.ready, "replicas": found.replicas,
            "reason": ""}  # fmt: skip


def _deployed(found: Deployment) -> dict[str, Any]:
    after = f" after {found.previous}" if found.previous else ""
    name = f"{found.release} ({found.names[0]})" if found.names else found.release
    said = {"rollback": f"rolled back to {name}", "restart": f"release {name} started anew"}
    summary = said.get(found.kind, f"release {name} deployed{after}")
    return _change_row("deployment", found.release, instant(found.started_at), found.previous, summary) | {
        "deployment": found.id,
        "state": found.state,
        "finished_at": instant(found.finished_at) if found.finished_at else None,
        "reason": found.reason,
        "names": list(found.names),
    }


def _changed(found: Change) -> dict[str, Any]:
    return _change_row(found.kind, found.id, instant(found.at), found.previous, found.summary)


def _change_row(kind: str, id_: str, at: str, previous: str, summary: str) -> dict[str, Any]:
    return {"kind": kind, "id": id_, "at": at, "previous": previous, "summary": summary, "deployment": "",
            "state": "succeeded", "finished_at": None, "reason": "", "names": []}  # fmt: skip
