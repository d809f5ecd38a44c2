"""Dropping an index while its table stays in use: one that is broken, that Hutch made, that another serves as well as,
or that nothing has read for long. Every other one is somebody's, and stays."""

from __future__ import annotations

from hutch.model.action import Verification, Verified
from hutch.providers.postgres.care import Args, Care, Plan, place_of, size
from hutch.providers.postgres.client import Row
from hutch.providers.postgres.index_actions import NO_OWNER
from hutch.providers.postgres.indexes import drop_statement, index_name
from hutch.providers.postgres.plans import qualified
from hutch.providers.postgres.queries import query
from hutch.providers.postgres.remedies import CREATE_INDEX, DROP_INDEX


class DropIndex(Care):
    """Drop an index CONCURRENTLY: an INVALID one, one that ``postgres.create_index`` made, one that another index
    serves as well as, or one that was not read once in ``unused_index_days``. Never one that carries a constraint.

    ``args``: ``index``, ``schema`` (``public``)."""

    __slots__ = ()

    @property
    def limits(self) -> tuple[float, float]:
        """It waits for every older session of the table."""
        return self.config.index_timeout, self.config.index_lock_timeout

    async def plan(self, args: Args) -> Plan:
        """One DROP INDEX CONCURRENTLY; the definition is the way back of a valid one."""
        schema, name = place_of(args, "index")
        row = await self._facts(schema, name)
        shown = qualified(schema, name)
        if row is None:
            return Plan(nothing=f"there is no index {shown}")
        back = {"action": CREATE_INDEX, "args": {"definition": row["definition"]}} if row["valid"] else {}
        return Plan(
            statements=(drop_statement(schema, name),),
            done=f"dropped index {shown}",
            items=(
                row["definition"],
                size(row["bytes"]),
                f"as {self.operator.login or 'the login of the address'}",
                *_reads(row),
            ),
            undo=f"make it again: {row['definition']}" if row["valid"] else "needs none: nothing could use it",
            way_back=back,
            refused=self._obstacle(schema, name, row),
            right=_right(schema, row),
        )

    async def judged(self, args: Args) -> Verification:
        """Passed when there is no such index."""
        schema, name = place_of(args, "index")
        row = await self._facts(schema, name)
        if row is None:
            return Verification(Verified.PASSED, f"there is no index {qualified(schema, name)}")
        state = "" if row["valid"] else f", INVALID: {DROP_INDEX} again"
        return Verification(Verified.FAILED, f"index {qualified(schema, name)} is still there{state}")

    async def _facts(self, schema: str, name: str) -> Row | None:
        params = {"schema": schema, "index": name, "login": self.operator.login}
        rows = await self.client.rows(query("index_facts"), params)
        return rows[0] if rows else None

    def _obstacle(self, schema: str, name: str, row: Row) -> str:
        if row["carries"]:
            return f"index {name} carries the constraint {row['carries']}"
        if row["identity"]:
            return f"index {name} is the table's replica identity: changes could not be replicated without it"
        if row["building"]:
            return f"index {name} is being built now"
        ours = not row["valid"] or name == index_name(schema, row["table"], row["keys"])
        if needed := "" if ours else _needed(row, self.config.care.unused_index_days):
            return f"index {name} is valid, was not made by {CREATE_INDEX}, and {needed}: it stays"
        return "" if row["allowed"] and not self.operator.refusal else _right(schema, row)


def _needed(row: Row, days: float) -> str:
    """Why a valid index may be needed; empty for one that another covers, or that nothing has read for long."""
    if row["covered"]:
        return ""
    if row["unique"]:
        return "keeps rows unique"
    if row["scans"]:
        return f"was read {row['scans']} times"
    if row["counted_days"] < days:
        return f"reads are counted for {row['counted_days']:.1f} days only, less than unused_index_days = {days:g}"
    return f"serves the foreign key {row['refers']}, whose parent's deletions need it" if row["refers"] else ""


def _reads(row: Row) -> tuple[str, ...]:
    """Why it can go, and where else it may be read."""
    if not row["valid"]:
        return ()
    replicas = (f"{row['replicas']} replicas count their own reads: look there too",) if row["replicas"] else ()
    if row["covered"]:
        return (f"index {row['covered']} serves as well", *replicas)
    return (f"read {row['scans']} times in {row['counted_days']:.1f} days", *replicas)


def _right(schema: str, row: Row) -> str:
    return NO_OWNER.format(owner=row["owner"], table=qualified(schema, row["table"]))
