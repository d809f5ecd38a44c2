"""Updates: drafted from the facts by a template, looked through, and sent by a person, who says so on purpose."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC
from importlib import resources
from pathlib import Path
from typing import Any

from hutch.commands import incidents, messages, subscribers
from hutch.commands.context import CommandError, Context
from hutch.model import incident as model
from hutch.model.event import Draft, Event, parse_instant
from hutch.model.incident import Incident
from hutch.model.message import Audience, Channel, Message
from hutch.model.statuspage import CONDITIONS, Component, Condition
from hutch.ports import Append, Conflict, Job
from hutch.review.facts import facts, names_inside, with_given
from hutch.review.gaps import open_slots
from hutch.review.scan import Found, scan
from hutch.review.templating import LONGEST, TemplateError, render
from hutch.review.wording import zoned

STANDARD = "update"
"""The template that is taken where none is named."""

MACHINE = "hutch"
"""Who acts where no person does: it sends no update."""

STATUS_PAGE = "the status page"
"""What the page is called among the channels of an update."""

REFUSED = 3

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_GIVEN = re.compile(r"[a-z][a-z_]{0,40}")


@dataclass(frozen=True, slots=True)
class Preview:
    """What an update would say, to whom it would go, and what stands against it."""

    incident: Incident
    audience: Audience
    template: str
    text: str
    channels: tuple[Channel, ...]
    found: tuple[Found, ...]
    slots: tuple[tuple[int, str], ...]
    exercise: bool
    public: Mapping[str, str] | None = None  # how each component then is on the status page; None: not shown there

    @property
    def digest(self) -> str:
        """Of what would be sent, and to whom: to send exactly what was looked at."""
        public = [f"{name}={how}" for name, how in (self.public or {}).items()]
        whole = "\0".join([self.audience, *self.places, *public, self.text])
        return hashlib.sha256(whole.encode()).hexdigest()[:16]

    @property
    def places(self) -> tuple[str, ...]:
        """Where it would go: its channels by name, and the status page."""
        return (*(c.name for c in self.channels), *((STATUS_PAGE,) if self.public is not None else ()))

    def as_dict(self) -> dict[str, Any]:
        """The JSON form; keys are stable."""
        return {
            "incident": self.incident.id,
            "audience": self.audience.value,
            "template": self.template,
            "text": self.text,
            "channels": [c.name for c in self.channels],
            "found": [{"kind": f.kind, "line": f.line, "column": f.column, "shown": f.shown} for f in self.found],
            "slots": [{"line": line, "words": words} for line, words in self.slots],
            "exercise": self.exercise,
            "status_page": None if self.public is None else dict(self.public),
            "digest": self.digest,
        }


# ------------------------------------------------------------------ templates


def templates(context: Context) -> dict[str, Path]:
    """Every template by ``NAME`` or ``NAME.AUDIENCE``; the team's own go before those of the library."""
    own = context.config.notify.templates
    folders = [Path(str(resources.files("hutch.library"))) / "updates", *([Path(own)] if own else [])]
    return {p.stem: p for folder in folders for p in sorted(folder.glob("*.txt"))}


def template_for(context: Context, name: str, audience: Audience) -> tuple[str, str]:
    """The template of that name for an audience, and its text. Raises :class:`CommandError`."""
    known = templates(context)
    found = next((n for n in (f"{name}.{audience}", name) if n in known), "") if _NAME.fullmatch(name) else ""
    if not found:
        names = sorted({n.partition(".")[0] for n in known})
        raise CommandError(f"no template {name[:80]!r}; there are: {', '.join(names)}", 2)
    try:
        return found, known[found].read_text(encoding="utf-8")[: LONGEST + 1]
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{known[found]}: cannot be read: {error}") from error


# ------------------------------------------------------------------ looking at it


async def preview(
    context: Context,
    incident_id: str,
    audience: Audience,
    *,
    template: str = "",
    text: str = "",
    given: Mapping[str, str] | None = None,
    components: Mapping[str, str] | None = None,
) -> Preview:
    """What would be sent: ``text`` as it is, or what the template makes of the facts. ``components`` says how
    parts of the status page are, where they are not as the severity has it. Raises :class:`CommandError`.
    """
    state = await incidents.load(context, incident_id)
    own = await context.store.read(state.stream)
    name = ""
    if not text:
        name, text = await _drafted(context, state, own, audience, template or STANDARD, given or {})
    text = context.secrets.mask(text.strip()) + "\n"
    exercise = messages.declared_exercise(own)
    words = _inside(context, own) if audience is not Audience.RESPONDERS else frozenset()
    return Preview(
        state,
        audience,
        name,
        text,
        () if state.record.private else messages.channels(context, audience, exercise=exercise),
        tuple(scan(text, audience, words)),
        tuple((line, slot) for line, slot in open_slots(text) if not slot.isupper()),
        exercise,
        None if exercise or state.record.private else _public(context, state, audience, text, components or {}),
    )


async def _drafted(
    context: Context, state: Incident, own: Sequence[Event], audience: Audience, template: str, given: Mapping[str, str]
) -> tuple[str, str]:
    for key in given:
        if not _GIVEN.fullmatch(key):
            raise CommandError(f"--set {key[:40]!r}: expected small letters and _", 2)
    name, source = template_for(context, template, audience)
    journals = await context.store.read_all([f"run:{run}" for run in state.runs]) if state.runs else []
    known = with_given(facts(own, journals, audience), {**_promised(context, state), **given})
    try:
        return name, render(source, known, name)
    except TemplateError as error:
        raise CommandError(f"template {name}: {error}", REFUSED) from None


def _promised(context: Context, state: Incident) -> dict[str, str]:
    """When the next update follows, if this one is sent now: what an update to an open incident ends with."""
    now = context.clock.now()
    promises = model.after_update(state, now, context.config.policy)
    dues = [str(d.data["due"]) for d in promises if d.kind == "clock.started"]
    if not dues:
        return {}
    due = zoned(parse_instant(dues[0]), UTC, beside=now)
    return {"ending": f"We apologize for the inconvenience. The next update follows by {due}."}


def _inside(context: Context, own: Sequence[Event]) -> frozenset[str]:
    """Names that stay inside: those of the configuration, of the people, and of what the diagnosis named."""
    people = context.config.people
    return frozenset({*context.config.notify.words, *people.people, *people.schedules, *names_inside(own)})


# ------------------------------------------------------------------ the status page


def _public(
    context: Context, state: Incident, audience: Audience, text: str, given: Mapping[str, str]
) -> dict[str, str] | None:
    """How each component is that the update speaks of; None where it does not go to the status page."""
    config = context.config.status_page
    if config is None or audience is not Audience.CUSTOMERS:
        if given:
            raise CommandError("--component is for customers, on a status page: see status_page in hutch.yaml", 2)
        return None
    over = _state(text) == "RESOLVED"
    usual = Condition.OPERATIONAL if over else CONDITIONS[state.severity]
    said = {c.name: usual.value for c in config.components if c.service == state.service}
    for name, how in given.items():
        said[_component(config.components, name).name] = _condition(how)
    return said


def _component(components: Sequence[Component], name: str) -> Component:
    found = next((c for c in components if c.name.lower() == name.strip().lower()), None)
    if found is None:
        names = ", ".join(c.name for c in components)
        raise CommandError(f"--component {name[:80]!r}: the status page has no such component; there are: {names}", 2)
    return found


def _condition(word: str) -> str:
    known = {c.value for c in Condition if c is not Condition.MAINTENANCE}
    if word not in known:
        raise CommandError(f"--component …={word[:40]}: expected one of {', '.join(sorted(known))}", 2)
    return word


# ------------------------------------------------------------------ sending it


async def send(context: Context, seen: Preview, actor: str, *, override: str = "", digest: str = "") -> Incident:
    """Send exactly what was previewed, on the word of a person. Raises :class:`CommandError` where something stands
    against it that ``override``, a reason, does not cover.

    The update, its messages and the next promise are written in one transaction.
    """
    _may(seen, actor, override, digest)
    for _ in range(incidents.TRIES):
        state = await incidents.load(context, seen.incident.id)
        drafts, jobs = messages.queued(state.stream, _messages(seen), context, actor)
        now = context.clock.now()
        promises = model.after_update(state, now, context.config.policy) if _counts(seen) else []
        posted = Draft("update.posted", _told(context, seen, override), actor)
        append = Append(state.stream, (posted, *drafts, *promises), expect=state.seq)
        with suppress(Conflict):
            await context.store.commit([append], [*jobs, *_subscribers(seen, state), incidents.clock_job(state.id)])
            return await incidents.load(context, state.id)
    raise CommandError(f"{seen.incident.id} is being changed by too many at once; try again")


def _subscribers(seen: Preview, state: Incident) -> list[Job]:
    """The job that tells those who subscribed to the page."""
    return [] if seen.public is None else [subscribers.job(state.stream, state.seq + 1)]


def _counts(seen: Preview) -> bool:
    """Whether it keeps the promise of updates: that is one to those outside the team."""
    return seen.audience is not Audience.RESPONDERS


def _may(seen: Preview, actor: str, override: str, digest: str) -> None:
    if actor == MACHINE:
        raise CommandError("an update is sent by a person, not by Hutch itself", 2)
    if digest and digest != seen.digest:
        raise CommandError("it is not what you looked at any more: look again, and send that", REFUSED)
    if seen.incident.record.private:
        raise CommandError(
            f"{seen.incident.id} is private: no update of it leaves; `hutch incident public` ends that", REFUSED
        )
    if not seen.places:
        kind = "exercise " if seen.exercise else ""
        raise CommandError(f"no {kind}channel for {seen.audience}: add one under notify.channels", 2)
    if seen.slots:
        told = "; ".join(f"line {line}: [{words}]" for line, words in seen.slots[:10])
        raise CommandError(
            f"nothing was sent, since something is left to be filled in: {told}; use --set or --edit", REFUSED
        )
    if seen.found and not override.strip():
        told = "; ".join(str(f) for f in seen.found[:10])
        more = f"; and {len(seen.found) - 10} more" if len(seen.found) > 10 else ""
        raise CommandError(
            f"nothing was sent: {told}{more}; take it out, or say why it may leave by --override", REFUSED
        )


def _told(context: Context, seen: Preview, override: str) -> dict[str, object]:
    told: dict[str, object] = {
        "text": seen.text,
        "audience": seen.audience.value,
        "template": seen.template,
        "state": _state(seen.text),
        "channels": [c.name for c in seen.channels],
    }
    told |= {} if seen.public is None else {"public": dict(seen.public)}
    if seen.found:
        told |= {"overridden": [str(f) for f in seen.found[:50]], "reason": context.secrets.mask(override)}
    return told


def _messages(seen: Preview) -> list[Message]:
    title, _, rest = seen.text.strip().partition("\n")
    mark = "EXERCISE " if seen.exercise else ""
    return [
        replace(
            messages.to_channel(c, seen.incident.id, f"{mark}{title[:200]}", rest.strip() or title, ""),
            severity=seen.incident.severity.label,
        )
        for c in seen.channels
    ]


def _state(text: str) -> str:
    """``RESOLVED``: the word with which an update begins."""
    match = re.match(r"\[([A-Z]{3,20})\]", text)
    return match[1] if match else "update"
