"""The public page: components that customers know, the notices about them, and how each day was. Pure.

A notice is what customers were told of an incident: nothing is on the page that no person sent them. Words and states
are those of Atlassian's Statuspage, which readers and tools know.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from hutch.model.event import Event
from hutch.model.message import Channel
from hutch.model.severity import Severity


class Ranked(StrEnum):
    """Words from best to worst."""

    @property
    def rank(self) -> int:
        """0 is best."""
        return list(type(self)).index(self)


class Condition(Ranked):
    """How a component is; from best to worst."""

    OPERATIONAL = "operational"
    MAINTENANCE = "under_maintenance"
    DEGRADED = "degraded_performance"
    PARTIAL = "partial_outage"
    MAJOR = "major_outage"


class Impact(Ranked):
    """How bad a notice, or the page as a whole, is; from best to worst."""

    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


STATES = ("investigating", "identified", "monitoring", "resolved")
"""How far a notice is."""

IMPACTS: Mapping[Condition, Impact] = {
    Condition.OPERATIONAL: Impact.NONE, Condition.MAINTENANCE: Impact.NONE, Condition.DEGRADED: Impact.MINOR,
    Condition.PARTIAL: Impact.MAJOR, Condition.MAJOR: Impact.CRITICAL,
}  # fmt: skip

CONDITIONS: Mapping[Severity, Condition] = {
    Severity.SEV1: Condition.MAJOR, Severity.SEV2: Condition.PARTIAL, Severity.SEV3: Condition.DEGRADED,
    Severity.SEV4: Condition.OPERATIONAL,
}  # fmt: skip
"""What a component is said to be while an incident of that severity is open, unless the sender says otherwise."""

WEIGHTS: Mapping[Condition, float] = {Condition.MAJOR: 1.0, Condition.PARTIAL: 0.3}
"""The part of its time that a component counts as down, as Statuspage counts uptime."""

DAYS = 90
"""How many days the bars show, today included."""


@dataclass(frozen=True, slots=True)
class Component:
    """What customers know by this ``name``; ``service`` is the one of ours behind it."""

    name: str
    service: str = ""
    group: str = ""
    about: str = ""

    @property
    def id(self) -> str:
        """Opaque, and the same as long as the name is."""
        return opaque("component", self.name)


@dataclass(frozen=True, slots=True)
class StatusPageConfig:
    """The block ``status_page``. ``address`` is where the public reaches it, ``folder`` where its files are kept up to
    date for a plain web server. ``mail`` is the channel over which subscribers are told by mail, ``hooks`` the one over
    which their webhooks are, ``reports`` whether anybody may report a problem.
    """

    title: str
    components: tuple[Component, ...]
    address: str = ""
    folder: str = ""
    about: str = ""
    mail: str = ""
    hooks: Channel | None = None
    reports: bool = False


def opaque(*parts: str) -> str:
    """A public id that tells nothing of what it stands for.

    >>> opaque("component", "API")
    '16caebce95bc'
    """
    return hashlib.sha256("\0".join(("status page", *parts)).encode()).hexdigest()[:12]


# ------------------------------------------------------------------ notices


@dataclass(frozen=True, slots=True)
class Told:
    """One update of a notice. ``conditions`` are those of the components that it names, by name."""

    id: str
    at: datetime
    state: str
    body: str
    conditions: Mapping[str, Condition] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice:
    """What customers were told of one incident; ``told`` begins with the oldest."""

    id: str
    name: str
    impact: Impact
    told: tuple[Told, ...]

    @property
    def state(self) -> str:
        """How far it is."""
        return self.told[-1].state

    @property
    def began(self) -> datetime:
        """When customers were first told."""
        return self.told[0].at

    @property
    def changed(self) -> datetime:
        """When they were last told."""
        return self.told[-1].at

    @property
    def open(self) -> bool:
        """Whether they were not yet told that it is over."""
        return self.state != "resolved"

    @property
    def resolved(self) -> datetime | None:
        """When they were told that it is over."""
        return None if self.open else self.changed

    @property
    def conditions(self) -> Mapping[str, Condition]:
        """How each component that was ever named is by this notice; all is well once it is over."""
        known = {name: c for one in self.told for name, c in one.conditions.items()}
        return known if self.open else dict.fromkeys(known, Condition.OPERATIONAL)


_HEAD = re.compile(r"(?:\[(?P<state>[A-Z]{3,20})\]\s*)?(?P<name>.*?)(?:\s+[-–]\s+\w+ \d{1,2}, \d{4})?\s*")


def notices(posted: Iterable[Event]) -> list[Notice]:
    """The notices that these ``update.posted`` events make, the newest first; those not meant for the page are not."""
    found: dict[str, Notice] = {}
    for event in posted:
        if "public" in event.data and "text" in event.data:
            found[event.stream] = _with(found.get(event.stream), event)
    return sorted(found.values(), key=lambda notice: notice.began, reverse=True)


def _with(notice: Notice | None, event: Event) -> Notice:
    head, _, body = str(event.data["text"]).strip().partition("\n")
    said = _HEAD.fullmatch(head.strip())
    state, name = (said["state"] or "", said["name"]) if said else ("", head)
    state = state.lower() if state.lower() in STATES else notice.state if notice else STATES[0]
    conditions = _conditions(event)
    told = Told(opaque("update", event.hash), event.at, state, body.strip() or name, conditions)
    impact = max((IMPACTS[c] for c in conditions.values()), key=lambda i: i.rank, default=Impact.NONE)
    if notice is None:
        return Notice(opaque("notice", event.hash), name or "Incident", impact, (told,))
    worse = max(notice.impact, impact, key=lambda i: i.rank)
    return replace(notice, impact=worse, told=(*notice.told, told))


def _conditions(event: Event) -> dict[str, Condition]:
    """What the event says of each component; a word that is none, from a later edition, is left out."""
    said = event.data["public"]
    return {str(n): Condition(c) for n, c in said.items() if c in set(Condition)} if isinstance(said, Mapping) else {}


# ------------------------------------------------------------------ maintenances


@dataclass(frozen=True, slots=True)
class Planned:
    """Work that customers were told of. ``service`` empty: it may touch everything."""

    id: str
    name: str
    service: str
    starts: datetime
    ends: datetime

    def state(self, now: datetime) -> str:
        """``scheduled``, ``in_progress`` or ``completed``."""
        return "scheduled" if now < self.starts else "in_progress" if now < self.ends else "completed"


# ------------------------------------------------------------------ the page


@dataclass(frozen=True, slots=True)
class Day:
    """How a component was on one day (UTC); ``down`` is weighted, ``notices`` are the ids of those that touched it."""

    date: date
    worst: Condition = Condition.OPERATIONAL
    down: timedelta = timedelta(0)
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A component as it stands on the page; ``days`` begins with the oldest."""

    component: Component
    condition: Condition
    days: tuple[Day, ...]

    @property
    def uptime(self) -> float:
        """Percent of the time of its days."""
        whole = timedelta(days=len(self.days))
        return 100.0 * (1 - sum((d.down for d in self.days), timedelta(0)) / whole)

    @property
    def uptime_text(self) -> str:
        """The same for people, never rounded up: 99.999 is not all of the time."""
        return f"{int(self.uptime * 100) / 100:.2f} %"


@dataclass(frozen=True, slots=True)
class Page:
    """All that the public sees at ``at``."""

    config: StatusPageConfig
    at: datetime
    shown: tuple[Shown, ...]
    notices: tuple[Notice, ...]
    planned: tuple[Planned, ...]

    @property
    def impact(self) -> Impact:
        """The worst that is open: of components, or of a notice that names none."""
        parts = [IMPACTS[s.condition] for s in self.shown] + [n.impact for n in self.notices if n.open]
        return max(parts, key=lambda i: i.rank, default=Impact.NONE)

    @property
    def headline(self) -> str:
        """The whole in a few words."""
        if self.impact is not Impact.NONE:
            return HEADLINES[self.impact]
        if any(s.condition is Condition.MAINTENANCE for s in self.shown):
            return "Maintenance under way"
        return "Being looked into" if any(n.open for n in self.notices) else HEADLINES[Impact.NONE]

    @property
    def changed(self) -> datetime:
        """When what it says changed last: something was told, planned work began or ended, or the day."""
        told = [n.changed for n in self.notices]
        turns = [at for p in self.planned for at in (p.starts, p.ends) if at <= self.at]
        return max((*told, *turns), default=datetime.combine(self.at.date(), time(), self.at.tzinfo))

    @property
    def since(self) -> datetime:
        """The beginning of what it shows of each component."""
        return datetime.combine(self.at.date() - timedelta(days=DAYS - 1), time(), self.at.tzinfo)


HEADLINES: Mapping[Impact, str] = {
    Impact.NONE: "All systems operational",
    Impact.MINOR: "Partially degraded service",
    Impact.MAJOR: "Partial system outage",
    Impact.CRITICAL: "Major system outage",
}
"""What is said of the whole."""


def page(config: StatusPageConfig, found: Sequence[Notice], planned: Sequence[Planned], now: datetime) -> Page:
    """The page at ``now``."""
    shown = tuple(_shown(one, found, planned, now) for one in config.components)
    return Page(config, now, shown, tuple(found), tuple(sorted(planned, key=lambda p: p.starts)))


def _shown(one: Component, found: Sequence[Notice], planned: Sequence[Planned], now: datetime) -> Shown:
    spells = [spell for notice in found for spell in _spells(one.name, notice, now)]
    current = [n.conditions.get(one.name, Condition.OPERATIONAL) for n in found if n.open]
    working = any(p.state(now) == "in_progress" and p.service in ("", one.service) for p in planned)
    current += [Condition.MAINTENANCE] if working else []
    today = now.date()
    days = (today - timedelta(days=n) for n in reversed(range(DAYS)))
    return Shown(
        one,
        max(current, key=lambda c: c.rank, default=Condition.OPERATIONAL),
        tuple(_day(day, spells, now) for day in days),
    )


@dataclass(frozen=True, slots=True)
class _Spell:
    """A time in which a component was not well by one notice."""

    notice: str
    start: datetime
    end: datetime
    condition: Condition


def _spells(name: str, notice: Notice, now: datetime) -> list[_Spell]:
    """The spells of a component by a notice: each lasts until the next word about it, or until the notice is over."""
    words = [(t.at, t.conditions.get(name)) for t in notice.told]
    said = [(at, condition) for at, condition in words if condition is not None]
    over = notice.resolved or now
    ends = [at for at, _ in said[1:]] + [over]
    pairs = zip(said, ends, strict=False)
    return [_Spell(notice.id, at, end, c) for (at, c), end in pairs if c is not Condition.OPERATIONAL and end > at]


def _day(day: date, spells: Sequence[_Spell], now: datetime) -> Day:
    start = datetime.combine(day, time(), now.tzinfo)
    end = start + timedelta(days=1)
    mine = [s for s in spells if s.start < end and s.end > start]
    if not mine:
        return Day(day)
    down = sum(((min(s.end, end) - max(s.start, start)) * WEIGHTS.get(s.condition, 0.0) for s in mine), timedelta(0))
    worst = max((s.condition for s in mine), key=lambda c: c.rank)
    return Day(day, worst, min(down, timedelta(days=1)), tuple(dict.fromkeys(s.notice for s in mine)))
