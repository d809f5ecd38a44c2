"""Statements that keep the processors busy: seen at work again and again, waiting for nothing."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from hutch.model.finding import Seen, Status
from hutch.providers.postgres.client import Client, Row
from hutch.providers.postgres.config import Config
from hutch.providers.postgres.looks import SHOWN_GROUPS
from hutch.providers.postgres.queries import query
from hutch.providers.postgres.sessions import Session, without_literals

LOOKS = 5
HABIT = 2
"""Executions of the same statement: one alone, however long, is a report."""


async def cpu_statements(client: Client, config: Config) -> Seen:
    """Heavy statements that run more than once and take most of a processor, by five looks within the sample gap."""
    looks: list[list[Row]] = []
    for number in range(LOOKS):
        if number:
            await asyncio.sleep(config.sample_gap / (LOOKS - 1))
        looks.append(await client.rows(query("at_work"), config.protection()))
    busy = sum(map(len, looks)) / LOOKS
    found = [_as_dict(rows) for rows in _alike(looks) if _heavy(rows, config)]
    heavy = sorted((item for item in found if item["load"] >= config.care.cpu_load), key=lambda item: -item["load"])
    summary = f"{busy:.1f} sessions at work, {len(heavy)} heavy statements that run again and again"
    data = {"statements": heavy[:SHOWN_GROUPS], "busy": busy}
    return Seen(Status.WARN if heavy else Status.OK, summary, data)


def _alike(looks: Sequence[Sequence[Row]]) -> list[list[Row]]:
    """What was seen at work, by statement: the server's number of it, else its text without values."""
    groups: dict[object, list[Row]] = defaultdict(list)
    for row in (row for rows in looks for row in rows if not row["exempt"]):
        groups[row["query_id"] or without_literals(row["query"])].append(row)
    return list(groups.values())


def _heavy(rows: Sequence[Row], config: Config) -> bool:
    """Whether more than one execution was seen, and each takes long: one is seen in its middle on the average."""
    executions = {(row["pid"], row["query_start"]) for row in rows}
    middle = sum(float(row["idle_seconds"]) for row in rows) / len(rows)
    return len(executions) >= HABIT and middle >= config.care.cpu_after / 2


def _as_dict(rows: Sequence[Row]) -> Row:
    """For a finding's data; ``sessions`` are all that were seen at it, as they were last, the longest first."""
    lately = {row["pid"]: row for row in rows}
    sessions = sorted(map(Session.seen, lately.values()), key=lambda session: -session.idle_seconds)
    return {
        "statement": str(rows[0]["query_id"] or ""),
        "query": sessions[0].query,
        "load": round(100.0 * len(rows) / LOOKS),
        "executions": len({(row["pid"], row["query_start"]) for row in rows}),
        "sessions": [session.as_dict() for session in sessions],
    }
