"""What an offered option asks for, by the configured policy: how many people, who, or none at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hutch.commands import incidents
from hutch.commands.context import Context
from hutch.commands.freeze import frozen
from hutch.model.approval import Autonomy, Facts, Terms, terms
from hutch.model.program import Option
from hutch.model.run import Run


async def asked(context: Context, run: Run, option: Option, first: bool) -> Terms:
    """The terms of an option of a run; ``first``: nothing is offered before it.

    A policy that has used up its hour, or a freeze, leaves the option to a person.
    """
    state = await incidents.load(context, run.incident) if run.incident else None
    facts = Facts(
        run.service,
        tuple(i.command.runner for i in option.items),
        option.effect,
        state.severity if state else None,
        frozenset(state.open_alerts.values()) if state else frozenset(),
        first and bool(option.cause),
    )
    found = terms(context.config.approvals, context.config.autonomy, facts)
    if run.schedule:  # what the configuration asks for at times, as the one action of its run
        found = replace(found, autonomous=Autonomy(run.schedule, option.items[0].command.runner, "", run.service, 60))
    if found.autonomous and (await frozen(context) or await _used_up(context, found.autonomous)):
        return replace(found, autonomous=None)
    return found


async def _used_up(context: Context, policy: Autonomy) -> bool:
    recent = await context.store.since("approval.granted", context.clock.now() - timedelta(hours=1))
    return sum(1 for e in recent if e.data.get("policy") == policy.name) >= policy.per_hour
