"""Look at a service with every check it has, at once, and name the causes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from hutch.commands.context import Context, Service
from hutch.diagnosis import probes, rank
from hutch.model.finding import Change, Diagnosis, Finding, Status
from hutch.ports import Check, Connection

CHECK_TIMEOUT = 15.0
"""Seconds after which one check counts as "could not tell"; the others do not wait for it."""


async def diagnose(context: Context, service: Service, since: datetime | None = None) -> Diagnosis:
    """Run the service's checks in parallel and rank the causes; ``since`` is when trouble was first noticed."""
    began = time.monotonic()
    connections = list(service.connections.values())
    checked, probed, changes = await asyncio.gather(
        _findings(context, connections), _probed(context, service), _changes(connections)
    )
    findings = [*checked, *probed]
    causes = probes.causes(probed)
    causes += [c for name in service.connections for c in context.providers[name].explain(findings)]
    return rank.diagnose(
        findings,
        causes,
        changes,
        context.clock.now(),
        since,
        actions=actions(connections),
        seconds=time.monotonic() - began,
    )


async def diagnose_json(context: Context, service: Service, since: datetime | None = None) -> dict[str, object]:
    """The object of ``hutch diagnose --json``, with the remedies' previews, secrets masked."""
    diagnosis = await diagnose(context, service, since)
    causes = []
    for cause in diagnosis.causes:
        previews = await asyncio.gather(*(_previewed(service, r.action, r.args) for r in cause.remedies))
        remedies = [replace(r, preview=p) for r, p in zip(cause.remedies, previews, strict=True)]
        causes.append(replace(cause, remedies=tuple(remedies)))
    shown = rank.as_json(replace(diagnosis, causes=tuple(causes)), service.name)
    return _masked(shown, context.secrets.mask)  # type: ignore[return-value]


def actions(connections: Sequence[Connection]) -> dict[str, str]:
    """Every action that can be applied with whatever arguments, with its target."""
    return {name: c.target for c in connections for name in c.actions if name not in c.takes}


async def _previewed(service: Service, action: str, args: Mapping[str, object]) -> str:
    found = service.offering(action, args)
    assert found is not None  # remedies are of what is offered
    preview = await found.actions[action].preview(args)
    return preview.refused or preview.summary


async def look(context: Context, service: Service) -> list[Finding]:
    """What every check of the service sees now, in parallel."""
    return await _findings(context, list(service.connections.values()))


async def _findings(context: Context, connections: Sequence[Connection]) -> list[Finding]:
    checks = [(name, c.target, check) for c in connections for name, check in c.checks.items()]
    found = await asyncio.gather(*(_bounded(context, *check) for check in checks), return_exceptions=True)
    return [_told(context, *check[:2], result) for check, result in zip(checks, found, strict=True)]


async def _probed(context: Context, service: Service) -> list[Finding]:
    """What the probes of the service saw last, from all places."""
    mine = [p for p in context.config.probes if p.service == service.name]
    if not mine or context.sightings is None:
        return []
    latest = await context.sightings.latest(service.name)
    return probes.findings(mine, latest, context.clock.now(), context.config.time_scale)


def _told(context: Context, name: str, target: str, result: Finding | BaseException) -> Finding:
    """A check that breaks costs its own word, not the diagnosis: it could not tell."""
    if isinstance(result, Finding):
        return result
    reason = f"the check broke: {type(result).__name__}: {context.secrets.mask(str(result))}"
    return Finding(name, target, Status.UNKNOWN, reason, context.clock.now(), reason=reason)


async def _bounded(context: Context, name: str, target: str, check: Check) -> Finding:
    began = time.monotonic()
    try:
        return await asyncio.wait_for(check(), CHECK_TIMEOUT)
    except TimeoutError:
        took = time.monotonic() - began
        reason = f"no answer within {CHECK_TIMEOUT:g} s"
        return Finding(name, target, Status.UNKNOWN, reason, context.clock.now(), took, reason=reason)


async def _changes(connections: Sequence[Connection]) -> list[Change]:
    sources = [c.changes() for c in connections if c.changes]
    return [change for changes in await asyncio.gather(*sources) for change in changes]


def _masked(value: object, mask: object) -> object:
    if isinstance(value, str):
        return mask(value)  # type: ignore[operator]
    if isinstance(value, Mapping):
        return {k: _masked(v, mask) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(v, mask) for v in value]
    return value
