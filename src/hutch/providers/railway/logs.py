"""The lines of a service's deployments: asked of Railway by time, level and words, and looked through here again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hutch.model.event import instant, parse_instant
from hutch.model.logpattern import fields_of
from hutch.model.platform import LogLine, LogQuery
from hutch.providers.railway.client import Client, Deployed
from hutch.remote import Refused

LATELY = timedelta(hours=1)
"""How far back is searched where nobody says."""
MOST_CALLS = 40
PAGE = 5000
"""Lines of one call."""


async def search(client: Client, query: LogQuery, now: datetime) -> list[LogLine]:
    """The newest lines that match, oldest first. :class:`Refused` where a search takes too many calls."""
    until = query.until or now
    since = query.since or until - LATELY
    found: list[LogLine] = []
    calls = 0
    for one in await alive(client, since, until):
        end = until
        while len(found) < query.limit:
            calls += 1
            if calls > MOST_CALLS:
                raise Refused(f"the search needs more than {MOST_CALLS} calls: give a later --since")
            rows = await client.logs(asked_for(one, query, since, end))
            lines = [line for row in rows if (line := line_of(row, one))]
            found += [line for line in lines if matches(query, line, since, until)]
            oldest = min((line.at for line in lines), default=since)
            if len(rows) < PAGE or oldest >= end or oldest <= since:
                break
            end = oldest
    return sorted(set(found), key=lambda line: line.at)[-query.limit :]


async def alive(client: Client, since: datetime, until: datetime) -> Sequence[Deployed]:
    """The deployments that ran in that time, the newest first: the one before the first is where it ends."""
    found: list[Deployed] = []
    async for one in client.deployments():
        if one.created_at <= until:
            found.append(one)
        if one.created_at <= since and one.status not in {"FAILED", "SKIPPED"}:
            break
    return found


def asked_for(one: Deployed, query: LogQuery, since: datetime, end: datetime) -> Mapping[str, object]:
    """The search in Railway's words: a text in quotes, a level by its name."""
    plain = query.pattern and not set('"\\\n') & set(query.pattern)
    words = [f'"{query.pattern}"' if plain else "", f"@level:{query.level.lower()}" if query.level else ""]
    return {
        "deploymentId": one.id,
        "limit": PAGE,
        "filter": " AND ".join(filter(None, words)),
        "startDate": instant(since),
        "endDate": instant(end),
    }


def line_of(row: Mapping[str, Any], one: Deployed) -> LogLine | None:
    """A line; None where it has no time."""
    try:
        at = parse_instant(str(row.get("timestamp")))
    except ValueError:
        return None
    text, tags = str(row.get("message") or "").rstrip("\r\n"), row.get("tags")
    own = {str(a.get("key")): str(a.get("value")) for a in row.get("attributes") or [] if isinstance(a, dict)}
    fields = {**own, **fields_of(text)}
    replica = str(tags.get("deploymentInstanceId") or "") if isinstance(tags, dict) else ""
    level = str(fields.get("level") or row.get("severity") or "").lower()
    user = fields.get("user", fields.get("user_id"))
    return LogLine(at, replica or one.id, text, level.strip('"'), str(user if user is not None else ""), one.id)


def matches(query: LogQuery, line: LogLine, since: datetime, until: datetime) -> bool:
    """Whether a line is wanted."""
    return (
        query.pattern.lower() in line.text.lower()
        and (not query.level or line.level == query.level.lower())
        and (not query.user or line.user == query.user)
        and (not query.replica or query.replica in (line.replica, line.release))
        and since <= line.at <= until
    )
