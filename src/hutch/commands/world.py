"""The world of one run: routes each command to the connection of its service that can do it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from hutch.commands import incidents
from hutch.commands.capacity import SCALE, unfounded
from hutch.commands.context import Context, Service
from hutch.commands.diagnose import diagnose_json
from hutch.commands.handover import checked, name_of
from hutch.commands.respond import remade
from hutch.commands.unchanged import changed_since
from hutch.model.action import Command, Outcome, Preview, Result, Verification, Verified
from hutch.model.program import Item
from hutch.model.run import Run
from hutch.ports import Action, Connection

UNTOLD = -1
"""The ``hits`` of a preview that cannot tell how many things a command would touch."""


@dataclass(frozen=True, slots=True)
class ServiceWorld:
    """Implements :class:`hutch.ports.World` over a service's connections. ``watched``: alerts are evaluated here."""

    context: Context
    service: Service
    incident: str = ""
    since: datetime | None = None
    watched: bool = False
    run: Run | None = None

    async def read(self, command: Command) -> Outcome:
        """Run one read statement with the connection that knows how."""
        connection = self._runner(command)
        if connection is None:
            return _nobody(command)
        try:
            ready = self._with_secrets(command)
        except LookupError as error:
            return Outcome(Result.FAILED, str(error.args[0]))
        return await connection.runs[command.runner](ready)

    def _with_secrets(self, command: Command) -> Command:
        """The command with its secrets in the environment: only what runs it sees this one. Raises ``LookupError``."""
        if not command.secrets:
            return command
        named = [name_of(entry) for entry in command.secrets]
        found = {name: checked(name, self.context.secrets.resolve(reference)) for name, reference in named}
        return replace(command, env={**command.env, **found}, secrets=())

    async def diagnose(self) -> Mapping[str, object]:
        """Run the service's checks."""
        return await diagnose_json(self.context, self.service, self.since)

    async def preview(self, command: Command) -> Preview:
        """An action previews itself; of a plain statement the text is all that can be told."""
        action = self._action(command)
        if action:
            return await self._founded(command, await action.preview(command.args))
        if self._runner(command) is None:
            return Preview(command.text, UNTOLD, refused=_nobody(command).summary)
        return Preview("cannot be told before it runs", UNTOLD, undo="none known: this statement declares no undo")

    async def _founded(self, command: Command, shown: Preview) -> Preview:
        """A scaling is offered, and done, where capacity is the cause: looked at anew each time."""
        connection = self._offering(command)
        if command.runner != SCALE or shown.refused or not shown.hits or connection is None:
            return shown
        reason = await unfounded(self.context, self.service, connection, command.args)
        return replace(shown, refused=f"not scaled: {reason}" if reason else "")

    async def apply(self, command: Command) -> Outcome:
        """Do it, once."""
        action = self._action(command)
        if action:
            return await action.apply(command.args)
        return await self.read(command)

    async def verify(self, command: Command) -> Verification | None:
        """The action's own word; a plain statement has none."""
        action = self._action(command)
        return await action.verify(command.args) if action else None

    async def signals(self, besides: Collection[str] = ()) -> Verification | None:
        """Whether the alerts of the run's incident have cleared, where they are watched. An alert of a cause bears its
        code."""
        if not self.incident or not self.watched:
            return None
        state = await incidents.load(self.context, self.incident)
        rules = sorted(set(state.open_alerts.values()))
        others = tuple(rule for rule in rules if rule in besides)
        held = [rule for rule in rules if rule not in besides]
        if held or state.counted_open:
            more = [f"{state.counted_open} more"] if state.counted_open else []
            return Verification(Verified.PENDING, f"still firing: {', '.join([*held, *more])}")
        if others:
            told = f"what fires still is another matter: {', '.join(others)}"
            return Verification(Verified.PASSED, told, firing=others)
        return Verification(Verified.PASSED, "every alert has cleared") if state.alerts else None

    async def render(self, item: Item, captured: Mapping[str, str]) -> Item:
        """The item of the document as it is now, if it is what the run read, with the captured values put in."""
        stale = changed_since(self.context, self.run) if self.run else "it belongs to no run"
        if stale or self.run is None:
            return replace(item, refused=stale)
        made = {i.id: i for i in remade(self.context, self.run, captured).items}
        return made.get(item.id) or replace(item, refused="its document holds it no longer; start the runbook again")

    async def moved(self, command: Command) -> str:
        """The document, the service's configuration and the command's own target must be what they were."""
        stale = changed_since(self.context, self.run) if self.run else ""
        connection = self._offering(command)
        if stale or connection is None or command.runner == "sh":
            return stale
        now = connection.target
        return "" if now == command.target else f"{command.runner} goes to {now} now, not to {command.target}"

    def _offering(self, command: Command) -> Connection | None:
        return self.service.offering(command.runner, command.args)

    def _runner(self, command: Command) -> Connection | None:
        return next((c for c in self.service.connections.values() if command.runner in c.runs), None)

    def _action(self, command: Command) -> Action | None:
        found = self._offering(command)
        return found.actions.get(command.runner) if found else None


def _nobody(command: Command) -> Outcome:
    return Outcome(Result.FAILED, f"nothing configured for this service can run {command.runner!r}")


async def world_of(context: Context, run: Run, *, watched: bool) -> ServiceWorld:
    """The world that a run works in."""
    state = await incidents.load(context, run.incident) if run.incident else None
    since = (state.began_at or state.detected_at) if state else None
    return ServiceWorld(context, context.service(run.service), run.incident, since, watched, run)
