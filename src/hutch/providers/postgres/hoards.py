"""Who holds the server's connections, program by program: looked at only when they run out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from hutch.model.pattern import like
from hutch.providers.postgres.capacity_causes import Holder
from hutch.providers.postgres.client import Client, Row
from hutch.providers.postgres.config import Config
from hutch.providers.postgres.queries import query
from hutch.providers.postgres.sessions import Session


async def holders(client: Client, config: Config) -> list[Holder]:
    """Every program with sessions, each with those that it has left idle for long enough."""
    pools = [like(pattern.lower()) for pattern in config.pool_applications]
    params = config.protection() | {"pool_applications": pools, "within": config.pool_used_within}
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in await client.rows(query("client_sessions"), params):
        groups[row["role"], row["application"]].append(row)
    return [_holder(role, application, rows, config) for (role, application), rows in groups.items()]


def _holder(role: str, application: str, rows: Sequence[Row], config: Config) -> Holder:
    idle = (row for row in rows if row["state"] == "idle" and row["idle_seconds"] >= config.idle_session_after)
    free = (session for session in map(Session.seen, idle) if not session.protection)
    pool, works = (any(row[name] for row in rows) for name in ("pool", "works"))
    return Holder(role, application, len(rows), tuple(free), pool, works)
