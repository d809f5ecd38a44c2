"""The page's HTML: what the templates show, and the bars of the last ninety days as SVG. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import escape
from itertools import groupby

from jinja2 import Environment

from hutch.model.statuspage import DAYS, Condition, Day, Impact, Notice, Page, Planned, Shown
from hutch.web.present.statuspage.api import touches
from hutch.web.present.statuspage.feed import clean

RECENT = 14
"""Days of past notices on the first page."""

WORDS: dict[Condition, str] = {
    Condition.OPERATIONAL: "Operational",
    Condition.MAINTENANCE: "Under maintenance",
    Condition.DEGRADED: "Degraded performance",
    Condition.PARTIAL: "Partial outage",
    Condition.MAJOR: "Major outage",
}
ICONS: dict[Condition | Impact, str] = {
    Condition.OPERATIONAL: "check", Condition.MAINTENANCE: "tool", Condition.DEGRADED: "dash",
    Condition.PARTIAL: "warn", Condition.MAJOR: "cross",
    Impact.NONE: "check", Impact.MINOR: "dash", Impact.MAJOR: "warn", Impact.CRITICAL: "cross",
}  # fmt: skip
"""A sign beside each word, so that nothing is said by colour alone."""

BAR, GAP, TALL = 4, 2, 30

TOPS: dict[Condition, int] = {
    Condition.OPERATIONAL: 0, Condition.MAINTENANCE: 0, Condition.DEGRADED: 6, Condition.PARTIAL: 12,
    Condition.MAJOR: 18,
}  # fmt: skip
"""How much shorter a day's bar is: the worse, the lower, for those who cannot tell the colours."""


@dataclass(frozen=True, slots=True)
class Row:
    """A component for the template."""

    name: str
    about: str
    condition: Condition
    word: str
    uptime: str
    bars: str


@dataclass(frozen=True, slots=True)
class Group:
    """Neighbours under one heading; an empty heading is none."""

    heading: str
    rows: tuple[Row, ...]


def pages(page: Page, templates: Environment, live: bool) -> dict[str, str]:
    """Every HTML file by its path."""
    common = {"page": page, "live": live, "icons": ICONS, "words": WORDS, "condition": _overall(page)}
    found = {
        "index.html": _draw(templates, "index", root="", **common, groups=groups(page), recent=recent(page),
                            planned=[(p, _touched(page, p)) for p in page.planned if p.ends > page.at],
                            days=RECENT),
        "history.html": _draw(templates, "history", root="", **common, months=months(page.notices)),
    }  # fmt: skip
    for notice in page.notices:
        found[f"incidents/{notice.id}.html"] = _draw(templates, "notice", root="../", notice=notice, **common)
    return found


def _draw(templates: Environment, name: str, **values: object) -> str:
    return clean(templates.get_template(f"status_{name}.html").render(**values))


def _overall(page: Page) -> str:
    """The class that colours the headline."""
    working = any(s.condition is Condition.MAINTENANCE for s in page.shown)
    return "maintenance" if page.impact is Impact.NONE and working else page.impact.value


def _touched(page: Page, one: Planned) -> str:
    return ", ".join(s.component.name for _, s in touches(page, one))


def groups(page: Page) -> list[Group]:
    """The components as they stand, those of one group together."""
    found = groupby(page.shown, key=lambda s: s.component.group)
    return [Group(heading, tuple(map(_row, rows))) for heading, rows in found]


def _row(shown: Shown) -> Row:
    one = shown.component
    word = WORDS[shown.condition]
    return Row(one.name, one.about, shown.condition, word, shown.uptime_text, bars(shown))


def bars(shown: Shown) -> str:
    """A bar a day, the last is today; each says its date and how it was."""
    wide = len(shown.days) * (BAR + GAP) - GAP
    bad = sum(1 for d in shown.days if d.worst is not Condition.OPERATIONAL)
    told = f"{shown.component.name}: {shown.uptime_text} up in {DAYS} days, {bad or 'no'} of them with trouble"
    parts = "".join(_bar(place, day) for place, day in enumerate(shown.days))
    return (
        f'<svg class="bars" viewBox="0 0 {wide} {TALL}" role="img" preserveAspectRatio="none">'
        f"<title>{escape(told)}</title>{parts}</svg>"
    )


def _bar(place: int, day: Day) -> str:
    told = f"{day.date:%Y-%m-%d}: {WORDS[day.worst].lower() if day.notices else 'no incident'}"
    if day.down:
        told += f", down for {_minutes(day.down)}"
    x, top = place * (BAR + GAP), TOPS[day.worst]
    place_and_size = f'x="{x}" y="{top}" width="{BAR}" height="{TALL - top}"'
    return f'<rect class="{day.worst.value}" {place_and_size}><title>{told}</title></rect>'


def _minutes(time: timedelta) -> str:
    minutes = max(1, round(time.total_seconds() / 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def recent(page: Page) -> list[tuple[date, list[Notice]]]:
    """The last days on which a notice ended or went on, the newest first; open ones stand above already."""
    since = page.at - timedelta(days=RECENT)
    past = [n for n in page.notices if not n.open and n.changed >= since]
    return [(day, list(found)) for day, found in groupby(past, key=lambda n: n.began.date())]


def months(found: Sequence[Notice]) -> list[tuple[datetime, list[Notice]]]:
    """All notices by the month in which they began, the newest first."""
    by_month = groupby(found, key=lambda n: n.began.replace(day=1, hour=0, minute=0, second=0, microsecond=0))
    return [(month, list(mine)) for month, mine in by_month]
