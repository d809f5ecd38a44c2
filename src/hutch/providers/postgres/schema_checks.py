"""Probes of the schema and the server's settings: what runs out, what guards nothing, what waits for a restart."""

from __future__ import annotations

from collections.abc import Sequence

from hutch.model.finding import Seen, Status
from hutch.providers.postgres.client import Client, Row
from hutch.providers.postgres.config import Config
from hutch.providers.postgres.looks import SHOWN_GROUPS
from hutch.providers.postgres.plans import qualified
from hutch.providers.postgres.queries import query

NEEDS_SEQUENCES = (
    "{hidden} of {sequences} sequences can't be read: grant this login SELECT on them, or pg_read_all_data"
)


async def sequences(client: Client, config: Config) -> Seen:
    """Sequences that come near the end of their own range, or of the type of the column that they fill."""
    rows = await client.rows(query("sequences"))
    near = [row for row in rows if row["used"] >= config.care.sequence_used]
    hidden = rows[0]["hidden"] if rows else 0
    reason = NEEDS_SEQUENCES.format(**rows[0]) if hidden else ""
    data = {"sequences": near, "hidden": hidden}
    lines = tuple(map(sequence_line, near[:SHOWN_GROUPS]))
    if near:
        return Seen(Status.WARN, f"{len(near)} sequences near their end", data, lines, reason)
    if hidden:
        return Seen(Status.UNKNOWN, f"{hidden} sequences can't be read", data, reason=reason)
    return Seen(Status.OK, "every sequence has room", data)


def sequence_line(row: Row) -> str:
    """How far it has come, and where its numbers go."""
    column = f" for {row['table']}.{row['column']} ({row['column_type']})" if row["column"] else ""
    name = qualified(row["schema"], row["sequence"])
    return f"{name}{column} is at {row['last']} of {row['most']} ({row['used']:.1f} %)"


async def wraparound(client: Client, config: Config) -> Seen:
    """How far the transaction numbers have been used up: at 2 billion the server stops taking writes."""
    rows = await client.rows(query("wraparound"))
    limit = config.care.wraparound_used
    worst = next((row for row in rows if row["here"] and used_up(row) >= limit), rows[0])
    used = used_up(worst)
    near = used >= limit
    tables = await client.rows(query("oldest_tables")) if near and worst["here"] else []
    holders = await client.rows(query("horizon"), config.protection() | {"catalogs": True}) if near else []
    holders = [row for row in holders if _keeps_old(row, worst, limit)]
    data = {
        "database": worst,
        "used": round(used, 1 if used >= 1 else 3),
        "near": near,
        "tables": tables,
        "holders": holders,
    }
    summary = f"{data['used']:g} % of the transaction numbers are used up, by database {worst['database']}"
    return Seen(Status.WARN if near else Status.OK, summary, data)


def _keeps_old(holder: Row, worst: Row, limit: float) -> bool:
    """Whether a vacuum would stay above the limit for its sake; of multixacts no holder tells its age."""
    return bool(worst["multi_age"] > worst["age"] or used_up({"age": holder["age"], "multi_age": 0}) >= limit)


WRAPS_AT = 2**31
"""Numbers that may lie between the oldest row that is not frozen and the newest."""


def used_up(row: Row) -> float:
    """% of the numbers, of transactions or multixacts, whichever is more."""
    return 100.0 * max(float(row["age"]), float(row["multi_age"])) / WRAPS_AT


async def constraints(client: Client) -> Seen:
    """Constraints that were never validated and triggers that are switched off: told, blamed for nothing."""
    rows = await client.rows(query("constraints"))
    open_ones = [row for row in rows if row["kind"] == "constraint"]
    off = [row for row in rows if row["kind"] == "trigger"]
    summary = f"{len(open_ones)} constraints NOT VALID, {len(off)} triggers disabled" if rows else "all in force"
    lines = tuple(_guard_line(row) for row in [*open_ones[:SHOWN_GROUPS], *off[:SHOWN_GROUPS]])
    return Seen(Status.WARN if rows else Status.OK, summary, {"constraints": open_ones, "triggers": off}, lines)


def _guard_line(row: Row) -> str:
    table = qualified(row["schema"], row["table"])
    if row["kind"] == "trigger":
        return f"trigger {row['name']} of {table} is disabled ({row['definition']})"
    return f"constraint {row['name']} of {table} was never validated: {row['definition']}"


async def pending_restart(client: Client) -> Seen:
    """Settings that were changed and are not in force before a restart."""
    rows = await client.rows(query("pending_restart"))
    names = ", ".join(row["name"] for row in rows)
    summary = f"waiting for a restart: {names}" if rows else "no setting waits for a restart"
    return Seen(Status.WARN if rows else Status.OK, summary, {"settings": _names(rows)})


def _names(rows: Sequence[Row]) -> list[str]:
    return [row["name"] for row in rows]
