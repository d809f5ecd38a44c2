"""The rule about reviews: what a document says of its last one and of how often it is due."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
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

_UPDATED = re.compile(
    r"^\W*(?:last|date)?[ _-]*(?:updated|reviewed|review date|revised|modified|update|review)"
    r"[*_ ]*:[*_ ]*(.{4,40}?)\W*$",
    re.IGNORECASE,
)
_SCHEDULE = re.compile(
    r"^\W*(?:(?:review|update)[ _-]*(?:schedule|cycle|frequency|interval|cadence)|reviewed every)"
    r"[*_ ]*:[*_ ]*(.{4,40}?)\W*$",
    re.IGNORECASE,
)
_EVERY = re.compile(r"every (\d{1,3}) (day|week|month|year)s?", re.IGNORECASE)
_DAYS = {"day": 1, "week": 7, "month": 31, "year": 366}


def stale_review(page: Page) -> Iterator[Hit]:
    """A document whose next review, by its own words, was due before today."""
    last: tuple[int, date] | None = None
    days, word = 0, ""
    for number, line in page.prose():
        if len(line) > 120 or ":" not in line:
            continue
        if (found := _SCHEDULE.match(line)) and (length := _days(found[1])):
            days, word = length, found[1].strip()
        elif (found := _UPDATED.match(line)) and (day := _date(found[1])):
            last = (number, day)
    if not last or not days:
        return
    number, day = last
    due = day + timedelta(days=days)
    if due < page.surroundings.today:
        late = (page.surroundings.today - due).days
        yield Hit(
            number,
            f"last reviewed {day}, due {word.lower()}: {late} days late; review the document and set the date",
        )


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
