"""What holds alerts back, as the front page shows it: silences, and planned work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from hutch.model.quiet import Maintenance, Silence
from hutch.web.present.words import Moment, line, moment


@dataclass(frozen=True, slots=True)
class Held:
    """One of them; ``open``: it holds back now."""

    id: str
    what: str
    why: str
    by: str
    starts: Moment
    ends: Moment
    open: bool


def rows(silences: Iterable[Silence], windows: Iterable[Maintenance], now: datetime) -> list[Held]:
    """The silences in force, then the windows that are open or still to come."""
    return [*(_silence(s, now) for s in silences), *(_window(m, now) for m in windows)]


def _silence(found: Silence, now: datetime) -> Held:
    what = "Silence: " + " ".join(str(m) for m in found.matchers)
    times = moment(found.starts, now), moment(found.ends, now)
    return Held(line(found.id), line(what), line(found.reason), line(found.by), *times, open=True)


def _window(found: Maintenance, now: datetime) -> Held:
    window = found.window(now)
    assert window is not None
    what, where = f"Maintenance: {found.name}", found.service or "all services"
    times = moment(window[0], now), moment(window[1], now)
    return Held(line(found.id), line(what), line(where), line(found.by or "hutch.yaml"), *times, open=window[0] <= now)
