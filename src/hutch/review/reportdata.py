"""The report as data: JSON, and one incident a line for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from hutch.model.event import instant
from hutch.review.report import STAGES, Report
from hutch.review.wording import one_line


def as_data(found: Report) -> dict[str, Any]:
    """The report as JSON: times in seconds, instants in UTC."""
    data = asdict(found)
    data["since"], data["until"] = instant(found.since), instant(found.until)
    for row in data["incidents"]:
        row["detected_at"] = instant(row["detected_at"])
    return data


def csv_lines(found: Report) -> Iterator[str]:
    """A heading, then one incident a line."""
    yield _line(["id", "service", "severity", "detected_at", "open", "cause", *STAGES, "reopened", "broken", "title"])
    for row in found.incidents:
        broken = " ".join(name for name, how in row.promises.items() if how in ("late", "overdue"))
        times = [row.times.get(stage, "") for stage in STAGES]
        words = [row.id, row.service, row.severity, instant(row.detected_at), row.open, row.cause]
        yield _line([_inert(w) for w in [*words, *times, row.reopened, broken, one_line(row.title)]])


def _line(values: list[Any]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(values)
    return out.getvalue()


def _inert(value: object) -> object:
    """Text that a spreadsheet would take for a formula begins with an apostrophe there."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") else value
