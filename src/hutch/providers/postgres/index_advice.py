"""Probes of indexes that cost and do not serve, and of foreign keys that lack theirs: told, blamed for nothing."""

from __future__ import annotations

from hutch.model.finding import Seen, Status
from hutch.providers.postgres.client import Client, Row
from hutch.providers.postgres.config import Config
from hutch.providers.postgres.looks import SHOWN_GROUPS
from hutch.providers.postgres.plans import qualified
from hutch.providers.postgres.queries import query

MEGABYTE = 1024.0**2


async def unindexed_keys(client: Client, config: Config) -> Seen:
    """Foreign keys of large tables without an index over their columns."""
    rows = await client.rows(query("unindexed_keys"), {"rows": config.index_rows})
    lines = tuple(
        f"{qualified(row['schema'], row['table'])} ({', '.join(row['columns'])}) → {row['referenced']}, "
        f"{row['rows']:.0f} rows: deleting there reads all of it"
        for row in rows[:SHOWN_GROUPS]
    )
    return _told(rows, "foreign keys without an index", "every foreign key of a large table has its index", lines)


async def unused_indexes(client: Client, config: Config) -> Seen:
    """Large indexes that nothing has used for as long as has been counted; nothing is said before that is long."""
    rows = await client.rows(query("unused_indexes"), {"least": config.care.unused_index_size * MEGABYTE})
    days = rows[0]["days"] if rows else 0.0
    if rows and days < config.care.unused_index_days:
        reason = (
            f"uses have been counted for {days:.1f} days only (unused_index_days: {config.care.unused_index_days:g})"
        )
        return Seen(Status.OK, f"{len(rows)} indexes not used so far", {"found": []}, reason=reason)
    lines = tuple(f"{row['bytes'] / MEGABYTE:.0f} MB: {row['definition']}" for row in rows[:SHOWN_GROUPS])
    return _told(rows, f"large indexes not used for {days:.0f} days", "every large index is used", lines)


async def duplicate_indexes(client: Client) -> Seen:
    """Indexes over the same columns in the same way as another one."""
    rows = await client.rows(query("duplicate_indexes"))
    lines = tuple(
        f"{qualified(row['schema'], row['index'])} of {row['table']} is the same as {row['same_as']} "
        f"({row['bytes'] / MEGABYTE:.1f} MB)"
        for row in rows[:SHOWN_GROUPS]
    )
    return _told(rows, "indexes that another one equals", "no index is there twice", lines)


def _told(rows: list[Row], many: str, none: str, lines: tuple[str, ...]) -> Seen:
    if not rows:
        return Seen(Status.OK, none, {"found": []})
    return Seen(Status.WARN, f"{len(rows)} {many}", {"found": rows}, lines)
