"""What an assistant (a program that a language model steers) may do: look, and propose. Nothing here approves, applies
or sends anything; a proposal is a run that waits for a person, as any other. What it looked at and proposed is told.

Private incidents are not there for an assistant, whoever it works for; all that it gets is masked and bounded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hutch.commands import incidents, platforms, reviews, runs, standings
from hutch.commands.access import audit
from hutch.commands.acting import option_of
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.diagnose import diagnose_json
from hutch.commands.documents import base_of, content_of, names
from hutch.commands.platform_reads import query_of
from hutch.commands.seen import seen_as
from hutch.commands.views import incident_json, run_json, run_summary
from hutch.commands.watched import watched_json
from hutch.model.access import Permission, Person
from hutch.model.approval import ASSISTANT
from hutch.model.event import instant
from hutch.model.incident import Incident
from hutch.model.program import Program

MOST_INCIDENTS = 50
MOST_ENTRIES = 200
MOST_TEXT = 200_000
"""Characters of one document or answer; the rest is cut, and that is said."""

LONGEST_REASON = 2_000


@dataclass(frozen=True, slots=True)
class Assistant:
    """An assistant that works for ``person``, whose name ``who`` is; it may at most look at what they may."""

    context: Context
    person: Person
    who: str
    told: set[tuple[str, str]] = field(default_factory=set)

    @property
    def actor(self) -> str:
        """As the log calls it."""
        return f"{ASSISTANT}{self.who}"

    # ------------------------------------------------------------------ looking

    async def incidents(self, state: str = "", service: str = "") -> list[dict[str, Any]]:
        """The newest incidents, open ones first; ``state`` is open, resolved or empty for both."""
        if state not in ("", "open", "resolved"):
            raise CommandError(f"state is open, resolved or empty, not {state!r}", 2)
        with seen_as(self.actor):
            found = [i for i in await incidents.listing(self.context) if self._may(i.service)]
        wanted = [
            i for i in found if (not service or i.service == service) and (not state or i.open == (state == "open"))
        ]
        wanted.sort(key=lambda i: (not i.open, -i.detected_at.timestamp()))
        await self._tell("incidents", "")
        return [self._masked(incident_json(i)) for i in wanted[:MOST_INCIDENTS]]

    async def incident(self, incident: str) -> dict[str, Any]:
        """One incident, its last entries of the timeline, and its runs."""
        await self._inside(incident)
        with seen_as(self.actor):
            found = await incidents.load(self.context, incident)
            entries = await reviews.timeline_of(self.context, incident)
            linked = [run_summary(await runs.load(self.context, run)) for run in found.runs]
        timeline = [
            {"at": instant(e.at), "by": e.actor, "kind": e.kind, "text": e.text} for e in entries[-MOST_ENTRIES:]
        ]
        await self._tell("the incident and its timeline", incident)
        left = max(0, len(entries) - MOST_ENTRIES)
        return self._masked({**incident_json(found), "timeline": timeline, "entries_left_out": left, "runs": linked})

    async def run(self, run: str) -> dict[str, Any]:
        """What a run of a runbook saw, offers and did."""
        with seen_as(self.actor):
            found = await runs.load(self.context, run)
        self._allowed(Permission.READ, found.service)
        await self._tell(f"run {run}", found.incident)
        return self._masked(run_json(found))

    async def runbooks(self) -> list[str]:
        """The names of the documents."""
        self._anywhere(Permission.READ)
        return sorted(names(self.context.config.runbooks, base_of(self.context)))

    async def runbook(self, name: str, incident: str = "") -> str:
        """The text of a document by its listed name; no path is opened."""
        self._anywhere(Permission.READ)
        known = names(self.context.config.runbooks, base_of(self.context))
        if name not in known:
            raise CommandError(f"no runbook document is called {name[:80]!r}", 2)
        await self._for(incident)
        await self._tell(f"the runbook {name}", incident)
        return self._cut(content_of(known[name]).decode(errors="replace"))

    async def signals(self, service: str, incident: str = "") -> dict[str, Any]:
        """What is measured of a service, its rules and their states, as of the last evaluation."""
        found = self._service(service)
        await self._for(incident)
        watched, _ = await standings.watched(self.context, found.name)
        await self._tell(f"the signals of {found.name}", incident)
        return self._masked(watched_json(watched))

    async def logs(self, service: str, wanted: Mapping[str, object], incident: str = "") -> dict[str, Any]:
        """Lines of the service's logs; ``wanted`` as ``logs.search`` takes it."""
        found = self._service(service)
        await self._for(incident)
        told = await platforms.search(self.context, found.name, query_of(wanted, self.context.clock.now()))
        await self._tell(f"logs of {found.name}", incident)
        return self._masked({"lines": told["lines"], "problems": told["problems"]})

    async def diagnosis(self, service: str, incident: str = "") -> dict[str, Any]:
        """Ask the service's checks now, read-only, and name the causes."""
        found = self._service(service)
        await self._for(incident)
        told = await diagnose_json(self.context, found)
        await self._tell(f"a diagnosis of {found.name}", incident)
        return self._masked(told)

    # ------------------------------------------------------------------ proposing

    async def propose(self, incident: str, action: str, args: Mapping[str, object], reason: str) -> dict[str, Any]:
        """Start a run of the incident that offers one typed action; it does nothing until a person approves it."""
        state = await self._inside(incident)
        self._allowed(Permission.RESPOND, state.service)
        if not state.open:
            raise CommandError(f"{incident} is resolved: nothing is proposed to it")
        why = " ".join(reason.split())[:LONGEST_REASON]
        if not why:
            raise CommandError("say why: a person decides by it", 2)
        service = self.context.service(state.service)
        offered = service.offering(action, args)
        preview = await offered.actions[action].preview(args) if offered and action in offered.actions else None
        if preview and preview.refused:
            raise CommandError(f"{action} is refused: {self.context.secrets.mask(preview.refused)}")
        option = option_of(service, action, args, f"{action}, proposed by an assistant", self.actor)
        text = self.context.secrets.mask(f"proposes {option.items[0].command.text}: {why}")
        await incidents.note(self.context, incident, text, self.actor)
        found = await runs.start(
            self.context, service=service.name, title=f"Proposed: {action}", made_from=runs.MadeFrom(),
            program=Program(options=(option,), asked=True), incident=incident, actor=self.actor,
        )  # fmt: skip
        return {"run": found.id, "waits_for": "the approval of a person", "would": preview.summary if preview else ""}

    # ------------------------------------------------------------------ what it may, and what is told of it

    async def _inside(self, incident: str) -> Incident:
        """The incident, if it may be looked at. A private one is as one that there is not."""
        with seen_as(self.actor):
            found = await incidents.load(self.context, incident)
        self._allowed(Permission.READ, found.service)
        return found

    async def _for(self, incident: str) -> None:
        """That it may be looked at, where something is looked at for an incident."""
        if incident:
            await self._inside(incident)

    def _service(self, name: str) -> Service:
        found = self.context.service(name)
        self._allowed(Permission.READ, found.name)
        return found

    def _may(self, service: str) -> bool:
        return self.person.may(Permission.READ, service)

    def _allowed(self, permission: Permission, service: str) -> None:
        if not self.person.may(permission, service):
            raise CommandError(f"{self.who} may not {permission} at {service}, so no assistant of theirs may")

    def _anywhere(self, permission: Permission) -> None:
        if not self.person.may_somewhere(permission):
            raise CommandError(f"{self.who} may not {permission}, so no assistant of theirs may")

    async def _tell(self, what: str, incident: str) -> None:
        """In the audit, and once on the timeline of the incident that it is for."""
        await audit.record(self.context, "assistant.looked", self.actor, what=what, incident=incident)
        if incident and (what, incident) not in self.told:
            self.told.add((what, incident))
            await incidents.note(self.context, incident, f"looked at {what}", self.actor)

    def _masked(self, found: dict[str, Any]) -> dict[str, Any]:
        """Without secrets, which may stand in what others wrote; what is too long is refused."""
        text = self.context.secrets.mask(json.dumps(found, default=str))
        if len(text) > MOST_TEXT:
            raise CommandError(f"that is longer than {MOST_TEXT:,} characters: ask for less")
        masked: dict[str, Any] = json.loads(text)
        return masked

    def _cut(self, text: str) -> str:
        shown = self.context.secrets.mask(text)
        return shown if len(shown) <= MOST_TEXT else f"{shown[:MOST_TEXT]}\n… cut after {MOST_TEXT:,} characters"
