"""What stands in the way of building an index: old transactions, which it waits for, and a disk too full for it."""

from __future__ import annotations

from collections.abc import Sequence

from hutch.providers.postgres.care import size
from hutch.providers.postgres.client import Client, Row
from hutch.providers.postgres.config import Config
from hutch.providers.postgres.queries import query


async def barred(client: Client, config: Config, needed: float) -> str:
    """The first of them; empty when there is none. ``needed``: bytes. Raises PostgresError."""
    rows = await client.rows(query("old_transactions"), {"after": config.old_transaction_after})
    if rows:
        return f"it would have to wait for {_old(rows)}: let that end first"
    care = config.care
    if not care.disk_capacity:
        return ""
    return _no_room(care.disk_capacity * 2**30, care.disk_bad / 100, await _used(client), needed)


def _no_room(disk: float, bad: float, used: float, needed: float) -> str:
    """
    >>> _no_room(10 * 2**30, 0.9, 8 * 2**30, 2 * 2**30)
    'about 2.0 GB are needed, and 8.0 GB of 10.0 GB (disk_capacity) are used: it would be more than 90 % full'
    """
    if used + needed <= bad * disk:
        return ""
    said = f"about {size(needed)} are needed, and {size(used)} of {size(disk)} (disk_capacity) are used"
    return f"{said}: it would be more than {100 * bad:.0f} % full"


async def _used(client: Client) -> float:
    [row] = await client.rows(query("disk_used"))
    return float(row["bytes"])


def _old(rows: Sequence[Row]) -> str:
    first = rows[0]
    who = f"session {first['pid']} of {first['role']} {first['application']}".rstrip()
    more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
    return f"{who}, in a transaction for {first['seconds']:.0f} s{more}"
