"""The replicas' log lines: read for level and user, kept in a bounded ring, searched. Pure."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rolerabbit.platform.errors import BadRequest

KEPT_LINES = 20_000
MAX_LINE = 8_000
"""Characters of one line that are kept."""
PLAIN_LEVEL = re.compile(r"^\W*(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b", re.IGNORECASE)
AGO = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h)")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a replica. ``level`` in lower case and ``user`` where the line tells them."""

    time: datetime
    release: str
    replica: str
    stream: str
    text: str
    level: str | None = None
    user: str | None = None

    def to_json(self) -> dict[str, Any]:
        """With the time as ISO 8601."""
        return {**asdict(self), "time": self.time.isoformat()}


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for; None or empty means anything. ``grep`` is plain text, in any case of letters."""

    since: datetime | None = None
    grep: str = ""
    level: str | None = None
    user: str | None = None
    limit: int = 200
    until: datetime | None = None
    replica: str | None = None

    def matches(self, line: Line) -> bool:
        """Whether a line is wanted."""
        return (
            (self.since is None or line.time >= self.since)
            and (self.until is None or line.time <= self.until)
            and (self.replica is None or line.replica == self.replica)
            and self.grep.lower() in line.text.lower()
            and (self.level is None or line.level == self.level.lower())
            and (self.user is None or line.user == self.user)
        )


def read_line(text: str, time: datetime, release: str, replica: str, stream: str) -> Line:
    """A line with its level and user, from JSON's ``level`` and ``user``/``user_id``, or a plain line's first word."""
    text = text.rstrip("\r\n")[:MAX_LINE]
    fields = _fields(text)
    plain = PLAIN_LEVEL.match(text)
    level = fields.get("level", plain[1] if plain else None)
    user = fields.get("user", fields.get("user_id"))
    return Line(
        time,
        release,
        replica,
        stream,
        text,
        str(level).lower() if level is not None else None,
        str(user) if user is not None else None,
    )


def _fields(text: str) -> dict[str, Any]:
    if not text.startswith("{"):
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def parse_since(text: str, now: datetime) -> datetime:
    """A moment as ISO 8601 (UTC where no zone is named), or how long ago: ``90s``, ``5m``, ``1h``. Else BadRequest."""
    ago = AGO.fullmatch(text.strip())
    if ago is not None:
        return now - timedelta(**{UNITS[ago[2]]: float(ago[1])})
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise BadRequest(f"since={text!r} is no time", "use ISO 8601, or how long ago such as 90s, 5m, 1h") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


class Ring:
    """The last lines of all replicas, oldest first."""

    def __init__(self, kept: int = KEPT_LINES) -> None:
        self._lines: deque[Line] = deque(maxlen=kept)

    def add(self, line: Line) -> None:
        """Keep a line; the oldest goes when the ring is full."""
        self._lines.append(line)

    def find(self, query: Query) -> list[Line]:
        """The newest matching lines, oldest first, at most ``query.limit``."""
        newest = _first(query.limit, (line for line in reversed(self._lines) if query.matches(line)))
        return newest[::-1]

    @property
    def oldest(self) -> datetime | None:
        """The time of the oldest line that is kept."""
        return self._lines[0].time if self._lines else None

    def tail(self, replica: str, limit: int) -> list[Line]:
        """The last lines of one replica."""
        return _first(limit, (line for line in reversed(self._lines) if line.replica == replica))[::-1]


def _first(limit: int, lines: Iterator[Line]) -> list[Line]:
    return [line for _, line in zip(range(limit), lines, strict=False)]
