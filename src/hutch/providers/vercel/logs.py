"""What production has logged: asked of Vercel by time, level and words, and looked through here again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hutch.model.event import parse_instant
from hutch.model.logpattern import fields_of
from hutch.model.platform import LogLine, LogQuery
from hutch.providers.vercel.client import Client
from hutch.remote import Refused

LATELY = timedelta(hours=1)
"""How far back is searched where nobody says."""
MOST_PAGES = 100
"""Pages of one search."""
LEVELS = {"critical": "fatal", "warn": "warning"}
"""What Vercel calls a level that others call so."""


async def search(client: Client, query: LogQuery, now: datetime) -> list[LogLine]:
    """The newest lines that match, oldest first. :class:`Refused` where a search takes too many pages."""
    asked = asked_for(await _place(client), query, now)
    found: list[LogLine] = []
    for page in range(MOST_PAGES):
        rows, more = await client.log_rows({**asked, "page": str(page)})
        found += [line for row in rows for line in lines_of(row) if matches(query, line)]
        if not more or not rows or len(found) >= query.limit:
            return sorted(found, key=lambda line: line.at)[-query.limit :]
    raise Refused(f"the search needs more than {MOST_PAGES} pages of logs: give a later --since, or more words")


async def _place(client: Client) -> Mapping[str, str]:
    state = await client.state()
    return {"projectId": state.id, "ownerId": state.owner, "environment": "production"}


def asked_for(place: Mapping[str, str], query: LogQuery, now: datetime) -> dict[str, str]:
    """The search in Vercel's words; times in milliseconds since 1970."""
    until = query.until or now
    wanted = {
        **place,
        "startDate": _millis(query.since or until - LATELY),
        "endDate": _millis(until),
        "level": LEVELS.get(query.level.lower(), query.level.lower()),
        "search": query.pattern,
        "deploymentId": query.replica,
    }
    return {name: value for name, value in wanted.items() if value}


def lines_of(row: Mapping[str, Any]) -> Iterator[LogLine]:
    """What one request logged; the request itself where it logged nothing."""
    try:
        at = parse_instant(str(row.get("timestamp")))
    except ValueError:
        return
    build = str(row.get("deploymentId") or "")
    said = [log for log in row.get("logs") or [] if isinstance(log, dict) and log.get("message")]
    for log in said or [{"message": _request(row)}]:
        text = str(log["message"]).rstrip("\r\n")
        fields = fields_of(text)
        level, user = str(log.get("level") or ""), fields.get("user", fields.get("user_id"))
        own = str(fields.get("level") or level).lower()
        yield LogLine(at, build, text, own, str(user if user is not None else ""), build)


def matches(query: LogQuery, line: LogLine) -> bool:
    """Whether a line is wanted."""
    level, wanted = (LEVELS.get(word.lower(), word.lower()) for word in (line.level, query.level))
    return (
        query.pattern.lower() in line.text.lower()
        and (not wanted or level == wanted)
        and (not query.user or line.user == query.user)
        and (not query.replica or line.replica == query.replica)
        and (query.since is None or line.at >= query.since)
        and (query.until is None or line.at <= query.until)
    )


def _request(row: Mapping[str, Any]) -> str:
    words = (row.get("requestMethod"), row.get("requestPath"), row.get("statusCode"))
    return " ".join(str(word) for word in words if word) or "a request"


def _millis(at: datetime) -> str:
    return str(int(at.astimezone(UTC).timestamp() * 1000))
