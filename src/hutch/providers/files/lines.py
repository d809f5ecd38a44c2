"""What one line of a log says: JSON with the usual names, or a plain line that begins with its time. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from hutch.model.logpattern import fields_of
from hutch.model.platform import LogLine, LogQuery

MAX_LINE = 8000
"""Characters of one line that are shown."""
TIMES = ("time", "timestamp", "ts", "@timestamp")
LEVELS = ("level", "severity", "levelname")
USERS = ("user", "user_id")
RELEASES = ("release", "version")
PLAIN_TIME = re.compile(r"\W{0,2}(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)")
PLAIN_LEVEL = re.compile(r"\b(DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL|FATAL)\b", re.IGNORECASE)
PLAIN_HEAD = 80
"""Characters in which a plain line says its level."""
MILLISECONDS = 1e11
"""A number from here on counts milliseconds and no seconds: seconds reach it in the year 5138."""
SAFE = re.compile(r"[A-Za-z0-9 _.:;,@=+()-]+")
"""What stands in a JSON text as it is meant."""


@dataclass(frozen=True, slots=True)
class Needle:
    """What every wanted line has: bytes, in small letters where ``folded``."""

    text: bytes
    folded: bool


def needle_of(query: LogQuery) -> Needle | None:
    """The longest word that a query's lines must have; None where any line may match.

    A word without letters is looked for as it is, which is the fastest.
    """
    words = [(run.lower(), True) for run in re.findall(r"[\x20-\x7e]+", query.pattern)]
    if SAFE.fullmatch(query.user):
        words.append((query.user, False))
    if not words and SAFE.fullmatch(query.level):
        words.append((query.level.lower(), True))
    if not words:
        return None
    text, folded = max(words, key=lambda word: len(word[0]))
    return Needle(text.encode(), folded and text.upper() != text)


def read_line(raw: bytes, file: str, otherwise: datetime) -> LogLine:
    """One line; ``otherwise`` is its time where it tells none."""
    text = raw.decode("utf-8", errors="replace").rstrip("\r")
    fields = fields_of(text)
    at = time_of(text, fields) or otherwise
    shown = text[:MAX_LINE]
    if fields:
        level, user, release = (_first(fields, names) for names in (LEVELS, USERS, RELEASES))
        return LogLine(at, file, shown, level.lower(), user, release)
    plain = PLAIN_LEVEL.search(text[:PLAIN_HEAD])
    return LogLine(at, file, shown, plain[1].lower() if plain else "")


def wanted(line: LogLine, query: LogQuery, raw: bytes) -> bool:
    """Whether the query asks for it; ``raw`` is all of it, of which a part may be shown."""
    return (
        (query.since is None or line.at >= query.since)
        and (query.until is None or line.at <= query.until)
        and (not query.level or line.level == query.level.lower())
        and (not query.user or line.user == query.user or (not line.user and _names(line.text, query.user)))
        and (not query.replica or line.replica == query.replica)
        and (not query.pattern or query.pattern.lower() in raw.decode("utf-8", errors="replace").lower())
    )


def time_of(text: str, fields: Mapping[str, object]) -> datetime | None:
    """When it was written, where it says so; without a zone in UTC."""
    given = next((fields[name] for name in TIMES if fields.get(name) not in (None, "")), None)
    if isinstance(given, int | float) and not isinstance(given, bool):
        return _of_number(float(given))
    found = PLAIN_TIME.match(text) if not fields else None
    said = found[1] if found else given
    try:
        at = datetime.fromisoformat(str(said).replace(",", ".")) if said else None
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC) if at else None


def _of_number(given: float) -> datetime | None:
    if not math.isfinite(given):
        return None
    try:
        return datetime.fromtimestamp(given / 1000 if given >= MILLISECONDS else given, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _first(fields: Mapping[str, object], names: tuple[str, ...]) -> str:
    given = next((fields[name] for name in names if fields.get(name) not in (None, "")), "")
    return str(given) if isinstance(given, str | int) else ""


def _names(text: str, user: str) -> bool:
    """Whether a line that has no field for it has the user as a word."""
    return re.search(rf"(?<![\w-]){re.escape(user)}(?![\w-])", text) is not None
