"""The rule about reviews: what a document says of its last one and of how often it is due."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.page import Page

SCHEDULES: Mapping[str, int] = {
    "weekly": 7, "fortnightly": 14, "biweekly": 14, "monthly": 31, "bimonthly": 62, "quarterly": 92,
    "semiannually": 183,
    "semiannual": 183, "biannually": 183, "halfyearly": 183, "yearly": 366, "annually": 366, "annual": 366,
    "every week": 7, "every month": 31, "every quarter": 92, "every six months": 183, "every year": 366,
}  # fmt: skip
"""Days that may pass between two reviews."""

FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%B %d, %Y", "%b %d, %Y", "%B %d %Y", "%d %B %Y", "%d %b %Y", "%d.%m.%Y", "%B %Y")
"""How documents write dates; what reads otherwise is left alone."""

ADVICE = "review the document and set the date"

_LAST = re.compile(
    r"(?:last|date)?[ _-]*(?:updated|reviewed|review(?:ed)? date|revised|modified|update|review|verified|tested)",
    re.IGNORECASE,
)
_NEXT = re.compile(r"(?:next[ _-]*(?:review|update)|review[ _-]*(?:due|by|before))(?:[ _-]*date)?", re.IGNORECASE)
_SCHEDULE = re.compile(
    r"(?:review|update)[ _-]*(?:schedule|cycle|frequency|interval|cadence)|reviewed every", re.IGNORECASE
)
_LINE = re.compile(r"^\W{0,6}(?P<key>[A-Za-z][A-Za-z _-]{3,30}?)[*_ ]*[:|][*_ |]*(?P<value>[^|]{4,40}?)\W*$")
"""``**Last Updated:** January 15, 2025``, a line of front matter, or a row of a table."""

_EVERY = re.compile(r"every (\d{1,3}) (day|week|month|year)s?", re.IGNORECASE)
_DAYS = {"day": 1, "week": 7, "month": 31, "year": 366}


@dataclass(slots=True)
class _Told:
    """What a document says of its reviews: the last one, the next one and the schedule, each with its line."""

    last: tuple[int, date] | None = None
    due: tuple[int, date] | None = None
    schedule: tuple[int, int, str] | None = None


def stale_review(page: Page) -> Iterator[Hit]:
    """A document whose next review, by its own words, was due before today."""
    told, today = _told(page), page.surroundings.today
    if told.due and told.due[1] < today:
        late = (today - told.due[1]).days
        yield Hit(told.due[0], f"a review was due {told.due[1]}: {late} days late; {ADVICE}")
    elif told.schedule and told.last and not told.due:
        line, day = told.last
        due = day + timedelta(days=told.schedule[1])
        if due < today:
            word, late = told.schedule[2].lower(), (today - due).days
            yield Hit(line, f"last reviewed {day}, due {word}: {late} days late; {ADVICE}")


def _told(page: Page) -> _Told:
    told = _Told()
    for number, line in page.prose():
        found = _LINE.match(line) if len(line) <= 120 and (":" in line or "|" in line) else None
        if not found:
            continue
        key, value = found["key"].strip(), found["value"].strip()
        if _SCHEDULE.fullmatch(key) and (length := _days(value)):
            told.schedule = (number, length, value)
        elif _NEXT.fullmatch(key) and (day := _date(value)):
            told.due = (number, day)
        elif _LAST.fullmatch(key) and (day := _date(value)):
            told.last = (number, day)
    return told


def _days(text: str) -> int:
    words = " ".join(text.lower().replace("-", "").split())
    if found := _EVERY.match(words):
        return int(found[1]) * _DAYS[found[2]]
    return next((days for known, days in SCHEDULES.items() if words.startswith(known)), 0)


def _date(text: str) -> date | None:
    bare = re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", text.strip())
    for form in FORMS:
        try:
            return datetime.strptime(bare, form).date()
        except ValueError:
            continue
    return None
