"""Reading events whose data may lack a key: a document is written from what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from hutch.model.event import Event, parse_instant
from hutch.review.wording import one_line, zoned


def link(event: Event) -> str:
    """Where an event can be found again: ``incident:INC-2026-001#12``."""
    return f"{event.stream}#{event.seq}"


def text(data: Mapping[str, object], key: str, default: str = "") -> str:
    """The value as one visible line; ``default`` where it is absent or empty."""
    value = data.get(key)
    return default if value is None or value == "" else one_line(value)


def number(data: Mapping[str, object], key: str) -> float | None:
    """The value as a number; None where it is absent or none."""
    value = data.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def time(data: Mapping[str, object], key: str) -> datetime | None:
    """The value as a time; None where it is absent or none."""
    try:
        return parse_instant(str(data[key])) if data.get(key) else None
    except ValueError:
        return None


def part(data: Mapping[str, object], key: str) -> Mapping[str, object]:
    """The mapping below ``key``; an empty one where there is none."""
    value = data.get(key)
    return value if isinstance(value, Mapping) else {}


def many(data: Mapping[str, object], key: str) -> tuple[object, ...]:
    """The list below ``key``; empty where there is none."""
    value = data.get(key)
    return tuple(value) if isinstance(value, list | tuple) else ()


def parts(data: Mapping[str, object], key: str) -> tuple[Mapping[str, object], ...]:
    """The mappings in the list below ``key``."""
    return tuple(v for v in many(data, key) if isinstance(v, Mapping))


def option_titles(journal: tuple[Event, ...]) -> Mapping[str, str]:
    """What each option of a run is called: events after the offer name it by its id only."""
    started = (o for e in journal if e.kind == "run.started" for o in parts(part(e.data, "program"), "options"))
    ranked = (o for e in journal if e.kind == "options.ranked" for o in parts(e.data, "options"))
    asked = (part(e.data, "option") for e in journal if e.kind == "approval.requested")
    return {text(o, "id"): text(o, "title") for o in (*started, *ranked, *asked) if text(o, "id") and text(o, "title")}


@dataclass(frozen=True, slots=True)
class Told:
    """One event and what is needed to put it into words."""

    event: Event
    titles: Mapping[str, str] = field(default_factory=dict)
    zone: tzinfo = UTC

    def __getitem__(self, key: str) -> str:
        """The value as one line, empty where it is absent."""
        return text(self.event.data, key)

    def get(self, key: str, default: str) -> str:
        """The value as one line, or ``default``."""
        return text(self.event.data, key, default)

    @property
    def option(self) -> str:
        """The title of the option that the event names, quoted; its id where the title is not known."""
        whole = part(self.event.data, "option")
        name = text(whole, "title") if whole else self.titles.get(self["option"], self["option"])
        return f'"{name}"' if name else "the option"

    @property
    def summary(self) -> str:
        """``: SUMMARY`` where there is one."""
        return f": {self['summary']}" if self["summary"] else ""

    def at(self, key: str, default: str = "an unknown time") -> str:
        """The time below ``key`` on the clocks of the zone, with the date where it is another day."""
        when = time(self.event.data, key)
        return zoned(when, self.zone, self.event.at) if when else default

    def seconds(self, key: str = "seconds") -> float | None:
        """A length in seconds."""
        return number(self.event.data, key)
