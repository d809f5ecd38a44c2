"""Searches the log groups of a release's containers, backwards in time, so that the newest lines come first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hutch.model.logpattern import fields_of
from hutch.model.platform import LogLine, LogQuery
from hutch.providers.ecs.client import Client, LogPlace
from hutch.remote import Refused

BACK = timedelta(hours=1)
"""How far back is looked where nobody says since when."""
FIRST, WIDER = timedelta(minutes=5), 4
"""The newest window of time, and how much wider each one before it is."""
PAGES = 40
"""Calls that one search makes for each container: AWS gives up to 10,000 lines with each."""
LEVEL = re.compile(r"^\W*(DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL|FATAL)\b", re.IGNORECASE)
WORD = re.compile(r"[A-Za-z0-9_:#=@/;,-]{1,32}")
"""What AWS takes in a regular expression without any escape."""


async def search(client: Client, query: LogQuery, now: datetime) -> list[LogLine]:
    """The newest matching lines, oldest first. :class:`Refused` where the release writes no log that can be read,
    or where too much would have to be read."""
    places = await client.log_places()
    if not places:
        raise Refused("no container of the release that runs writes to CloudWatch Logs (awslogs)")
    until = query.until or now
    found = [line for place in places for line in await _of_place(client, place, query, until)]
    return sorted(found, key=lambda line: line.at)[-query.limit :]


async def _of_place(client: Client, place: LogPlace, query: LogQuery, until: datetime) -> list[LogLine]:
    found: list[LogLine] = []
    pages = PAGES
    for start, end in windows(query.since or until - BACK, until):
        lines: list[LogLine] = []
        more: dict[str, str] = {}
        while True:
            if not pages:
                raise Refused(f"{place.group} holds too much since {start:%H:%M} to be read at once: say a later since")
            pages -= 1
            answer = await client.read("logs", "filter_log_events", **_asked(place, query, start, end), **more)
            events = (e for e in answer.get("events") or [] if str(e.get("logStreamName")).startswith(place.prefix))
            lines += (line for line in map(_line, events) if matches(query, line))
            if not answer.get("nextToken"):
                break
            more = {"nextToken": str(answer["nextToken"])}
        found = lines + found
        if len(found) >= query.limit:
            break
    return found[-query.limit :]


def windows(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Pieces of the time between, the newest first, each wider than the one after it."""
    end, wide = until, FIRST
    while end > since:
        start = max(since, end - wide)
        yield start, end
        end, wide = start, wide * WIDER


def _asked(place: LogPlace, query: LogQuery, start: datetime, end: datetime) -> dict[str, object]:
    asked: dict[str, object] = {
        "logGroupName": place.group,
        "startTime": int(start.timestamp() * 1000),
        "endTime": int(end.timestamp() * 1000) - 1,
    }
    prefix = place.prefix + query.replica if place.prefix else ""
    pattern = filter_of(query.pattern)
    return {**asked, **({"logStreamNamePrefix": prefix} if prefix else {}),
            **({"filterPattern": pattern} if pattern else {})}  # fmt: skip


def filter_of(pattern: str) -> str:
    """What AWS filters by: the longest piece of the text that it takes, in any case of letters. The whole is looked for
    here.

    >>> filter_of("has died (9)")
    '%[dD][iI][eE][dD]%'
    """
    longest = max(WORD.findall(pattern), key=len, default="")
    return f"%{''.join(_either(char) for char in longest)}%" if longest else ""


def _either(char: str) -> str:
    return f"[{char.lower()}{char.upper()}]" if char.isalpha() else char


def matches(query: LogQuery, line: LogLine) -> bool:
    """Whether a line is wanted."""
    return (
        query.pattern.lower() in line.text.lower()
        and (not query.level or line.level == query.level.lower())
        and (not query.user or line.user == query.user)
        and (not query.replica or line.replica.startswith(query.replica))
        and (query.since is None or line.at >= query.since)
    )


def _line(event: Mapping[str, Any]) -> LogLine:
    text = str(event.get("message") or "").rstrip("\r\n")
    fields, plain = fields_of(text), LEVEL.match(text)
    level = fields.get("level", plain[1] if plain else "")
    user = fields.get("user", fields.get("user_id", ""))
    at = datetime.fromtimestamp(int(event.get("timestamp") or 0) / 1000, UTC)
    task = str(event.get("logStreamName") or "").rpartition("/")[2]
    return LogLine(at, task[:12], text, str(level or "").lower(), str(user if user is not None else ""))
