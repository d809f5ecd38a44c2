"""An alert that fires opens an incident, joins one, or reopens the one that it relapses into."""

from __future__ import annotations

from datetime import datetime, timedelta

from hutch.commands import incidents
from hutch.commands.context import Context
from hutch.detection import grouping
from hutch.detection.grouping import Declare, Join, Known, OpenIncident
from hutch.model.alert import Alert, Rule
from hutch.model.event import Draft, instant
from hutch.model.incident import Incident
from hutch.ports import Job


async def fired(context: Context, alert: Alert, rule: Rule, since: datetime) -> Incident:
    """Take an alert in; durable when this returns. ``since`` is when the trouble began (the condition first held).

    The same firing delivered twice changes nothing.
    """
    known = await incidents.listing(context)
    relapse = _relapsed(known, alert, context.clock.now())
    if relapse:
        return await _reopen(context, relapse, alert, rule)
    open_now = [OpenIncident(i.id, i.service, i.severity, i.declared_at, frozenset(i.alerts)) for i in known if i.open]
    match grouping.place(alert, open_now):
        case Known(incident):
            return await incidents.load(context, incident)
        case Join(incident, raise_to):
            joined = await incidents.change(context, incident, lambda s: _joining(s, alert, rule))
            if raise_to:
                why = f"{alert.rule} is {raise_to.label}"
                return await incidents.set_severity(context, incident, raise_to, why, "hutch")
            return joined
        case Declare(severity):
            return await incidents.declare(
                context,
                title=f"{alert.rule} on {alert.service}",
                service=alert.service,
                severity=severity,
                detected_at=alert.starts_at,
                runbook=rule.runbook or context.service(alert.service).config.runbook,
                summary=alert.summary,
                source="alert",
                also=[_fired_draft(alert, rule, since)],
            )


async def resolved(context: Context, alert: Alert) -> None:
    """The condition no longer holds: said in every incident that has the alert open."""
    ends = alert.ends_at or context.clock.now()
    data = {"key": alert.key, "rule": alert.rule, "ends_at": instant(ends), "value": alert.value}

    for state in await incidents.listing(context):
        if alert.key in state.open_alerts:
            await incidents.change(
                context,
                state.id,
                lambda s: [Draft("alert.resolved", data)] if alert.key in s.open_alerts else [],
                [_wake(run) for run in state.runs],
            )


def _wake(run: str) -> Job:
    """A run may be waiting for just this."""
    return Job("drive", f"run:{run}", None, {"run": run})


def _fired_draft(alert: Alert, rule: Rule, since: datetime) -> Draft:
    data = {
        "key": alert.key,
        "rule": alert.rule,
        "severity": alert.level.label,
        "value": alert.value,
        "unit": rule.condition.unit,
        "threshold": rule.condition.threshold,
        "starts_at": instant(alert.starts_at),
        "since": instant(since),
        "summary": alert.summary,
    }
    return Draft("alert.fired", data)


def _joining(state: Incident, alert: Alert, rule: Rule) -> list[Draft]:
    known = alert.key in state.alerts
    return [] if known else [_fired_draft(alert, rule, alert.starts_at)]


def _relapsed(known: list[Incident], alert: Alert, now: datetime) -> Incident | None:
    """The incident that is under regression watch and had this rule among its alerts."""
    for state in known:
        watched = state.watch_until is not None and now < state.watch_until and not state.open
        fingerprints = {key.split("@", 1)[0] for key in state.alerts}
        if watched and state.service == alert.service and alert.fingerprint in fingerprints:
            return state
    return None


async def _reopen(context: Context, state: Incident, alert: Alert, rule: Rule) -> Incident:
    reason = f"{alert.rule} fires again {_minutes(context.clock.now() - (state.resolved_at or alert.starts_at))} later"
    await incidents.reopen(context, state.id, reason, "hutch")
    jobs = [incidents.respond_job(state.id)]
    return await incidents.change(context, state.id, lambda s: _joining(s, alert, rule), jobs)


def _minutes(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"
