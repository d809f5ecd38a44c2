"""Action items: added, moved, done and dropped by people; listed across incidents, the one that is due first on top."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from hutch.commands import incidents
from hutch.commands.context import CommandError, Context
from hutch.model.event import Draft, instant
from hutch.model.incident import Incident, fold, start_clock
from hutch.model.todo import CLOCK, ActionItem

LONGEST = 500
"""Characters of an action item: what needs more belongs behind its link."""

FURTHEST = timedelta(days=3650)
AT_ONCE = 64
"""Streams that are read in one turn."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An action item and its incident."""

    incident: Incident
    item: ActionItem

    @property
    def id(self) -> str:
        """``INC-2026-001/2``, as every command takes it."""
        return f"{self.incident.id}/{self.item.number}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an action item is to be; None leaves as it is what one changes."""

    text: str | None = None
    owner: str | None = None
    due: datetime | None = None
    link: str | None = None


async def add(context: Context, incident_id: str, wanted: Wanted, actor: str) -> Listed:
    """Add one. Raises :class:`CommandError` for what makes no sense."""
    found = _checked(context, wanted)

    def decide(state: Incident) -> list[Draft]:
        number = max((i.number for i in state.items), default=0) + 1
        item = ActionItem(number, found.text or "", found.owner or "", found.due or context.clock.now(), "")
        return _promised(state, item, found.link or "", "item.added", context.clock.now(), actor)

    state = await incidents.change(context, incident_id, decide)
    return Listed(state, state.items[-1])


async def move(context: Context, item_id: str, wanted: Wanted, actor: str) -> Listed:
    """Give it another owner, due time or link; its clock begins anew where the due time changes."""
    found = _checked(context, wanted)

    def decide(state: Incident, item: ActionItem) -> list[Draft]:
        now = context.clock.now()
        new = ActionItem(
            item.number, found.text or item.text, found.owner or item.owner, found.due or item.due, item.clock
        )
        link = item.link if found.link is None else found.link
        if new.due == item.due:
            return [Draft("item.changed", _data(new, link), actor)]
        ended = Draft("clock.cancelled", {"clock": item.clock, "why": f"due {new.due:%Y-%m-%d} now"}, actor)
        return [ended, *_promised(state, new, link, "item.changed", now, actor)]

    return await _change(context, item_id, decide)


async def done(context: Context, item_id: str, note: str, actor: str) -> Listed:
    """It is done; its clock says whether in time."""

    def decide(state: Incident, item: ActionItem) -> list[Draft]:
        clock = next(c for c in state.clocks if c.id == item.clock)
        late = clock.met(context.clock.now()).late_by.total_seconds()
        met = Draft("clock.met", {"clock": item.clock, "late_by": late}, actor)
        return [Draft("item.done", {"number": item.number, "note": context.secrets.mask(note)}, actor), met]

    return await _change(context, item_id, decide)


async def drop(context: Context, item_id: str, reason: str, actor: str) -> Listed:
    """It will not be done; others will ask why."""
    if not reason.strip():
        raise CommandError("say why with --reason: others will ask", 2)

    def decide(_state: Incident, item: ActionItem) -> list[Draft]:
        said = context.secrets.mask(reason)
        ended = Draft("clock.cancelled", {"clock": item.clock, "why": said}, actor)
        return [Draft("item.dropped", {"number": item.number, "note": said}, actor), ended]

    return await _change(context, item_id, decide)


async def listing(context: Context, *, everything: bool = False, owner: str = "") -> list[Listed]:
    """Open ones (or all) of every incident, the one that is due first on top."""
    began = datetime(1970, 1, 1, tzinfo=UTC)
    names = list(dict.fromkeys(e.stream for e in await context.store.since("item.added", began)))
    found: list[Listed] = []
    for start in range(0, len(names), AT_ONCE):
        for events in await context.store.read_all(names[start : start + AT_ONCE]):
            state = fold(events)
            found += [Listed(state, item) for item in state.items] if state else []
    kept = [f for f in found if (everything or f.item.open) and owner in ("", f.item.owner)]
    return sorted(kept, key=lambda f: (not f.item.open, f.item.due, f.id))


# ------------------------------------------------------------------


def _promised(state: Incident, item: ActionItem, link: str, kind: str, now: datetime, actor: str) -> list[Draft]:
    """The event of an item with a new due time, and its clock."""
    clock = start_clock(state, CLOCK, now, item.due, item.text)
    named = f"{CLOCK}-{clock.data['number']}"
    return [Draft(kind, {**_data(item, link), "clock": named}, actor), clock]


def _data(item: ActionItem, link: str) -> dict[str, object]:
    return {
        "number": item.number,
        "text": item.text,
        "owner": item.owner,
        "due": instant(item.due),
        "clock": item.clock,
        "link": link,
    }


async def _change(context: Context, item_id: str, decide: Callable[[Incident, ActionItem], list[Draft]]) -> Listed:
    incident_id, number = _parted(item_id)

    def whole(state: Incident) -> list[Draft]:
        item = _item(state, number, item_id)
        if not item.open:
            raise CommandError(f"{item_id} is {item.state} already: {item.note or item.text}")
        return decide(state, item)

    state = await incidents.change(context, incident_id, whole)
    return Listed(state, _item(state, number, item_id))


def _item(state: Incident, number: int, item_id: str) -> ActionItem:
    found = next((i for i in state.items if i.number == number), None)
    if found is None:
        raise CommandError(f"no action item {item_id}; `hutch todo list --all` shows them", 2)
    return found


def _parted(item_id: str) -> tuple[str, int]:
    incident_id, slash, number = item_id.rpartition("/")
    if not slash or not number.isascii() or not number.isdigit() or len(number) > 6:
        raise CommandError(f"an action item is INCIDENT/NUMBER, as INC-2026-001/2, not {item_id!r}", 2)
    return incident_id, int(number)


def _checked(context: Context, wanted: Wanted) -> Wanted:
    """The same, masked. Raises :class:`CommandError` for what is empty, too long, in the past or no address."""
    for name, given in (("text", wanted.text), ("owner", wanted.owner)):
        if given is not None and not given.strip():
            raise CommandError(f"an action item needs its {name}", 2)
        if given is not None and len(given) > LONGEST:
            raise CommandError(f"its {name} is longer than {LONGEST} characters: put the rest behind --link", 2)
    now = context.clock.now()
    if wanted.due is not None and not now < wanted.due < now + FURTHEST:
        raise CommandError(f"{wanted.due:%Y-%m-%d %H:%M} UTC is no time to have it done by: it must lie ahead", 2)
    if wanted.link and (urlsplit(wanted.link).scheme not in ("http", "https") or any(c.isspace() for c in wanted.link)):
        raise CommandError(f"--link must be an http or https address, not {wanted.link!r}", 2)
    mask = context.secrets.mask
    return replace(wanted, text=mask(wanted.text) if wanted.text else wanted.text)
