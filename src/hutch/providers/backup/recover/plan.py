"""What would come back and what would not, with the reason: the plan that a person approves. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hutch.model.event import instant
from hutch.providers.backup.recover.facts import Name

BACK, PRESENT = "back", "present"


@dataclass(frozen=True, slots=True)
class Skipped:
    """Rows that stay away for one reason, with some of their keys."""

    reason: str
    rows: int
    some: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One table of a recovery: rows that come back, rows that are there already, rows that stay away, and notes."""

    table: Name
    back: int = 0
    present: int = 0
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole recovery. ``order``: the groups in which tables are filled, parents first."""

    backup: str
    at: datetime
    since: datetime | None
    until: datetime | None
    account: str
    parts: tuple[Part, ...]
    order: tuple[tuple[Name, ...], ...] = ()
    notes: tuple[str, ...] = ()
    refused: str = ""

    @property
    def back(self) -> int:
        """Rows that come back, of all tables."""
        return sum(part.back for part in self.parts)

    @property
    def present(self) -> int:
        """Rows that were asked for and are there."""
        return sum(part.present for part in self.parts)

    @property
    def tables(self) -> tuple[Name, ...]:
        """The tables that get rows."""
        return tuple(part.table for part in self.parts if part.back)

    @property
    def summary(self) -> str:
        """One line."""
        if not self.back:
            return f"nothing to bring back from backup {self.backup}"
        counts = ", ".join(f"{part.back} of {part.table}" for part in self.parts if part.back)
        return f"bring back {counts} from backup {self.backup} of {instant(self.at)}"

    def lines(self) -> tuple[str, ...]:
        """Everything that a person decides by."""
        return (*(line for part in self.parts for line in _lines(part)), *self.notes)

    def as_dict(self) -> dict[str, object]:
        """The form of ``hutch recover rows --json``."""
        return {
            "backup": self.backup,
            "backup_at": instant(self.at),
            "since": instant(self.since) if self.since else None,
            "until": instant(self.until) if self.until else None,
            "deleted_by": self.account or None,
            "rows": self.back,
            "tables": [_part_dict(part) for part in self.parts],
            "order": [[str(name) for name in group] for group in self.order],
            "notes": list(self.notes),
            "refused": self.refused,
        }


def part_from(table: Name, counted: Sequence[Mapping[str, object]], notes: Sequence[str], triggers: Sequence[str],
              beside: Sequence[Skipped] = ()) -> Part:  # fmt: skip
    """A part from what the scratch database counted (``counts.sql``)."""
    rows = {status: sum(int(str(c["rows"])) for c in counted if c["status"] == status) for status in (BACK, PRESENT)}
    skipped = [
        Skipped(str(c["why"]), int(str(c["rows"])), tuple(map(str, c["some"] or ())))  # type: ignore[call-overload]
        for c in counted
        if c["status"] not in (BACK, PRESENT)
    ]
    return Part(table, rows[BACK], rows[PRESENT], (*skipped, *beside), tuple(notes), tuple(triggers))


def undecided(parts: Sequence[Part], decided: str) -> str:
    """Why nobody can know what the triggers should do; empty when it was decided, or there are none that would fire."""
    found = [f"{part.table}: {trigger}" for part in parts if part.back for trigger in part.triggers]
    if decided or not found:
        return ""
    return (
        f"triggers fire on INSERT ({'; '.join(found)}): only you know whether they should for rows that come back. "
        "Say triggers: fire (they keep counters or search tables right) or triggers: quiet (they send mail, write to "
        "an outbox or change the row)"
    )


def _lines(part: Part) -> Iterator[str]:
    there = f", {part.present} are there already" if part.present else ""
    yield f"{part.table}: {part.back} rows come back{there}"
    for skipped in part.skipped:
        some = f" ({', '.join(skipped.some)}{' …' if skipped.rows > len(skipped.some) else ''})" if skipped.some else ""
        yield f"{part.table}: {skipped.rows} stay away: {skipped.reason}{some}"
    for note in part.notes:
        yield f"{part.table}: {note}"
    for trigger in part.triggers:
        yield f"{part.table}: trigger {trigger}"


def _part_dict(part: Part) -> dict[str, object]:
    return {
        "table": str(part.table),
        "back": part.back,
        "present": part.present,
        "skipped": [{"reason": s.reason, "rows": s.rows, "keys": list(s.some)} for s in part.skipped],
        "notes": list(part.notes),
        "triggers": list(part.triggers),
    }
