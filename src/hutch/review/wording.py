"""How times, lengths of time and untrusted text are written in documents for people."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta, tzinfo

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
SPECIAL = re.compile(r"[\\`*_\[\]<>#|~!&${}]")
"""What has a meaning inside a Markdown line: escaped wherever it stands."""
BLOCK_START = re.compile(r"^(?:[-+=]|\d+(?=[.)]))")
"""What would begin a list, a rule or a heading's underline if it came first in a line."""
SHORT = 0.1
"""Seconds below which a length is said in milliseconds."""
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that are not shown, or that change how their neighbours are shown."""


def one_line(text: object, most: int = 500) -> str:
    """Untrusted text as one visible line of at most ``most`` characters: no control or direction characters."""
    seen = "".join(" " if unicodedata.category(c) in UNSEEN else c for c in str(text))
    line = " ".join(seen.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def escape(text: object) -> str:
    """Untrusted text for the inside of a Markdown line: shown as it is, never a heading, link, tag or list."""
    line = SPECIAL.sub(r"\\\g<0>", one_line(text))
    line = line.replace("://", r"\://").replace("www.", r"www\.")
    start = BLOCK_START.match(line)
    if not start:
        return line
    head, rest = start.group(), line[start.end() :]
    return f"{head}\\{rest}" if head.isdigit() else f"\\{head}{rest}"


def code(text: object) -> str:
    """Untrusted text as a Markdown code span: its fence is longer than any run of backticks inside."""
    line = one_line(text) or "(nothing)"
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def length(time: timedelta | float) -> str:
    """A length of time (or seconds) as people say it: ``80 ms``, ``0.4 s``, ``3 min 20 s``, ``45 minutes``,
    ``2 h 5 min``. A short time is never said to be none."""
    seconds = time.total_seconds() if isinstance(time, timedelta) else float(time)
    if seconds <= 0:
        return "0 s"
    if seconds < SHORT:
        return f"{max(round(seconds * 1000), 1)} ms"
    if seconds < 10:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return _minutes(whole) if whole < 3600 else _hours(round(whole / 60))


def _minutes(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    if rest:
        return f"{minutes} min {rest} s"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def _hours(minutes: int) -> str:
    days, left = divmod(minutes, 24 * 60)
    hours, rest = divmod(left, 60)
    parts = [(days, "d"), (hours, "h"), (rest, "min")]
    if not rest and not days:
        return f"{hours} hour{'' if hours == 1 else 's'}"
    return " ".join(f"{n} {unit}" for n, unit in parts if n)


def clock_time(at: datetime, zone: tzinfo) -> str:
    """``22:05`` on the clocks of ``zone``; whoever writes it names the zone beside it."""
    return f"{at.astimezone(zone):%H:%M}"


def long_date(at: datetime, zone: tzinfo) -> str:
    """``January 15, 2025``."""
    local = at.astimezone(zone)
    return f"{MONTHS[local.month - 1]} {local.day}, {local.year}"


def zone_name(at: datetime, zone: tzinfo) -> str:
    """``UTC``, ``PST``: what the zone is called at that time."""
    return at.astimezone(zone).tzname() or ""


def moment(at: datetime, zone: tzinfo, beside: datetime | None = None) -> str:
    """The time of day, with the date before it where its day is not that of ``beside``."""
    local = at.astimezone(zone)
    if beside is not None and local.date() == beside.astimezone(zone).date():
        return clock_time(at, zone)
    return f"{local.date().isoformat()} {clock_time(at, zone)}"


def zoned(at: datetime, zone: tzinfo, beside: datetime | None = None) -> str:
    """The same with the name of the zone: ``10:05 UTC``, ``2026-01-16 10:05 UTC``."""
    return f"{moment(at, zone, beside)} {zone_name(at, zone)}"


def to_second(at: datetime, zone: tzinfo, beside: datetime) -> str:
    """``10:05:07 UTC``, with the date before it where its day is not that of ``beside``."""
    local = at.astimezone(zone)
    day = "" if local.date() == beside.astimezone(zone).date() else f"{local.date().isoformat()} "
    return f"{day}{local:%H:%M:%S} {zone_name(at, zone)}"


def span(start: datetime, end: datetime | None, zone: tzinfo) -> str:
    """``from 10:00 - 10:45 UTC``, or ``since 10:00 UTC`` while it lasts."""
    if end is None:
        return f"since {clock_time(start, zone)} {zone_name(start, zone)}"
    last = moment(end, zone, beside=start)
    return f"from {clock_time(start, zone)} - {last} {zone_name(end, zone)}"
