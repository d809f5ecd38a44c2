"""Analyze and vacuum of one table, which stays in use: never FULL, never the whole database."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from hutch.model.action import Verification, Verified
from hutch.providers.postgres.care import Args, Care, Plan, Refused, place_of, size, truth_of
from hutch.providers.postgres.client import Client, Row
from hutch.providers.postgres.operator import Operator
from hutch.providers.postgres.plans import qualified
from hutch.providers.postgres.queries import query

HELD_AGE = 1000
"""Transactions that somebody must be behind to be named beforehand as who holds a vacuum back."""
_HARMLESS = "needs none: rows and structure stay as they are"


async def facts_of(client: Client, operator: Operator, args: Args) -> Row:
    """The table that is named. :class:`Refused` where there is none."""
    schema, table = place_of(args, "table")
    rows = await client.rows(query("upkeep_facts"), {"schema": schema, "table": table, "login": operator.login})
    if not rows:
        raise Refused(f"there is no table {qualified(schema, table)}")
    return rows[0] | {"schema": schema, "table": table, "name": qualified(schema, table)}


class Analyze(Care):
    """Refresh the statistics that plans are made from. Reads a sample and locks out nobody.

    ``args``: ``table``, ``schema`` (``public``)."""

    __slots__ = ()

    @property
    def limits(self) -> tuple[float, float]:
        """As long as the upkeep of a large table takes."""
        return self.config.upkeep_timeout, self.config.lock_timeout

    async def plan(self, args: Args) -> Plan:
        """One ANALYZE; a partitioned table takes its partitions with it."""
        row = await facts_of(self.client, self.operator, args)
        return Plan(
            statements=(sql.SQL("ANALYZE {}").format(_named(row)).as_string(),),
            done=f"analyzed {row['name']}",
            items=(f"{row['name']}: {size(row['bytes'])}, {row['changed']} rows changed since it was last analyzed",),
            undo=_HARMLESS,
            refused=_barred(self.operator, row, "analyze"),
            progress="progress_analyze",
            right=right(self.operator, row),
        )

    async def judged(self, args: Args) -> Verification:
        """Passed when the statistics are there and fewer rows have changed since than the server itself would bear."""
        row = await facts_of(self.client, self.operator, args)
        if row["analyzing"]:
            return Verification(Verified.PENDING, f"{row['name']} is being analyzed")
        seen = f"{row['name']}: analyzed {row['analyzed'] or 'never'}, {row['changed']} rows changed since"
        fresh = row["analyzed"] is not None and row["changed"] <= row["changed_at"]
        return Verification(Verified.PASSED if fresh else Verified.FAILED, seen)


class Vacuum(Care):
    """Make the room of dead rows usable again; ``freeze`` moves the table away from transaction wraparound.

    ``args``: ``table``, ``schema`` (``public``), ``analyze`` and ``freeze`` (``true`` or ``false``).
    Never FULL, and the file is not cut short, for which readers would have to wait."""

    __slots__ = ()

    @property
    def limits(self) -> tuple[float, float]:
        """As long as the upkeep of a large table takes."""
        return self.config.upkeep_timeout, self.config.lock_timeout

    async def plan(self, args: Args) -> Plan:
        """One VACUUM, and who would keep it from its work."""
        row = await facts_of(self.client, self.operator, args)
        chosen = [name for name in ("FREEZE", "ANALYZE") if truth_of(args, name.lower())]
        text = sql.SQL("VACUUM ({}) {}").format(sql.SQL(", ".join(["TRUNCATE FALSE", *chosen])), _named(row))
        about = (
            f"{row['name']}: {size(row['bytes'])}, {row['dead']} dead rows, its oldest transaction {row['age']} back"
        )
        return Plan(
            statements=(text.as_string(),),
            done=f"vacuumed {row['name']}",
            items=(about, *_held(await self._holders(HELD_AGE))),
            undo=_HARMLESS,
            refused=_barred(self.operator, row, "vacuum"),
            progress="progress_vacuum",
            right=right(self.operator, row),
        )

    async def judged(self, args: Args) -> Verification:
        """Passed when few rows are dead or, with ``freeze``, its oldest transaction is young; else who hinders it."""
        row = await facts_of(self.client, self.operator, args)
        if row["vacuuming"]:
            return Verification(Verified.PENDING, f"{row['name']} is being vacuumed")
        seen = f"{row['name']}: vacuumed {row['vacuumed'] or 'never'}, {row['dead']} dead rows, age {row['age']}"
        well = row["dead"] <= row["dead_at"] and (row["vacuumed"] is not None or row["kind"] == "p")
        if truth_of(args, "freeze"):
            well = row["age"] < min(row["freeze_at"] / 2, row["freeze_to"])
        if well:
            return Verification(Verified.PASSED, seen)
        return Verification(Verified.FAILED, seen, _held(await self._holders(0)))

    async def _holders(self, least: int) -> list[Row]:
        return await self.client.rows(query("held_back"), {"least": least})


def right(operator: Operator, row: Row) -> str:
    """What the changing login needs to tend this table."""
    who = operator.login or "the changing login"
    return (
        f"to tend {row['name']}, make {who} a member of its owner {row['owner']}, or from version 17 "
        f"GRANT MAINTAIN ON {row['name']} TO it; or name such a login in services.*.postgres.owner_url"
    )


def _barred(operator: Operator, row: Row, verb: str) -> str:
    if not row["allowed"]:
        return right(operator, row)
    under_way = row["vacuuming"] if verb == "vacuum" else row["analyzing"]
    return f"another {verb} of {row['name']} is under way" if under_way else ""


def _held(holders: Sequence[Row]) -> tuple[str, ...]:
    return tuple(f"rows that died since stay: {h['who']} is {h['age']} transactions behind" for h in holders)


def _named(row: Row) -> sql.Identifier:
    return sql.Identifier(row["schema"], row["table"])
