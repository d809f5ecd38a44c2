"""Reads ``calendar`` of ``hutch.yaml``: the hours and days on which people work."""

from __future__ import annotations

import importlib
import re
from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from hutch.bootstrap import values
from hutch.bootstrap.alerting import zone
from hutch.bootstrap.yamlnodes import Node
from hutch.model.calendar import Calendar
from hutch.model.quiet import DAYS
from hutch.ports import Setting

CALENDAR: tuple[Setting, ...] = (
    Setting("zone", "text", "the time zone of the hours and days", default="UTC"),
    Setting("hours", "text", "when people work, as `09:00-17:00`", default="09:00-17:00"),
    Setting("days", "list", "the days on which they do; without it monday to friday"),
    Setting("holidays", "text", "public holidays of a country, or of a part of it: `DE`, `DE-BE`, `US-CA`", default=""),
    Setting("closed", "list", "more days on which nobody works, as `2026-12-24`"),
)
"""The keys of ``calendar``."""

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Off:
    """Days on which nobody works: those that are named, and public holidays, worked out year by year."""

    closed: frozenset[date]
    public: Container[date]

    def __contains__(self, day: object) -> bool:
        """Whether that day is one."""
        return day in self.closed or day in self.public


def calendar(node: Node) -> Calendar:
    """The block ``calendar``; monday to friday, 9 to 5 in UTC, where it says nothing."""
    node.only([s.name for s in CALENDAR])
    texts = {key: child for key, child in node.mapping().items() if key not in ("days", "closed")}
    known = [s for s in CALENDAR if s.kind == "text"]
    found = values.settings(Node(node.path, node.where, node.line, texts), known)
    opens, closes = _hours(node, str(found["hours"]))
    days = frozenset(_day(n) for n in node.child("days").items()) or Calendar().days
    closed = frozenset(_date(n) for n in node.child("closed").items())
    off = Off(closed, _public(node, str(found["holidays"])))
    made = Calendar(zone(node, str(found["zone"])), opens, closes, days, off)
    try:
        made.next_day(datetime.now(UTC))
    except ValueError as error:
        raise node.fail(f"{error}; check days and closed") from error
    return made


def _hours(node: Node, text: str) -> tuple[time, time]:
    found = _HOURS.fullmatch(text.strip())
    if found:
        opens, closes = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
        if opens < closes:
            return opens, closes
    raise node.child("hours").fail(f"expected an opening and a later closing time, as 09:00-17:00, found {text!r}")


def _day(node: Node) -> int:
    name = values.text(node).strip().lower()
    if name not in DAYS:
        raise node.fail(f"expected one of {', '.join(DAYS)}, found {name!r}")
    return DAYS.index(name)


def _date(node: Node) -> date:
    try:
        return date.fromisoformat(str(node.plain()))
    except ValueError as error:
        raise node.fail(f"expected a date, as 2026-12-24, found {node.plain()!r}") from error


def _public(node: Node, name: str) -> Container[date]:
    if not name:
        return frozenset()
    country, _, part = name.upper().partition("-")
    try:
        # imported only where it is asked for: it takes longer than all else that reading a configuration takes
        found: Container[date] = importlib.import_module("holidays").country_holidays(country, subdiv=part or None)
    except (NotImplementedError, KeyError) as error:
        raise node.child("holidays").fail(
            f"no public holidays are known of {name!r}; write a country as DE, or a part of it as DE-BE"
        ) from error
    return found
