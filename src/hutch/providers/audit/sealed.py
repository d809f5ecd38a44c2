"""What each encryption key has sealed: how far sealing anew has come, and whether an old key may go."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from hutch.model.action import Command, Outcome, Result
from hutch.providers.audit.client import AuditError, Client
from hutch.providers.audit.config import Config
from hutch.providers.audit.queries import query


def sealed_reads(client: Client, config: Config) -> Mapping[str, Callable[[Command], Awaitable[Outcome]]]:
    """``sealed.count``: rows by the id of the key that has sealed them, as JSON."""
    return {"sealed.count": partial(_count, client, config)}


async def _count(client: Client, config: Config, _command: Command) -> Outcome:
    try:
        async with client.changing() as change:  # what is sealed is none of the reading login's business
            rows = await change.rows(query("sealed", config), {})
    except AuditError as error:
        return Outcome(Result.FAILED, str(error), recoverable=error.recoverable)
    found = {str(row["key"]): int(row["rows"]) for row in rows}
    said = ", ".join(f"{count} by {key}" for key, count in found.items()) or "nothing is sealed"
    return Outcome(Result.DONE, said, json.dumps(found))
