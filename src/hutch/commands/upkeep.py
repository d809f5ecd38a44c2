"""The runbooks' own review: a recurring action item for whoever maintains a document, by what its own lines say.

``**Review Schedule:** Quarterly``, ``**Last Updated:** January 15, 2025`` and ``**Maintained By:** DevOps Team``, or
the same in its front matter. It is due anew after each review, from the day on which that was done.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from hutch.commands.context import CommandError, Context
from hutch.commands.documents import bundled, names
from hutch.commands.seen import BEGINNING
from hutch.model.event import Draft, Event
from hutch.ports import Append

STREAM = "upkeep:runbooks"
REVIEWED = "runbook.reviewed"
PREFIX = "runbook:"
"""Before the document's name: how `hutch todo` calls its item."""

MONTHS: Mapping[str, int] = {
    "monthly": 1,
    "quarterly": 3,
    "half-yearly": 6,
    "twice a year": 6,
    "yearly": 12,
    "annually": 12,
}
"""How many months a schedule has."""

SOON = timedelta(days=30)
"""Lists of what is to be done show reviews that are due within it; those due later are among everything."""

LONGEST = 1024 * 1024
"""Bytes of a document that are looked through."""

UNKNOWN = "nobody is named"

_LINE = re.compile(
    r"^\W{0,4}(last[ _](?:updated|reviewed)|review[ _]schedule|maintained[ _]by|maintainer)"
    r"\W{0,4}:\W{0,4}(\w[^\n*]{0,100})",
    re.IGNORECASE | re.MULTILINE,
)
_DATES = ("%B %d, %Y", "%b %d, %Y", "%Y-%m-%d", "%d %B %Y", "%d.%m.%Y")


@dataclass(frozen=True, slots=True)
class Review:
    """A document's next review. ``since`` is when it was last updated or reviewed."""

    document: str
    owner: str
    schedule: str
    since: datetime
    due: datetime

    @property
    def id(self) -> str:
        """As `hutch todo` takes it: ``runbook:payments``."""
        return f"{PREFIX}{self.document}"


def told(text: str) -> dict[str, str]:
    """What a document says of its upkeep, by the words small and with ``_``; the last of equal lines counts.

    >>> told("**Review Schedule:** Quarterly\\n**Maintained By:** DevOps Team")
    {'review_schedule': 'Quarterly', 'maintained_by': 'DevOps Team'}
    """
    return {m[1].lower().replace(" ", "_"): m[2].strip(" *'\"") for m in _LINE.finditer(text)}


def day(text: str) -> datetime | None:
    """The date that is written there, at its midnight in UTC."""
    for form in _DATES:
        try:
            return datetime.combine(datetime.strptime(text.strip(), form), time(), UTC)
        except ValueError:
            continue
    return None


def later(since: datetime, months: int) -> datetime:
    """So many months later, on the same day, or the last of a shorter month.

    >>> later(datetime(2025, 11, 30, tzinfo=UTC), 3).date().isoformat()
    '2026-02-28'
    """
    count = since.month - 1 + months
    year, month = since.year + count // 12, count % 12 + 1
    last = (datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC) - datetime(year, month, 1, tzinfo=UTC)).days
    return since.replace(year=year, month=month, day=min(since.day, last))


async def owed(context: Context) -> list[Review]:
    """The next review of each of the team's documents that has a schedule, the first due on top."""
    done = {str(e.data.get("document")): e for e in await context.store.since(REVIEWED, BEGINNING)}
    found = await asyncio.to_thread(_read, context, done)
    return sorted(found, key=lambda review: (review.due, review.document))


async def listed(context: Context, *, everything: bool = False) -> list[Review]:
    """Those that are to be done soon, or all, the first due on top."""
    now = context.clock.now()
    return [review for review in await owed(context) if everything or review.due <= now + SOON]


def _read(context: Context, done: Mapping[str, Event]) -> list[Review]:
    base = Path(context.config.path).parent if context.config.path else None
    shipped = set(bundled().values())
    own = {name: path for name, path in names(context.config.runbooks, base).items() if path not in shipped}
    return [review for name, path in own.items() if (review := _review(name, path, done.get(name)))]


def _review(name: str, path: Path, done: Event | None) -> Review | None:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            says = told(file.read(LONGEST))
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return None  # `hutch runbook list` says why it cannot be read
    schedule = says.get("review_schedule", "").lower()
    if schedule not in MONTHS:
        return None
    updated = day(says.get("last_reviewed", "")) or day(says.get("last_updated", "")) or written
    since = max(updated, done.at) if done else updated
    owner = says.get("maintained_by") or says.get("maintainer") or UNKNOWN
    return Review(name, owner, schedule, since, later(since, MONTHS[schedule]))


async def reviewed(context: Context, item_id: str, note: str, actor: str) -> Review:
    """A document was looked through: it is due anew from now. Raises :class:`CommandError` for an unknown one."""
    found = next((r for r in await owed(context) if r.id == item_id), None)
    if found is None:
        raise CommandError(f"no runbook document with a review schedule is called {item_id.removeprefix(PREFIX)!r}", 2)
    data = {"document": found.document, "note": context.secrets.mask(note), "was_due": found.due.isoformat()}
    await context.store.commit([Append(STREAM, (Draft(REVIEWED, data, actor),))])
    return next(r for r in await owed(context) if r.id == item_id)
