"""One action that a person, or a schedule, asks for by itself: a run of its own, with all that every change passes."""

from __future__ import annotations

from collections.abc import Mapping

from hutch.commands import runs
from hutch.commands.context import CommandError, Context, Service
from hutch.engine.options import call_text
from hutch.model.action import Command, Outcome, Result
from hutch.model.effect import Effect
from hutch.model.program import Item, Option, Program
from hutch.model.run import Run

TARGET_AWAY = 5
"""Exit code where a target can't be reached."""


async def act(
    context: Context,
    service: Service,
    action: str,
    args: Mapping[str, object],
    title: str,
    actor: str,
    *,
    mode: str = "",
    run_id: str = "",
    schedule: str = "",
    incident: str = "",
) -> Run:
    """Start a run that offers ``action`` and nothing else, in the ``mode`` of the configuration if none is given.
    Raises :class:`CommandError` where nobody offers it, and ``Conflict`` for a ``run_id`` that there is already."""
    program = Program(options=(option_of(service, action, args, title, actor),), asked=True)
    return await runs.start(
        context, service=service.name, title=title, made_from=runs.MadeFrom(), program=program, mode=mode,
        actor=actor, run_id=run_id, schedule=schedule, incident=incident,
    )  # fmt: skip


def option_of(service: Service, action: str, args: Mapping[str, object], title: str, actor: str) -> Option:
    """The one option of a run that somebody asks for. Raises :class:`CommandError` where nobody offers the action."""
    found = service.offering(action, args)
    if found is None or action not in found.actions:
        able = (c for c in service.connections.values() if action in c.actions and action in c.takes)
        only = "".join(f"; {c.target} has it with {' or '.join(sorted(c.takes[action]))}" for c in able)
        raise CommandError(f"no target of {service.name} offers the action {action}{only}", 2)
    why, effect = f"{actor} asked for it", found.actions[action].effect
    command = Command(action, call_text(action, args), found.target, effect, why, args)
    return Option(action, title, (Item(action, title, 0, command),))


async def look(service: Service, verb: str, args: Mapping[str, object]) -> Outcome:
    """Ask what a provider offers as a read. Raises :class:`CommandError` where nobody does, or there is no answer."""
    found = service.offering(verb, args)
    if found is None or verb not in found.runs:
        raise CommandError(f"no target of {service.name} answers {verb}", 2)
    outcome = await found.runs[verb](Command(verb, verb, "", Effect.READ, "a person asked", args))
    if outcome.result is not Result.DONE:
        raise CommandError(f"{verb}: {outcome.summary}", TARGET_AWAY if outcome.recoverable else 1)
    return outcome
