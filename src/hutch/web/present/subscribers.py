"""Subscribers of the status page, as a page shows them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from hutch.model.event import parse_instant
from hutch.web.present.words import Moment, line, moment


@dataclass(frozen=True, slots=True)
class Row:
    """One of them; ``address`` was written by a stranger."""

    id: str
    kind: str
    address: str
    asked: Moment
    confirmed: bool
    last: str


def rows(found: Iterable[Mapping[str, object]], now: datetime) -> list[Row]:
    """Those who asked last come first."""
    made = [
        Row(
            str(one["id"]), str(one["kind"]), line(str(one["address"])),
            moment(parse_instant(str(one["asked_at"])), now), bool(one["confirmed"]), line(str(one["last"])),
        )
        for one in found
    ]  # fmt: skip
    return sorted(made, key=lambda row: row.asked.iso, reverse=True)
